"""Charts from a Helm repository and from an OCI registry, through a hub that has the real Helm.

They are fetched over TLS with a private authority, a password and a token; released anew, swapped,
withdrawn, and out of reach.
"""

import os
import re
import tempfile
import unittest

import report
from chart_registry import ChartServer, digest, packed
from fleet import Fleet, eventually, repository
from helm_test import CHARTS, digest as digest_of_file, helm

WEB = os.path.join(CHARTS, "web")

REGISTRY = """apiVersion: muster.dev/v1alpha1
kind: Repository
metadata: {{name: {name}}}
spec: {{project: default, type: {type}, url: '{url}', interval: 1s, credentials: charts}}
"""

# The registry is all that it has.
ALONE = """apiVersion: muster.dev/v1alpha1
kind: Package
metadata: {{name: alone}}
spec:
  project: default
  repository: charts
  helm: {{chart: web, version: "{version}", values: {{migrate: false, region: north}}}}
  targets: [{{clusterSelector: {{}}}}]
  namespace: alone
"""

# The chart from a registry, values from Git.
MIXED = """apiVersion: muster.dev/v1alpha1
kind: Package
metadata: {{name: mixed}}
spec:
  project: default
  repository: apps
  path: mixed
  helm:
    repository: registry
    chart: web
    version: 1.2.0
    digest: {digest}
    valuesFiles: [values.yaml]
  targets: [{{clusterSelector: {{}}}}]
  namespace: mixed
"""

KUSTOMIZED = """apiVersion: muster.dev/v1alpha1
kind: Package
metadata: {name: kustomized}
spec:
  project: default
  repository: apps
  path: kustomized
  targets: [{clusterSelector: {}}]
  namespace: kustomized
"""

KUSTOMIZATION = """helmCharts:
- name: web
  repo: {url}
  version: 1.2.0
  releaseName: shop
  valuesInline: {{migrate: false, region: south}}
  skipTests: true
"""


