"""Only commits that the right people signed reach a cluster: real commits by the real git and ssh-keygen, a real
hub and a real agent.

The fleet's own repository has its signers pinned at the hub; the repository of the packages names Signers and
asks for every commit. Each story pushes one commit that must not rule, sees why it does not, sees that the
cluster keeps what it has, and then puts a seal on top.
"""

import json
import os
import shutil
import subprocess
import unittest

import report
from fleet import Fleet, eventually, package

CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, namespace: shop}\ndata: {text: '%s'}\n"
SEAL = "%s\n\nSomebody looked at what is below.\n\nMuster-Seal: it is harmless\n"


class Signed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.fleet = fleet = Fleet(os.environ["PROGRAMS"], ["prod-1"])
        cls.addClassCleanup(fleet.__exit__, None, None, None)
        cls.keys = os.path.join(fleet.directory, "people")
        os.makedirs(cls.keys)
        for name in ("ada", "bob", "eve"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ecdsa" if name == "bob" else "ed25519", "-N", "", "-C", name,
                            "-f", cls.path(name)], check=True)
        # Bob has left: his key counts for commits of before 2020 only.
        cls.allowed = (f"ada@example.com namespaces=\"git\" {cls.public('ada')}\n"
                       f"bob@example.com valid-before=\"20200101Z\" {cls.public('bob')}\n")
        allowed = os.path.join(fleet.directory, "allowed_signers")
        with open(allowed, "w", encoding="utf-8") as file:
            file.write(cls.allowed)
        fleet.write({
            "fleet/web.yaml": package("web", "web"),
            "fleet/signers.yaml": "apiVersion: muster.dev/v1alpha1\nkind: Signers\nmetadata: {name: team}\nspec:\n"
                                  "  ssh: |\n    " + cls.allowed.replace("\n", "\n    ").rstrip() + "\n",
            "fleet/apps.yaml": "apiVersion: muster.dev/v1alpha1\nkind: Repository\nmetadata: {name: apps}\n"
                               f"spec:\n  url: '{fleet.url}'\n  ref: {{branch: main}}\n  interval: 5s\n"
                               "  verify: {signers: [team], commits: all, authors: ['*@example.com']}\n",
            "web/config.yaml": CONFIG % "first"})
        fleet.commit("first", cls.public_path("ada"))
        fleet.start("--signer", allowed)
        fleet.converge()

    @classmethod
    def path(cls, name):
        return os.path.join(cls.keys, name)

    @classmethod
    def public_path(cls, name):
        return cls.path(name) + ".pub"

    @classmethod
    def public(cls, name):
        with open(cls.public_path(name), encoding="utf-8") as file:
            return " ".join(file.read().split()[:2])

    # ------------------------------------------------------------ pushing

    def push(self, text, key=None, subject=None):
        self.fleet.write({"web/config.yaml": CONFIG % text})
        self.fleet.commit(subject or text, self.public_path(key) if key else None)
        self.fleet.muster("sync", check=False)

    def raw_commit(self, text, key=None):
        """A commit that no branch has, as Git keeps it."""
        self.fleet.write({"web/config.yaml": CONFIG % text})
        self.fleet.git("add", "-A")
        made = self.fleet.git("commit-tree", *([f"-S{self.public_path(key)}"] if key else []), "-p", "HEAD", "-m",
                              text, self.fleet.git("write-tree"))
        return self.fleet.git("cat-file", "commit", made) + "\n"

    def push_raw(self, commit):
        """Makes `commit`, the raw object, the head."""
        head = self.fleet.git("hash-object", "-t", "commit", "-w", "--stdin", text=commit)
        self.fleet.git("update-ref", "refs/heads/main", head)
        self.fleet.muster("sync", check=False)

    def head(self):
        return self.fleet.git("rev-parse", "HEAD")

    # ------------------------------------------------------------ seeing

    def text(self):
        found = self.fleet.objects("prod-1").get(("", "ConfigMap", "shop", "web"))
        return found and found["data"]["text"]

    def repository(self, name):
        done = self.fleet.muster("describe", "repository", name, "-o", "json", check=False)
        return json.loads(done.stdout) if done.returncode == 0 else {}

    def refusal(self, name):
        """(reason, message) of the commit that is Git's head now; nothing while it is not refused."""
        for one in self.repository(name).get("conditions", []):
            if one["type"] == "Verified" and "FALSE" in one["status"].upper() and one["observed"] == self.head():
                return one["reason"], one["message"]
        return None

    def assert_refused(self, reason, *words):
        """Both repositories refuse the head, for that reason, and the cluster keeps what it has."""
        for name in (".fleet", "apps"):
            found = eventually(f"{name} refuses the commit", lambda one=name: self.refusal(one))
            self.assertEqual(found[0], reason, found[1])
            self.assertIn(self.head()[:7], found[1])
            self.assertIn("keeps ruling", found[1])
            for word in words:
                self.assertIn(word, found[1])
        self.assertEqual(self.text(), self.good)
        commits = json.loads(self.fleet.muster("get", "commits", "-o", "json").stdout)["items"]
        mine = [one for one in commits if one["commit"]["id"] == self.head()]
        self.assertEqual({one["result"] for one in mine}, {"Refused"})
        self.assertFalse(any(one["commit"].get("signer") for one in mine))

    def seal(self, text):
        self.push(text, "ada", SEAL % text)
        eventually(f"the cluster has '{text}'", lambda: self.text() == text)
        self.fleet.converge()

    def fingerprint(self, name):
        done = subprocess.run(["ssh-keygen", "-l", "-f", self.public_path(name)], check=True, capture_output=True,
                              text=True)
        return done.stdout.split()[1]

    def setUp(self):
        self.good = f"good before {self.id().rsplit('.', 1)[-1]}"
        self.seal(self.good)

    def tearDown(self):
        self.seal(f"good after {self.id().rsplit('.', 1)[-1]}")

    # ------------------------------------------------------------ stories

    def test_a_signed_commit_rules_and_says_who_signed_it(self):
        self.push("signed", "ada")
        eventually("the cluster has it", lambda: self.text() == "signed")
        commits = json.loads(self.fleet.muster("get", "commits", "-o", "json").stdout)["items"]
        mine = [one for one in commits if one["commit"]["id"] == self.head()]
        self.assertEqual({one["commit"]["signer"] for one in mine}, {"ada@example.com"})
        self.assertEqual({one["commit"]["signingKey"] for one in mine}, {self.fingerprint("ada")})
        self.assertIn("ada@example.com", self.fleet.muster("get", "commits").stdout)
        page = self.fleet.muster("describe", "repository", "apps").stdout
        self.assertIn("signed by team, every commit, written by *@example.com", page)
        self.assertIn(self.fingerprint("ada"), page)
        self.assertIn("the pinned signers", self.fleet.muster("describe", "repository", ".fleet").stdout)

    def test_an_unsigned_commit_does_not_rule(self):
        self.push("unsigned")
        self.assert_refused("Unsigned", "is not signed")

    def test_a_commit_by_a_key_that_nobody_lists_does_not_rule(self):
        self.push("by eve", "eve")
        self.assert_refused("UnknownKey", self.fingerprint("eve"))

    def test_a_commit_of_after_a_keys_time_does_not_rule(self):
        self.push("by bob", "bob")
        self.assert_refused("KeyExpired", self.fingerprint("bob"), "bob@example.com")

    def test_a_commit_that_was_changed_after_it_was_signed_does_not_rule(self):
        self.push_raw(self.raw_commit("as it was signed", "ada").replace("as it was signed", "as it is now"))
        self.assert_refused("BadSignature", self.fingerprint("ada"))

    def test_a_signature_for_something_else_does_not_count(self):
        head, message = self.raw_commit("for a file").split("\n\n", 1)
        signature = subprocess.run(["ssh-keygen", "-q", "-Y", "sign", "-n", "file", "-f", self.path("ada")],
                                   input=f"{head}\n\n{message}", check=True, capture_output=True, text=True).stdout
        folded = signature.strip().replace("\n", "\n ")
        self.push_raw(f"{head}\ngpgsig {folded}\n\n{message}")
        self.assert_refused("WrongNamespace", self.fingerprint("ada"))

    def test_an_unsigned_commit_below_a_signed_one_counts_where_every_commit_does(self):
        self.push("nobody signed this")
        self.push("but this", "ada")
        found = eventually("apps refuses it", lambda: self.refusal("apps"))
        self.assertEqual(found[0], "Unsigned")
        self.assertIn("Muster-Seal", found[1])
        eventually(".fleet takes it, for its head is signed",
                   lambda: self.repository(".fleet").get("commit") == self.head())
        self.assertEqual(self.text(), self.good)

    def test_a_new_signing_key_of_the_hub_reaches_agents_that_run(self):
        pem = os.path.join(self.fleet.data, "keys", "signer.pem")
        with open(pem, encoding="utf-8") as file:
            before = file.read()
        told = self.fleet.run(self.fleet.path_of("hub", "muster-hub"), "rotate-signer", "--data", self.fleet.data)
        self.assertIn("nothing is to be", told.stdout)
        with open(pem, encoding="utf-8") as file:
            self.assertNotEqual(file.read(), before)
        eventually("the hub starts anew", lambda: "starts anew" in self.fleet.log("hub"))
        eventually("the hub answers", lambda: self.fleet.muster("get", "clusters", check=False).returncode == 0)
        self.seal("signed with the new key")
        # What the agent was told last counts, also when it starts where there is no hub.
        self.fleet.stop_program("prod-1")
        self.fleet.start_agent("prod-1")
        self.seal("after a restart of the agent")

    def test_pinned_signers_are_changed_while_the_hub_does_not_run(self):
        hub = self.fleet.path_of("hub", "muster-hub")
        refused = self.fleet.run(hub, "fleet-signers", "--data", self.fleet.data, "--nobody", check=False)
        self.assertNotEqual(refused.returncode, 0, "the hub runs")
        self.fleet.stop_program("hub")
        eve = os.path.join(self.fleet.directory, "eve_signers")
        with open(eve, "w", encoding="utf-8") as file:
            file.write(f"eve@example.com {self.public('eve')}\n")
        both = self.fleet.run(hub, "fleet-signers", "--data", self.fleet.data, check=False)
        self.assertEqual(both.returncode, 2)
        told = self.fleet.run(hub, "fleet-signers", "--data", self.fleet.data, "--signer", eve)
        self.assertIn("1 key may sign", told.stdout)
        self.fleet.start_hub()
        self.push("by eve for the fleet", "eve")
        eventually("the fleet repository follows eve", lambda: self.repository(".fleet").get("commit") == self.head())
        self.assertEqual(eventually("apps does not", lambda: self.refusal("apps"))[0], "UnknownKey")
        self.fleet.stop_program("hub")
        self.fleet.run(hub, "fleet-signers", "--data", self.fleet.data, "--signer",
                       os.path.join(self.fleet.directory, "allowed_signers"))
        self.fleet.start_hub()


if __name__ == "__main__":
    if shutil.which("ssh-keygen") is None:
        raise SystemExit("ssh-keygen is missing; install openssh-client")
    report.main(__name__)
