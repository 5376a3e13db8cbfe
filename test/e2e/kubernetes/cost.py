"""What the real agent costs on a real API server: memory, idle CPU, requests and time of a change, drift.

    bazel run -c opt //test/e2e/kubernetes:cost

Prints JSON Lines, as the benches do; docs/performance.md says what each metric means. Not a test: what a
machine that does other things measures is asserted nowhere.
"""

import json
import os
import statistics
import subprocess
import time

from world import World, config_map, namespace

OBJECTS = 1000
IDLE_SECONDS = 60.0
DRIFTS = 10


def say(metric, value, unit):
    print(json.dumps({"bench": "cost", "metric": metric, "value": round(value, 3), "unit": unit}), flush=True)


def settings(i, value):
    return config_map(f"settings-{i}", "bench", value=value,
                      **{f"key{j}": "a setting that is as long as settings are" for j in range(8)})


def cpu_seconds(pid):
    """Of all its threads, by the nanosecond: an idle agent uses less than a tick in many seconds."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii") as file:
            total += int(file.read().split()[0])
    return total / 1e9


def memory(pid):
    """Resident, and the part of it that is the process's own, in MB."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        lines = dict(line.split(":", 1) for line in file if ":" in line)
    kilobytes = [int(lines[name].split()[0]) for name in ("VmRSS", "RssAnon")]
    return [one / 1024 for one in kilobytes]


class Cost(World):
    heartbeat = "30s"  # as it is shipped

    def runTest(self):
        files = {f"c{i}.yaml": settings(i, "1") for i in range(OBJECTS)}
        self.fleet.package("bench", {"space.yaml": namespace("bench"), **files})
        begun = time.monotonic()
        self.fleet.commit("A thousand")
        self.settle("bench")
        say("cold_seconds", time.monotonic() - begun, "s")
        self.change()
        self.drift()
        self.idle()
        self.alone()

    def change(self):
        """From the sync of a commit until the hub says that it is there, and well; asked 20 times a second."""
        seconds = []
        for i in range(10):
            self.fleet.write(f"apps/bench/c{i}.yaml", settings(i, "2"))
            begun = time.monotonic()
            commit = self.fleet.commit("One of a thousand")
            self.see(lambda: self.package("bench")["appliedCommit"] == commit)
            seconds.append(time.monotonic() - begun)
        say("commit_to_applied_seconds", statistics.median(seconds), "s")

    def drift(self):
        seconds = []
        for i in range(DRIFTS):
            place = self.place("configmaps", "bench", f"settings-{100 + i}")
            self.api.patch(place + "?fieldManager=night-shift", {"data": {"value": "by hand"}})
            begun = time.monotonic()
            while self.api.get(place)["data"]["value"] != "1":
                assert time.monotonic() - begun < 120, "the drift is not healed"
                time.sleep(0.005)
            seconds.append(time.monotonic() - begun)
        say("drift_corrected_seconds_median", statistics.median(seconds), "s")
        say("drift_corrected_seconds_max", max(seconds), "s")

    def idle(self):
        time.sleep(125)  # once a minute it gives back what it does not use
        pid = self.kubelet.pid
        before = cpu_seconds(pid)
        time.sleep(IDLE_SECONDS)
        say("idle_millicores", (cpu_seconds(pid) - before) / IDLE_SECONDS * 1000, "mcore")
        resident, own = memory(pid)
        say("agent_rss", resident, "MB")
        say("agent_rss_own", own, "MB")

    def alone(self):
        """What a change costs the agent itself, in requests and time: its own bench, on this server."""
        self.kubelet.paused.set()
        time.sleep(0.5)
        self.kubelet.kill()
        subprocess.run([os.path.abspath("test/bench/agent"), "--kubeconfig", self.plane.kubeconfig,
                        "--objects", str(OBJECTS)], check=True)


if __name__ == "__main__":
    Cost.setUpClass()
    try:
        Cost().runTest()
    finally:
        Cost.doClassCleanups()
