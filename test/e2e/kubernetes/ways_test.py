"""Other ways to run the agent: only observing, with few rights, behind a proxy; each bootstrapped into the
same cluster, one after the other, and each in a world of its own."""

import socket
import threading

import report
from world import World, config_map, namespace


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
        self.see(lambda: self.data("web", "c") == "git", 90)
        self.fleet.package("shop", {"c.yaml": config_map("c", "shop", a="git")})
        self.fleet.write("apps/web/c.yaml", config_map("c", "web", a="newer"))
        self.fleet.commit("And what may not")
        self.assertIn("forbidden", self.see(lambda: self.problem("shop", "c"))["message"])
        self.assertIsNone(self.find("configmaps", "shop", "c"))
        self.see(lambda: self.data("web", "c") == "newer")


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
