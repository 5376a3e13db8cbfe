"""A SOPS secret travels encrypted from Git to a real API server and appears decrypted only there."""

import base64
import os
import subprocess
import tempfile

import report
from world import CLUSTER, World, namespace

FIXTURES = "common/secrets/testdata"


def secret(name, space, password):
    return (f"apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: {space}}}\n"
            f"stringData: {{password: {password}}}\n")


def real_sops():
    done = subprocess.run(["test/tools/build-sops", "--print"], capture_output=True, text=True, check=False)
    return os.path.join(done.stdout.strip(), "sops") if done.returncode == 0 else None


def seal_with(sops, recipient, text):
    """As a person does it who has the cluster's public key and no Muster."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(text)
        file.flush()
        done = subprocess.run([sops, "encrypt", "--age", recipient, "--encrypted-regex", "^(data|stringData)$",
                               file.name], capture_output=True, text=True, check=True,
                              env={"PATH": os.environ["PATH"], "SOPS_DISABLE_VERSION_CHECK": "1"})
    return done.stdout


class Secrets(World):
    @classmethod
    def setUpClass(cls):
        # The key that the fixtures are sealed to, as a team has one that other tools know too.
        cls.bootstrap = (*World.bootstrap, "--age-identity", os.path.join(FIXTURES, "cluster.age"))
        super().setUpClass()

    def password(self, space, name):
        found = self.find("secrets", space, name)
        return found and base64.b64decode(found["data"]["password"]).decode()

    def seal(self, text):
        done = subprocess.run([os.path.join(self.fleet.bin, "cli/muster"), "secret", "seal", "--cluster", CLUSTER],
                              input=text, env=self.fleet.environment, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def files_with(self, word):
        """Of hub, agent, Git and logs; what etcd has, and a pod mounts, is the cluster."""
        spellings = [word.encode(), *(base64.b64encode(b"x" * lead + word.encode())[4:-4] for lead in range(3))]
        found = []
        for place, folders, names in os.walk(self.fleet.folder):
            folders[:] = [one for one in folders if one not in ("etcd", "agent-age")]
            for name in names:
                path = os.path.join(place, name)
                if os.path.isfile(path) and not os.path.islink(path):
                    with open(path, "rb") as file:
                        content = file.read()
                    found += [path for one in spellings if one in content]
        return found

    def test_a_sealed_secret_is_opened_in_the_cluster_only(self):
        word = "sealed-by-muster-8125"
        self.see(lambda: self.view().get("recipient"))
        sealed = self.seal(secret("db", "sealed", word))
        self.assertNotIn(word, sealed)
        self.fleet.package("sealed", {"space.yaml": namespace("sealed"), "db.yaml": sealed})
        self.fleet.commit("A sealed secret")
        self.settle("sealed")
        self.assertEqual(self.password("sealed", "db"), word)
        self.assertNotIn("sops", self.find("secrets", "sealed", "db"))
        # A hand in it is corrected, and neither value is told to anybody.
        place = self.place("secrets", "sealed", "db") + "?fieldManager=night-shift"
        self.api.patch(place, {"stringData": {"password": "by-hand-5519"}})
        self.see(lambda: self.password("sealed", "db") == word)
        self.settle("sealed")
        for one in (word, "by-hand-5519"):
            self.assertEqual(self.files_with(one), [], f"{one} is in clear outside of the cluster")

    def test_what_the_real_sops_made_is_opened_with_a_further_key(self):
        with open(os.path.join(FIXTURES, "several.yaml"), encoding="utf-8") as file:
            self.fleet.package("several", {"several.yaml": file.read()}, namespace="several")
        self.fleet.commit("Two documents that sops sealed as one file")
        self.settle("several")
        self.assertEqual(self.password("several", "first"), "one of two")
        self.assertEqual(self.password("several", "second"), "two of two")

    def test_a_key_that_comes_later_opens_without_a_restart(self):
        with open(os.path.join(FIXTURES, "to-other.yaml"), encoding="utf-8") as file:
            self.fleet.package("later", {"web.yaml": file.read()}, namespace="shop")
        self.fleet.commit("Sealed to a key that the cluster does not have yet")
        failed = self.see(lambda: self.problem("later", "web"))
        self.assertIn("it is sealed to age1", failed["message"])
        pid = self.kubelet.pid
        keys = ["--age-identity", os.path.join(FIXTURES, "cluster.age"),
                "--age-identity", os.path.join(FIXTURES, "other.age")]
        done = self.fleet.muster("bootstrap", CLUSTER, "--kubeconfig", self.plane.kubeconfig, "--context", "test",
                                 "--image", "muster-agent:test", *World.bootstrap, *keys)
        self.assertIn("is up to date", done.stdout)
        self.settle("later")
        self.assertEqual(self.password("shop", "web"), "correct horse battery staple")
        self.assertEqual(self.kubelet.pid, pid)
        # Bootstrap without the flag takes no key away.
        self.fleet.muster("bootstrap", CLUSTER, "--kubeconfig", self.plane.kubeconfig, "--context", "test",
                          "--image", "muster-agent:test", *World.bootstrap)
        self.assertIn("keys.txt", self.api.get("/api/v1/namespaces/muster-system/secrets/muster-agent-age")["data"])
        with open(os.path.join(FIXTURES, "other.age"), encoding="utf-8") as file:
            self.assertEqual(self.files_with(file.read().split()[-1]), [])

    def test_the_real_sops_seals_to_the_clusters_own_key(self):
        sops = real_sops()
        if sops is None:
            self.skipTest("no real sops here: run test/tools/build-sops")
        recipient = self.see(lambda: self.view().get("recipient"))
        sealed = seal_with(sops, recipient, secret("db", "theirs", "sealed-by-sops-3071"))
        self.fleet.package("theirs", {"space.yaml": namespace("theirs"), "db.yaml": sealed})
        self.fleet.commit("What sops sealed")
        self.settle("theirs")
        self.assertEqual(self.password("theirs", "db"), "sealed-by-sops-3071")
        self.assertEqual(self.files_with("sealed-by-sops-3071"), [])


if __name__ == "__main__":
    report.main()
