#include "common/render/render.h"

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/limits.h"
#include "common/manifest/json.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

using Paths = std::vector<std::pair<std::string, std::string>>;

FileTree Tree(const Paths& files) {
  FileTree tree;
  for (const auto& [path, bytes] : files) EXPECT_TRUE(tree.Add(path, bytes).ok()) << path;
  return tree;
}

v1::RenderInput Input(const std::string& text) {
  v1::RenderInput input;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &input)) << text;
  return input;
}

std::string ConfigMap(absl::string_view name, absl::string_view more = "") {
  return absl::StrCat("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ", name, "\n", more);
}

// "key file:line" of each object, or the error.
std::vector<std::string> Rendered(const FileTree& tree, const v1::RenderInput& input) {
  const absl::StatusOr<Rendering> rendering = Render(tree, input);
  if (!rendering.ok()) return {absl::StrCat("error: ", rendering.status().message())};
  std::vector<std::string> lines;
  for (const RenderedObject& object : rendering->objects) {
    lines.push_back(absl::StrCat(object.object.key.text(), " ", object.file, ":", object.line));
  }
  return lines;
}

std::string Only(const FileTree& tree, const v1::RenderInput& input, absl::string_view pointer) {
  const absl::StatusOr<Rendering> rendering = Render(tree, input);
  if (!rendering.ok()) return absl::StrCat("error: ", rendering.status().message());
  if (rendering->objects.size() != 1) return "not one object";
  const Value* value = rendering->objects[0].object.value.Find(pointer);
  return value == nullptr ? "absent" : CanonicalJson(*value);
}

using Lines = std::vector<std::string>;

TEST(Render, TakesAllManifestsAtAndBelowThePathSortedWithTheirSources) {
  const FileTree tree = Tree({
      {"apps/web/b.yaml", ConfigMap("b") + "---\n" + ConfigMap("a")},
      {"apps/web/sub/c.json", R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"}})"},
      {"apps/web/sub/d.yml", "# nothing\n---\n" + ConfigMap("d")},
      {"apps/web/README.md", "kind: not looked at"},
      {"apps/web-old/x.yaml", "kind: ["},
  });
  EXPECT_EQ(Rendered(tree, Input("path: 'apps/web'")),
            (Lines{"v1/ConfigMap/a apps/web/b.yaml:6", "v1/ConfigMap/b apps/web/b.yaml:1",
                   "v1/ConfigMap/c apps/web/sub/c.json:1", "v1/ConfigMap/d apps/web/sub/d.yml:3"}));
  EXPECT_EQ(Rendered(tree, Input("path: 'apps/web/sub/d.yml'")),
            (Lines{"v1/ConfigMap/d apps/web/sub/d.yml:3"}));
}

TEST(Render, TakesListsApart) {
  const FileTree tree = Tree({{"a.yaml", "apiVersion: v1\nkind: List\nitems:\n- " +
                                             std::string("{apiVersion: v1, kind: ConfigMap, "
                                                         "metadata: {name: a}}\n- {apiVersion: v1, "
                                                         "kind: Secret, metadata: {name: b}}\n")}});
  EXPECT_EQ(Rendered(tree, Input("")), (Lines{"v1/ConfigMap/a a.yaml:4", "v1/Secret/b a.yaml:5"}));
}

TEST(Render, SkipsHiddenIgnoredAndPatchFiles) {
  const FileTree tree = Tree({
      {"p/a.yaml", ConfigMap("a")},
      {"p/.github/workflow.yaml", "on: push"},
      {"p/.sops.yaml", "creation_rules: []"},
      {"p/.musterignore", "values*.yaml\n/examples/\n"},
      {"p/sub/values-prod.yaml", "x: 1"},
      {"p/examples/kustomization.yaml", "resources: []"},
      {"p/patches/dev.yaml", "spec: {}"},
      {"p/patches/prod.yaml", ConfigMap("a", "data: {x: '1'}\n")},
  });
  const v1::RenderInput input = Input(R"pb(
    path: "p"
    patches { path: "patches/prod.yaml" }
    patch_files: "patches/dev.yaml"
    patch_files: "patches/prod.yaml"
  )pb");
  EXPECT_EQ(Rendered(tree, input), (Lines{"v1/ConfigMap/a p/a.yaml:1"}));
  EXPECT_EQ(Only(tree, input, "/data"), R"({"x":"1"})");
}

