"""A secret travels from Git to clusters: sealed with `muster secret seal` and with the real sops, opened by the
agent of the cluster that it is sealed to, and to be found nowhere else.

What the real sops makes is a fixture with its test key, so that this runs everywhere; with the program
itself (test/tools/build-sops) both ways are tried, else that is skipped and said.
"""

import base64
import json
import os
import re
import subprocess
import tempfile
import unittest

import report
from fleet import PATIENCE, Fleet, eventually, package, repository

FIXTURES = os.path.dirname(os.path.realpath("common/secrets/testdata/cluster.age"))
SECRET = """apiVersion: v1
kind: Secret
metadata: {name: %s, namespace: shop}
stringData: {password: "%s"}
"""
ONE, TWO, FILE = "first-treasure-7261", "second-treasure-9914", "horse-battery"


def everything_below(folder):
    """{path: bytes} of every file."""
    found = {}
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            if os.path.isfile(path) and not os.path.islink(path):
                with open(path, "rb") as file:
                    found[path] = file.read()
    return found


def spellings(text):
    """A text as it may stand in a file."""
    plain = text.encode()
    # Base64 of a text within another: whatever stands before it, the middle letters are among three.
    return [plain] + [base64.b64encode(b"x" * lead + plain)[4:-4] for lead in range(3)]


def encoded(text):
    return base64.b64encode(text.encode()).decode()


def password_of(secret):
    return base64.b64decode(secret["data"]["password"]).decode()


def real_sops():
    done = subprocess.run([os.path.join(os.environ["CHECKOUT"], "test/tools/build-sops"), "--print"],
                          capture_output=True, text=True, check=False)
    return os.path.join(done.stdout.strip(), "sops") if done.returncode == 0 else None


