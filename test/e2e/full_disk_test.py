"""A disk that fills up, for real: a small file system of its own under the hub's data, then under an
agent's. Nothing that was acknowledged is lost, what is wrong is said where one would look, and all
goes on once there is room.

The file system is a tmpfs in a mount namespace of this test's own; where the kernel allows none,
the test is skipped with its words.
"""

import errno
import os
import subprocess
import sys
import tempfile
import unittest

import report
from fleet import PATIENCE, Fleet, eventually, package, repository

MIB = 1 << 20
# Enough to start with, and too little for the store to take room for its log in advance.
NO_ROOM_AHEAD = MIB // 2
INSIDE = "FULL_DISK_TEST_INSIDE"


class SmallDisk:
    """A file system of `size` bytes at `path`."""

    def __init__(self, path, size):
        os.makedirs(path)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", path], check=True)
        self.path = path
        self._filler = os.path.join(path, "filler")

    def free(self):
        facts = os.statvfs(self.path)
        return facts.f_bavail * facts.f_frsize

    def fill(self, leave):
        """Takes all but `leave` bytes; whoever else writes meanwhile may take the last of them."""
        filler = os.open(self._filler, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            while (room := self.free() - leave) > 0:
                os.write(filler, b"x" * min(1 << 16, room))
        except OSError as full:
            if full.errno != errno.ENOSPC:
                raise
        finally:
            os.close(filler)

    def clear(self):
        os.remove(self._filler)

    def unmount(self):
        subprocess.run(["umount", "-l", self.path], check=False)


def config_map(text, bytes_more=0):
    # Text that does not compress.
    more = os.urandom(bytes_more // 2).hex()
    return (f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: greeting, namespace: web}}\n"
            f"data: {{text: '{text}', more: '{more}'}}\n")