// Those of Flux and Fleet hold as their own do: for their directory and below.
TEST(Render, HeedsIgnoreFilesOfOtherTools) {
  const FileTree tree = Tree({
      {"p/a.yaml", ConfigMap("a")},
      {"p/flux/.sourceignore", "*\n!b.yaml\n"},
      {"p/flux/a.yaml", "x: 1"},
      {"p/flux/b.yaml", ConfigMap("b")},
      {"p/fleet/.fleetignore", "/chart\n"},
      {"p/fleet/chart/Chart.yaml", "name: x"},
      {"p/fleet/sub/chart/c.yaml", ConfigMap("c")},
      {"p/sub/.musterignore", "*.yaml\n"},
      {"p/sub/d.yaml", "x: 1"},
  });
  EXPECT_EQ(Rendered(tree, Input(R"pb(path: "p")pb")),
            (Lines{"v1/ConfigMap/a p/a.yaml:1", "v1/ConfigMap/b p/flux/b.yaml:1",
                   "v1/ConfigMap/c p/fleet/sub/chart/c.yaml:1"}));
}

TEST(Render, SubstitutesOnlyWhenToldTo) {
  const FileTree tree = Tree({{"a.yaml", ConfigMap("a", "data:\n  x: ${x}\n  n: \"${n}\"\n")}});
  EXPECT_EQ(Only(tree, Input(""), "/data"), R"({"n":"${n}","x":"${x}"})");
  EXPECT_EQ(Only(tree, Input(R"pb(
                   substitute: true
                   variables { name: "n" value: "1" }
                   variables { name: "x" value: "1" })pb"),
                 "/data"),
            R"({"n":"1","x":1})");
  EXPECT_EQ(Only(tree, Input(R"pb(substitute: true
                                  variables { name: "x" value: "1" })pb"),
                 ""),
            "error: a.yaml:7: variable 'n' is not defined; set it under 'variables' of the package "
            "or its target, give a default (${n:-value}), or write $${n} to keep the text");
}

// A comment may speak of ${anything}; text that only looks like one may not.
TEST(Render, CommentsNeedNoVariables) {
  const v1::RenderInput input =
      Input(R"pb(substitute: true
                 variables { name: "x" value: "1" }
                 patches { inline: "# ${y}\ndata: {p: a}" target_kind: ".*" })pb");
  const FileTree good =
      Tree({{"a.yaml",
             "# ${y} and ${\n" + ConfigMap("a", "data: # ${y\n  n: \"${x}\" # ${y} '${z:'\n")}});
  EXPECT_EQ(Only(good, input, "/data"), R"({"n":"1","p":"a"})");
  const std::string undefined = "error: a.yaml:5: variable 'y' is not defined";
  for (const char* data : {"data: {n: \"a # ${y}\"}\n", "data: {n: 'a # ${y}'}\n",
                           "data: {'a # ${y}': b}\n", "data: {n: a#${y}}\n"}) {
    const FileTree bad = Tree({{"a.yaml", ConfigMap("a", data)}});
    EXPECT_EQ(Only(bad, input, "").substr(0, undefined.size()), undefined) << data;
  }
  const FileTree script =
      Tree({{"a.yaml", ConfigMap("a", "data:\n  n: |\n    # ${y}\n    ${x}\n")}});
  EXPECT_EQ(Only(script, input, "").substr(0, 40), "error: a.yaml:7: variable 'y' is not def");
  v1::RenderInput patched = input;
  patched.mutable_patches(0)->set_inline_("data: {n: 'a # ${y}'}");
  EXPECT_EQ(Only(good, patched, "").substr(0, 25), "error: patch 1 (inline):1");
}

TEST(Render, SubstitutesInPatchesAndKnowsClusterAndPath) {
  const FileTree tree = Tree({{"apps/web/a.yaml", ConfigMap("a")}});
  EXPECT_EQ(Only(tree, Input(R"pb(
                   path: "apps/web"
                   substitute: true
                   patches {
                     inline: "data: {c: '${cluster.name}', p: '${path.basename}'}"
                     target_kind: "ConfigMap"
                   }
                   cluster_name: "eu-1")pb"),
                 "/data"),
            R"({"c":"eu-1","p":"web"})");
}

TEST(Render, SetsTheNamespaceOfWhatHasNone) {
  const FileTree tree = Tree({
      {"a.yaml", ConfigMap("a") + "---\n" + ConfigMap("b", "  namespace: other\n")},
      {"n.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: web}\n"},
      {"z.yaml",
       "apiVersion: example.com/v1\nkind: Zone\nmetadata: {name: z}\n---\n"
       "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n"
       "metadata: {name: zones.example.com}\n"
       "spec: {group: example.com, scope: Cluster, names: {kind: Zone}}\n"},
  });
  EXPECT_EQ(Rendered(tree, Input("namespace: 'web'")),
            (Lines{"apiextensions.k8s.io/v1/CustomResourceDefinition/zones.example.com z.yaml:5",
                   "example.com/v1/Zone/z z.yaml:1", "v1/ConfigMap/other/b a.yaml:6",
                   "v1/ConfigMap/web/a a.yaml:1", "v1/Namespace/web n.yaml:1"}));
  EXPECT_EQ(Rendered(tree, Input("namespace: 'web' override_namespace: true"))[2],
            "v1/ConfigMap/web/a a.yaml:1");
  EXPECT_EQ(Rendered(tree, Input("namespace: 'web' override_namespace: true"))[3],
            "v1/ConfigMap/web/b a.yaml:6");
}