class Secrets(unittest.TestCase):
    """One fleet: prod-1 has a further key, that of the fixtures; dev-1 has only its own."""

    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(os.environ["PROGRAMS"], ["dev-1", "prod-1"])
        cls.addClassCleanup(cls.fleet.__exit__, None, None, None)
        fleet = cls.fleet
        fleet.write({"fleet/repository.yaml": repository(fleet)})
        fleet.commit("a fleet")
        fleet.init()
        fleet.start_hub()
        team = os.path.join(fleet.directory, "team.age")
        with open(os.path.join(FIXTURES, "cluster.age"), encoding="utf-8") as file:
            text = file.read()
        with open(os.open(team, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        fleet.join("dev-1")
        fleet.join("prod-1", "--age-identity", team)
        eventually("both clusters say their keys", lambda: len(cls.recipients()) == 2)

    @classmethod
    def recipients(cls):
        done = cls.fleet.muster("secret", "recipients", "-o", "json", check=False)
        if done.returncode != 0:
            return {}
        return {one["cluster"]: one["recipient"] for one in json.loads(done.stdout)["items"]
                if one["recipient"]}

    def seal(self, text, *flags):
        """What the command prints; the plain text goes through a pipe only."""
        done = subprocess.run([self.fleet.path_of("cli", "muster"), "secret", "seal", *flags], input=text,
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def deliver(self, name, files):
        self.fleet.write({f"fleet/{name}.yaml": package(name, name),
                          **{f"{name}/{path}": text for path, text in files.items()}})
        self.fleet.commit(name)
        self.fleet.muster("sync", check=False)

    def live(self, cluster, name, namespace="shop"):
        return self.fleet.objects(cluster).get(("", "Secret", namespace, name))

    def problem(self, cluster, name):
        done = self.fleet.muster("describe", "cluster", cluster, "-o", "json", check=False)
        if done.returncode != 0:
            return None
        problems = [one for each in json.loads(done.stdout)["packages"] for one in each.get("problems", [])]
        return next((one for one in problems if one["name"] == name), None)

    def assert_nowhere(self, *texts):
        """None of the texts stands in any file but those of the clusters themselves."""
        outside = {path: text for path, text in everything_below(self.fleet.directory).items()
                   if not path.startswith(os.path.join(self.fleet.directory, "clusters"))}
        self.assertGreater(len(outside), 20)
        for text in texts:
            for spelling in spellings(text):
                at = [path for path, content in outside.items() if spelling in content]
                self.assertEqual(at, [], f"{text} is in clear")

    # ------------------------------------------------------------ stories

    def test_a_secret_appears_decrypted_in_its_cluster_and_nowhere_else(self):
        sealed = self.seal(SECRET % ("both", ONE), "--all")
        self.assertNotIn(ONE, sealed)
        self.deliver("both", {"db.yaml": sealed})
        for cluster in ("dev-1", "prod-1"):
            found = eventually(f"{cluster} has the secret", lambda one=cluster: self.live(one, "both"))
            self.assertEqual(password_of(found), ONE)
            self.assertNotIn("sops", found)
        self.fleet.muster("wait", "package/both", "--timeout", f"{PATIENCE}s")
        self.fleet.muster("diff", "prod-1", check=False)
        self.assert_nowhere(ONE)

    def test_the_wrong_key_is_said_and_other_objects_go_on(self):
        sealed = self.seal(SECRET % ("wrong", TWO), "--cluster", "prod-1")
        config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: beside, namespace: shop}\ndata: {a: '1'}\n"
        self.deliver("wrong", {"db.yaml": sealed, "config.yaml": config})
        eventually("prod-1 has it", lambda: self.live("prod-1", "wrong"))
        eventually("dev-1 goes on", lambda: self.fleet.objects("dev-1").get(("", "ConfigMap", "shop", "beside")))
        problem = eventually("dev-1 says why", lambda: self.problem("dev-1", "wrong"))
        keys = self.recipients()
        for word in ("wrong/db.yaml", "Secret shop/wrong", keys["prod-1"], keys["dev-1"], "muster secret seal"):
            self.assertIn(word, problem["message"])
        self.assertIsNone(self.live("dev-1", "wrong"))
        # Sealed anew to both, it is there.
        self.deliver("wrong", {"db.yaml": self.seal(SECRET % ("wrong", TWO), "--all")})
        eventually("dev-1 has it", lambda: self.live("dev-1", "wrong"))
        self.assert_nowhere(TWO)

    def test_the_last_good_stays_when_the_next_cannot_be_opened(self):
        name = "last"
        self.deliver(name, {"db.yaml": self.seal(SECRET % (name, ONE), "--all")})
        eventually("dev-1 has it", lambda: self.live("dev-1", name))
        self.deliver(name, {"db.yaml": self.seal(SECRET % (name, TWO), "--cluster", "prod-1")})
        eventually("prod-1 has the next",
                   lambda: password_of(self.live("prod-1", name)) == TWO)
        eventually("dev-1 says why", lambda: self.problem("dev-1", name))
        self.assertEqual(password_of(self.live("dev-1", name)), ONE)

    def test_a_document_that_was_edited_by_hand_is_refused_in_the_cluster(self):
        self.deliver("edited", {"db.yaml": self.seal(SECRET % ("before", ONE), "--all")
                                .replace("name: before", "name: edited")})
        problem = eventually("dev-1 says why", lambda: self.problem("dev-1", "edited"))
        self.assertIn("edited/db.yaml: it does not fit its MAC", problem["message"])
        self.assertIsNone(self.live("dev-1", "edited"))

    def test_drift_is_corrected_and_not_shown(self):
        self.deliver("drift", {"db.yaml": self.seal(SECRET % ("drift", ONE), "--all")})
        eventually("prod-1 has it", lambda: self.live("prod-1", "drift"))
        place = next(path for path, text in everything_below(self.fleet.cluster_directory("prod-1")).items()
                     if b"name: drift" in text)
        with open(place, encoding="utf-8") as file:
            text = file.read()
        with open(place, "w", encoding="utf-8") as file:
            file.write(text.replace(encoded(ONE), encoded("changed-by-hand-3388")))
        eventually("it is put right", lambda: password_of(self.live("prod-1", "drift")) == ONE)
        self.assert_nowhere(ONE, "changed-by-hand-3388")

    def test_what_the_real_sops_made_is_opened_with_a_further_key(self):
        files = {}
        for name in ("several.yaml", "app.env", "tls.key.sops"):
            with open(os.path.join(FIXTURES, name), encoding="utf-8") as file:
                files[name] = file.read()
        files["app.yaml"] = ("apiVersion: v1\nkind: Secret\nmetadata:\n  name: app\n  namespace: shop\n"
                             "  annotations: {muster.dev/sops-files: 'app.env, tls.key=tls.key.sops'}\n")
        files["kustomization.yaml"] = "namespace: shop\nresources: [several.yaml, app.yaml]\nnamePrefix: real-\n"
        self.deliver("real", files)
        app = eventually("prod-1 has the files", lambda: self.live("prod-1", "real-app"))
        self.assertEqual(base64.b64decode(app["data"]["DATABASE_URL"]).decode(),
                         "postgres://web:horse-battery@db/shop")
        with open(os.path.join(FIXTURES, "plain/tls.key"), "rb") as file:
            self.assertEqual(base64.b64decode(app["data"]["tls.key"]), file.read())
        for name, password in (("real-first", "one of two"), ("real-second", "two of two")):
            found = eventually(f"prod-1 has {name}", lambda one=name: self.live("prod-1", one))
            self.assertEqual(password_of(found), password)
        self.assert_nowhere(FILE, "two of two")

    def test_the_cluster_says_its_key(self):
        key = self.recipients()["dev-1"]
        self.assertTrue(re.fullmatch("age1[a-z0-9]{58}", key), key)
        self.assertIn(key, self.fleet.muster("describe", "cluster", "dev-1").stdout)
        shown = json.loads(self.fleet.muster("get", "cluster", "dev-1", "-o", "json").stdout)
        self.assertEqual(shown["recipient"], key)
        own = os.path.join(self.fleet.directory, "agents", "dev-1", "age.key")
        self.assertEqual(os.stat(own).st_mode & 0o777, 0o600)

    def test_the_real_sops_reads_what_is_sealed_here(self):
        sops = real_sops()
        if sops is None:
            self.skipTest("no real sops here: run test/tools/build-sops")
        own = os.path.join(self.fleet.directory, "agents", "dev-1", "age.key")
        sealed = self.seal(SECRET % ("db", ONE), "--cluster", "dev-1")
        opened = subprocess.run([sops, "decrypt", "--input-type", "yaml", "--output-type", "json", "/dev/stdin"],
                                input=sealed, capture_output=True, text=True, check=False,
                                env={"PATH": os.environ["PATH"], "SOPS_AGE_KEY_FILE": own,
                                     "SOPS_DISABLE_VERSION_CHECK": "1"})
        self.assertEqual(opened.returncode, 0, opened.stderr)
        self.assertEqual(json.loads(opened.stdout)["stringData"], {"password": ONE})
        # And what it seals to the cluster's key is opened there.
        with tempfile.NamedTemporaryFile("w", suffix=".yaml", dir=self.fleet.directory) as file:
            file.write(SECRET % ("theirs", "through-sops-4410"))
            file.flush()
            made = subprocess.run([sops, "encrypt", "--age", self.recipients()["dev-1"], "--encrypted-regex",
                                   "^(data|stringData)$", file.name], capture_output=True, text=True, check=False)
        self.assertEqual(made.returncode, 0, made.stderr)
        self.deliver("theirs", {"db.yaml": made.stdout})
        found = eventually("dev-1 has it", lambda: self.live("dev-1", "theirs"))
        self.assertEqual(password_of(found), "through-sops-4410")
        self.assert_nowhere("through-sops-4410")


if __name__ == "__main__":
    report.main(__name__)
