"""A hub, its Git repository and `muster`, as a platform team has them, for tests; and the kubelet that a lone
API server lacks: it starts what `muster bootstrap` installs.

    fleet = Fleet(folder)
    fleet.package("web", {"web.yaml": TEXT}); fleet.commit("web"); fleet.muster("wait", "--all")
"""

import base64
import json
import os
import shutil
import signal
import subprocess
import threading
import time

from api import ApiError
from control_plane import free_ports

PATIENCE = 240.0  # seconds; of a very busy machine. What is measured is printed, never asserted.


def eventually(condition, what, seconds=PATIENCE):
    """Waits until the condition holds; returns what it gave."""
    until = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > until:
            raise AssertionError(f"not seen within {seconds:.0f} s: {what() if callable(what) else what}")
        time.sleep(0.05)


class Fleet:
    def __init__(self, folder, bin_folder=".", heartbeat="2s"):
        self.folder, self.heartbeat = folder, heartbeat
        self.bin = os.path.abspath(bin_folder)
        self.environment = {"PATH": os.environ["PATH"], "HOME": folder,
                            "MUSTER_CONFIG": os.path.join(folder, "muster.yaml"),
                            "GIT_CONFIG_NOSYSTEM": "1"}
        self.checkout = os.path.join(folder, "checkout")
        self.ports = free_ports(3)
        self._hub = None
        self._git("init", "-q", "-b", "main", self.checkout, at=folder)
        for name, value in (("user.name", "Test"), ("user.email", "test@example.com"),
                            ("commit.gpgsign", "false")):
            self._git("config", name, value)
        self.write("fleet/repositories.yaml", f"""apiVersion: muster.dev/v1alpha1
kind: Repository
metadata: {{name: apps}}
spec: {{project: default, type: git, url: "file://{self.checkout}", ref: {{branch: main}}, interval: 1m}}
""")
        self.commit("A fleet")
        self.muster("init", "--data", os.path.join(folder, "hub"), "--fleet-url", "file://" + self.checkout,
                    "--fleet-branch", "main", "--fleet-path", "fleet",
                    "--operator-address", f"127.0.0.1:{self.ports[1]}")
        self.start_hub()

    # ------------------------------------------------------------ Git

    def _git(self, *words, at=None):
        subprocess.run(["git", *words], cwd=at or self.checkout, env=self.environment, check=True,
                       capture_output=True)

    def write(self, path, text):
        place = os.path.join(self.checkout, path)
        os.makedirs(os.path.dirname(place), exist_ok=True)
        with open(place, "w", encoding="utf-8") as file:
            file.write(text)

    def remove(self, path):
        place = os.path.join(self.checkout, path)
        shutil.rmtree(place) if os.path.isdir(place) else os.remove(place)

    def package(self, name, files, **spec):
        """A package for every cluster, with these files. `spec` adds to it or replaces."""
        for path, text in files.items():
            self.write(f"apps/{name}/{path}", text)
        body = {"project": "default", "repository": "apps", "path": f"apps/{name}", "renderer": "yaml",
                "targets": [{"clusterSelector": {}}], **spec}
        self.write(f"fleet/{name}.yaml", json.dumps(
            {"apiVersion": "muster.dev/v1alpha1", "kind": "Package", "metadata": {"name": name}, "spec": body}))

    def commit(self, subject):
        self._git("add", "-A")
        self._git("commit", "-q", "--allow-empty", "-m", subject)
        if self._hub is not None:
            self.muster("sync")
        done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=self.checkout, env=self.environment, check=True,
                              capture_output=True, text=True)
        return done.stdout.strip()

    # ------------------------------------------------------------ hub and command line

    def start_hub(self):
        agent, operator, join = (f"127.0.0.1:{port}" for port in self.ports)
        with open(os.path.join(self.folder, "hub.log"), "ab") as log:
            self._hub = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", os.path.join(self.bin, "hub/muster-hub"),
                 "--data", os.path.join(self.folder, "hub"), "--allow-file-urls", "--heartbeat", self.heartbeat,
                 "--agent-listen", agent, "--operator-listen", operator, "--join-listen", join,
                 "--console-listen", "off"],
                stdout=log, stderr=log, env=self.environment)
        eventually(lambda: self.muster("version", "--server", check=False).returncode == 0, self.hub_log)

    def stop_hub(self):
        if self._hub is not None:
            self._hub.terminate()
            self._hub.wait()
            self._hub = None

    def hub_log(self):
        return tail(os.path.join(self.folder, "hub.log"))

    def muster(self, *words, check=True):
        done = subprocess.run([os.path.join(self.bin, "cli/muster"), *words], env=self.environment,
                              capture_output=True, text=True, check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"muster {' '.join(words)}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def cluster(self, name):
        done = self.muster("get", "clusters", name, "-o", "json", check=False)
        return json.loads(done.stdout) if done.returncode == 0 else None


def tail(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()[-3000:]
    except OSError as error:
        return str(error)


class Kubelet(threading.Thread):
    """Plays a node: runs the agent as its stateful set says, as its service account, and says that it is ready.

    What the real one does and this does not: the container. The image is images_test.py's.
    """

    def __init__(self, plane, fleet, flags=(), namespace="muster-system"):
        super().__init__(daemon=True)
        self.plane, self.fleet, self.flags, self.namespace = plane, fleet, list(flags), namespace
        self.place = f"/apis/apps/v1/namespaces/{namespace}/statefulsets/muster-agent"
        self.data = os.path.join(fleet.folder, "agent")
        self.paused = threading.Event()
        self.problem = None
        self.age = os.path.join(fleet.folder, "agent-age")
        self._process, self._template, self._mounted = None, None, {}
        self._ending = threading.Event()

    def run(self):
        while not self._ending.is_set():
            try:
                if not self.paused.is_set():
                    self._round()
            except (OSError, ApiError) as error:
                self.problem = error
            time.sleep(0.1)
        self._end()

    def stop(self):
        self._ending.set()
        self.join()

    @property
    def pid(self):
        return self._process.pid if self._process and self._process.poll() is None else None

    def log(self):
        return tail(os.path.join(self.fleet.folder, "agent.log"))

    def kill(self):
        """As a node that loses power. It comes back by itself, unless paused."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def _mount(self, secret, folder):
        """As the real one: a file for each key, for the group to read; nothing while there is no such Secret."""
        found = self.plane.api.find(f"/api/v1/namespaces/{self.namespace}/secrets/{secret}") or {}
        wanted = {name: base64.b64decode(text) for name, text in found.get("data", {}).items()}
        os.makedirs(folder, exist_ok=True)
        if self._mounted.get(folder) == wanted:
            return
        for name in set(os.listdir(folder)) - set(wanted):
            os.remove(os.path.join(folder, name))
        for name, content in wanted.items():
            place = os.path.join(folder, name)
            with open(place + ".new", "wb", opener=lambda path, flags: os.open(path, flags, 0o440)) as file:
                file.write(content)
            os.rename(place + ".new", place)
        self._mounted[folder] = wanted

    def _end(self):
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def _round(self):
        workload = self.plane.api.find(self.place)
        if workload is None:
            self._end()
            return
        template = workload["spec"]["template"]
        self._mount("muster-agent-age", self.age)
        if self._process is None or self._process.poll() is not None or template != self._template:
            self._end()
            self._begin(template)
        status = {"replicas": 1, "readyReplicas": 1, "availableReplicas": 1, "updatedReplicas": 1,
                  "observedGeneration": workload["metadata"]["generation"]}
        if workload.get("status", {}).get("observedGeneration") != status["observedGeneration"]:
            self.plane.api.patch(self.place + "/status", {"status": status})

    def _begin(self, template):
        self._template = template
        container = template["spec"]["containers"][0]
        account = template["spec"]["serviceAccountName"]
        token = os.path.join(self.fleet.folder, "join.token")
        secret = self.plane.api.find(f"/api/v1/namespaces/{self.namespace}/secrets/muster-agent-join")
        if secret is not None:
            with open(token, "wb") as file:
                file.write(base64.b64decode(secret["data"]["token"]))
        places = {"--data=": self.data, "--token-file=": token, "--age-identity=": self.age}
        arguments = []
        for argument in container["args"]:
            name = argument.split("=")[0] + "="
            arguments.append(name + places[name] if name in places else argument)
        environment = dict(self.fleet.environment)
        for variable in container["env"]:
            value = variable.get("value", self.namespace)
            environment[variable["name"]] = value.replace("$(KUBERNETES_SERVICE_HOST)", "127.0.0.1")
        kubeconfig = self.plane.kubeconfig_for(self.namespace, account)
        with open(os.path.join(self.fleet.folder, "agent.log"), "ab") as log:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", os.path.join(self.fleet.bin, "agent/muster-agent"), *arguments,
                 "--kubeconfig", kubeconfig, *self.flags], stdout=log, stderr=log, env=environment)
