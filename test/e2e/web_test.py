"""The dashboard in a real browser, beside a real hub with real agents; and that web/dist is what web/src makes.

Needs npm's packages (test/tools/build-web) and Debian's chromium; where these are not, it says so and is skipped.
Screenshots are kept with the test's output.
"""

import filecmp
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

import report
from fleet import PATIENCE, Fleet, eventually, package, repository

CLUSTERS = ["dev-1", "prod-1", "prod-2"]
CLUSTER = ("apiVersion: muster.dev/v1alpha1\nkind: Cluster\nmetadata: {name: %s, labels: {env: %s}}\n"
           "spec: {project: default}\n")
SETTINGS = ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: web}\n"
            "data: {banner: \"%s\"}\n")
OTHER = ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other, namespace: slow}\n"
         "data: {banner: first}\n")
CAREFUL = ("apiVersion: muster.dev/v1alpha1\nkind: RolloutPlan\nmetadata: {name: careful}\n"
           "spec:\n  waves:\n"
           "    - {name: canary, clusterSelector: {matchLabels: {env: dev}}}\n"
           "    - {name: rest, clusterSelector: {}, approval: required}\n")
WEB = os.path.join(os.environ["CHECKOUT"], "web")


def packages_of_npm():
    done = subprocess.run([os.path.join(os.environ["CHECKOUT"], "test/tools/build-web"), "--print"],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise unittest.SkipTest(done.stderr.strip() or "no npm packages here")
    return os.path.join(done.stdout.strip(), "node_modules")


class Dist(unittest.TestCase):
    def test_is_what_the_source_makes(self):
        modules = packages_of_npm()
        with tempfile.TemporaryDirectory() as folder:
            for name in ("package.json", "build.mjs", "tsconfig.json"):
                shutil.copy(os.path.join(WEB, name), folder)
            shutil.copytree(os.path.join(WEB, "src"), os.path.join(folder, "src"))
            os.symlink(modules, os.path.join(folder, "node_modules"))
            types = subprocess.run(["node", "node_modules/typescript/bin/tsc", "--noEmit"], cwd=folder,
                                   capture_output=True, text=True, check=False)
            self.assertEqual(types.returncode, 0, types.stdout)
            subprocess.run(["node", "build.mjs", "--to", "made"], cwd=folder, check=True)
            made, kept = os.path.join(folder, "made"), os.path.join(WEB, "dist")
            self.assertEqual(sorted(os.listdir(made)), sorted(os.listdir(kept)))
            _, differ, broken = filecmp.cmpfiles(made, kept, os.listdir(made), shallow=False)
            self.assertEqual((differ, broken), ([], []), "run web/build and commit web/dist")

    def test_is_small(self):
        size = sum(os.path.getsize(os.path.join(WEB, "dist", name)) for name in os.listdir(os.path.join(WEB, "dist")))
        self.assertLess(size, 200_000)


class Browser(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.modules = packages_of_npm()
        self.chromium = shutil.which("chromium")
        if self.chromium is None:
            self.skipTest("no chromium here")
        self.fleet = self.enterContext(Fleet(os.environ["PROGRAMS"], CLUSTERS))

    def settings_of(self, cluster):
        for folder, _, files in os.walk(self.fleet.cluster_directory(cluster)):
            for name in files:
                path = os.path.join(folder, name)
                with open(path, encoding="utf-8") as file:
                    if "name: settings" in file.read():
                        return path
        raise AssertionError(f"{cluster} has no settings")

    def commit(self, text, subject):
        self.fleet.write({"web/settings.yaml": SETTINGS % text})
        self.fleet.commit(subject)
        self.fleet.muster("sync")

    def dashboard(self):
        return self.fleet.muster("dashboard").stdout.strip()

    def roll(self):
        slow = package("slow", "slow") + "  rollout: careful\n"
        self.fleet.write({"fleet/slow.yaml": "---\n".join([slow, CAREFUL]), "slow/other.yaml": OTHER})
        self.fleet.commit("a package that goes out in waves")
        self.fleet.muster("sync")

    def branch(self):
        self.fleet.git("checkout", "-q", "-b", "my-branch")
        self.fleet.write({"web/settings.yaml": SETTINGS % "planned"})
        self.fleet.commit("a branch")
        self.fleet.git("checkout", "-q", "main")

    def change_by_hand(self):
        path = self.settings_of("prod-2")
        with open(path, encoding="utf-8") as file:
            self.before = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.before.replace("third", "changed by hand"))

    def mend(self):
        with open(self.settings_of("prod-2"), "w", encoding="utf-8") as file:
            file.write(self.before)

    def test_every_page(self):
        declared = [CLUSTER % (name, name.partition("-")[0]) for name in CLUSTERS]
        web = package("web", "web") + "  sync: {drift: report}\n"
        self.fleet.write({"fleet/fleet.yaml": "---\n".join(declared + [repository(self.fleet), web]),
                          "web/settings.yaml": SETTINGS % "first"})
        self.fleet.commit("<img src=x onerror=alert(1)>")
        self.fleet.start()
        self.fleet.converge()
        deeds = {
            "commit": lambda: self.commit("third", "the third commit"),
            "roll": self.roll,
            "approve": lambda: self.fleet.muster("rollout", "approve", "slow") and None,
            "drift": self.change_by_hand,
            "branch": self.branch,
            "mend": self.mend,
            "stop the hub": lambda: self.fleet.stop_program("hub"),
            "start the hub": self.fleet.start_hub,
            "sign in": self.dashboard,
        }
        pictures = os.environ.get("TEST_UNDECLARED_OUTPUTS_DIR") or tempfile.mkdtemp(prefix="console-")
        with tempfile.TemporaryDirectory() as folder:
            os.symlink(self.modules, os.path.join(folder, "node_modules"))
            walk = subprocess.Popen(
                ["node", os.path.join(WEB, "test", "browser.mjs"), self.dashboard(), self.chromium, pictures],
                cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                env={**os.environ, "HOME": folder, "XDG_RUNTIME_DIR": folder})
            self.addCleanup(walk.kill)
            failed, told = [], 0
            for line in walk.stdout:
                kind, _, what = line.strip().partition(": ")
                if kind == "want":
                    walk.stdin.write(f"{deeds[what]() or 'done'}\n")
                    walk.stdin.flush()
                    continue
                print(line, end="", file=sys.stderr, flush=True)
                told += kind == "ok"
                if kind == "failed":
                    failed.append(what)
            self.assertEqual(walk.wait(timeout=PATIENCE), 0 if not failed else 1)
            self.assertEqual(failed, [])
            self.assertGreaterEqual(told, 16)
        eventually("the fleet is as Git says", lambda: self.fleet.converge() or True)


if __name__ == "__main__":
    report.main(__name__)
