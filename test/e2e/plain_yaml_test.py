"""Plain Kubernetes YAML that none of us wrote, through a hub, to three clusters.

A directory is followed as it is: one Repository file and one Package file are all that is added.
What the clusters then hold is read by a third YAML reader and compared with the files.

The small piece is in test/testdata. The rest is the public case collection beside the checkout (or
where MUSTER_CASES says), and is skipped where there is none.
"""

import functools
import os
import subprocess
import tempfile
import unittest

import yaml

import report
from fleet import Fleet, documents, identity, package, repository

CLUSTERS = ["dev-1", "staging-1", "prod-1"]
CASES = os.environ.get("MUSTER_CASES") or os.path.join(os.environ["CHECKOUT"], "../shared/cases")
SHOP = os.path.dirname(os.path.realpath("test/testdata/microservices-demo/LICENSE"))
SUFFIXES = (".yaml", ".yml", ".json")
# What makes a directory something else than plain YAML.
OTHERS = ("kustomization.yaml", "kustomization.yml", "Chart.yaml", "fleet.yaml", "Kptfile")


def is_plain(item):
    return (isinstance(item, dict) and isinstance(item.get("metadata"), dict)
            and item["metadata"].get("name") and item.get("apiVersion")
            and item.get("kind") not in (None, "List", "Kustomization"))


def objects_of(directory):
    """{identity: object} of a plain directory; None when it is none."""
    paths = []
    for folder, folders, names in os.walk(directory):
        folders[:] = [one for one in folders if not one.startswith(".")]
        for name in names:
            path = os.path.join(folder, name)
            if name in OTHERS or os.path.islink(path):
                return None  # before anything is read, which is what takes time
            if name.endswith(SUFFIXES) and not name.startswith("."):
                paths.append(path)
    found = {}
    for path in paths:
        for item in items_of(path):
            if not is_plain(item) or identity(item) in found:
                return None
            found[identity(item)] = item
    return found or None


@functools.cache
def items_of(path):
    """The documents of a file; [None] when it is no YAML."""
    try:
        return documents(path)
    except (yaml.YAMLError, ValueError):
        return [None]


def plain_directories(root):
    """Yields (path, objects) of the outermost plain directories."""
    pending = [root]
    while pending:
        directory = pending.pop()
        found = objects_of(directory)
        if found is not None:
            yield directory, found
            continue
        pending += sorted((one.path for one in os.scandir(directory)
                           if one.is_dir(follow_symlinks=False) and not one.name.startswith(".")),
                          reverse=True)


class PlainYaml(unittest.TestCase):
    maxDiff = 4000

    def travels(self, directories, look=lambda fleet: None):
        """`directories`: [(path, objects)] without an identity in common; a package for each.

        `look` is called with the fleet once it has converged.
        """
        expected = {key: item for _, found in directories for key, item in found.items()}
        with Fleet(os.environ["PROGRAMS"], CLUSTERS) as fleet:
            packages = []
            for number, (directory, _) in enumerate(directories):
                fleet.copy(directory, f"case-{number}")
                packages.append(package(f"case-{number}", f"case-{number}"))
            fleet.write({"fleet/repository.yaml": repository(fleet),
                         "fleet/packages.yaml": "---\n".join(packages)})
            fleet.commit("As it was found")
            fleet.start()
            fleet.converge()
            look(fleet)
            held = {name: fleet.objects(name) for name in CLUSTERS}
        for name in CLUSTERS:
            self.assertEqual(sorted(held[name]), sorted(expected), name)
            for key, item in expected.items():
                self.assertEqual(held[name][key], item, f"{name}: {key}")
        self.assertEqual(held["dev-1"], held["staging-1"])
        self.assertEqual(held["dev-1"], held["prod-1"])

    def test_a_shop_of_three_services(self):
        found = objects_of(SHOP)
        self.assertEqual(len(found), 12)
        self.travels([(SHOP, found)], self.traces_an_object)

    def traces_an_object(self, fleet):
        place = fleet.muster("trace", "prod-1", "Service/frontend", "-o",
                             "jsonpath={.object.sourceFile}:{.object.sourceLine}").stdout.strip()
        self.assertEqual(place, "case-0/frontend.yaml:108")
        path, line = place.removeprefix("case-0/").split(":")
        with open(os.path.join(SHOP, path), encoding="utf-8") as file:
            self.assertEqual(file.readlines()[int(line)], "kind: Service\n")

    def test_every_plain_directory_of_the_public_cases(self):
        trees = os.path.join(CASES, "kustomize")
        if not os.path.isdir(trees):
            self.skipTest(f"no public cases at {CASES}; set MUSTER_CASES")
        with tempfile.TemporaryDirectory() as scratch:
            for name in sorted(os.listdir(trees)):
                archive = os.path.join(trees, name, "tree.tar.zst")
                if os.path.exists(archive):
                    os.mkdir(os.path.join(scratch, name))
                    subprocess.run(["tar", "--zstd", "-xf", archive, "-C",
                                    os.path.join(scratch, name)], check=True)
            self.travels(self.disjoint(scratch))

    def disjoint(self, root):
        """The plain directories below `root` but those that hold an object of an earlier one."""
        chosen, taken = [], set()
        for directory, found in plain_directories(root):
            if taken.isdisjoint(found):
                chosen.append((directory, found))
                taken.update(found)
        print(f"{len(chosen)} directories, {len(taken)} objects")
        self.assertGreater(len(chosen), 10)
        return chosen


if __name__ == "__main__":
    report.main(__name__)
