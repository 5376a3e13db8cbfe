"""A fleet for journeys: a real hub, real agents whose clusters are directories, and a Git repository.

    with Fleet(programs, ["dev-1", "prod-1"]) as fleet:
        fleet.write({"fleet/fleet.yaml": ...})
        fleet.commit("first")
        fleet.start()
        fleet.converge()
        fleet.objects("dev-1")

Everything is on loopback, on ports that the kernel chose, below one temporary directory. Waits for
what is expected, never for a time.
"""

import os
import re
import shutil
import subprocess
import tempfile
import time

import yaml

PATIENCE = 240  # seconds; of a very busy machine


class KubernetesYaml(yaml.SafeLoader):
    """YAML as Kubernetes' tools read it: only true and false are booleans, a date is text.

    Another reader than Muster's two, written by others, so that it can say that they are wrong.
    """


def _resolvers():
    kept = {}
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items():
        kept[first] = [(tag, rule) for tag, rule in rules
                       if not tag.endswith((":bool", ":timestamp"))]
    return kept


KubernetesYaml.yaml_implicit_resolvers = _resolvers()
KubernetesYaml.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(true|false)$"),
                                     list("tf"))


def documents(path):
    """The documents of one file that are not empty."""
    with open(path, encoding="utf-8-sig") as file:
        return [one for one in yaml.load_all(file, Loader=KubernetesYaml) if one is not None]


def identity(item):
    """What makes two objects the same one: group, kind, namespace, name."""
    meta = item["metadata"]
    group = item["apiVersion"].rpartition("/")[0]
    return (group, item["kind"], meta.get("namespace", ""), meta["name"])


def eventually(what, condition, patience=PATIENCE):
    """The first true answer of `condition`, or an error that says `what` was not seen."""
    until = time.monotonic() + patience
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > until:
            raise AssertionError(f"not seen within {patience} s: {what}")
        time.sleep(0.02)


