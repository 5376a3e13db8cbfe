"""The agent is killed again and again between any two of its calls, while Git moves; in the end the cluster
holds exactly what Git says, and nothing that was somebody else's has gone."""

import json
import os
import random
import threading
import time

import report
from world import World, config_map

KILLS = 200
OBJECTS = 30
SECONDS_MAX = 900  # far more than a slow machine needs


class Kill(World):
    def version(self, number):
        """Objects of one version: a third stays, a third changes, a third comes and goes."""
        files = {}
        for i in range(OBJECTS):
            if i % 3 == 2 and number % 2 == i % 2:
                continue
            files[f"c{i}.yaml"] = config_map(f"c{i}", "kill", a=0 if i % 3 == 0 else number)
        return files

    def commit_version(self, number):
        for name in os.listdir(os.path.join(self.fleet.checkout, "apps/kill")):
            self.fleet.remove(f"apps/kill/{name}")
        self.fleet.package("kill", self.version(number), namespace="kill", sync={"deletionBudget": "30"})
        self.fleet.commit(f"Version {number}")

    def test_two_hundred_kills_leave_what_git_says(self):
        seed = int(os.environ.get("MUSTER_SEED", str(time.time_ns() % 1_000_000)))
        print(f"seed {seed}: MUSTER_SEED={seed} repeats the pauses", flush=True)
        dice = random.Random(seed)
        self.fleet.package("kill", self.version(0), namespace="kill")
        self.fleet.commit("Version 0")
        self.settle("kill")
        self.api.post("/api/v1/namespaces/kill/configmaps", {"metadata": {"name": "theirs"}})
        done = threading.Event()
        number = 0

        def kill():
            nonlocal killed
            until = time.monotonic() + SECONDS_MAX
            while killed < KILLS and time.monotonic() < until:
                if self.kubelet.pid is None:
                    time.sleep(0.005)
                    continue
                time.sleep(dice.uniform(0.0, 0.5))
                self.kubelet.kill()
                killed += 1
            done.set()

        killed = 0
        killer = threading.Thread(target=kill, daemon=True)
        killer.start()
        while not done.is_set():
            number += 1
            self.commit_version(number)
            done.wait(2.0)
        killer.join()
        print(f"{killed} kills over {number} versions", flush=True)
        self.assertEqual(killed, KILLS)
        self.settle("kill")
        wanted = {name.removesuffix(".yaml") for name in self.version(number)}
        self.see(lambda: self.names() == wanted | {"theirs"})
        for i in range(OBJECTS):
            if f"c{i}" in wanted:
                value = "0" if i % 3 == 0 else str(number)
                self.see(lambda name=f"c{i}", value=value: self.data("kill", name) == value)

    def names(self):
        items = self.api.get("/api/v1/namespaces/kill/configmaps")["items"]
        return {one["metadata"]["name"] for one in items}


if __name__ == "__main__":
    report.main()
