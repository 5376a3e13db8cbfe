"""The console of a real hub with real agents, asked as scripts, Prometheus and browsers ask it."""

import gzip
import hashlib
import http.client
import json
import os
import re
import socket
import ssl
import tempfile
import unittest

import report
from console import Console, as_operator, complaints
from fleet import Fleet, eventually, package, repository

CLUSTERS = ["dev-1", "prod-1", "prod-2"]
FLEET = ("apiVersion: muster.dev/v1alpha1\nkind: Cluster\nmetadata: {name: %s, labels: {env: %s}}\n"
         "spec: {project: default}\n")
SETTINGS = ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: web}\n"
            "data: {banner: \"%s\"}\n")
PARTS = ("hub", "session", "tiles", "clusters", "packages", "repositories", "commits", "events", "tokens",
         "objects?cluster=prod-1", "snowflakes", "rollouts", "audit", "audit-lines",
         "plan?repository=apps&revision=main", "history?cluster=prod-1", "clusters/prod-1", "packages/web", "repositories/apps")


def declarations(fleet):
    files = [FLEET % (name, name.partition("-")[0]) for name in CLUSTERS]
    return "---\n".join(files + [repository(fleet), package("web", "web")])


class ConsoleTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.fleet = cls.enterClassContext(Fleet(os.environ["PROGRAMS"], CLUSTERS))
        cls.fleet.write({"fleet/fleet.yaml": declarations(cls.fleet), "web/settings.yaml": SETTINGS % "first"})
        cls.fleet.commit("<b>first</b>")
        cls.fleet.start()
        cls.fleet.converge()
        cls.console = as_operator(cls.fleet)

    # ------------------------------------------------------------ who may ask

    def test_health_is_for_everybody(self):
        anybody = Console(self.fleet)
        for path in ("/healthz", "/readyz"):
            answer = anybody.ask(path)
            self.assertEqual((answer.status, answer.body), (200, b"ok\n"), path)

    def test_nothing_else_is(self):
        anybody = Console(self.fleet)
        for path in ["/metrics", "/api/v1/stream"] + [f"/api/v1/{part}" for part in PARTS]:
            answer = anybody.ask(path)
            self.assertEqual(answer.status, 401, path)
            self.assertEqual(answer.headers["Content-Type"], "application/problem+json")
            self.assertIn("muster dashboard", answer.json()["detail"])

    def test_a_clusters_certificate_opens_nothing(self):
        with tempfile.TemporaryDirectory() as folder:
            hub_id = self.console.get("/api/v1/hub")["hubId"]
            with open(f"{folder}/ext", "w", encoding="utf-8") as file:
                file.write(f"subjectAltName=URI:spiffe://{hub_id}/cluster/0123456789abcdef\n"
                           "extendedKeyUsage=clientAuth\n")
            keys = os.path.join(self.fleet.data, "keys")
            self.fleet.run("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                           "-nodes", "-keyout", f"{folder}/key", "-out", f"{folder}/csr", "-subj", "/CN=x")
            self.fleet.run("openssl", "x509", "-req", "-in", f"{folder}/csr", "-CA", f"{keys}/root.pem",
                           "-CAkey", f"{keys}/root.key", "-set_serial", "77", "-days", "2",
                           "-extfile", f"{folder}/ext", "-out", f"{folder}/pem")
            cluster = Console(self.fleet, f"{folder}/pem", f"{folder}/key")
            self.assertEqual(cluster.ask("/healthz").status, 200)
            for part in PARTS:
                self.assertEqual(cluster.ask(f"/api/v1/{part}").status, 403, part)

    def test_a_certificate_of_another_authority_gets_no_connection(self):
        with tempfile.TemporaryDirectory() as folder:
            self.fleet.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                           "-nodes", "-keyout", f"{folder}/key", "-out", f"{folder}/pem", "-subj", "/CN=admin")
            with self.assertRaises((ssl.SSLError, ConnectionError, http.client.HTTPException)):
                Console(self.fleet, f"{folder}/pem", f"{folder}/key").ask("/healthz")

    # ------------------------------------------------------------ sessions

    def sign_in(self, code=None, **headers):
        if code is None:
            code = json.loads(self.fleet.muster("dashboard", "-o", "json").stdout)["url"].rpartition("#")[2]
        sent = {"Content-Type": "application/json", **headers}
        return code, Console(self.fleet).ask("/api/v1/session", "POST", json.dumps({"code": code}), sent)

    def test_a_code_signs_a_browser_in_once(self):
        code, answer = self.sign_in()
        self.assertEqual(answer.status, 200, answer.body)
        cookie = answer.headers["Set-Cookie"]
        for part in ("__Host-", "Secure", "HttpOnly", "SameSite=Strict", "Path=/"):
            self.assertIn(part, cookie)
        browser = Console(self.fleet, cookie=cookie.partition(";")[0])
        self.assertEqual(browser.get("/api/v1/session"), {
            "actor": "admin", "by": "session", "hub": self.console.get("/api/v1/hub")["hubId"]})
        for part in PARTS:
            self.assertEqual(browser.ask(f"/api/v1/{part}").status, 200, part)
        self.assertEqual(self.sign_in(code)[1].status, 401)
        self.assertEqual(browser.ask("/api/v1/session", "DELETE").status, 200)
        self.assertEqual(browser.ask("/api/v1/session").status, 401)

    def test_a_guessed_code_and_a_guessed_cookie_open_nothing(self):
        self.assertEqual(self.sign_in("AAAA")[1].status, 401)
        name = self.sign_in()[1].headers["Set-Cookie"].partition("=")[0]
        self.assertEqual(Console(self.fleet, cookie=f"{name}=AAAA").ask("/api/v1/hub").status, 401)

    def test_another_site_cannot_sign_in_or_out(self):
        code, answer = self.sign_in(Origin="https://evil.example.com")
        self.assertEqual(answer.status, 403)
        answer = Console(self.fleet).ask("/api/v1/session", "POST", json.dumps({"code": code}),
                                         {"Content-Type": "text/plain"})
        self.assertEqual(answer.status, 400)
        own = f"https://127.0.0.1:{self.fleet.port_of('console')}"
        self.assertEqual(self.sign_in(code, Origin=own)[1].status, 200)

    def test_nothing_is_written(self):
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            for path in ("/api/v1/clusters/prod-1", "/api/v1/hub", "/"):
                answer = self.console.ask(path, method, "{}")
                self.assertEqual((answer.status, answer.headers["Allow"]), (405, "GET, HEAD"), path)

    # ------------------------------------------------------------ lists

    def names(self, parameters):
        found = self.console.get(f"/api/v1/clusters?{parameters}")
        return [one["name"] for one in found["items"]], found

    def test_lists_are_filtered_sorted_grouped_and_counted(self):
        self.assertEqual(self.names("selector=env%3Dprod")[0], ["prod-1", "prod-2"])
        self.assertEqual(self.names("q=DEV")[0], ["dev-1"])
        self.assertEqual(self.names("sync=Synced&health=Degraded,Missing")[0], [])
        self.assertEqual(self.names("name=dev-1,prod-2")[0], ["dev-1", "prod-2"])
        self.assertEqual(self.names("sort=-name")[0], ["prod-2", "prod-1", "dev-1"])
        found = self.names("groupBy=labels.env&sort=name")[1]
        self.assertEqual(found["groups"], [{"value": "dev", "count": 1}, {"value": "prod", "count": 2}])
        self.assertEqual(found["total"], 3)

    def test_lists_are_paged_without_losing_or_repeating_a_row(self):
        for order, expected in (("", CLUSTERS), ("&sort=-name", CLUSTERS[::-1]), ("&sort=sync", CLUSTERS)):
            seen, token = [], ""
            while True:
                names, page = self.names(f"limit=1{order}&pageToken={token}")
                seen += names
                self.assertEqual(page["total"], 3)
                token = page["nextPageToken"]
                if not token:
                    break
            self.assertEqual(seen, expected, order)

    def test_a_bad_question_is_told_what_is_wrong_with_it(self):
        for path, status, word in (("clusters?colour=red", 400, "colour"), ("clusters?limit=0", 400, "limit"),
                                   ("clusters?sort=packages", 400, "packages"),
                                   ("clusters?selector=env+in+prod", 400, "in"),
                                   ("clusters?pageToken=AAAA", 400, "page token"),
                                   ("clusters?sort=name&pageToken=AAAA", 400, "page token"),
                                   ("tiles?colour=red", 400, "colour"), ("tiles?package=none", 404, "none"),
                                   ("clusters/nobody", 404, "nobody"), ("clusters/", 404, "nothing"),
                                   ("packages/", 404, "nothing"), ("repositories/", 404, "nothing"),
                                   ("snowflakes?colour=red", 400, "colour"), ("plan", 400, "revision"),
                                   ("plan?repository=apps&revision=none", 404, "none"),
                                   ("plan?repository=nobody&revision=main", 404, "nobody"),
                                   ("rollouts?package=web", 404, "web"), ("audit-lines?after=x", 400, "after"), ("snowflakes?limit=x", 400, "limit"),
                                   ("snowflakes?selector=env+in+prod", 400, "in"), ("objects", 400, "cluster"),
                                   ("history", 400, "cluster"), ("nothing", 404, "nothing"),
                                   ("events/1", 404, "events"), ("blobs/12", 400, "digest")):
            answer = self.console.ask(f"/api/v1/{path}")
            self.assertEqual(answer.status, status, path)
            self.assertIn(word, answer.json()["detail"], path)

    def test_the_audit_log_is_what_was_done_and_proves_itself(self):
        self.assertNotEqual(self.fleet.muster("revoke", "nobody", "--yes", check=False).returncode, 0)
        refused = self.console.get("/api/v1/audit?action=RevokeCluster&result=Refused")["items"][0]
        self.assertIn("nobody", refused["subject"])
        enrolled = self.console.get("/api/v1/audit?action=ClusterEnrolled")["items"]
        self.assertEqual({one["subject"] for one in enrolled}, {f"cluster/{name}" for name in CLUSTERS})
        eventually("receipts in the log", lambda: self.console.get("/api/v1/audit?action=Receipt")["total"] >= 3)
        self.assertIn("none changed", self.fleet.muster("audit", "verify").stdout)
        root = os.path.join(self.fleet.data, "admin", "root.pem")
        export = self.fleet.muster("audit", "export").stdout
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "audit.jsonl")
            for text, code in ((export, 0), (export.replace("ClusterEnrolled", "ClusterEnroled", 1), 2)):
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text)
                done = self.fleet.muster("audit", "verify", path, "--root", root, check=False)
                self.assertEqual(done.returncode, code, done.stderr)
        lines = export.splitlines()
        for before, line in zip(lines[1:-2], lines[2:-1]):
            self.assertEqual(json.loads(line)["previous"], hashlib.sha256(before.encode()).hexdigest())

    def test_the_command_line_sees_the_same(self):
        moving = {"lastSeenAt"}
        for kind in ("clusters", "packages", "repositories", "commits", "events", "tokens"):
            def both(kind=kind):
                told = json.loads(self.fleet.muster("get", kind, "-o", "json").stdout)["items"]
                return told, self.console.get(f"/api/v1/{kind}")["items"]

            def equal(both=both):
                clean = [[{key: value for key, value in one.items() if key not in moving and key not in
                           ("polledAt", "nextPollAt")} for one in items] for items in both()]
                return clean[0] == clean[1] and len(clean[0]) > 0
            eventually(f"the same {kind} on both ways", equal)

    def test_tiles_have_one_word_for_each_cluster(self):
        tiles = self.console.get("/api/v1/tiles?groupBy=env")
        self.assertEqual([tile[:3] for tile in tiles["clusters"]],
                         [["dev-1", "dev", "Converged"], ["prod-1", "prod", "Converged"], ["prod-2", "prod", "Converged"]])
        self.assertEqual(sum(one["count"] for one in tiles["states"]), 3)
        self.assertIn("env", tiles["labelKeys"])
        one = self.console.get("/api/v1/tiles?package=web&selector=env%3Ddev")
        self.assertEqual([tile[2] for tile in one["clusters"]], ["Converged"])

    def test_an_object_can_be_read_as_it_is_applied(self):
        items = self.console.get("/api/v1/objects?cluster=prod-1")["items"]
        digest = next(one["entry"]["digest"] for one in items if one["entry"]["kind"] == "ConfigMap")
        self.assertEqual(self.console.get(f"/api/v1/blobs/{digest}")["metadata"]["name"], "settings")

    # ------------------------------------------------------------ the document

    def test_the_openapi_document_is_the_one_in_the_repository(self):
        with open(os.path.join(os.environ["CHECKOUT"], "docs/openapi.json"), "rb") as file:
            self.assertEqual(file.read(), self.console.ask("/openapi.json").body,
                             "write what /openapi.json answers to docs/openapi.json")

    def test_the_openapi_document_is_true(self):
        document = self.console.get("/openapi.json")
        digest = self.console.get("/api/v1/objects?cluster=prod-1")["items"][0]["entry"]["digest"]
        walked = 0
        for path, operations in document["paths"].items():
            if path.endswith("/stream"):
                continue
            real = path.replace("{digest}", digest)
            if "{name}" in path:
                listed = self.console.get(path.rpartition("/")[0])["items"]
                real = path.replace("{name}", listed[0]["name"])
            if real.rpartition("/")[2] in ("objects", "history"):
                real += "?cluster=prod-1"
            if real.endswith("/plan"):
                real += "?repository=apps&revision=main"
            answer = self.console.ask(real)
            self.assertEqual(answer.status, 200, real)
            (kind, said), = operations["get"]["responses"]["200"]["content"].items()
            self.assertEqual(answer.headers["Content-Type"].partition(";")[0], kind)
            if kind == "application/json":
                self.assertEqual(list(complaints(said["schema"], answer.json(), document, real)), [])
                walked += 1
        self.assertGreater(walked, 12)

    # ------------------------------------------------------------ how answers travel

    def test_what_the_caller_has_is_not_sent_again(self):
        for path in ("/api/v1/packages", "/app.js"):
            first = self.console.ask(path)
            again = self.console.ask(path, headers={"If-None-Match": first.headers["ETag"]})
            self.assertEqual((again.status, again.body), (304, b""), path)
            other = self.console.ask(path, headers={"If-None-Match": 'W/"000000000000"'})
            self.assertEqual((other.status, other.body), (200, first.body), path)

    def test_answers_are_compressed_for_those_who_take_it(self):
        for path in ("/openapi.json", "/app.js", "/app.css"):
            plain = self.console.ask(path)
            self.assertIsNone(plain.headers["Content-Encoding"])
            small = self.console.ask(path, headers={"Accept-Encoding": "gzip"})
            self.assertEqual(small.headers["Content-Encoding"], "gzip")
            self.assertEqual(gzip.decompress(small.body), plain.body)
            self.assertIn("Accept-Encoding", small.headers["Vary"])

    def test_every_answer_forbids_what_it_does_not_need(self):
        for path in ("/", "/app.js", "/clusters/prod-1", "/api/v1/hub", "/api/v1/nothing", "/healthz", "/nothing"):
            headers = self.console.ask(path).headers
            self.assertIn("default-src 'none'", headers["Content-Security-Policy"], path)
            self.assertNotIn("unsafe", headers["Content-Security-Policy"])
            self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
            self.assertEqual(headers["X-Frame-Options"], "DENY")

    def test_pages_fetch_nothing_from_elsewhere(self):
        page = self.console.ask("/").body.decode()
        for address in re.findall(r'(?:src|href)="([^"]+)"', page):
            self.assertEqual(self.console.ask(address).status, 200, address)
            self.assertTrue(address.startswith("/") and not address.startswith("//"), address)
        self.assertNotRegex(page, r"<script(?![^>]*src=)|\s(style|on\w+)=")

    def test_head_is_get_without_a_body(self):
        answer = self.console.ask("/api/v1/packages", "HEAD")
        self.assertEqual((answer.status, answer.body), (200, b""))
        self.assertGreater(int(answer.headers["Content-Length"]), 100)

    # ------------------------------------------------------------ changes

    def test_the_stream_tells_of_a_change(self):
        connection = self.console.connect()
        connection.request("GET", "/api/v1/stream")
        response = connection.getresponse()
        self.assertEqual(response.headers["Content-Type"], "text/event-stream")

        def next_change():
            while True:
                line = response.readline().decode()
                self.assertTrue(line, "the stream has ended")
                if line.startswith("data: "):
                    return int(line[6:])
        first = next_change()
        self.fleet.write({"web/settings.yaml": SETTINGS % "second"})
        self.fleet.commit("second")
        self.fleet.muster("sync")
        self.assertGreater(next_change(), first)
        connection.close()
        self.fleet.converge()

    # ------------------------------------------------------------ those who mean harm

    def raw(self, data):
        """The first line that the console answers to these bytes; "" when it hangs up."""
        with socket.create_connection((self.console.host, self.console.port), timeout=60) as plain:
            with self.console.tls.wrap_socket(plain, server_hostname=self.console.host) as stream:
                stream.sendall(data)
                answer = b""
                try:
                    while b"\r\n" not in answer:
                        got = stream.recv(4096)
                        if not got:
                            break
                        answer += got
                except (ConnectionError, ssl.SSLError):
                    pass
                return answer.partition(b"\r\n")[0].decode()

    def test_what_is_too_long_or_no_http_is_refused(self):
        head = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
        self.assertIn(" 431 ", self.raw(head + b"A: " + b"a" * 20_000 + b"\r\n\r\n"))
        self.assertIn(" 431 ", self.raw(b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n"))
        self.assertIn(" 413 ", self.raw(b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Length: 20000\r\n\r\n"))
        for bad in (b"\x16\x03\x01 nonsense\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
                    b"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /a%00b HTTP/1.1\r\nHost: x\r\n\r\n",
                    head + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                    b"GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n"):
            self.assertIn(" 400 ", self.raw(bad), bad)
        self.assertEqual(Console(self.fleet).ask("/healthz").status, 200)

    def test_one_address_has_so_many_connections_and_no_more(self):
        held, refused = [], 0
        for _ in range(460):  # of this machine, where a proxy may stand, 448
            plain = socket.create_connection((self.console.host, self.console.port), timeout=60)
            try:
                held.append(self.console.tls.wrap_socket(plain, server_hostname=self.console.host))
            except (ssl.SSLError, ConnectionError):
                refused += 1
        self.assertGreaterEqual(refused, 6)
        self.assertGreaterEqual(len(held), 65)
        for one in held:
            one.close()
        eventually("the console has room again", lambda: self.attempt("/healthz") == 200)

    def attempt(self, path):
        try:
            return self.console.ask(path).status
        except (ssl.SSLError, ConnectionError, http.client.HTTPException):
            return None

    def test_a_secret_is_in_no_log_and_no_address(self):
        code, answer = self.sign_in()
        token = answer.headers["Set-Cookie"].partition("=")[2].partition(";")[0]
        self.assertNotIn(code, self.fleet.log("hub"))
        self.assertNotIn(token, self.fleet.log("hub"))

    # ------------------------------------------------------------ metrics

    def test_metrics_are_what_the_fleet_page_shows(self):
        answer = self.console.ask("/metrics")
        self.assertTrue(answer.headers["Content-Type"].startswith("text/plain; version=0.0.4"))
        text = answer.body.decode()
        states = dict(re.findall(r'^muster_clusters\{state="(\w+)"\} (\d+)$', text, re.M))
        tiles = self.console.get("/api/v1/tiles")
        self.assertEqual({one["state"] for one in tiles["states"]}, set(states))
        self.assertEqual(sum(int(count) for count in states.values()), 3)
        with open(os.path.join(os.environ["CHECKOUT"], "docs/console.md"), encoding="utf-8") as file:
            manual = file.read()
        for name in set(re.findall(r"^# TYPE (\w+) ", text, re.M)):
            self.assertIn(f"`{name}`", manual, "docs/console.md names every metric")

    def test_metrics_name_no_cluster(self):
        self.assertNotIn("prod-1", self.console.ask("/metrics").body.decode())


if __name__ == "__main__":
    report.main(__name__)