class Fleet:
    def __init__(self, programs, clusters, directory=None):
        """`programs` is laid out as bazel-bin is."""
        self.directory = directory or tempfile.mkdtemp(prefix="fleet-")
        self._owned = directory is None
        self.data = os.path.join(self.directory, "hub")
        self.clusters = clusters
        self._programs = programs
        self._running = {}
        self._git_directory = os.path.join(self.directory, "git")
        self.url = "file://" + self._git_directory
        for name in ("log", "agents", "clusters", "git"):
            os.makedirs(os.path.join(self.directory, name), exist_ok=True)
        self.git("init", "-q", "-b", "main")

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        for process in self._running.values():
            process.kill()
            process.wait()
        if kind is not None:
            for name in sorted(os.listdir(os.path.join(self.directory, "log"))):
                print(f"--- the end of {name}\n{self.log(name)[-3000:]}")
        if self._owned:
            shutil.rmtree(self.directory, ignore_errors=True)

    # ------------------------------------------------------------ Git

    def git(self, *arguments, text=None):
        """What a git command prints in the working tree, given a text to read."""
        done = subprocess.run(["git", "-C", self._git_directory, "-c", "user.name=Test",
                               "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false",
                               "-c", "gpg.format=ssh", *arguments],
                              check=True, input=text, stdout=subprocess.PIPE, text=True)
        return done.stdout.strip()

    def write(self, files):
        """Puts {path: text} into the working tree."""
        for path, text in files.items():
            target = os.path.join(self._git_directory, path)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "w", encoding="utf-8") as file:
                file.write(text)

    def copy(self, source, path):
        """Puts a directory into the working tree as it is."""
        shutil.copytree(source, os.path.join(self._git_directory, path))

    def commit(self, subject, key=None):
        """Commits everything; signed, when there is the path of an SSH public key beside its private
        one."""
        self.git("add", "-A", "-f")
        self.git("commit", "-q", "--allow-empty", "-m", subject, *([f"-S{key}"] if key else []))

    # ------------------------------------------------------------ programs

    def log(self, name):
        with open(os.path.join(self.directory, "log", name), encoding="utf-8",
                  errors="replace") as file:
            return file.read()

    def path_of(self, room, program):
        return os.path.join(self._programs, room, program)

    def start_program(self, name, *command):
        with open(os.path.join(self.directory, "log", name), "ab") as log:
            self._running[name] = subprocess.Popen(command, stdout=log, stderr=log)
        return self._running[name]

    def stop_program(self, name):
        """Asks it to end; its exit status."""
        process = self._running.pop(name)
        process.terminate()
        return process.wait(timeout=PATIENCE)

    def run(self, *command, check=True):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"{command} ended with {done.returncode}: {done.stderr}")
        return done

    def muster(self, *arguments, check=True):
        os.environ["MUSTER_CONFIG"] = os.path.join(self.directory, "muster.yaml")
        return self.run(self.path_of("cli", "muster"), *arguments, check=check)

    # ------------------------------------------------------------ the fleet

    def start(self, *init_flags):
        """Makes and starts the hub, and lets every cluster join."""
        self.init(*init_flags)
        self.start_hub()
        for name in self.clusters:
            self.join(name)

    def init(self, *flags):
        self.run(self.path_of("hub", "muster-hub"), "init", "--data", self.data,
                 "--fleet-url", self.url, "--fleet-path", "fleet", *flags)

    def start_hub(self, *flags):
        addresses = os.path.join(self.data, "addresses")
        if os.path.exists(addresses):
            os.remove(addresses)
        hub = self.start_program(
            "hub", self.path_of("hub", "muster-hub"), "--data", self.data, "--allow-file-urls",
            "--heartbeat", "1s", *(f"--{one}-listen=127.0.0.1:{self._port(one)}"
                                   for one in ("agent", "operator", "join", "console")), *flags)
        eventually("the hub listens",
                   lambda: os.path.exists(addresses) or hub.poll() is not None)
        if hub.poll() is not None:
            raise AssertionError(f"the hub ended with {hub.returncode}: {self.log('hub')[-2000:]}")
        with open(addresses, encoding="utf-8") as file:
            self._ports = dict(line.strip().split("=127.0.0.1:") for line in file)
        admin = os.path.join(self.data, "admin")
        self.muster("context", "add", "test", "--hub", f"127.0.0.1:{self._port('operator')}",
                    "--ca-file", f"{admin}/root.pem",
                    "--certificate-file", f"{admin}/operator.pem",
                    "--key-file", f"{admin}/operator-key.pem")
        return hub

    # Ports that the kernel chose for the first start, kept for the next ones.
    _ports = {}

    def _port(self, listener):
        return self._ports.get(listener, "0")

    def port_of(self, listener):
        """Of a hub that was started: "agent", "operator", "join" or "console"."""
        return self._ports[listener]

    def join(self, name, *flags):
        token = os.path.join(self.directory, "agents", f"{name}.token")
        with open(token, "w", encoding="utf-8") as file:
            file.write(self.muster("token", "create", "--name", name, "--token-only").stdout)
        self.start_agent(name, "--join", f"127.0.0.1:{self._port('join')}", "--token-file", token,
                         *flags)

    def start_agent(self, name, *flags):
        return self.start_program(
            name, self.path_of("agent", "muster-agent"),
            "--data", os.path.join(self.directory, "agents", name),
            "--directory", self.cluster_directory(name), "--resync", "1s", *flags)

    def converge(self):
        """Waits until every cluster has what Git says and is healthy."""
        done = self.muster("wait", "--all", "--for=synced", "--timeout", f"{PATIENCE}s",
                           check=False)
        if done.returncode != 0:
            table = self.muster("get", "clusters", "-o", "wide", check=False)
            raise AssertionError(f"the clusters did not come in step: {done.stderr}{table.stdout}")

    def cluster_directory(self, name):
        return os.path.join(self.directory, "clusters", name)

    def objects(self, name):
        """{identity: object} of what is in the cluster."""
        found = {}
        for folder, _, files in os.walk(self.cluster_directory(name)):
            for file in files:
                if not file.endswith(".yaml"):
                    continue
                for item in documents(os.path.join(folder, file)):
                    found[identity(item)] = item
        return found


def repository(fleet, name="apps"):
    """The one file that makes Muster follow the fleet's repository."""
    return (f"apiVersion: muster.dev/v1alpha1\nkind: Repository\nmetadata: {{name: {name}}}\n"
            f"spec: {{project: default, type: git, url: '{fleet.url}', ref: {{branch: main}},"
            " interval: 5s}\n")


def package(name, path):
    """A package that goes to every cluster."""
    return (f"apiVersion: muster.dev/v1alpha1\nkind: Package\nmetadata: {{name: {name}}}\n"
            f"spec:\n  project: default\n  repository: apps\n  path: '{path}'\n"
            "  targets: [{clusterSelector: {}}]\n")
