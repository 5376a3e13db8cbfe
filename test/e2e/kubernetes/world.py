"""What the stories share: an API server with players, a fleet, and one cluster that joined by bootstrap."""

import os
import shutil
import tempfile
import time
import unittest

from api import Players
from control_plane import ControlPlane
from fleet import PATIENCE, Fleet, Kubelet, eventually

CLUSTER = "prod-1"


def config_map(name, namespace, **data):
    lines = "".join(f'  {key}: "{value}"\n' for key, value in data.items())
    return (f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: {namespace}}}\n"
            f"data:\n{lines}")


def deployment(name, namespace, replicas=1, image="example.com/web:1"):
    return f"""apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      containers:
        - {{name: main, image: "{image}"}}
"""


def namespace(name):
    return f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}}}\n"


class World(unittest.TestCase):
    """One world for all stories of a class; each story has a package and a namespace of its own."""

    bootstrap = ("--labels", "env=prod")
    agent_flags = ()
    heartbeat = "2s"
    agent_namespace = "muster-system"

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="muster-e2e-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.plane = ControlPlane(cls.folder)
        cls.addClassCleanup(cls.plane.stop)
        cls.plane.start()
        cls.api = cls.plane.api
        cls.players = Players(cls.api)
        cls.players.start()
        cls.addClassCleanup(cls.players.stop)
        cls.fleet = Fleet(cls.folder, heartbeat=cls.heartbeat)
        cls.addClassCleanup(cls.fleet.stop_hub)
        cls.fleet.environment["PATH"] = cls.plane.tools + ":" + os.environ["PATH"]
        cls.kubelet = Kubelet(cls.plane, cls.fleet, cls.agent_flags, cls.agent_namespace)
        cls.kubelet.start()
        cls.addClassCleanup(cls.kubelet.stop)
        cls.joined = cls.join()

    @classmethod
    def join(cls):
        done = cls.fleet.muster("bootstrap", CLUSTER, "--kubeconfig", cls.plane.kubeconfig, "--context", "test",
                                "--image", "muster-agent:test", "--timeout", f"{PATIENCE:.0f}s", *cls.bootstrap, check=False)
        assert done.returncode == 0, f"{done.stdout}{done.stderr}{cls.kubelet.log()}{cls.kubelet.problem}"
        return done

    # ------------------------------------------------------------ what is, at the hub

    def story(self):
        return self.fleet.muster("describe", "cluster", CLUSTER, check=False).stdout + self.kubelet.log()

    def view(self):
        import json
        done = self.fleet.muster("describe", "cluster", CLUSTER, "-o", "json", check=False)
        return json.loads(done.stdout) if done.returncode == 0 else {"packages": []}

    def package(self, name):
        return next((one for one in self.view()["packages"] if one["name"] == name), None)

    def problem(self, package, name):
        found = self.package(package)
        return next((one for one in (found or {}).get("problems", []) if one["name"] == name), None)

    def settle(self, name, sync="Synced", health="Healthy"):
        """Until the package is as said, of the newest commit."""
        def there():
            one = self.package(name)
            return one and one["sync"] == sync and one["health"] == health and (
                sync != "Synced" or one["desiredBundle"] == one["appliedBundle"])
        eventually(there, self.story)

    # ------------------------------------------------------------ what is, in the cluster

    @staticmethod
    def place(kind, space, name):
        prefix = {"configmaps": "/api/v1", "services": "/api/v1", "secrets": "/api/v1",
                  "deployments": "/apis/apps/v1"}[kind]
        return f"{prefix}/namespaces/{space}/{kind}/{name}"

    def find(self, kind, space, name):
        return self.api.find(self.place(kind, space, name))

    def data(self, space, name, key="a"):
        found = self.find("configmaps", space, name)
        return found and found.get("data", {}).get(key)

    def by_hand(self, space, name):
        """Changes a ConfigMap as a person at a terminal does."""
        self.plane.kubectl("patch", "configmap", name, "-n", space, "--type=merge", "-p", '{"data":{"a":"by hand"}}')

    def see(self, condition):
        return eventually(condition, self.story)

    def timed(self, condition):
        begun = time.monotonic()
        self.see(condition)
        return time.monotonic() - begun