TEST(Render, RefusesTheSameIdentityTwiceNamingBothPlaces) {
  EXPECT_EQ(
      Rendered(Tree({{"a.yaml", ConfigMap("a")}, {"b.yaml", "\n" + ConfigMap("a")}}), Input("")),
      (Lines{"error: b.yaml:2: v1/ConfigMap/a is in the package twice; first in a.yaml:1; "
             "remove one of the two"}));
  // The namespace that both get makes them one; so does another version of the same group.
  EXPECT_EQ(
      Rendered(Tree({{"a.yaml", ConfigMap("a")}, {"b.yaml", ConfigMap("a", "  namespace: web\n")}}),
               Input("namespace: 'web'"))[0]
          .substr(0, 16),
      "error: b.yaml:1:");
  EXPECT_EQ(
      Rendered(
          Tree({{"a.yaml", "{apiVersion: batch/v1, kind: CronJob, metadata: {name: a}}"},
                {"b.yaml", "{apiVersion: batch/v1beta1, kind: CronJob, metadata: {name: a}}"}}),
          Input(""))[0]
          .substr(0, 16),
      "error: b.yaml:1:");
}

TEST(Render, SaysWhereAnObjectIsNone) {
  for (const auto& [text, where] : std::initializer_list<std::pair<std::string, std::string>>{
           {"a: 1\n", "error: p/a.yaml:1:"},
           {ConfigMap("a") + "---\nkind: ConfigMap\nmetadata: {name: b}\n", "error: p/a.yaml:6:"},
           {"apiVersion: v1\nkind: List\nitems:\n- kind: x\n", "error: p/a.yaml:4:"},
           {"apiVersion: v1\nkind: List\nitems: 3\n", "error: p/a.yaml:1:"},
           {"- a\n", "error: p/a.yaml:1:"},
           {"a: [\n", "error: p/a.yaml:"}}) {
    const std::string result = Rendered(Tree({{"p/a.yaml", text}}), Input("path: 'p'"))[0];
    EXPECT_EQ(result.substr(0, where.size()), where) << result;
  }
}

