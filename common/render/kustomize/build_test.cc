#include "common/render/kustomize/build.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/manifest/json.h"
#include "common/render/file_tree.h"
#include "gtest/gtest.h"

namespace muster::kustomize {
namespace {

using Paths = std::vector<std::pair<std::string, std::string>>;
using Lines = std::vector<std::string>;

FileTree Tree(const Paths& files) {
  FileTree tree;
  for (const auto& [path, bytes] : files) EXPECT_TRUE(tree.Add(path, bytes).ok()) << path;
  return tree;
}

absl::StatusOr<std::vector<BuiltObject>> Build(const FileTree& tree, const std::string& directory,
                                               const BuildOptions& options = {}) {
  FileTreeSource source(tree);
  BuildCache cache(source);
  return BuildKustomization(cache, directory, options);
}

// "Kind/namespace/name" of each object, or the error.
Lines Built(const FileTree& tree, const std::string& directory, const BuildOptions& options = {}) {
  const auto built = Build(tree, directory, options);
  if (!built.ok()) return {absl::StrCat("error: ", built.status().message())};
  Lines lines;
  for (const BuiltObject& object : *built) {
    const ResId id = ResId::OfObject(*object.value);
    lines.push_back(absl::StrCat(id.gvk.kind, "/", id.namespace_, "/", id.name));
  }
  return lines;
}

// What stands at the pointer in the only object, or the error.
std::string Only(const FileTree& tree, const std::string& directory, absl::string_view pointer) {
  const auto built = Build(tree, directory);
  if (!built.ok()) return absl::StrCat("error: ", built.status().message());
  if (built->size() != 1) return absl::StrCat(built->size(), " objects");
  const Value* value = built->front().value->Find(pointer);
  return value == nullptr ? "absent" : CanonicalJson(*value);
}

std::string Error(const FileTree& tree, const std::string& directory) {
  const auto built = Build(tree, directory);
  return built.ok() ? "no error" : std::string(built.status().message());
}

std::string Object(absl::string_view api_version, absl::string_view kind, absl::string_view name,
                   absl::string_view more = "") {
  return absl::StrCat("apiVersion: ", api_version, "\nkind: ", kind, "\nmetadata:\n  name: ", name,
                      "\n", more);
}

std::string ConfigMap(absl::string_view name, absl::string_view more = "") {
  return Object("v1", "ConfigMap", name, more);
}

std::string Deployment(absl::string_view name, absl::string_view pod) {
  return Object("apps/v1", "Deployment", name,
                absl::StrCat("spec:\n  template:\n    spec:\n", pod));
}

// A kustomization in "k" over one object in "k/a.yaml".
FileTree One(const std::string& object, const std::string& kustomization) {
  return Tree({{"k/a.yaml", object},
               {"k/kustomization.yaml", absl::StrCat("resources: [a.yaml]\n", kustomization)}});
}

// ---------------------------------------------------------------- resources and order

TEST(Build, ReadsFilesAndBasesAndSortsByKind) {
  const FileTree tree =
      Tree({{"base/kustomization.yaml", "resources: [a.yaml]\n"},
            {"base/a.yaml", Deployment("web", "      containers: []\n")},
            {"over/kustomization.yml", "resources: [../base, n.yaml, ./c.yaml]\n"},
            {"over/n.yaml", Object("v1", "Namespace", "shop")},
            {"over/c.yaml", ConfigMap("b") + "---\n" + ConfigMap("a")}});
  EXPECT_EQ(Built(tree, "over"),
            Lines({"Namespace//shop", "ConfigMap//a", "ConfigMap//b", "Deployment//web"}));
  BuildOptions fifo;
  fifo.order = Order::kFifo;
  EXPECT_EQ(Built(tree, "over", fifo),
            Lines({"Deployment//web", "Namespace//shop", "ConfigMap//b", "ConfigMap//a"}));
}

TEST(Build, TakesListsApart) {
  EXPECT_EQ(Built(One("apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Secret, "
                      "metadata: {name: a}}\n- {apiVersion: v1, kind: Secret, metadata: {name: b}}",
                      ""),
                  "k"),
            Lines({"Secret//a", "Secret//b"}));
}

TEST(Build, LeavesOutLocalConfiguration) {
  EXPECT_EQ(
      Built(
          One(ConfigMap("a", "  annotations: {config.kubernetes.io/local-config: \"true\"}\n"), ""),
          "k"),
      Lines());
}

TEST(Build, AppliesAComponentToWhatIsThere) {
  const FileTree tree =
      Tree({{"k/a.yaml", ConfigMap("a")},
            {"k/kustomization.yaml", "resources: [a.yaml]\ncomponents: [../c]\nnamePrefix: p-\n"},
            {"c/kustomization.yaml",
             "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
             "nameSuffix: -c\n"}});
  EXPECT_EQ(Built(tree, "k"), Lines({"ConfigMap//p-a-c"}));
}

TEST(Build, GivesTheSameWithAndWithoutACache) {
  const FileTree tree = Tree({{"base/a.yaml", ConfigMap("a")},
                              {"base/kustomization.yaml", "resources: [a.yaml]\n"},
                              {"x/kustomization.yaml", "resources: [../base]\nnamePrefix: x-\n"},
                              {"y/kustomization.yaml", "resources: [../base]\nnamePrefix: y-\n"}});
  FileTreeSource source(tree);
  BuildCache cache(source);
  for (int round = 0; round < 2; ++round) {
    for (const std::string name : {"x", "y", "base"}) {
      const auto built = BuildKustomization(cache, name, {});
      ASSERT_TRUE(built.ok()) << built.status();
      EXPECT_EQ(*built->front().value, *Build(tree, name)->front().value) << name;
    }
  }
}

// ---------------------------------------------------------------- names and references

TEST(Build, CarriesNewNamesOverToReferences) {
  const FileTree tree = Tree(
      {{"k/a.yaml", ConfigMap("settings")},
       {"k/d.yaml", Deployment("web",
                               "      volumes:\n      - name: v\n        configMap: {name: "
                               "settings}\n")},
       {"k/kustomization.yaml", "resources: [a.yaml, d.yaml]\nnamePrefix: p-\nnameSuffix: -s\n"}});
  const auto built = Build(tree, "k");
  ASSERT_TRUE(built.ok()) << built.status();
  ASSERT_EQ(built->size(), 2u);
  EXPECT_EQ(*(*built)[1].value->Find("/spec/template/spec/volumes/0/configMap/name"),
            Value("p-settings-s"));
}

TEST(Build, SetsTheNamespaceButNotOfWhatHasNone) {
  const FileTree tree =
      One(ConfigMap("a") + "---\n" + Object("rbac.authorization.k8s.io/v1", "ClusterRole", "r") +
              "---\n" +
              Object("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "b",
                     "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: r}\n"
                     "subjects: [{kind: ServiceAccount, name: default, namespace: x}]\n"),
          "namespace: shop\n");
  EXPECT_EQ(Built(tree, "k"),
            Lines({"ClusterRole//r", "ClusterRoleBinding//b", "ConfigMap/shop/a"}));
  const auto built = Build(tree, "k");
  EXPECT_EQ(*(*built)[1].value->Find("/subjects/0/namespace"), Value("shop"));
}

TEST(Build, RefusesAReferenceThatCouldMeanTwo) {
  const FileTree tree =
      Tree({{"a/kustomization.yaml", "resources: [c.yaml]\nnamePrefix: a-\n"},
            {"a/c.yaml", ConfigMap("settings")},
            {"b/kustomization.yaml", "resources: [c.yaml]\nnamePrefix: b-\n"},
            {"b/c.yaml", ConfigMap("settings")},
            {"k/d.yaml", Deployment("web", "      volumes: [{configMap: {name: settings}}]\n")},
            {"k/kustomization.yaml", "resources: [../a, ../b, d.yaml]\nnamePrefix: k-\n"}});
  const std::string error = Error(tree, "k");
  EXPECT_EQ(error.find("k/d.yaml:1: field 'spec/template/spec/volumes/configMap/name' of "), 0u)
      << error;
  EXPECT_NE(error.find("'settings' could mean ConfigMap.v1.[noGrp]/k-a-settings.[noNs] from "
                       "a/c.yaml:1 or ConfigMap.v1.[noGrp]/k-b-settings.[noNs] from b/c.yaml:1"),
            std::string::npos)
      << error;
}

// ---------------------------------------------------------------- patches

TEST(Patches, MergeListsByKeyWithThePatchFirst) {
  const FileTree tree =
      One(Deployment("web",
                     "      containers:\n      - {name: a, image: a}\n      - name: b\n        "
                     "ports: [{containerPort: 80}, {containerPort: 81, protocol: UDP}]\n"),
          "patches:\n- patch: |\n" + std::string("    apiVersion: apps/v1\n    kind: Deployment\n"
                                                 "    metadata: {name: web}\n    spec:\n"
                                                 "      template:\n        spec:\n"
                                                 "          containers:\n"
                                                 "          - name: b\n            ports:\n"
                                                 "            - {containerPort: 80, name: http}\n"
                                                 "            - {containerPort: 443}\n"
                                                 "          - {name: c, image: c}\n"));
  EXPECT_EQ(Only(tree, "k", "/spec/template/spec/containers"),
            R"([{"name":"b","ports":[{"containerPort":443},{"containerPort":80,"name":"http"},)"
            R"({"containerPort":81,"protocol":"UDP"}]},{"image":"c","name":"c"},)"
            R"({"image":"a","name":"a"}])");
}

TEST(Patches, DropNullsThatWereSpelledAsNothing) {
  const std::string patch =
      "patches:\n- target: {kind: Thing}\n  patch: '{apiVersion: x/v1, kind: Thing, metadata: "
      "{name: any}, spec: {d: 1}}'\n";
  EXPECT_EQ(Only(One(Object("x/v1", "Thing", "a", "spec:\n  a:\n  b: null\n  c: ~\n"), patch), "k",
                 "/spec"),
            R"({"b":null,"c":null,"d":1})");
  EXPECT_EQ(Only(One(Object("x/v1", "Thing", "a", "spec:\n  a:\n  b: null\n"), ""), "k", "/spec"),
            R"({"a":null,"b":null})");
}

TEST(Patches, DeleteWholeResources) {
  const FileTree tree =
      One(ConfigMap("a") + "---\n" + ConfigMap("b"),
          "patches:\n- patch: '{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, $patch: "
          "delete}'\n");
  EXPECT_EQ(Built(tree, "k"), Lines({"ConfigMap//b"}));
}

TEST(Patches, OfJsonPutWhatTheyReplace) {
  const FileTree tree = One(ConfigMap("a", "data: {x: y}\n"),
                            "patches:\n- target: {kind: ConfigMap, name: a.*}\n  patch: |-\n"
                            "    - {op: replace, path: /data/new, value: z}\n"
                            "    - {op: remove, path: /data/x}\n");
  EXPECT_EQ(Only(tree, "k", "/data"), R"({"new":"z"})");
}

// Kustomize keeps its notes among the annotations, so that these are there for a patch with a
// target.
TEST(Patches, OfJsonFindAnnotationsWhereThereAreNone) {
  const std::string patch =
      "patches:\n- target: {kind: ConfigMap}\n  patch: '[{op: add, path: "
      "/metadata/annotations/x~1y, value: z}]'\n";
  EXPECT_EQ(Only(One(ConfigMap("a"), patch), "k", "/metadata"),
            R"({"annotations":{"x/y":"z"},"name":"a"})");
  EXPECT_EQ(Only(One(ConfigMap("a"),
                     "patches:\n- target: {kind: ConfigMap}\n  patch: '[{op: add, "
                     "path: /data, value: {x: y}}]'\n"),
                 "k", "/metadata"),
            R"({"name":"a"})");
  // patchesJson6902 takes no note of its own.
  EXPECT_NE(Error(One(ConfigMap("a"),
                      "patchesJson6902:\n- target: {version: v1, kind: ConfigMap, "
                      "name: a}\n  patch: '[{op: add, path: "
                      "/metadata/annotations/x, value: z}]'\n"),
                  "k")
                .find("there is nothing at '/metadata/annotations/x'"),
            std::string::npos);
}

TEST(Patches, ThatMeanNothingSayWhatThereIs) {
  const std::string error =
      Error(One(ConfigMap("a"),
                "patches:\n- patch: '{apiVersion: v1, kind: ConfigMap, metadata: "
                "{name: b}}'\n"),
            "k");
  EXPECT_EQ(error,
            "k/kustomization.yaml:3: there is no ConfigMap.v1.[noGrp]/b.[noNs] to patch; there is "
            "ConfigMap.v1.[noGrp]/a.[noNs]; apiVersion, kind, name and namespace must be those of "
            "the resource");
}

TEST(Patches, OfAnotherShapeAreRefused) {
  const std::string error = Error(
      One(Object("x/v1", "Thing", "a", "spec: {a: text}\n"),
          "patches:\n- patch: '{apiVersion: x/v1, kind: Thing, metadata: {name: a}, spec: {a: {b: "
          "1}}}'\n"),
      "k");
  EXPECT_NE(error.find("spec: a: the patch has a map where the object has a string"),
            std::string::npos)
      << error;
}

// What a build of "base" and then "over" makes of one Deployment: its labels `env`, or annotations
// `note`, of metadata, selector and pod.
std::string Layered(const std::string& base, const std::string& over,
                    const std::string& field = "labels", const std::string& key = "env") {
  const FileTree tree =
      Tree({{"base/a.yaml",
             "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: "
             "{selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: "
             "web}}, spec: {containers: []}}}\n"},
            {"base/kustomization.yaml", "resources: [a.yaml]\n" + base},
            {"over/kustomization.yaml", "resources: [../base]\n" + over}});
  const std::string last = absl::StrCat("/", key);
  const std::string selector = "/spec/selector/matchLabels";
  return absl::StrCat(Only(tree, "over", absl::StrCat("/metadata/", field, last)), " ",
                      Only(tree, "over", selector + last), " ",
                      Only(tree, "over", absl::StrCat("/spec/template/metadata/", field, last)));
}

std::string PatchOfWeb(const std::string& rest) {
  return absl::StrCat(
      "patches:\n- patch: '{apiVersion: apps/v1, kind: Deployment, metadata: {name: web", rest,
      "}'\n");
}

// Kustomize keeps a label that it adds to several fields once (shared_texts.h). The figures are
// those of the real one.
TEST(SharedTexts, ChangeInAllFieldsTogether) {
  const std::string labels = "commonLabels: {env: base}\n";
  const std::string prod = R"("prod" "prod" "prod")";
  EXPECT_EQ(Layered(labels, "labels: [{pairs: {env: prod}}]\n"), prod);
  EXPECT_EQ(Layered(labels, "namespace: n\nlabels: [{pairs: {env: prod}}]\n"), prod);
  EXPECT_EQ(Layered("labels: [{pairs: {env: base}, includeTemplates: true}]\n",
                    "labels: [{pairs: {env: prod}}]\n"),
            R"("prod" absent "prod")");
  EXPECT_EQ(Layered(labels, PatchOfWeb(", labels: {env: prod}}")), prod);
  EXPECT_EQ(Layered(labels, PatchOfWeb("}, spec: {selector: {matchLabels: {env: prod}}}")), prod);
  EXPECT_EQ(Layered(labels, PatchOfWeb(", labels: {env: one}}, spec: {selector: {matchLabels: "
                                       "{env: prod}}}")),
            prod);
  EXPECT_EQ(
      Layered(labels,
              "replacements: [{source: {kind: Deployment, fieldPath: metadata.name}, "
              "targets: [{select: {kind: Deployment}, fieldPaths: [metadata.labels.env]}]}]\n"),
      R"("web" "web" "web")");
  EXPECT_EQ(Layered("commonAnnotations: {note: base}\n", PatchOfWeb(", annotations: {note: one}}"),
                    "annotations", "note"),
            R"("one" absent "one")");
}

TEST(SharedTexts, PartWhenAFieldIsWrittenAnew) {
  const std::string labels = "commonLabels: {env: base}\n";
  const std::string prod = "labels: [{pairs: {env: prod}}]\n";
  EXPECT_EQ(Layered(labels,
                    "patches: [{target: {kind: Deployment}, patch: '[{op: add, path: "
                    "/spec/paused, value: true}]'}]\n" +
                        prod),
            R"("prod" "base" "base")");
  EXPECT_EQ(Layered(labels, PatchOfWeb(", labels: {env: null}}") + prod),
            R"("prod" "base" "base")");
  EXPECT_EQ(Layered(labels, PatchOfWeb("}, spec: {template: {metadata: {$patch: replace, labels: "
                                       "{app: web, env: base}}}}") +
                                prod),
            R"("prod" "prod" "base")");
  const std::string noted = "commonAnnotations: {note: base}\n";
  const std::string patch = PatchOfWeb(", annotations: {note: one}}");
  EXPECT_EQ(Layered(noted, "namespace: n\n" + patch, "annotations", "note"),
            R"("one" absent "one")");
  // A label that was there before is a field of its own.
  EXPECT_EQ(
      Layered("commonLabels: {app: base}\n", "labels: [{pairs: {app: prod}}]\n", "labels", "app"),
      R"("prod" "base" "base")");
}

TEST(Patches, ThatReplaceAWholeObjectDoNothing) {
  EXPECT_EQ(Only(One(ConfigMap("a", "data: {x: y}\n"),
                     "patches:\n- patch: '{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, "
                     "$patch: replace, data: {z: z}}'\n"),
                 "k", "/data"),
            R"({"x":"y"})");
}

// ---------------------------------------------------------------- labels, images, replicas

TEST(Build, LabelsSelectorsAndTemplates) {
  const FileTree tree =
      One(Deployment("web", "      containers: []\n"), "commonLabels: {app: x}\n");
  for (const char* at :
       {"/metadata/labels", "/spec/selector/matchLabels", "/spec/template/metadata/labels"}) {
    EXPECT_EQ(Only(tree, "k", at), R"({"app":"x"})") << at;
  }
  const FileTree only =
      One(Deployment("web", "      containers: []\n"), "labels:\n- pairs: {app: x}\n");
  EXPECT_EQ(Only(only, "k", "/metadata/labels"), R"({"app":"x"})");
  EXPECT_EQ(Only(only, "k", "/spec/selector"), "absent");
}

TEST(Build, ChangesImagesWhereverContainersStand) {
  const auto image = [](const std::string& before, const std::string& edit) {
    return Only(One(Object("x/v1", "Thing", "a",
                           absl::StrCat("deep: {er: {containers: [{image: \"", before, "\"}]}}\n")),
                    absl::StrCat("images:\n- name: r.io/web\n  ", edit, "\n")),
                "k", "/deep/er/containers/0/image");
  };
  EXPECT_EQ(image("r.io/web:1", "newTag: \"2\""), "\"r.io/web:2\"");
  EXPECT_EQ(image("r.io/web:1", "digest: sha256:ab"), "\"r.io/web@sha256:ab\"");
  EXPECT_EQ(image("r.io/web:1@sha256:ab", "newName: x"), "\"x:1@sha256:ab\"");
  EXPECT_EQ(image("r.io/web2:1", "newTag: \"2\""), "\"r.io/web2:1\"");
  EXPECT_EQ(image("r.io/web:1", "tagSuffix: -a"), "\"r.io/web:1-a\"");
}

TEST(Build, SetsReplicasOrSaysWhoIsMissing) {
  EXPECT_EQ(
      Only(One(Deployment("web", "      containers: []\n"), "replicas: [{name: web, count: 3}]\n"),
           "k", "/spec/replicas"),
      "3");
  EXPECT_EQ(Error(One(ConfigMap("web"), "replicas:\n- {name: web, count: 3}\n"), "k"),
            "k/kustomization.yaml:3: replicas of 'web': there is no Deployment, StatefulSet, "
            "ReplicaSet or ReplicationController of that name");
}

// ---------------------------------------------------------------- refusals

TEST(Build, SuggestsTheFieldThatWasMeant) {
  EXPECT_EQ(Error(One(ConfigMap("a"), "namePrefx: x\n"), "k"),
            "k/kustomization.yaml:2:1: unknown field 'namePrefx' of a kustomization; did you mean "
            "'namePrefix'?");
  EXPECT_EQ(Error(One(ConfigMap("a"), "images:\n- {name: a, newTag: 1.5}\n"), "k"),
            "k/kustomization.yaml:3:13: newTag must be a text, and this is a number; quote it");
}

TEST(Build, RefusesCyclesWithTheWholeWay) {
  const FileTree tree = Tree({{"a/kustomization.yaml", "resources: [../b]\n"},
                              {"b/kustomization.yaml", "resources: [../a]\n"}});
  EXPECT_EQ(Error(tree, "a"),
            "a/kustomization.yaml:1: b/kustomization.yaml:1: this is a cycle: 'a' is being built "
            "already (a -> b); a base may not lead back to who uses it");
}

TEST(Build, FindsACycleThatACachedBaseHides) {
  const FileTree tree = Tree({{"p/kustomization.yaml", "resources: []\n"},
                              {"p/x/kustomization.yaml", "resources: [../../b]\n"},
                              {"b/kustomization.yaml", "resources: [../p]\n"},
                              {"y/kustomization.yaml", "resources: [../b]\n"}});
  FileTreeSource source(tree);
  BuildCache cache(source);
  EXPECT_TRUE(BuildKustomization(cache, "y", {}).ok());
  EXPECT_EQ(BuildKustomization(cache, "p/x", {}).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST(Build, RefusesWhatItCannotReach) {
  const auto error = [](const std::string& resource) {
    return Error(Tree({{"k/kustomization.yaml", absl::StrCat("resources:\n- ", resource, "\n")}}),
                 "k");
  };
  EXPECT_EQ(error("missing.yaml"),
            "k/kustomization.yaml:2: there is neither a file nor a directory 'k/missing.yaml'");
  for (const char* remote : {"https://example.com/x.yaml", "github.com/a/b//c?ref=v1",
                             "git@example.com:a/b.git", "ssh://git@example.com/a/b"}) {
    EXPECT_NE(error(remote).find("is remote, and rendering fetches nothing"), std::string::npos)
        << remote;
  }
  EXPECT_NE(error("../../x").find("leads out of the repository"), std::string::npos);
  EXPECT_NE(error("/etc/passwd").find("is absolute"), std::string::npos);
}

TEST(Build, RefusesProgramsAsPlugins) {
  const std::string error = Error(Tree({{"k/kustomization.yaml", "generators: [g.yaml]\n"},
                                        {"k/g.yaml", Object("example.com/v1", "Maker", "m")}}),
                                  "k");
  EXPECT_EQ(error.find("k/g.yaml:1: Maker.v1.example.com/m.[noNs] is a plugin that is a program"),
            0u)
      << error;
}

TEST(Build, RefusesOneIdTwiceWithBothPlaces) {
  EXPECT_EQ(Error(One(ConfigMap("a") + "---\n" + ConfigMap("a"), ""), "k"),
            "k/kustomization.yaml:1: k/a.yaml:6: ConfigMap.v1.[noGrp]/a.[noNs] is there already, "
            "from k/a.yaml:1; remove one of the two, or make one a patch of the other");
}

TEST(Build, RefusesAnEmptyKustomization) {
  for (const char* text : {"", "# nothing\n", "kind: Kustomization\n", "resources:\n"}) {
    const std::string error = Error(Tree({{"k/kustomization.yaml", text}}), "k");
    EXPECT_NE(error.find("the kustomization is empty"), std::string::npos) << error;
  }
  EXPECT_EQ(Built(Tree({{"k/kustomization.yaml", "resources: []\n"}}), "k"), Lines());
}

// ---------------------------------------------------------------- inputs

TEST(BuildInputs, AreTheDirectoriesAndTheFilesOutside) {
  const FileTree tree =
      Tree({{"base/kustomization.yaml", "resources: [a.yaml]\n"},
            {"base/a.yaml", ConfigMap("a")},
            {"shared/p.yaml", "x: 1"},
            {"k/kustomization.yaml",
             "resources: [../base, ../gone]\npatches:\n- path: ../shared/p.yaml\n"}});
  FileTreeSource source(tree);
  BuildCache cache(source);
  const auto inputs = BuildInputs(cache, "k", {});
  ASSERT_TRUE(inputs.ok()) << inputs.status();
  EXPECT_EQ(*inputs, (std::set<std::string>{"base", "gone", "k", "shared/p.yaml"}));
}

}  // namespace
}  // namespace muster::kustomize
