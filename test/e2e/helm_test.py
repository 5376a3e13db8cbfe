"""A chart, from Git through a hub that has the real Helm to clusters that are directories.

The other two ways to render it, `muster render` and `helm template`, give the same objects. A chart
that cannot be rendered changes nothing, and says why.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
import unittest

import yaml

import report
from fleet import Fleet, KubernetesYaml, eventually, identity, repository

CHARTS = os.path.dirname(os.path.realpath("test/testdata/helm/apps/base.yaml"))
TOOLS = os.path.realpath("test/tools/build-kubernetes")

PACKAGE = """apiVersion: muster.dev/v1alpha1
kind: Package
metadata: {name: shop}
spec:
  project: default
  repository: apps
  path: shop
  renderer: helm
  helm:
    chart: web
    valuesFiles: [base.yaml]
    values: {migrate: false, region: "${cluster.name}"}
  targets:
    - clusterSelector: {matchLabels: {env: prod}}
      variables: {replicas: "6"}
      helm: {valuesFiles: [prod.yaml]}
    - clusterSelector: {}
  namespace: store
"""


def helm():
    """Where the real Helm is; skips the test where there is none."""
    found = subprocess.run([TOOLS, "--print"], capture_output=True, text=True, check=False)
    if found.returncode != 0:
        raise unittest.SkipTest(found.stderr.strip())
    return os.path.join(found.stdout.strip(), "helm")


def digest(path):
    with open(path, "rb") as file:
        return "sha256:" + hashlib.sha256(file.read()).hexdigest()


def objects_of(text):
    return {identity(item): item for item in yaml.load_all(text, KubernetesYaml) if item}


class Charts(unittest.TestCase):
    maxDiff = 4000

    def test_from_git_to_the_clusters(self):
        program = helm()
        with Fleet(os.environ["PROGRAMS"], ["one"]) as fleet:
            fleet.copy(CHARTS, "shop")
            fleet.write({"fleet/repository.yaml": repository(fleet), "fleet/shop.yaml": PACKAGE})
            fleet.commit("A shop")
            fleet.init()
            fleet.start_hub("--helm", program, "--helm-digest", digest(program))
            fleet.join("one")
            fleet.converge()
            held = self.charts_objects(fleet)
            self.assertEqual(held, self.rendered(fleet, program))
            self.assertEqual(held, self.templated(program))
            deployment = held[("apps", "Deployment", "store", "shop-web")]
            self.assertEqual(deployment["spec"]["replicas"], 2)
            environment = deployment["spec"]["template"]["spec"]["containers"][0]["env"]
            self.assertEqual(environment[0]["value"], "one")
            self.keeps_what_runs(fleet, held)

    def charts_objects(self, fleet):
        """What the cluster has, but for the package's namespace, which the agent makes itself."""
        objects = fleet.objects("one")
        self.assertIsNotNone(objects.pop(("", "Namespace", "", "store"), None))
        return objects

    def rendered(self, fleet, program):
        work = os.path.join(fleet.directory, "git")
        return objects_of(fleet.muster(
            "render", "--fleet", os.path.join(work, "fleet"), "--cluster", "one", "--label",
            "env=dev", "--repository", f"apps={work}", "--helm", program).stdout)

    def templated(self, program):
        """By hand; Helm leaves the namespace to whoever installs."""
        with tempfile.TemporaryDirectory() as home:
            chart = os.path.join(home, "web")
            shutil.copytree(os.path.join(CHARTS, "web"), chart)
            printed = subprocess.run(
                [program, "template", "shop", chart, "--namespace=store", "--include-crds",
                 "--skip-tests", "--values", os.path.join(CHARTS, "base.yaml"),
                 "--set=migrate=false,region=one"],
                env={"HOME": home}, capture_output=True, text=True, check=True).stdout
        items = [item for item in yaml.load_all(printed, KubernetesYaml) if item]
        for item in items:
            if item["kind"] != "CustomResourceDefinition":
                item["metadata"].setdefault("namespace", "store")
        return {identity(item): item for item in items}

    def keeps_what_runs(self, fleet, held):
        fleet.write({"shop/web/templates/broken.yaml": "a: 1\nb: {{ .Values.nothing.deep }}\n"})
        fleet.commit("A mistake")
        fleet.muster("sync", "apps")
        said = eventually(
            "the mistake is named",
            lambda: self.problem(fleet, "shop/web/templates/broken.yaml:2"))
        self.assertIn("RenderFailed", said)
        self.assertEqual(self.charts_objects(fleet), held)

    @staticmethod
    def problem(fleet, place):
        said = fleet.muster("describe", "package", "shop", "-o", "json", check=False).stdout
        return said if place in said else None

    def test_without_helm_only_charts_are_refused(self):
        with Fleet(os.environ["PROGRAMS"], ["one"]) as fleet:
            fleet.copy(CHARTS, "shop")
            fleet.write({"fleet/repository.yaml": repository(fleet), "fleet/shop.yaml": PACKAGE})
            fleet.commit("A shop")
            fleet.start()
            eventually("the way out is named", lambda: self.problem(fleet, "--helm PATH"))

    def test_another_program_is_not_run(self):
        with Fleet(os.environ["PROGRAMS"], []) as fleet:
            fleet.write({"fleet/repository.yaml": repository(fleet)})
            fleet.commit("Nothing")
            fleet.init()
            done = fleet.run(fleet.path_of("hub", "muster-hub"), "--data", fleet.data, "--helm",
                             "/bin/true", "--helm-digest", "sha256:" + "0" * 64, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn(f"it has {digest('/bin/true')}", done.stderr)
            done = fleet.run(fleet.path_of("hub", "muster-hub"), "--data", fleet.data, "--helm",
                             "/bin/true", check=False)
            self.assertEqual(done.returncode, 2)
            self.assertIn("--helm-digest sha256:", done.stderr)


if __name__ == "__main__":
    report.main(__name__)
