"""The agent and a real API server, story by story; see world.py for what they share."""

import base64
import json
import os

import report
from api import ApiError
from world import CLUSTER, World, config_map, deployment, namespace


class Agent(World):
    def test_bootstrap_joins_and_a_second_one_changes_nothing(self):
        self.assertIn(f"cluster/{CLUSTER} joined: Connected", self.joined.stdout)
        self.assertIn("next: muster", self.joined.stderr)
        again = self.join()
        self.assertIn(f"cluster/{CLUSTER} is up to date: Connected", again.stdout)
        view = self.view()
        self.assertEqual(view["driver"], "kubernetes")
        self.assertEqual(view["labels"], {"env": "prod"})
        other = self.fleet.muster("bootstrap", "prod-2", "--kubeconfig", self.plane.kubeconfig, "--context",
                                  "test", check=False)
        self.assertEqual(other.returncode, 2)
        self.assertIn(f"it has joined already, as cluster/{CLUSTER}", other.stderr)

    def test_an_application_of_the_real_world_becomes_healthy(self):
        folder = "test/testdata/microservices-demo"
        files = {}
        for name in sorted(os.listdir(folder)):
            if name.endswith(".yaml"):
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    files[name] = file.read()
        self.players.held.add("shop/frontend")
        self.fleet.package("shop", files, namespace="shop")
        self.fleet.commit("The shop opens")
        self.settle("shop", health="Progressing")
        self.players.held.discard("shop/frontend")
        self.settle("shop")
        frontend = self.find("deployments", "shop", "frontend")
        managers = {one["manager"] for one in frontend["metadata"]["managedFields"]}
        self.assertIn("muster", managers)
        self.assertIsNotNone(self.find("services", "shop", "frontend-external"))

    def test_a_failed_rollout_is_degraded_and_named(self):
        self.players.broken.add("broken/api")
        self.fleet.package("broken", {"all.yaml": namespace("broken") + "---\n" + deployment("api", "broken")})
        self.fleet.commit("A rollout that fails")
        self.settle("broken", health="Degraded")
        text = self.fleet.muster("describe", "cluster", CLUSTER).stdout
        self.assertIn("Deployment broken/api", text)
        self.players.broken.discard("broken/api")
        self.settle("broken")

    def test_what_leaves_git_leaves_the_cluster_unless_it_asks_to_stay(self):
        keep = config_map("keep", "prune", a="1").replace(
            "namespace: prune}", 'namespace: prune, annotations: {muster.dev/prune: never}}')
        self.fleet.package("prune", {"space.yaml": namespace("prune"), "go.yaml": config_map("go", "prune", a="1"),
                                     "stay.yaml": config_map("stay", "prune", a="1"), "keep.yaml": keep})
        self.fleet.commit("Four objects")
        self.settle("prune")
        # What somebody else made beside them, under our very labels, is nobody's to remove.
        self.api.post("/api/v1/namespaces/prune/configmaps",
                      {"metadata": {"name": "theirs", "labels": {"app.kubernetes.io/managed-by": "muster"}}})
        self.fleet.remove("apps/prune/go.yaml")
        self.fleet.remove("apps/prune/keep.yaml")
        self.fleet.commit("Two go")
        self.see(lambda: self.find("configmaps", "prune", "go") is None)
        self.settle("prune")
        for name in ("stay", "keep", "theirs"):
            self.assertIsNotNone(self.find("configmaps", "prune", name), name)

    def test_drift_is_healed_at_once_and_its_author_known(self):
        self.fleet.package("drift", {"all.yaml": namespace("drift") + "---\n" + config_map("c", "drift", a="git")})
        self.fleet.commit("Drift")
        self.settle("drift")
        place = self.place("configmaps", "drift", "c") + "?fieldManager=night-shift"
        self.api.patch(place, {"data": {"a": "by hand", "theirs": "kept"}})
        seconds = self.timed(lambda: self.data("drift", "c") == "git")
        print(f"healed after {seconds:.2f} s", flush=True)
        # What is not ours stays: another manager's field of the same object.
        self.assertEqual(self.data("drift", "c", "theirs"), "kept")
        self.api.delete(self.place("configmaps", "drift", "c"))
        self.see(lambda: self.data("drift", "c") == "git")
        self.see(lambda: self.package("drift")["driftHealed"] >= 2)
        # The object's own Events tell it, and the agent's log.
        self.see(lambda: "DriftCorrected" in self.plane.kubectl("describe", "configmap", "c", "-n", "drift").stdout)
        self.see(lambda: "drift corrected" in self.kubelet.log())

    def test_a_secret_given_as_text_is_healed_too(self):
        text = ("apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: text}\n"
                "stringData: {password: from-git}\n")
        self.fleet.package("text", {"s.yaml": text}, namespace="text")
        self.fleet.commit("A secret as text")
        self.settle("text")

        def password():
            found = self.find("secrets", "text", "s")
            return found and base64.b64decode(found["data"]["password"]).decode()

        self.assertEqual(password(), "from-git")
        self.api.patch(self.place("secrets", "text", "s") + "?fieldManager=night-shift",
                       {"stringData": {"password": "by hand"}})
        self.see(lambda: password() == "from-git")
        self.see(lambda: self.package("text")["driftHealed"] >= 1)

    def test_drift_that_is_only_reported_names_field_and_author(self):
        self.fleet.package("report", {"all.yaml": namespace("report") + "---\n" + config_map("c", "report", a="git")},
                           sync={"drift": "report"})
        self.fleet.commit("Report")
        self.settle("report")
        self.api.patch(self.place("configmaps", "report", "c") + "?fieldManager=night-shift",
                       {"data": {"a": "by hand"}})
        problem = self.see(lambda: self.problem("report", "c"))
        self.assertEqual(problem["what"], "Drifted")
        self.assertEqual(problem["fields"], ["/data/a"])
        self.assertEqual(problem["changedBy"], "night-shift")
        self.assertEqual(self.data("report", "c"), "by hand")

    def test_what_somebody_else_made_is_left_alone_until_git_takes_it_over(self):
        self.plane.kubectl("create", "namespace", "theirs")
        self.plane.kubectl("create", "configmap", "c", "-n", "theirs", "--from-literal=a=theirs")
        text = config_map("c", "theirs", a="ours")
        self.fleet.package("conflict", {"c.yaml": text, "d.yaml": config_map("d", "theirs", a="ours")})
        self.fleet.commit("A conflict")
        problem = self.see(lambda: self.problem("conflict", "c"))
        self.assertEqual(problem["what"], "Failed")
        self.assertEqual(self.data("theirs", "c"), "theirs")
        # One object that cannot be applied never blocks the rest.
        self.see(lambda: self.data("theirs", "d") == "ours")
        self.fleet.write("apps/conflict/c.yaml", text.replace(
            "namespace: theirs}", 'namespace: theirs, annotations: {muster.dev/adopt: always}}'))
        self.fleet.commit("Taken over")
        self.see(lambda: self.data("theirs", "c") == "ours")
        self.settle("conflict")

    def test_a_field_of_another_controller_is_a_conflict_until_the_object_is_forced(self):
        self.plane.kubectl("create", "namespace", "contested")
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "contested"},
                "data": {"a": "theirs"}}
        self.api.apply(self.place("configmaps", "contested", "c"), body, manager="their-controller")
        text = config_map("c", "contested", a="ours").replace(
            "namespace: contested}", "namespace: contested, annotations: {muster.dev/adopt: always%s}}")
        self.fleet.package("contested", {"c.yaml": text % ""})
        self.fleet.commit("What another controller owns")
        problem = self.see(lambda: self.problem("contested", "c"))
        self.assertIn("their-controller", problem["message"] + json.dumps(problem))
        self.assertIn("muster.dev/force", problem["message"])
        self.assertEqual(self.data("contested", "c"), "theirs")
        self.fleet.write("apps/contested/c.yaml", text % ', muster.dev/force: "true"')
        self.fleet.commit("By force")
        self.settle("contested")
        self.assertEqual(self.data("contested", "c"), "ours")

    def test_an_equal_object_of_a_kind_of_its_own_is_taken_over_and_a_rule_tells_its_health(self):
        """Whether it is equal is asked by a dry run, once the server's OpenAPI has said that it knows them."""
        self.plane.kubectl("apply", "-f", "-", stdin="""apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gadgets.rules.example.com}
spec:
  group: rules.example.com
  names: {kind: Gadget, plural: gadgets, singular: gadget}
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      subresources: {status: {}}
      schema:
        openAPIV3Schema:
          type: object
          x-kubernetes-preserve-unknown-fields: true
""")
        place = "/apis/rules.example.com/v1/namespaces/default/gadgets"
        gadget = {"apiVersion": "rules.example.com/v1", "kind": "Gadget",
                  "metadata": {"name": "g", "namespace": "default"}, "spec": {"size": 1}}

        def made():
            try:
                return self.api.post(place, gadget)
            except ApiError as error:  # not served yet
                self.assertIn(error.code, (404, 429))
                return None

        uid = self.see(made)["metadata"]["uid"]
        rule = {"group": "rules.example.com", "kind": "Gadget", "suspended": "status.phase == 'Off'",
                "degraded": "status.phase == 'Burnt'", "healthy": "status.phase == 'On'",
                "message": "status.note"}
        self.fleet.package("rules", {"g.yaml": json.dumps(gadget)}, health={"rules": [rule]})
        self.fleet.commit("A kind of its own")
        self.settle("rules", health="Progressing")
        found = self.api.get(place + "/g")
        self.assertEqual(found["metadata"]["uid"], uid)
        self.assertIn("muster", {one["manager"] for one in found["metadata"]["managedFields"]})
        for phase, health in (("Burnt", "Degraded"), ("Off", "Suspended"), ("On", "Healthy")):
            self.api.patch(place + "/g/status", {"status": {"phase": phase, "note": "so it says"}})
            self.settle("rules", health=health)
            if health == "Degraded":
                self.assertIn("so it says", self.fleet.muster("describe", "cluster", CLUSTER).stdout)

    def test_a_package_that_goes_orphans_or_removes_as_it_says(self):
        for name in ("orphan", "delete"):
            self.fleet.package(name, {"c.yaml": config_map("c", name, a="1")}, namespace=name, onRemoval=name)
        self.fleet.commit("Two packages")
        self.settle("orphan")
        self.settle("delete")
        for name in ("orphan", "delete"):
            self.fleet.remove(f"fleet/{name}.yaml")
        self.fleet.commit("Both go")
        self.see(lambda: self.find("configmaps", "delete", "c") is None)
        self.see(lambda: self.package("delete") is None)
        self.assertEqual(self.data("orphan", "c"), "1")
        # What is left behind is said, and nobody's any more.
        self.assertEqual(self.see(lambda: self.problem("orphan", "c"))["what"], "Unmanaged")
        self.api.patch(self.place("configmaps", "orphan", "c"), {"data": {"a": "theirs"}})
        self.assertEqual(self.data("orphan", "c"), "theirs")

    def test_suspended_it_changes_nothing(self):
        self.fleet.package("pause", {"c.yaml": config_map("c", "pause", a="git")}, namespace="pause")
        self.fleet.commit("Pause")
        self.settle("pause")
        self.fleet.muster("suspend", "cluster", CLUSTER)
        try:
            self.see(lambda: self.view()["suspended"] and "uspended" in self.package("pause")["health"])
            self.by_hand("pause", "c")
            self.fleet.write("apps/pause/d.yaml", config_map("d", "pause", a="git"))
            commit = self.fleet.commit("While it is suspended")
            self.see(lambda: self.package("pause")["desiredCommit"] == commit)
            # What becomes of it is seen all the same, and who else stops the agent.
            self.see(lambda: self.problem("pause", "c"))
            self.plane.kubectl("annotate", "muster", "agent", "-n", "muster-system", "muster.dev/suspend=audit")
            self.see(lambda: "suspended in the cluster itself: audit" in self.view()["message"])
            self.plane.kubectl("annotate", "muster", "agent", "-n", "muster-system", "muster.dev/suspend-")
            self.assertEqual(self.data("pause", "c"), "by hand")
            self.assertIsNone(self.find("configmaps", "pause", "d"))
        finally:
            self.fleet.muster("resume", "cluster", CLUSTER)
        self.see(lambda: self.data("pause", "c") == "git" and self.data("pause", "d") == "git")

    def test_the_clusters_own_people_see_the_story_and_may_stop_it(self):
        self.fleet.package("local", {"c.yaml": config_map("c", "local", a="git")}, namespace="local")
        self.fleet.commit("Local")
        self.settle("local")

        def muster():
            return self.plane.kubectl("get", "muster", "-n", "muster-system", check=False).stdout

        self.see(lambda: "agent" in muster())
        self.assertRegex(muster(), r"NAME\s+SYNC\s+HEALTH\s+OBJECTS\s+DRIFTED\s+FAILED\s+HELD\s+SUSPENDED\s+AGE")
        self.plane.kubectl("annotate", "muster", "agent", "-n", "muster-system", "muster.dev/suspend=night shift")
        try:
            self.see(lambda: "night shift" in muster())
            self.api.patch(self.place("configmaps", "local", "c") + "?fieldManager=night-shift",
                           {"data": {"a": "by hand"}})
            self.see(lambda: self.problem("local", "c"))
            self.assertEqual(self.data("local", "c"), "by hand")
        finally:
            self.plane.kubectl("annotate", "muster", "agent", "-n", "muster-system", "muster.dev/suspend-")
        self.see(lambda: self.data("local", "c") == "git")
        # The object's own Events tell who changed what.
        self.see(lambda: "muster-agent" in self.plane.kubectl("describe", "configmap", "c", "-n", "local").stdout)

    def test_without_the_hub_it_goes_on_healing(self):
        self.fleet.package("alone", {"c.yaml": config_map("c", "alone", a="git")}, namespace="alone")
        self.fleet.commit("Alone")
        self.settle("alone")
        self.fleet.stop_hub()
        try:
            self.by_hand("alone", "c")
            self.see(lambda: self.data("alone", "c") == "git")
            # Also after a restart: what it verified last is on its own disk.
            self.kubelet.kill()
            self.by_hand("alone", "c")
            self.see(lambda: self.data("alone", "c") == "git")
        finally:
            self.fleet.start_hub()
        self.see(lambda: self.view().get("connection") == "Connected")

    def test_a_commit_that_deletes_much_is_held_by_the_agent(self):
        files = {f"c{i}.yaml": config_map(f"c{i}", "mass", a="1") for i in range(30)}
        self.fleet.package("mass", files, namespace="mass")
        self.fleet.commit("Thirty")
        self.settle("mass")
        for i in range(25):
            self.fleet.remove(f"apps/mass/c{i}.yaml")
        self.fleet.commit("Five")
        self.see(lambda: (self.package("mass") or {}).get("held"))
        self.assertEqual(self.package("mass")["held"], 25)
        left = [one for one in self.api.get("/api/v1/namespaces/mass/configmaps")["items"]]
        self.assertEqual(len(left), 30)
        # Whoever looks for it finds it: an event, the package's message, where it comes from.
        self.see(lambda: "DeletionsHeld" in self.fleet.muster("events").stdout)
        self.assertIn("the budget is", self.fleet.muster("get", "packages", "mass").stdout)
        traced = self.fleet.muster("trace", CLUSTER, "ConfigMap/mass/c0").stdout
        self.assertIn("not in Git any more", traced)
        self.assertIn("the budget is", traced)
        commit = json.loads(self.fleet.muster("get", "commits", "--repository", "apps", "--limit", "1",
                                              "-o", "json").stdout)["items"][0]
        self.assertEqual(commit["commit"]["subject"], "Five")
        self.assertEqual(commit.get("clustersApplied", 0), 0)

    def test_a_bad_object_gets_the_servers_words_and_stops_no_other(self):
        bad = "apiVersion: v1\nkind: Service\nmetadata: {name: bad}\nspec: {ports: [{port: 99999}]}\n"
        self.fleet.package("bad", {"bad.yaml": bad, "c.yaml": config_map("c", "bad", a="1")}, namespace="bad")
        self.fleet.commit("One is bad")
        problem = self.see(lambda: self.problem("bad", "bad"))
        self.assertEqual(problem["what"], "Failed")
        self.assertIn("99999", problem["message"])
        self.see(lambda: self.data("bad", "c") == "1")
        text = self.fleet.muster("describe", "cluster", CLUSTER).stdout
        self.assertIn("Service bad/bad", text)
        self.assertIn("file apps/bad/bad.yaml:1", text)
        self.fleet.write("apps/bad/bad.yaml", bad.replace("99999", "80"))
        self.fleet.commit("Mended")
        self.settle("bad")

    def test_an_object_waits_for_its_definition(self):
        own = "apiVersion: e2e.example.com/v1\nkind: Widget\nmetadata: {name: w, namespace: default}\nspec: {size: 1}\n"
        self.fleet.package("widgets", {"w.yaml": own})
        self.fleet.commit("A kind that nobody knows")
        problem = self.see(lambda: self.problem("widgets", "w"))
        self.assertIn("Widget", problem["message"] + problem["kind"])
        self.fleet.package("definitions", {"crd.yaml": """apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.e2e.example.com}
spec:
  group: e2e.example.com
  names: {kind: Widget, plural: widgets, singular: widget}
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer}}}}}}
"""})
        self.fleet.commit("Its definition")
        self.see(lambda: self.api.find("/apis/e2e.example.com/v1/namespaces/default/widgets/w"))
        self.settle("widgets")

    def test_an_immutable_field_is_reported_and_replaced_only_when_allowed(self):
        text = ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: fixed}\nimmutable: true\n"
                'data: {a: "1"}\n')
        self.fleet.package("fixed", {"c.yaml": text}, namespace="fixed")
        self.fleet.commit("Fixed")
        self.settle("fixed")
        self.fleet.write("apps/fixed/c.yaml", text.replace('"1"', '"2"'))
        self.fleet.commit("Another value")
        problem = self.see(lambda: self.problem("fixed", "c"))
        self.assertIn("immutable", problem["message"])
        self.assertEqual(self.data("fixed", "c"), "1")
        self.fleet.write("apps/fixed/c.yaml", text.replace('"1"', '"2"').replace(
            "namespace: fixed}", 'namespace: fixed, annotations: {muster.dev/replace: "true"}}'))
        self.fleet.commit("May be replaced")
        self.see(lambda: self.data("fixed", "c") == "2")
        self.settle("fixed")

    def test_an_api_server_that_goes_and_comes_back_is_caught_up_with(self):
        self.fleet.package("outage", {"c.yaml": config_map("c", "outage", a="1")}, namespace="outage")
        self.fleet.commit("Outage")
        self.settle("outage")
        self.plane.kill("kube-apiserver")
        self.fleet.write("apps/outage/c.yaml", config_map("c", "outage", a="2"))
        self.fleet.commit("While it is away")
        self.plane.start_apiserver()
        self.plane.await_ready()
        self.see(lambda: self.data("outage", "c") == "2")
        self.settle("outage")


if __name__ == "__main__":
    report.main()
