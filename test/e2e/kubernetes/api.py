"""The Kubernetes API as tests speak it: one connection, JSON in and out.

Errors are ApiError with the server's own message. `Players` are what a real cluster has and a lone API
server lacks: the controllers that move objects to ready, and the one that empties namespaces.
"""

import http.client
import json
import threading
import time

MERGE = "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"


class ApiError(Exception):
    def __init__(self, code, message):
        super().__init__(f"{code}: {message}")
        self.code = code


class Api:
    """One connection a thread; any thread may call."""

    def __init__(self, host, port, context):
        self._where = (host, port, context)
        self._local = threading.local()

    def request(self, method, path, body=None, content="application/json"):
        data = None if body is None else json.dumps(body)
        for fresh in (False, True):
            connection = getattr(self._local, "connection", None)
            if connection is None or fresh:
                host, port, context = self._where
                connection = http.client.HTTPSConnection(host, port, context=context, timeout=240)
                self._local.connection = connection
            try:
                connection.request(method, path, data, {"Content-Type": content})
                answer = connection.getresponse()
                text = answer.read()
                break
            except (OSError, http.client.HTTPException):
                connection.close()
                if fresh:
                    self._local.connection = None
                    raise
        if answer.status >= 400:
            try:
                message = json.loads(text).get("message", "")
            except ValueError:
                message = text.decode(errors="replace")
            raise ApiError(answer.status, message)
        return text

    def text(self, path):
        return self.request("GET", path).decode()

    def get(self, path):
        return json.loads(self.request("GET", path))

    def find(self, path):
        """The object, or None."""
        try:
            return self.get(path)
        except ApiError as error:
            if error.code == 404:
                return None
            raise

    def post(self, path, body):
        return json.loads(self.request("POST", path, body))

    def patch(self, path, body, content=MERGE):
        return json.loads(self.request("PATCH", path, body, content))

    def apply(self, path, body, manager="somebody"):
        return self.patch(f"{path}?fieldManager={manager}&force=true", body, APPLY)

    def delete(self, path):
        return json.loads(self.request("DELETE", path))

    def watch(self, path, version="0", seconds=30):
        """Yields the events of a watch."""
        host, port, context = self._where
        connection = http.client.HTTPSConnection(host, port, context=context, timeout=seconds + 5)
        sign = "&" if "?" in path else "?"
        connection.request("GET", f"{path}{sign}watch=1&resourceVersion={version}&timeoutSeconds={seconds}")
        answer = connection.getresponse()
        try:
            for line in answer:
                yield json.loads(line)
        finally:
            connection.close()


class Players(threading.Thread):
    """Plays the controllers: workloads become ready, load balancers get addresses, namespaces that
    are deleted become empty.

    `held` names workloads ("namespace/name") that stay as they are until released, so that a test can
    see them in progress. `broken` ones report a failed rollout.
    """

    WORKLOADS = {
        "deployments": lambda o, n: {
            "replicas": n, "updatedReplicas": n, "readyReplicas": n, "availableReplicas": n,
            "conditions": [
                {"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable"},
                {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}]},
        "statefulsets": lambda o, n: {
            "replicas": n, "updatedReplicas": n, "readyReplicas": n, "currentReplicas": n,
            "availableReplicas": n, "currentRevision": "r1", "updateRevision": "r1"},
        "daemonsets": lambda o, n: {
            "desiredNumberScheduled": 1, "currentNumberScheduled": 1, "updatedNumberScheduled": 1,
            "numberReady": 1, "numberAvailable": 1, "numberMisscheduled": 0},
    }
    FAILED = {"conditions": [{"type": "Progressing", "status": "False",
                              "reason": "ProgressDeadlineExceeded",
                              "message": "the image cannot be pulled"}]}

    def __init__(self, api):
        super().__init__(daemon=True)
        self._api = api
        self._ending = threading.Event()
        self.held = set()
        self.broken = set()

    def stop(self):
        self._ending.set()
        self.join()

    def run(self):
        while not self._ending.is_set():
            try:
                self._round()
            except (OSError, ApiError, http.client.HTTPException):
                pass  # an API server that is away, or an object that changed meanwhile: next round
            time.sleep(0.1)

    def _round(self):
        for resource, ready in self.WORKLOADS.items():
            for workload in self._api.get(f"/apis/apps/v1/{resource}")["items"]:
                self._move(resource, workload, ready)
        for service in self._api.get("/api/v1/services")["items"]:
            if service["spec"]["type"] == "LoadBalancer" and not service["status"]["loadBalancer"]:
                meta = service["metadata"]
                self._api.patch(f"/api/v1/namespaces/{meta['namespace']}/services/{meta['name']}/status",
                                {"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}})
        for namespace in self._api.get("/api/v1/namespaces")["items"]:
            if namespace["status"].get("phase") == "Terminating":
                self._empty(namespace)

    def _move(self, resource, workload, ready):
        meta = workload["metadata"]
        key = f"{meta['namespace']}/{meta['name']}"
        if key in self.held:
            return
        status = dict(self.FAILED if key in self.broken
                      else ready(workload, workload["spec"].get("replicas", 1)))
        status["observedGeneration"] = meta["generation"]
        now = workload.get("status", {})
        if all(self._same(now.get(key), value) for key, value in status.items()):
            return
        path = f"/apis/apps/v1/namespaces/{meta['namespace']}/{resource}/{meta['name']}/status"
        self._api.patch(path, {"status": status})

    @staticmethod
    def _same(now, wanted):
        if not isinstance(wanted, list):
            return now == wanted or (not now and not wanted)
        return [one["reason"] for one in now or []] == [one["reason"] for one in wanted]

    def _empty(self, namespace):
        name = namespace["metadata"]["name"]
        for group in self._api.get("/apis")["groups"] + [None]:
            prefix = "/api/v1" if group is None else "/apis/" + group["preferredVersion"]["groupVersion"]
            for resource in self._api.get(prefix)["resources"]:
                if resource["namespaced"] and "deletecollection" in resource["verbs"]:
                    self._api.request("DELETE", f"{prefix}/namespaces/{name}/{resource['name']}")
        namespace["spec"]["finalizers"] = []
        self._api.request("PUT", f"/api/v1/namespaces/{name}/finalize", namespace)