TEST(Render, RefusesToRenderToNothing) {
  EXPECT_EQ(Render(Tree({{"p/README.md", "x"}}), Input("path: 'p'")).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(
      Rendered(Tree({{"p/a.yaml", "# all commented out\n"}}), Input("path: 'p'"))[0],
      "error: path 'p': renders to nothing; 1 files with objects were found; an empty package "
      "is never meant");
  EXPECT_EQ(Render(Tree({{"p/a.yaml", ConfigMap("a")}}), Input("path: 'q'")).status().code(),
            absl::StatusCode::kNotFound);
  const absl::StatusOr<Rendering> deleted =
      Render(Tree({{"p/a.yaml", ConfigMap("a")}}),
             Input(R"pb(path: "p"
                        patches { inline: "$patch: delete" target_name: "a" })pb"));
  EXPECT_EQ(deleted.status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(Render, RefusesChartsAmongPlainYaml) {
  const absl::StatusOr<Rendering> chart = Render(
      Tree({{"p/a.yaml", ConfigMap("a")}, {"p/web/Chart.yaml", "x: 1"}}), Input("path: 'p'"));
  EXPECT_EQ(chart.status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(chart.status().message().find("p/web/Chart.yaml: a chart among plain YAML"), 0u);
}

TEST(Render, RefusesKustomizationsAmongPlainYaml) {
  const FileTree tree =
      Tree({{"p/a.yaml", ConfigMap("a")}, {"p/sub/kustomization.yaml", "resources: []"}});
  const absl::StatusOr<Rendering> rendering = Render(tree, Input("path: 'p'"));
  EXPECT_EQ(rendering.status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(rendering.status().message().find(
                "p/sub/kustomization.yaml: a kustomization among plain YAML; make its directory"),
            0u)
      << rendering.status();
  // Also where it stands at the path itself and plain YAML was asked for by name.
  EXPECT_EQ(Render(Tree({{"p/kustomization.yaml", "resources: []"}}),
                   Input("path: 'p' renderer: RENDERER_YAML"))
                .status()
                .code(),
            absl::StatusCode::kUnimplemented);
}

const char kOverlay[] =
    "resources: [../base]\nnamePrefix: prod-\nconfigMapGenerator:\n- name: settings\n  literals:\n"
    "  - zone=${cluster.labels.zone}\n";

TEST(Render, BuildsAKustomizationWithBasesOutsideOfItsPath) {
  const FileTree tree = Tree({{"base/kustomization.yaml", "resources: [a.yaml]\n"},
                              {"base/a.yaml", ConfigMap("a")},
                              {"prod/kustomization.yml", "resources: [../base]\nnamePrefix: p-\n"},
                              {"prod/ignored.yaml", ConfigMap("b")}});
  for (const char* renderer : {"", "renderer: RENDERER_AUTO", "renderer: RENDERER_KUSTOMIZE"}) {
    EXPECT_EQ(Rendered(tree, Input(absl::StrCat("path: 'prod' ", renderer))),
              Lines({"v1/ConfigMap/p-a base/a.yaml:1"}))
        << renderer;
  }
  EXPECT_EQ(Rendered(tree, Input("path: 'base' namespace: 'web'")),
            Lines({"v1/ConfigMap/web/a base/a.yaml:1"}));
}

TEST(Render, SubstitutesVariablesInWhatKustomizeBuilt) {
  const FileTree tree =
      Tree({{"base/kustomization.yaml", "resources: []\n"}, {"prod/kustomization.yaml", kOverlay}});
  v1::RenderInput input = Input(R"pb(path: "prod"
                                     labels { key: "zone" value: "b" })pb");
  EXPECT_EQ(Only(tree, input, "/data/zone"), "\"${cluster.labels.zone}\"");
  input.set_substitute(true);
  EXPECT_EQ(Only(tree, input, "/data/zone"), "\"b\"");
  EXPECT_EQ(*UsedClusterVariables(tree, input), (std::set<std::string>{"cluster.labels.zone"}));
}

TEST(Render, PatchesWhatKustomizeBuilt) {
  const FileTree tree = Tree({{"p/kustomization.yaml", "resources: [a.yaml]\n"},
                              {"p/a.yaml", ConfigMap("a", "data: {x: \"1\"}\n")},
                              {"p/patch.yaml", "data: {x: \"2\"}"}});
  EXPECT_EQ(Only(tree, Input(R"pb(path: "p"
                                  patches { path: "patch.yaml" target_name: "a" })pb"),
                 "/data/x"),
            "\"2\"");
}

TEST(Render, RefusesRendererKustomizeWithoutAKustomization) {
  const absl::StatusOr<Rendering> rendering =
      Render(Tree({{"p/a.yaml", ConfigMap("a")}}), Input("path: 'p' renderer: RENDERER_KUSTOMIZE"));
  EXPECT_EQ(rendering.status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(rendering.status().message(),
            "path 'p': there is no kustomization.yaml, which renderer kustomize needs");
}

TEST(Render, KeepsAKustomizationInItsDirectoryUnlessToldOtherwise) {
  const FileTree tree = Tree({{"shared/a.yaml", ConfigMap("a")},
                              {"p/kustomization.yaml", "resources:\n- ../shared/a.yaml\n"}});
  const absl::StatusOr<Rendering> refused = Render(tree, Input("path: 'p'"));
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(refused.status().message().find("p/kustomization.yaml:2: 'shared/a.yaml' is not in or "
                                            "below the kustomization's directory 'p'"),
            0u)
      << refused.status();
  EXPECT_EQ(Rendered(tree, Input("path: 'p' load_restrictor: LOAD_RESTRICTOR_NONE")),
            Lines({"v1/ConfigMap/a shared/a.yaml:1"}));
}

TEST(Render, IsTheSameEveryTime) {
  const FileTree tree =
      Tree({{"a.yaml", ConfigMap("a") + "---\n" + ConfigMap("b")}, {"c.yaml", ConfigMap("c")}});
  EXPECT_EQ(Rendered(tree, Input("")), Rendered(tree, Input("")));
}

TEST(UsedClusterVariables, AreThoseOfFilesAndPatches) {
  const FileTree tree = Tree({{"a.yaml", ConfigMap("a", "data: {x: \"${cluster.labels.env}\"}\n")},
                              {"b.yaml", ConfigMap("b", "data: {x: \"$${cluster.name}\"}\n")},
                              {"p.yaml", "data: {y: \"${cluster.labels.zone:-z}\"}"}});
  v1::RenderInput input = Input(R"pb(patches { path: "p.yaml" target_name: "a" })pb");
  EXPECT_TRUE(UsedClusterVariables(tree, input)->empty());
  input.set_substitute(true);
  EXPECT_EQ(*UsedClusterVariables(tree, input),
            (std::set<std::string>{"cluster.labels.env", "cluster.labels.zone"}));
}

}  // namespace
}  // namespace muster
