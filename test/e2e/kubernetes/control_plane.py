"""A real Kubernetes API server and its etcd, on loopback, for as long as a test runs.

    with ControlPlane() as plane:
        plane.api.get("/api/v1/namespaces")
        plane.kubectl("get", "namespaces")

Real RBAC, real admission, certificates and service-account keys made on the spot, free ports only.
There is no kubelet and no controller: a test plays them through writes of status (see api.py).
`python3 control_plane.py COMMAND...` runs a command with KUBECONFIG set to such a server's admin.
"""

import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

from api import Api, ApiError

READY_SECONDS = 300
ATTEMPTS = 3


def tools():
    """The folder with etcd, kube-apiserver, kubectl and helm. Skips the test where it is not there."""
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools/build-kubernetes")
    found = subprocess.run([script, "--print"], capture_output=True, text=True, check=False)
    if found.returncode != 0:
        raise unittest.SkipTest(found.stderr.strip())
    return found.stdout.strip()


def free_ports(count):
    """Ports that nobody uses now. Somebody may take one before we do; then we try again."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def openssl(*words):
    subprocess.run(["openssl", *words], check=True, capture_output=True)


class Pki:
    """An authority and what it signs, in files of one folder."""

    def __init__(self, folder):
        self.folder = folder
        self._key("ca")
        openssl("req", "-x509", "-new", "-key", self.path("ca.key"), "-subj", "/CN=test-ca",
                "-days", "2", "-out", self.path("ca.crt"),
                "-addext", "basicConstraints=critical,CA:TRUE",
                "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def path(self, name):
        return os.path.join(self.folder, name)

    def read(self, name):
        with open(self.path(name), encoding="ascii") as file:
            return file.read()

    def _key(self, name):
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self.path(name + ".key"))

    def issue(self, name, subject, usage, names=""):
        self._key(name)
        with open(self.path(name + ".ext"), "w", encoding="ascii") as file:
            file.write(f"extendedKeyUsage={usage}\n")
            if names:
                file.write(f"subjectAltName={names}\n")
        openssl("req", "-new", "-key", self.path(name + ".key"), "-subj", subject,
                "-out", self.path(name + ".csr"))
        openssl("x509", "-req", "-in", self.path(name + ".csr"), "-CA", self.path("ca.crt"),
                "-CAkey", self.path("ca.key"), "-CAcreateserial", "-days", "2",
                "-extfile", self.path(name + ".ext"), "-out", self.path(name + ".crt"))


class ControlPlane:
    """etcd and kube-apiserver. `api` and `kubectl` speak as an administrator (system:masters)."""

    def __init__(self, folder=None):
        self.tools = tools()
        self._own = folder is None
        self.folder = folder or tempfile.mkdtemp(prefix="muster-kube-")
        self._processes = {}
        self._watch_dog = None
        self.pki = Pki(self.folder)
        self.pki.issue("apiserver", "/CN=kube-apiserver", "serverAuth",
                       "IP:127.0.0.1,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default.svc")
        self.pki.issue("admin", "/O=system:masters/CN=admin", "clientAuth")
        self.pki._key("service-account")
        self.port = 0
        self.api = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
        if self._own:
            shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    @property
    def kubeconfig(self):
        return os.path.join(self.folder, "kubeconfig")

    def start(self):
        for attempt in range(ATTEMPTS):
            self.port, etcd_port = free_ports(2)
            self._start_etcd(etcd_port)
            self.etcd_port = etcd_port
            self.start_apiserver()
            try:
                self._await_ready()
                break
            except RuntimeError:
                self.stop()
                if attempt == ATTEMPTS - 1:
                    raise
        self._write_kubeconfig()
        return self

    def stop(self):
        for name in list(self._processes):
            self.kill(name)

    def kill(self, name):
        """Ends "etcd" or "kube-apiserver" as a power cut would."""
        process = self._processes.pop(name, None)
        if process:
            process.kill()
            process.wait()

    def rss_kb(self, name):
        with open(f"/proc/{self._processes[name].pid}/status", encoding="ascii") as file:
            return int(next(line for line in file if line.startswith("VmRSS")).split()[1])

    def start_apiserver(self):
        self._run("kube-apiserver", [
            "--bind-address=127.0.0.1", f"--secure-port={self.port}",
            f"--etcd-servers=http://127.0.0.1:{self.etcd_port}",
            f"--cert-dir={self.folder}",
            f"--tls-cert-file={self.pki.path('apiserver.crt')}",
            f"--tls-private-key-file={self.pki.path('apiserver.key')}",
            f"--client-ca-file={self.pki.path('ca.crt')}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={self.pki.path('service-account.key')}",
            f"--service-account-signing-key-file={self.pki.path('service-account.key')}",
            "--service-cluster-ip-range=10.0.0.0/24", "--authorization-mode=RBAC",
            # Nobody here makes the namespaces' default service accounts.
            "--disable-admission-plugins=ServiceAccount",
            "--endpoint-reconciler-type=none", "--allow-privileged=true", "--profiling=false",
        ])

    def await_ready(self):
        self._await_ready()

    def _start_etcd(self, port):
        url = f"http://127.0.0.1:{port}"
        self._run("etcd", [
            f"--data-dir={self.folder}/etcd", f"--listen-client-urls={url}",
            f"--advertise-client-urls={url}", "--listen-peer-urls=http://127.0.0.1:0",
            "--unsafe-no-fsync", "--log-level=error",
        ])

    def _run(self, name, arguments):
        log = open(os.path.join(self.folder, name + ".log"), "ab")
        # Dies with us, also when we are killed.
        self._processes[name] = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", os.path.join(self.tools, name), *arguments],
            stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        log.close()

    def _await_ready(self):
        context = ssl.create_default_context(cafile=self.pki.path("ca.crt"))
        context.load_cert_chain(self.pki.path("admin.crt"), self.pki.path("admin.key"))
        self.api = Api("127.0.0.1", self.port, context)
        until = time.monotonic() + READY_SECONDS
        while time.monotonic() < until:
            for name, process in self._processes.items():
                if process.poll() is not None:
                    raise RuntimeError(f"{name} ended: {self._tail(name)}")
            try:
                self.api.text("/readyz")
                return
            except (OSError, ApiError):
                time.sleep(0.05)
        raise RuntimeError(f"the API server is not ready: {self._tail('kube-apiserver')}")

    def _tail(self, name):
        with open(os.path.join(self.folder, name + ".log"), encoding="utf-8", errors="replace") as file:
            return file.read()[-2000:]

    def _write_kubeconfig(self):
        write_kubeconfig(self.kubeconfig, self.url, self.pki.path("ca.crt"), {
            "client-certificate": self.pki.path("admin.crt"),
            "client-key": self.pki.path("admin.key"),
        })

    def kubeconfig_for(self, namespace, account, name=None):
        """A kubeconfig that speaks as a service account, by a token that the API server issues. Called again, it
        replaces the token in its file, as a kubelet does before it expires."""
        token = self.api.post(f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token",
                              {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
                               "spec": {"expirationSeconds": 7200}})["status"]["token"]
        path = os.path.join(self.folder, (name or f"{namespace}-{account}") + ".kubeconfig")
        with open(path + ".token.new", "w", encoding="ascii") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(token)
        os.replace(path + ".token.new", path + ".token")
        write_kubeconfig(path, self.url, self.pki.path("ca.crt"), {"tokenFile": path + ".token"})
        return path

    def kubectl(self, *words, stdin=None, check=True):
        """Runs kubectl as the administrator; returns its CompletedProcess."""
        done = subprocess.run(
            [os.path.join(self.tools, "kubectl"), "--kubeconfig", self.kubeconfig,
             "--cache-dir", os.path.join(self.folder, "kubectl-cache"), *words],
            input=stdin, capture_output=True, text=True, check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"kubectl {' '.join(words)}: {done.stdout}{done.stderr}")
        return done


def write_kubeconfig(path, url, authority, user):
    lines = "".join(f"    {key}: {value}\n" for key, value in user.items())
    with open(path, "w", encoding="ascii") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(f"""apiVersion: v1
kind: Config
current-context: test
contexts:
- name: test
  context: {{cluster: test, user: test}}
clusters:
- name: test
  cluster:
    server: {url}
    certificate-authority: {authority}
users:
- name: test
  user:
{lines}""")


def main():
    try:
        with ControlPlane() as plane:
            environment = dict(os.environ, KUBECONFIG=plane.kubeconfig,
                               PATH=plane.tools + ":" + os.environ.get("PATH", ""))
            return subprocess.run(sys.argv[1:], env=environment, check=False).returncode
    except unittest.SkipTest as skip:
        print(f"skipped: {skip}", file=sys.stderr)
        return 3


if __name__ == "__main__":
    sys.exit(main())
