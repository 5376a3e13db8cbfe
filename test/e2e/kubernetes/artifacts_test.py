"""What is handed out: the manifest, the kustomize base, the chart. All of them install into a real API
server, all of them are the same agent, and none grants more than it says.

`artifacts_test.py --update` writes the files in deploy/ that are made from the manifest.
"""

import json
import os
import subprocess
import sys
import tempfile
import unittest

import report
from control_plane import ControlPlane, tools

ROOT = os.environ.get("MUSTER_ROOT", os.getcwd())
MUSTER = os.path.join(ROOT, "bazel-bin/cli/muster") if "--update" in sys.argv else "cli/muster"
BASE = "deploy/kustomize/agent/agent.yaml"
CHART = "deploy/helm/muster-agent"
DEFINITION = CHART + "/templates/definition.yaml"
HUB_BASE = "deploy/kustomize/hub/hub.yaml"
HUB_CHART = "deploy/helm/muster-hub"
FLEET = "https://git.example.com/platform/fleet.git"
HUB = "hub.example.com:7445"
AGE = "common/secrets/testdata/cluster.age"


def manifest(*flags):
    done = subprocess.run([MUSTER, "agent", "manifest", "--no-token", "--quiet", "--join", HUB, *flags],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def definition():
    """The chart's: kept when a release goes, because the agent's word goes with it."""
    text = next(one for one in manifest().split("---\n") if "kind: CustomResourceDefinition" in one)
    head = ("# Made from the agent's manifest; see test/e2e/kubernetes/artifacts_test.py --update. Here and\n"
            "# not in crds/, which Helm never updates.\n")
    return head + text.replace("metadata:\n", 'metadata:\n  annotations:\n'
                               '    helm.sh/resource-policy: keep\n', 1)


def hub_base(helm):
    """What the hub's chart makes of its defaults, without what Helm says about itself, and its namespace."""
    done = subprocess.run(
        [helm, "template", "muster-hub", os.path.join(ROOT, HUB_CHART), "--namespace", "muster-hub",
         "--set", f"fleet.url={FLEET}", "--set", "addresses.agent=hub.example.com:7443",
         "--set", f"addresses.join={HUB}"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    of_helm = ("# Source:", "app.kubernetes.io/managed-by:", "app.kubernetes.io/instance:", "helm.sh/chart:")
    lines = [line for line in done.stdout.splitlines() if line.strip() and not line.strip().startswith(of_helm)]
    return ("# Made from the chart muster-hub; see test/e2e/kubernetes/artifacts_test.py --update.\n"
            "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: muster-hub\n  labels:\n"
            "    app.kubernetes.io/part-of: muster\n    pod-security.kubernetes.io/enforce: restricted\n"
            + "\n".join(lines) + "\n")


def key(thing):
    meta = thing["metadata"]
    return thing["kind"], meta.get("namespace", ""), meta["name"]


def plain(thing):
    """Without what Helm adds about itself."""
    thing = json.loads(json.dumps(thing))
    labels = thing["metadata"].get("labels", {})
    for label in ("app.kubernetes.io/managed-by", "app.kubernetes.io/instance", "helm.sh/chart"):
        labels.pop(label, None)
    notes = thing["metadata"].get("annotations", {})
    notes.pop("helm.sh/resource-policy", None)
    if not notes:
        thing["metadata"].pop("annotations", None)
    for rule in thing.get("rules") or []:
        rule["resources"] = sorted(rule["resources"])
    if "rules" in thing:
        thing["rules"] = sorted(thing["rules"], key=lambda one: json.dumps(one, sort_keys=True))
    return thing


class Artifacts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.plane = ControlPlane()
        cls.addClassCleanup(cls.plane.__exit__)
        cls.plane.start()
        cls.plane.kubectl("create", "namespace", "muster-system")
        cls.plane.kubectl("create", "namespace", "web")

    def helm(self, *words, check=True):
        done = subprocess.run(
            [os.path.join(self.plane.tools, "helm"), "--kubeconfig", self.plane.kubeconfig, *words],
            capture_output=True, text=True, check=False,
            env={"HOME": self.plane.folder, "PATH": os.environ["PATH"]})
        if check:
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done

    def objects(self, text):
        """The documents of a YAML stream, as kubectl reads them."""
        done = self.plane.kubectl("create", "--dry-run=client", "--validate=false", "-o", "json",
                                  "-f", "-", stdin=text).stdout
        found, decoder, at = [], json.JSONDecoder(), 0
        while at < len(done):
            one, at = decoder.raw_decode(done, at)
            found += one["items"] if one["kind"] == "List" else [one]
            while at < len(done) and done[at].isspace():
                at += 1
        return {key(one): one for one in found}

    def dry_run(self, text):
        return self.plane.kubectl("apply", "--dry-run=server", "-f", "-", stdin=text)

    def test_manifest_passes_the_servers_dry_run_without_a_warning(self):
        for flags in ((), ("--observe", "prod-1"), ("--only-namespace", "web"),
                      ("--only-namespace", "web", "--kind", "deployments.apps", "--cluster-kind", "namespaces"),
                      ("--https-proxy", "http://proxy:3128"), ("--storage-class", "fast")):
            done = self.dry_run(manifest(*flags))
            warnings = [line for line in done.stderr.splitlines() if "last-applied" not in line]
            self.assertEqual(warnings, [], flags)
        privileged = self.dry_run(manifest("--host-path", "/var/lib/muster-agent"))
        self.assertIn("statefulset.apps/muster-agent", privileged.stdout)

    def test_kustomize_base_is_the_manifest(self):
        with open(os.path.join(ROOT, BASE), encoding="utf-8") as file:
            self.assertEqual(file.read(), manifest(), "run artifacts_test.py --update")

    def test_kustomize_example_installs(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["cp", "-rL", os.path.join(ROOT, "deploy/kustomize"), folder], check=True)
            example = os.path.join(folder, "kustomize/example")
            subprocess.run(["chmod", "-R", "u+w", folder], check=True)
            with open(os.path.join(example, "token"), "w", encoding="ascii") as file:
                file.write("secret")
            text = self.plane.kubectl("kustomize", example).stdout
        self.assertIn("image: registry.example.com/platform/muster-agent:0.1.0", text)
        self.assertEqual(text.count("--join="), 1)
        self.dry_run(text)

    def test_chart_is_the_manifest(self):
        with open(os.path.join(ROOT, DEFINITION), encoding="utf-8") as file:
            self.assertEqual(file.read(), definition(), "run artifacts_test.py --update")
        pairs = [
            ((), ()),
            (("--set", "cluster.name=prod-1", "--set", "observe=true"), ("prod-1", "--observe")),
            (("--set", "rights.mode=namespaced", "--set", "rights.namespaces={web,shop}"),
             ("--only-namespace", "web,shop")),
            (("--set", "proxy.https=http://proxy:3128", "--set", "proxy.noProxy=10.0.0.0/8"),
             ("--https-proxy", "http://proxy:3128", "--no-proxy", "10.0.0.0/8")),
            (("--set", "storage.hostPath=/var/lib/muster-agent"), ("--host-path", "/var/lib/muster-agent")),
            (("--set", "storage.className=fast"), ("--storage-class", "fast")),
            (("--set", "hub.agentAddress=hub.example.com:7443"), ("--hub-address", "hub.example.com:7443")),
            (("--set-file", f"secrets.ageIdentities={AGE}"), ("--age-identity", AGE)),
        ]
        for values, flags in pairs:
            text = self.helm("template", "muster-agent", os.path.join(ROOT, CHART), "--namespace", "muster-system",
                             "--set", f"hub.joinAddress={HUB}", *values).stdout
            chart, wanted = self.objects(text), self.objects(manifest(*flags))
            wanted.pop(("Namespace", "", "muster-system"))  # which Helm makes by itself
            self.assertEqual(sorted(chart), sorted(wanted), values)
            for name, thing in wanted.items():
                self.assertEqual(plain(chart[name]), plain(thing), values)

    def test_chart_installs_upgrades_and_keeps_the_definition(self):
        chart = os.path.join(ROOT, CHART)
        common = ["--namespace", "helm", "--set", f"hub.joinAddress={HUB}"]
        self.helm("lint", "--strict", chart, "--set", f"hub.joinAddress={HUB}")
        self.helm("install", "agent", chart, *common, "--create-namespace", "--set", "join.token=secret",
                  "--dry-run=server")
        self.helm("install", "agent", chart, *common, "--create-namespace", "--set", "join.token=secret",
                  "--set-file", f"secrets.ageIdentities={AGE}")
        held = self.plane.api.get("/api/v1/namespaces/helm/secrets/muster-agent-join")
        self.assertEqual(held["data"]["token"], "c2VjcmV0")
        self.helm("upgrade", "agent", chart, *common, "--set", "observe=true")
        workload = self.plane.api.get("/apis/apps/v1/namespaces/helm/statefulsets/muster-agent")
        self.assertIn("--observe", workload["spec"]["template"]["spec"]["containers"][0]["args"])
        keys = "/api/v1/namespaces/helm/secrets/muster-agent-age"
        self.assertIsNotNone(self.plane.api.find(keys))  # though this upgrade did not give it
        self.helm("uninstall", "agent", "--namespace", "helm")
        self.assertIsNone(self.plane.api.find("/apis/apps/v1/namespaces/helm/statefulsets/muster-agent"))
        self.assertIsNotNone(self.plane.api.find(
            "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/musters.muster.dev"))

    def test_chart_refuses_bad_values(self):
        chart = os.path.join(ROOT, CHART)
        for values in ((), ("hub.joinAddress=hub",), ("hub.joinAddress=hub:1", "logLevel=loud"),
                       ("hub.joinAddress=hub:1", "rights.mode=namespaced"),
                       ("hub.joinAddress=hub:1", "typo=1"), ("hub.joinAddress=hub:1", "secrets.ageIdentities=age1x"), ("hub.joinAddress=hub:1", "cluster.name=A_B")):
            flags = [word for value in values for word in ("--set", value)]
            self.assertNotEqual(self.helm("template", "x", chart, *flags, check=False).returncode, 0, values)

    def test_hubs_base_is_its_chart_and_installs_without_a_warning(self):
        text = hub_base(os.path.join(self.plane.tools, "helm"))
        with open(os.path.join(ROOT, HUB_BASE), encoding="utf-8") as file:
            self.assertEqual(file.read(), text, "run artifacts_test.py --update")
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["cp", "-rL", os.path.join(ROOT, "deploy/kustomize"), folder], check=True)
            built = self.plane.kubectl("kustomize", os.path.join(folder, "kustomize/hub")).stdout
        self.assertEqual(sorted(self.objects(built)), sorted(self.objects(text)))
        # The namespace enforces the restricted standard, so that the server judges the pod by it.
        self.plane.kubectl("apply", "-f", "-", stdin=built[:built.index("---\n")])
        self.addCleanup(self.plane.kubectl, "delete", "namespace", "muster-hub", "--wait=false")
        done = self.dry_run(built)
        warnings = [line for line in done.stderr.splitlines() if "last-applied" not in line]
        self.assertEqual(warnings, [])

    def test_hubs_chart_installs_upgrades_and_keeps_its_volume(self):
        chart = os.path.join(ROOT, HUB_CHART)
        common = ["--namespace", "hub", "--set", f"fleet.url={FLEET}"]
        self.helm("lint", "--strict", chart, "--set", f"fleet.url={FLEET}")
        self.helm("install", "hub", chart, *common, "--create-namespace", "--dry-run=server")
        self.helm("install", "hub", chart, *common, "--create-namespace")
        self.helm("upgrade", "hub", chart, *common, "--set", "operators.listen=true", "--set",
                  "service.type=LoadBalancer", "--set", "addresses.agent=agents.example.com:443")
        workload = self.plane.api.get("/apis/apps/v1/namespaces/hub/statefulsets/muster-hub")
        pod = workload["spec"]["template"]["spec"]
        arguments = pod["containers"][0]["args"]
        self.assertIn("--operator-listen=0.0.0.0:7444", arguments)
        self.assertIn("--agent-address=agents.example.com:443", arguments)
        self.assertEqual(pod["containers"][0]["readinessProbe"]["tcpSocket"], {"port": "agents"})
        self.assertIn("--if-absent", pod["initContainers"][0]["args"])
        self.assertIsNotNone(self.plane.api.find("/api/v1/namespaces/hub/services/muster-hub-operators"))
        self.helm("uninstall", "hub", "--namespace", "hub")

    def test_hubs_chart_refuses_bad_values(self):
        chart = os.path.join(ROOT, HUB_CHART)
        for values in ((), (f"fleet.url={FLEET}", "typo=1"), (f"fleet.url={FLEET}", "heartbeat=soon"),
                       (f"fleet.url={FLEET}", "addresses.join=hub"), (f"fleet.url={FLEET}", "service.type=Other")):
            flags = [word for value in values for word in ("--set", value)]
            self.assertNotEqual(self.helm("template", "x", chart, *flags, check=False).returncode, 0, values)

    def test_the_hub_takes_the_arguments_that_its_chart_gives(self):
        text = hub_base(os.path.join(self.plane.tools, "helm"))
        workload = next(one for name, one in self.objects(text).items() if name[0] == "StatefulSet")
        pod = workload["spec"]["template"]["spec"]
        with tempfile.TemporaryDirectory() as folder:
            def run(container, *more):
                words = [word.replace("/var/lib/muster-hub", folder) for word in container["args"]]
                return subprocess.run(["hub/muster-hub", *words, *more], capture_output=True, text=True,
                                      check=False, timeout=300)
            first, second = run(pod["initContainers"][0]), run(pod["initContainers"][0])
            self.assertEqual((first.returncode, second.returncode), (0, 0), first.stderr + second.stderr)
            self.assertIn("already", second.stdout)
            # A flag that it does not know is refused before all others are looked at.
            self.assertEqual(run(pod["containers"][0], "--version").returncode, 0)
            self.assertEqual(run(pod["containers"][0], "--typo").returncode, 2)

    def test_a_limited_agent_may_do_what_is_listed_and_nothing_else(self):
        text = manifest("--only-namespace", "web", "--kind", "deployments.apps,configmaps")
        text = text[text.index("---\n"):]  # the namespace stays
        self.plane.kubectl("apply", "--server-side", "-f", "-", stdin=text)
        self.addCleanup(self.plane.kubectl, "delete", "-f", "-", stdin=text)
        agent = "--as=system:serviceaccount:muster-system:muster-agent"

        def may(*words):
            return self.plane.kubectl("auth", "can-i", *words, agent, check=False).stdout.strip() == "yes"

        self.assertTrue(may("patch", "deployments.apps", "-n", "web"))
        self.assertTrue(may("delete", "configmaps", "-n", "web"))
        self.assertTrue(may("create", "events", "-n", "web"))
        self.assertTrue(may("get", "namespaces/kube-system"))
        self.assertTrue(may("update", "musters.muster.dev", "--subresource=status", "-n", "muster-system"))
        self.assertFalse(may("get", "namespaces/web"))
        self.assertFalse(may("get", "secrets", "-n", "web"))
        self.assertFalse(may("get", "configmaps", "-n", "default"))
        self.assertFalse(may("get", "secrets", "-n", "muster-system"))
        self.assertFalse(may("create", "clusterrolebindings.rbac.authorization.k8s.io"))
        self.assertFalse(may("impersonate", "serviceaccounts", "-n", "web"))
        self.assertFalse(may("create", "rolebindings.rbac.authorization.k8s.io", "-n", "web"))


def update():
    made = [(BASE, manifest()), (DEFINITION, definition())]
    try:
        made.append((HUB_BASE, hub_base(os.path.join(tools(), "helm"))))
    except unittest.SkipTest as reason:
        print(f"{HUB_BASE} stays as it is: {reason}")
    for path, text in made:
        with open(os.path.join(ROOT, path), "w", encoding="utf-8") as file:
            file.write(text)


if __name__ == "__main__":
    if "--update" in sys.argv:
        update()
    else:
        report.main()
