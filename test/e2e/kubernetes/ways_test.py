"""Other ways to run the agent: only observing, with few rights, behind a proxy; each bootstrapped into the
same cluster, one after the other, and each in a world of its own."""

import socket
import threading

import report
from world import CLUSTER, World, config_map, namespace


class Observing(World):
    bootstrap = ("--labels", "env=prod", "--observe")

    def test_it_says_what_it_would_do_and_does_nothing(self):
        self.plane.kubectl("create", "namespace", "look")
        self.plane.kubectl("create", "configmap", "there", "-n", "look", "--from-literal=a=theirs")
        self.fleet.package("look", {"new.yaml": config_map("new", "look", a="git"),
                                    "there.yaml": config_map("there", "look", a="git")})
        self.fleet.commit("Look")
        self.assertEqual(self.see(lambda: self.problem("look", "new"))["what"], "WouldAdd")
        self.assertEqual(self.see(lambda: self.problem("look", "there"))["what"], "WouldChange")
        self.assertIsNone(self.find("configmaps", "look", "new"))
        self.assertEqual(self.data("look", "there"), "theirs")
        # The hub shows what the agent does, not what it was told.
        self.assertEqual(self.view()["mode"], "Observe")


class Limited(World):
    @classmethod
    def join(cls):
        cls.plane.kubectl("create", "namespace", "web")
        cls.plane.kubectl("create", "namespace", "shop")
        cls.bootstrap = ("--only-namespace", "web", "--kind", "configmaps")
        return super().join()

    def test_it_keeps_what_it_may_in_step_and_reports_the_rest(self):
        self.fleet.package("web", {"c.yaml": config_map("c", "web", a="git")})
        self.fleet.commit("What may be")
        self.settle("web")
        self.by_hand("web", "c")
        self.see(lambda: self.data("web", "c") == "git")
        self.fleet.package("shop", {"c.yaml": config_map("c", "shop", a="git")})
        self.fleet.write("apps/web/c.yaml", config_map("c", "web", a="newer"))
        self.fleet.commit("And what may not")
        self.assertIn("forbidden", self.see(lambda: self.problem("shop", "c"))["message"])
        self.assertIsNone(self.find("configmaps", "shop", "c"))
        self.see(lambda: self.data("web", "c") == "newer")


    def test_what_was_forbidden_heals_when_the_right_is_granted(self):
        self.plane.kubectl("create", "namespace", "late")
        self.fleet.package("late", {"c.yaml": config_map("c", "late", a="git")})
        self.fleet.package("early", {"c.yaml": config_map("early", "web", a="git")})
        self.fleet.commit("A namespace too many")
        self.assertIn("forbidden", self.see(lambda: self.problem("late", "c"))["message"])
        self.settle("early")  # which is not held up
        for kind in ("roles", "rolebindings"):
            prefix = "/apis/rbac.authorization.k8s.io/v1/namespaces"
            body = self.api.get(f"{prefix}/web/{kind}/muster-agent")
            body["metadata"] = {"name": "muster-agent"}
            self.api.post(f"{prefix}/late/{kind}", body)
        self.settle("late")
        self.by_hand("late", "c")
        self.see(lambda: self.data("late", "c") == "git")

    def test_what_may_no_longer_be_read_is_unknown_and_neither_lost_nor_forgotten(self):
        self.fleet.package("eyes", {"c.yaml": config_map("eyes", "web", a="git"), "d.yaml": config_map("d", "web", a="1")})
        self.fleet.commit("Eyes")
        self.settle("eyes")
        place = "/apis/rbac.authorization.k8s.io/v1/namespaces/web/roles/muster-agent"
        rules = self.api.get(place)["rules"]
        blind = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create", "patch", "delete"]}]
        self.api.patch(place, {"rules": blind})
        try:
            self.kubelet.kill()  # what it watches, it goes on to see; a new one may not begin
            self.see(lambda: any(one["type"] == "HealthUnknown" for one in self.package("eyes")["conditions"]))
            self.assertEqual(self.package("eyes")["health"], "Unknown")
            text = self.fleet.muster("describe", "cluster", CLUSTER).stdout
            self.assertIn("ConfigMap web/eyes", text)
            self.assertIn("forbidden", text)
            self.assertIn("give the agent's service account the right", text)
            # It may still write, and nothing of what it wrote is forgotten.
            self.fleet.write("apps/eyes/c.yaml", config_map("eyes", "web", a="newer"))
            self.fleet.commit("Written blind")
            self.see(lambda: self.data("web", "eyes") == "newer")
            self.assertEqual(self.package("eyes")["objects"], 2)
        finally:
            self.api.patch(place, {"rules": rules})
        self.settle("eyes")


class Elsewhere(World):
    bootstrap = ("--labels", "env=prod", "--namespace", "fleet-agent")
    agent_namespace = "fleet-agent"

    def test_it_protects_its_own_namespace_and_no_other_of_that_name(self):
        self.plane.kubectl("create", "namespace", "muster-system")
        self.fleet.package("own", {"a.yaml": config_map("own", "fleet-agent", a="1"),
                                   "b.yaml": config_map("other", "muster-system", a="1"),
                                   "c.yaml": config_map("stay", "muster-system", a="1")})
        self.fleet.commit("In two namespaces")
        self.settle("own")
        self.fleet.remove("apps/own/a.yaml")
        self.fleet.remove("apps/own/b.yaml")
        self.fleet.commit("Both go")
        self.see(lambda: self.find("configmaps", "muster-system", "other") is None)
        held = self.see(lambda: self.problem("own", "own"))
        self.assertEqual(held["what"], "Held")
        self.assertIn("nothing in namespace fleet-agent is ever deleted", held["message"])
        self.assertEqual(self.data("fleet-agent", "own"), "1")
        # Its own story is there, too.
        self.see(lambda: "agent" in self.plane.kubectl("get", "muster", "-n", "fleet-agent").stdout)


class ConnectProxy(threading.Thread):
    """A proxy that knows CONNECT and nothing else, and remembers where to."""

    def __init__(self):
        super().__init__(daemon=True)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.asked = []

    def run(self):
        while True:
            client, _ = self._listener.accept()
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = client.recv(1)
            if not byte:
                return
            head += byte
        method, target, _ = head.split(b"\r\n")[0].decode().split()
        self.asked.append(target)
        if method != "CONNECT":
            client.sendall(b"HTTP/1.1 405 No\r\n\r\n")
            return
        host, port = target.rsplit(":", 1)
        server = socket.create_connection((host, int(port)))
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        threading.Thread(target=self._copy, args=(server, client), daemon=True).start()
        self._copy(client, server)

    @staticmethod
    def _copy(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        for one in (source, sink):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class Proxied(World):
    @classmethod
    def join(cls):
        cls.proxy = ConnectProxy()
        cls.proxy.start()
        agent, _, join = cls.fleet.ports
        # By another name than the API server's, which is reached directly.
        cls.hub = [f"localhost:{join}", f"localhost:{agent}"]
        cls.bootstrap = ("--https-proxy", f"http://127.0.0.1:{cls.proxy.port}", "--join", cls.hub[0],
                         "--hub-address", cls.hub[1])
        return super().join()

    def test_every_way_to_the_hub_leads_through_the_proxy_and_none_to_the_api_server(self):
        self.fleet.package("web", {"all.yaml": namespace("web") + "---\n" + config_map("c", "web", a="git")})
        self.fleet.commit("Through a proxy")
        self.see(lambda: self.data("web", "c") == "git")
        self.assertEqual(sorted(set(self.proxy.asked)), sorted(self.hub))


if __name__ == "__main__":
    report.main()
