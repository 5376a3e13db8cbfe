"""Images and units: what deploy/image makes holds the programs and nothing to attack them with, and they
run in it as an ordinary user over a file system that nobody can write; systemd understands the units."""

import json
import os
import shutil
import subprocess
import tempfile
import threading
import unittest

import report

ROOT = os.getcwd()
PROGRAMS = {"agent": "agent/muster-agent", "hub": "hub/muster-hub"}


def run(*words, **named):
    return subprocess.run(words, capture_output=True, text=True, check=False, **named)


class Folder(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="muster-image-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def must(self, *words, **named):
        done = run(*words, **named)
        self.assertEqual(done.returncode, 0, f"{words}: {done.stdout}{done.stderr}")
        return done.stdout

    def make_roots(self):
        """The root file systems, by the very script that the Dockerfile runs."""
        for name, program in PROGRAMS.items():
            also = ["cli/muster"] if name == "hub" else []
            self.must("deploy/image/root-of", program, f"{self.folder}/roots/{name}", *also)

    def within(self, name, *words):
        """Runs a program in such a root as user 65532, over a read-only file system, with one folder."""
        root, data = f"{self.folder}/roots/{name}", f"{self.folder}/data"
        os.makedirs(data, exist_ok=True)
        os.chown(data, 65532, 65532)
        inside = {"hub": "var/lib/muster-hub", "agent": "var/lib/muster-agent"}[name]
        os.makedirs(f"{root}/proc", exist_ok=True)
        os.makedirs(f"{root}/dev", exist_ok=True)
        script = f"""set -e
mount --bind '{root}' '{root}'
mount -t proc proc '{root}/proc'
mount --rbind /dev '{root}/dev'
mount --bind '{data}' '{root}/{inside}'
mount -o remount,bind,ro '{root}'
exec /usr/sbin/chroot --userspec=65532:65532 --groups= '{root}' "$@"
"""
        return ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script, "sh", *words]


class Images(Folder):
    def setUp(self):
        super().setUp()
        if os.geteuid() != 0:
            self.skipTest("making file systems of root needs root")
        self.make_roots()

    def test_hold_no_shell_and_nothing_writable(self):
        for name in PROGRAMS:
            root = f"{self.folder}/roots/{name}"
            programs = sorted(os.listdir(f"{root}/usr/bin"))
            self.assertEqual(programs, ["muster-agent"] if name == "agent" else ["muster", "muster-hub"])
            for at, folders, files in os.walk(root):
                for one in folders + files:
                    path = os.path.join(at, one)
                    mode = os.lstat(path).st_mode
                    if os.path.islink(path) or path == f"{root}/tmp":
                        continue
                    self.assertEqual(mode & 0o6022, 0, f"{path} can be written, or changes who runs it")

    def test_agent_runs_read_only_as_an_ordinary_user(self):
        if run("unshare", "--mount", "true").returncode != 0:
            self.skipTest("this machine lets nobody mount")
        done = run(*self.within("agent", "/usr/bin/muster-agent", "--version"))
        self.assertEqual(done.returncode, 0, done.stderr)
        # It gets as far as asking for its token: store, libraries and random numbers are there.
        done = run(*self.within("agent", "/usr/bin/muster-agent", "--data", "/var/lib/muster-agent",
                                "--driver", "memory"))
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        self.assertIn("this agent has not joined a hub yet", done.stderr)
        self.assertTrue(os.listdir(f"{self.folder}/data/store"))

    def test_hub_starts_with_all_its_children_read_only_as_an_ordinary_user(self):
        if run("unshare", "--mount", "true").returncode != 0:
            self.skipTest("this machine lets nobody mount")
        done = run(*self.within("hub", "/usr/bin/muster-hub", "init", "--data", "/var/lib/muster-hub/hub",
                                "--fleet-url", "https://git.example.com/fleet.git"))
        self.assertEqual(done.returncode, 0, done.stderr)
        hub = subprocess.Popen(self.within(
            "hub", "/usr/bin/muster-hub", "--data", "/var/lib/muster-hub/hub", "--agent-listen", "127.0.0.1:0",
            "--operator-listen", "127.0.0.1:0", "--join-listen", "127.0.0.1:0",
            "--console-listen", "127.0.0.1:0"),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(hub.wait)
        self.addCleanup(hub.kill)
        timer = threading.Timer(60, hub.kill)
        timer.start()
        self.addCleanup(timer.cancel)
        log = ""
        for line in hub.stdout:
            log += line
            if "hub is ready" in line:
                break
        self.assertIsNone(hub.poll(), log)
        with open(f"{self.folder}/data/hub/addresses", encoding="ascii") as file:
            self.assertIn("join=127.0.0.1:", file.read())

    def test_are_built_by_buildah(self):
        if not shutil.which("buildah"):
            self.skipTest("there is no buildah here")
        environment = dict(os.environ, STORAGE_DRIVER="vfs", BUILDAH_ISOLATION="chroot", HOME=self.folder)
        store = ["--root", f"{self.folder}/store", "--runroot", f"{self.folder}/run"]
        for name in PROGRAMS:
            # Compiling in the image is what every other test has done outside of it.
            done = run("buildah", *store, "build", "--build-context", f"build={self.folder}", "--target", name,
                       "-t", f"muster-{name}:test", "-f", "deploy/image/Dockerfile", "deploy/image",
                       env=environment)
            if done.returncode != 0 and ("permi" in done.stderr or "user namespace" in done.stderr):
                self.skipTest(f"buildah cannot run here: {done.stderr.strip().splitlines()[-1]}")
            self.assertEqual(done.returncode, 0, done.stderr)
            image = json.loads(self.must("buildah", *store, "inspect", "--type", "image", f"muster-{name}:test",
                                         env=environment))
            config = image["OCIv1"]["config"]
            self.assertEqual(config["User"], "65532:65532")
            self.assertEqual(config["Entrypoint"], [f"/usr/bin/muster-{name}"])
            self.assertEqual(list(config["Volumes"]), [f"/var/lib/muster-{name}"])


class Units(Folder):
    def test_are_understood_and_confined(self):
        if not shutil.which("systemd-analyze"):
            self.skipTest("there is no systemd-analyze here")
        root = f"{self.folder}/root"
        os.makedirs(f"{root}/usr/bin")
        os.makedirs(f"{root}/etc/systemd/system")
        for name, program in PROGRAMS.items():
            shutil.copy(program, f"{root}/usr/bin/")
            shutil.copy(f"deploy/systemd/muster-{name}.service", f"{root}/etc/systemd/system/")
        # The targets and slices of the machine.
        os.makedirs(f"{root}/usr/lib")
        shutil.copytree("/usr/lib/systemd", f"{root}/usr/lib/systemd", symlinks=True)
        for name in PROGRAMS:
            done = run("systemd-analyze", f"--root={root}", "verify", "--man=no", "--recursive-errors=no",
                       f"muster-{name}.service")
            self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""), name)
            score = self.must("systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager",
                              f"deploy/systemd/muster-{name}.service")
            self.assertIn("Overall exposure level", score)


if __name__ == "__main__":
    report.main()
