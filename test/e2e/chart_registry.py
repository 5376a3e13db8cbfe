"""A server of charts for tests: a Helm repository and an OCI registry in one, over TLS.

Both want a user and a password; the OCI registry gives a token for them first. What it has can be
changed while it runs, as charts are released, swapped and withdrawn.
"""

import base64
import gzip
import hashlib
import http.server
import io
import json
import os
import ssl
import subprocess
import tarfile
import threading

import yaml

LAYER = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
TOKEN = "let-me-in"


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def packed(directory, version, changes=None):
    """The directory of a chart as an archive; `changes` are {path: text}.

    Its definitions stay away, so that several packages can have it.
    """
    name = os.path.basename(directory)
    files = {}
    for folder, _, names in os.walk(directory):
        if os.path.basename(folder) == "crds":
            continue
        for each in names:
            with open(os.path.join(folder, each), encoding="utf-8") as file:
                files[os.path.relpath(os.path.join(folder, each), directory)] = file.read()
    chart = yaml.safe_load(files["Chart.yaml"])
    chart["version"] = version
    files["Chart.yaml"] = yaml.safe_dump(chart)
    files.update(changes or {})
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for path in sorted(files):
            member = tarfile.TarInfo(f"{name}/{path}")
            member.size = len(files[path].encode())
            tar.addfile(member, io.BytesIO(files[path].encode()))
    return gzip.compress(out.getvalue(), mtime=0)


class ChartServer:
    def __init__(self, directory, user="ada", password="sesame"):
        self.authority = os.path.join(directory, "registry-ca.pem")
        self._certificate(directory)
        self._basic = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        self._charts = {}  # (name, version) -> archive
        self.port = 0
        self._server = None

    def _certificate(self, directory):
        self._key = os.path.join(directory, "registry-key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-keyout", self._key, "-out",
                        self.authority, "-days", "2", "-subj", "/CN=charts", "-addext",
                        "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)

    def start(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), self._handler())
        server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.authority, self._key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        self.port = server.server_address[1]
        self._server = server
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02},
                         daemon=True).start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()

    def release(self, name, version, archive):
        self._charts[(name, version)] = archive

    def withdraw(self, name, version):
        del self._charts[(name, version)]

    @property
    def helm_url(self):
        return f"https://127.0.0.1:{self.port}/stable"

    @property
    def oci_url(self):
        return f"oci://127.0.0.1:{self.port}/org"

    # ------------------------------------------------------------ what it says

    def _index(self):
        entries = {}
        for (name, version), archive in self._charts.items():
            entries.setdefault(name, []).append({
                "name": name, "version": version, "digest": digest(archive)[7:],
                "urls": [f"{name}-{version}.tgz"]})
        return yaml.safe_dump({"apiVersion": "v1", "entries": entries}).encode()

    def manifest(self, name, version):
        archive = self._charts[(name, version)]
        return json.dumps({"schemaVersion": 2, "config": {}, "layers": [
            {"mediaType": LAYER, "digest": digest(archive), "size": len(archive)}]}).encode()

    def _oci(self, path):
        name, _, rest = path.removeprefix("/v2/org/").partition("/")
        versions = [version for chart, version in self._charts if chart == name]
        if rest.startswith("tags/list") and versions:
            return json.dumps({"name": name, "tags": versions}).encode()
        for version in versions:
            manifest, archive = self.manifest(name, version), self._charts[(name, version)]
            if rest in (f"manifests/{version}", f"manifests/{digest(manifest)}"):
                return manifest
            if rest == f"blobs/{digest(archive)}":
                return archive
        return None

    def answer(self, path, authorization):
        """Status, headers and body."""
        if path.startswith("/token"):
            if authorization != self._basic:
                return 401, {}, b""
            return 200, {}, json.dumps({"token": TOKEN}).encode()
        if path.startswith("/v2/"):
            if authorization != f"Bearer {TOKEN}":
                realm = f"https://127.0.0.1:{self.port}/token"
                return 401, {"WWW-Authenticate": f'Bearer realm="{realm}",service="charts"'}, b""
            body = self._oci(path)
        elif authorization != self._basic:
            return 401, {"WWW-Authenticate": 'Basic realm="charts"'}, b""
        elif path == "/stable/index.yaml":
            body = self._index()
        else:
            body = {f"/stable/{name}-{version}.tgz": archive
                    for (name, version), archive in self._charts.items()}.get(path)
        return (404, {}, b"") if body is None else (200, {}, body)

    def _handler(self):
        registry = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # pylint: disable=invalid-name
                status, headers, body = registry.answer(self.path,
                                                        self.headers.get("Authorization", ""))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        return Handler