class FullDisk(unittest.TestCase):
    def setUp(self):
        if INSIDE not in os.environ:
            self.skipTest("no mount namespace of its own: " + os.environ["NO_NAMESPACE"])
        self.directory = tempfile.mkdtemp(prefix="full-disk-")
        self.addCleanup(subprocess.run, ["rm", "-rf", self.directory], check=False)

    def make(self, clusters, disk_at, size):
        disk = SmallDisk(os.path.join(self.directory, disk_at), size)
        self.addCleanup(disk.unmount)
        fleet = Fleet(os.environ["PROGRAMS"], clusters, self.directory)
        fleet.write({"fleet/repository.yaml": repository(fleet),
                     "fleet/package.yaml": package("web", "web"),
                     "web/greeting.yaml": config_map("first")})
        fleet.commit("first")
        return fleet, disk

    def text_in(self, fleet, name):
        held = fleet.objects(name)
        return held.get(("", "ConfigMap", "web", "greeting"), {}).get("data", {}).get("text")

    # ------------------------------------------------------------ the hub

    def token(self, fleet, name):
        """Makes a join token; (whether it was acknowledged, its identifier, what was said)."""
        done = fleet.muster("token", "create", "--name", name, "-o", "name", "--timeout", "5s",
                            check=False)
        return done.returncode == 0, done.stdout + done.stderr

    def tokens(self, fleet):
        """The names of the clusters that there are tokens for."""
        out = fleet.muster("token", "list", "-o", "csv", "--no-headers").stdout
        return {line.split(",")[2] for line in out.splitlines()}

    def test_a_hub_on_a_full_disk(self):
        fleet, disk = self.make(["prod-1"], "disk", 64 * MIB)
        fleet.data = os.path.join(disk.path, "hub")
        with fleet:
            fleet.init()
            hub = fleet.start_hub("--disk-reserve", "16MiB")
            fleet.join("prod-1")
            fleet.converge()
            acknowledged = {"prod-1"}
            for number in range(5):
                self.assertTrue(self.token(fleet, f"before-{number}")[0])
                acknowledged.add(f"before-{number}")

            # Nearly full: no change is taken, and whoever asks is told at once; all else goes on.
            disk.fill(leave=8 * MIB)
            done, said = self.token(fleet, "held")
            self.assertFalse(done)
            self.assertIn("free some space", said)
            self.assertIsNone(hub.poll())
            self.assertIn("prod-1", fleet.muster("get", "clusters").stdout)
            doctor = fleet.muster("doctor", check=False)
            self.assertEqual(doctor.returncode, 1)
            self.assertIn("free some space", doctor.stdout)

            # There is room: what had been decided is done, and new things are.
            disk.clear()
            eventually("the hub takes changes again", lambda: self.token(fleet, "after")[0])
            acknowledged.add("after")
            self.assertLessEqual(acknowledged, self.tokens(fleet))
            self.assertEqual(fleet.muster("doctor", check=False).returncode, 0)

            self.full_to_the_last_byte(fleet, disk, acknowledged)

    def full_to_the_last_byte(self, fleet, disk, acknowledged):
        """Without a reserve the disk itself refuses: the hub dies, and says why."""
        self.assertEqual(fleet.stop_program("hub"), 0)
        disk.fill(leave=NO_ROOM_AHEAD)
        hub = fleet.start_hub("--disk-reserve", "0")
        disk.fill(leave=0)
        for number in range(1_000):
            done, _ = self.token(fleet, f"last-{number}")
            if not done:
                break
            acknowledged.add(f"last-{number}")
        self.assertNotEqual(hub.wait(timeout=PATIENCE), 0)
        self.assertIn("No space left on device", fleet.log("hub"))
        self.assertIn("free some space", fleet.log("hub"))

        # Started again on the full disk it either serves what it has, or says why it cannot.
        again = fleet.run(fleet.path_of("hub", "muster-hub"), "--data", fleet.data, check=False)
        self.assertNotEqual(again.returncode, 0)
        self.assertIn("free some space", again.stderr)

        disk.clear()
        fleet.start_hub("--disk-reserve", "16MiB")
        self.assertLessEqual(acknowledged, self.tokens(fleet))
        fleet.write({"web/greeting.yaml": config_map("second")})
        fleet.commit("second")
        fleet.muster("sync")
        eventually("the next commit arrives", lambda: self.text_in(fleet, "prod-1") == "second")

    # ------------------------------------------------------------ an agent

    def test_an_agent_on_a_full_disk(self):
        fleet, disk = self.make(["prod-1"], "agents/prod-1", 64 * MIB)
        with fleet:
            fleet.init()
            fleet.start_hub("--disk-reserve", "0")
            fleet.join("prod-1", "--disk-reserve", "16MiB")
            fleet.converge()

            # Nearly full: what is new is not downloaded, and the hub is told why; what runs is kept.
            disk.fill(leave=8 * MIB)
            fleet.write({"web/greeting.yaml": config_map("second", bytes_more=MIB // 2)})
            fleet.commit("second")
            fleet.muster("sync")
            eventually("the cluster says what is wrong", lambda: "free some space" in
                       fleet.muster("describe", "cluster", "prod-1").stdout)
            self.assertEqual(self.text_in(fleet, "prod-1"), "first")
            self.edit_by_hand(fleet)
            eventually("drift is healed", lambda: self.text_in(fleet, "prod-1") == "first")
            disk.clear()
            eventually("it catches up", lambda: self.text_in(fleet, "prod-1") == "second")
            fleet.converge()

            self.agent_full_to_the_last_byte(fleet, disk)

    def edit_by_hand(self, fleet):
        path = os.path.join(fleet.cluster_directory("prod-1"), "web/configmap/greeting.yaml")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        self.assertIn("first", text)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace("first", "by hand"))

    def agent_full_to_the_last_byte(self, fleet, disk):
        """Without a reserve the disk itself refuses: the agent dies, and its cluster stays."""
        self.assertEqual(fleet.stop_program("prod-1"), 0)
        disk.fill(leave=NO_ROOM_AHEAD)
        agent = fleet.start_agent("prod-1", "--disk-reserve", "0")
        eventually("the agent is back", lambda: fleet.muster(
            "wait", "cluster/prod-1", "--for=connected", "--timeout", "5s",
            check=False).returncode == 0)
        # What the store removed after its start gives room once more, so it may take some commits.
        for attempt in range(20):
            before, wanted = self.text_in(fleet, "prod-1"), f"third {attempt}"
            disk.fill(leave=0)
            fleet.write({"web/greeting.yaml": config_map(wanted, bytes_more=MIB // 2)})
            fleet.commit(wanted)
            fleet.muster("sync")
            eventually("the agent dies or applies it", lambda: agent.poll() is not None or
                       self.text_in(fleet, "prod-1") == wanted)
            if self.text_in(fleet, "prod-1") != wanted:
                break
        self.assertNotEqual(agent.wait(timeout=PATIENCE), 0)
        self.assertIn("free some space", fleet.log("prod-1"))
        self.assertEqual(self.text_in(fleet, "prod-1"), before)

        disk.fill(leave=0)
        again = fleet.start_agent("prod-1", "--disk-reserve", "0")
        self.assertNotEqual(again.wait(timeout=PATIENCE), 0)
        self.assertEqual(self.text_in(fleet, "prod-1"), before)

        disk.clear()
        fleet.start_agent("prod-1", "--disk-reserve", "16MiB")
        eventually("it catches up", lambda: self.text_in(fleet, "prod-1") == wanted)
        fleet.converge()


def main():
    if INSIDE not in os.environ:
        tried = subprocess.run(["unshare", "-rm", "sh", "-c", "mount -t tmpfs tmpfs /mnt"],
                               capture_output=True, text=True, check=False)
        if tried.returncode == 0:
            os.environ[INSIDE] = "1"
            os.execvp("unshare", ["unshare", "-rm", sys.executable, "-B", *sys.argv])
        os.environ["NO_NAMESPACE"] = tried.stderr.strip()
    report.main(__name__)


if __name__ == "__main__":
    main()