class Registries(unittest.TestCase):
    maxDiff = 4000

    def region(self, fleet, namespace, name):
        found = fleet.objects("one").get(("apps", "Deployment", namespace, name))
        if found is None:
            return None
        container = found["spec"]["template"]["spec"]["containers"][0]
        return container["env"][0]["value"], container["image"]

    def said(self, fleet, kind, name, text):
        return eventually(f"{kind} {name} says: {text}", lambda: self.says(fleet, kind, name, text))

    @staticmethod
    def says(fleet, kind, name, text):
        said = fleet.muster("describe", kind, name, "-o", "json", check=False).stdout
        return said if text in said else None

    def start(self, fleet, server, files):
        program = helm()
        fleet.write({"fleet/repository.yaml": repository(fleet),
                     "fleet/charts.yaml": REGISTRY.format(name="charts", type="helm",
                                                          url=server.helm_url),
                     "fleet/registry.yaml": REGISTRY.format(name="registry", type="oci",
                                                            url=server.oci_url), **files})
        fleet.commit("A shop")
        fleet.init()
        fleet.start_hub("--helm", program, "--helm-digest", digest_of_file(program))
        password = os.path.join(fleet.directory, "password")
        with open(password, "w", encoding="utf-8") as file:
            file.write("sesame")
        fleet.muster("credential", "put", "charts", "--username", "ada", "--password-file",
                     password, "--ca-file", server.authority)
        fleet.join("one")

    def test_from_both_kinds_to_the_cluster(self):
        helm()
        with Fleet(os.environ["PROGRAMS"], ["one"]) as fleet:
            server = ChartServer(fleet.directory)
            first = packed(WEB, "1.2.0")
            server.release("web", "1.2.0", first)
            server.start()
            manifest = digest(server.manifest("web", "1.2.0"))
            self.start(fleet, server, {
                "fleet/alone.yaml": ALONE.format(version="^1.2"),
                "fleet/mixed.yaml": MIXED.format(digest=manifest),
                "mixed/values.yaml": "migrate: false\nregion: east\n",
                "fleet/kustomized.yaml": KUSTOMIZED,
                "kustomized/kustomization.yaml": KUSTOMIZATION.format(url=server.helm_url)})
            image = "registry.example.com/web:7.1"
            for namespace, name, region in (("alone", "alone-web", "north"),
                                            ("mixed", "mixed-web", "east"),
                                            ("kustomized", "shop-web", "south")):
                eventually(f"{namespace} runs", lambda n=namespace, m=name: self.region(fleet, n, m))
                self.assertEqual(self.region(fleet, namespace, name), (region, image))
            # The chart in the archive's charts/ came along.
            self.assertIn(("", "Service", "alone", "alone-cache"), fleet.objects("one"))
            fleet.converge()
            # Which version and content rules, as for a commit.
            self.assertIn(f"web 1.2.0 {digest(first)}",
                          fleet.muster("get", "commits", "--repository", "charts", "-o", "json").stdout)
            self.assertIn(f"web 1.2.0 {manifest}",
                          fleet.muster("get", "commits", "--repository", "registry", "-o", "json").stdout)
            self.follows_the_range(fleet, server)
            self.holds_what_was_swapped(fleet, server)
            self.keeps_what_is_gone(fleet, server)

    def follows_the_range(self, fleet, server):
        server.release("web", "1.3.0", packed(WEB, "1.3.0", {"values.yaml": VALUES.format("8.0")}))
        eventually("the new version runs",
                   lambda: self.region(fleet, "alone", "alone-web") ==
                   ("north", "registry.example.com/web:8.0"))
        self.assertEqual(self.region(fleet, "kustomized", "shop-web")[1],
                         "registry.example.com/web:7.1")

    def holds_what_was_swapped(self, fleet, server):
        server.release("web", "1.3.0", packed(WEB, "1.3.0", {"values.yaml": VALUES.format("evil")}))
        said = self.said(fleet, "repository", "charts", "what was released has changed: web 1.3.0")
        self.assertIn("HistoryRewritten", said)
        self.assertEqual(self.region(fleet, "alone", "alone-web")[1],
                         "registry.example.com/web:8.0")
        waiting = re.search(r"accept-rewrite charts ([0-9a-f]+)", said).group(1)
        fleet.muster("accept-rewrite", "charts", waiting)
        eventually("what was accepted runs",
                   lambda: self.region(fleet, "alone", "alone-web")[1] ==
                   "registry.example.com/web:evil")

    def keeps_what_is_gone(self, fleet, server):
        before = fleet.objects("one")
        server.withdraw("web", "1.3.0")
        self.said(fleet, "repository", "charts", "version 1.3.0 was withdrawn")
        server.stop()
        self.said(fleet, "repository", "charts", "Unreachable")
        fleet.muster("sync", "apps")
        self.assertEqual(fleet.objects("one"), before)

    def test_what_is_not_there_is_named(self):
        helm()
        with Fleet(os.environ["PROGRAMS"], ["one"]) as fleet:
            server = ChartServer(fleet.directory)
            server.release("web", "1.2.0", packed(WEB, "1.2.0"))
            server.start()
            self.start(fleet, server, {"fleet/alone.yaml": ALONE.format(version="1.9.9")})
            said = self.said(fleet, "package", "alone", "there is no such version")
            for part in ("chart 'web' version '1.9.9'", "Repository 'charts'", server.helm_url,
                         "there is 1.2.0"):
                self.assertIn(part, said)
            # A dependency that nobody put into the archive.
            chart = "apiVersion: v2\nname: web\nversion: 1.9.9\n" \
                    "dependencies: [{name: queue, version: 4.x.x}]\n"
            server.release("web", "1.9.9", packed(WEB, "1.9.9", {"Chart.yaml": chart}))
            said = self.said(fleet, "package", "alone", "depends on 'queue' 4.x.x")
            self.assertIn("helm package --dependency-update", said)

    def test_offline(self):
        """What the command line can do without a registry."""
        program = helm()
        with tempfile.TemporaryDirectory() as work:
            fleet_directory = os.path.join(work, "fleet")
            os.mkdir(fleet_directory)
            for name, text in {
                    "charts.yaml": REGISTRY.format(name="charts", type="helm",
                                                   url="https://charts.example.com"),
                    "alone.yaml": ALONE.format(version="^1.2")}.items():
                with open(os.path.join(fleet_directory, name), "w", encoding="utf-8") as file:
                    file.write(text.replace("credentials: charts", "credentials: c"))
            with Fleet(os.environ["PROGRAMS"], []) as fleet:
                fleet.muster("validate", fleet_directory)
                common = ("render", "--fleet", fleet_directory, "--cluster", "one", "--label",
                          "env=dev", "--helm", program)
                refused = fleet.muster(*common, check=False)
                self.assertNotEqual(refused.returncode, 0)
                self.assertIn("helm pull --untar", refused.stderr)
                self.assertIn("--repository charts=DIR", refused.stderr)
                shown = fleet.muster(*common, "--repository", f"charts={CHARTS}").stdout
                self.assertIn("name: alone-web", shown)


VALUES = """replicas: 1
image: {{repository: registry.example.com/web, tag: "{}"}}
region: nowhere
origin: chart
token: {{secretName: ""}}
migrate: true
cache: {{enabled: true, size: 64Mi}}
"""


if __name__ == "__main__":
    report.main(__name__)
