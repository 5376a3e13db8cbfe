"""A real API server that says no, in the ways it has: a webhook, rights, a namespace that goes, a group whose
own server is away, a token that is replaced. What is denied is named, and the rest goes on."""

import base64
import http.server
import json
import ssl
import threading

import report
from world import CLUSTER, World, config_map


class Webhook(threading.Thread):
    """Denies what is annotated deny: VERB. Knows nothing else."""

    def __init__(self, plane):
        super().__init__(daemon=True)
        plane.pki.issue("webhook", "/CN=webhook", "serverAuth", "IP:127.0.0.1")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(plane.pki.path("webhook.crt"), plane.pki.path("webhook.key"))
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Webhook.Handler)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self._server.server_address[1]}/"

    def run(self):
        self._server.serve_forever()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["request"]
            thing = request["object"] or request["oldObject"]
            denied = thing["metadata"].get("annotations", {}).get("deny") == request["operation"]
            answer = {"uid": request["uid"], "allowed": not denied}
            if denied:
                answer["status"] = {"message": f"the guard says no to {request['operation']}"}
            body = json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
                               "response": answer}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass


def guarded(name, namespace, verb, value):
    return config_map(name, namespace, a=value).replace(
        f"namespace: {namespace}}}", f"namespace: {namespace}, annotations: {{deny: {verb}}}}}")


class Trouble(World):
    def test_a_webhook_that_denies_is_named_and_stops_nothing_else(self):
        hook = Webhook(self.plane)
        hook.start()
        self.addCleanup(hook.stop)
        with open(self.plane.pki.path("ca.crt"), encoding="ascii") as file:
            authority = file.read()
        self.api.post("/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations", {
            "metadata": {"name": "guard"},
            "webhooks": [{"name": "guard.example.com", "sideEffects": "None", "admissionReviewVersions": ["v1"],
                          "failurePolicy": "Fail",
                          "clientConfig": {"url": hook.url,
                                           "caBundle": base64.b64encode(authority.encode()).decode()},
                          "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "guarded"}},
                          "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"],
                                     "operations": ["CREATE", "UPDATE", "DELETE"]}]}]})
        self.addCleanup(self.plane.kubectl, "delete", "validatingwebhookconfiguration", "guard")
        self.fleet.package("guarded", {"no.yaml": guarded("no", "guarded", "CREATE", "1"),
                                       "stays.yaml": guarded("stays", "guarded", "DELETE", "1"),
                                       "c.yaml": config_map("c", "guarded", a="1")}, namespace="guarded")
        self.fleet.commit("Guarded")
        problem = self.see(lambda: self.problem("guarded", "no"))
        self.assertIn("guard.example.com", problem["message"])
        self.assertIn("the guard says no to CREATE", problem["message"])
        self.see(lambda: self.data("guarded", "c") == "1" and self.data("guarded", "stays") == "1")
        self.assertIn("the guard says no", self.fleet.muster("describe", "cluster", CLUSTER).stdout)

        self.fleet.remove("apps/guarded/stays.yaml")
        self.fleet.remove("apps/guarded/no.yaml")
        self.fleet.commit("One may not go")
        problem = self.see(lambda: self.problem("guarded", "stays"))
        self.assertIn("the guard says no to DELETE", problem["message"])
        self.assertIsNotNone(self.find("configmaps", "guarded", "stays"))
        # It is not forgotten: when it may go, it goes.
        self.plane.kubectl("annotate", "configmap", "stays", "-n", "guarded", "deny-")
        self.see(lambda: self.find("configmaps", "guarded", "stays") is None)
        self.settle("guarded")

    def test_a_package_acts_as_its_service_account_and_may_no_more_than_it(self):
        self.plane.kubectl("create", "namespace", "team")
        self.plane.kubectl("create", "namespace", "not-theirs")
        self.plane.kubectl("create", "serviceaccount", "deployer", "-n", "team")
        self.plane.kubectl("create", "role", "deployer", "-n", "team", "--resource=configmaps", "--verb=*")
        self.plane.kubectl("create", "rolebinding", "deployer", "-n", "team", "--role=deployer",
                           "--serviceaccount=team:deployer")
        self.fleet.package("team", {"a.yaml": config_map("a", "team", a="1"),
                                    "b.yaml": config_map("b", "not-theirs", a="1")}, serviceAccount="team/deployer")
        self.fleet.commit("A team's own")
        self.see(lambda: self.data("team", "a") == "1")
        problem = self.see(lambda: self.problem("team", "b"))
        self.assertIn("system:serviceaccount:team:deployer", problem["message"])
        self.assertIsNone(self.find("configmaps", "not-theirs", "b"))
        self.fleet.remove("apps/team/b.yaml")
        self.fleet.commit("Only what is theirs")
        self.settle("team")
        self.by_hand("team", "a")
        self.see(lambda: self.data("team", "a") == "1")

    def test_a_namespace_that_is_deleted_comes_back_with_what_it_had(self):
        self.fleet.package("gone", {"c.yaml": config_map("c", "gone", a="1")}, namespace="gone")
        self.fleet.commit("Gone")
        self.settle("gone")
        before = self.find("configmaps", "gone", "c")["metadata"]["uid"]
        self.plane.kubectl("delete", "namespace", "gone", "--wait=false")

        def anew():
            found = self.find("configmaps", "gone", "c")
            return found and found["metadata"]["uid"] != before
        self.see(anew)
        self.settle("gone")

    def test_a_group_whose_server_is_away_holds_nobody_up(self):
        self.fleet.package("near", {"c.yaml": config_map("c", "near", a="1")}, namespace="near")
        self.fleet.commit("Near")
        self.settle("near")
        self.api.post("/apis/apiregistration.k8s.io/v1/apiservices", {
            "metadata": {"name": "v1.away.example.com"},
            "spec": {"group": "away.example.com", "version": "v1", "groupPriorityMinimum": 100,
                     "versionPriority": 10, "insecureSkipTLSVerify": True,
                     "service": {"name": "away", "namespace": "default"}}})
        self.addCleanup(self.plane.kubectl, "delete", "apiservice", "v1.away.example.com")
        self.fleet.package("far", {"t.yaml": "apiVersion: away.example.com/v1\nkind: Thing\n"
                                             "metadata: {name: t, namespace: default}\n"})
        self.fleet.write("apps/near/c.yaml", config_map("c", "near", a="2"))
        self.fleet.commit("Far away")
        self.see(lambda: self.data("near", "c") == "2")
        self.settle("near")
        self.see(lambda: self.problem("far", "t"))
        self.kubelet.kill()  # one that starts without having seen it before fares no worse
        self.by_hand("near", "c")
        self.see(lambda: self.data("near", "c") == "2")

    def test_a_token_that_is_replaced_is_read_again(self):
        self.fleet.package("token", {"c.yaml": config_map("c", "token", a="1")}, namespace="token")
        self.fleet.commit("Token")
        self.settle("token")
        # Another account of that name: the token of the old one is worth nothing.
        place = "/api/v1/namespaces/muster-system/serviceaccounts"
        self.api.delete(place + "/muster-agent")
        self.api.post(place, {"metadata": {"name": "muster-agent"}, "automountServiceAccountToken": False})
        self.by_hand("token", "c")
        self.plane.kubeconfig_for("muster-system", "muster-agent")
        self.see(lambda: self.data("token", "c") == "1")
        self.settle("token")


if __name__ == "__main__":
    report.main()
