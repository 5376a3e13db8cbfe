// Bad input, and what it gets: for each fault that people make, the whole message, which names file
// and line, what was meant and how to mend it. What only looks bad, and is not, renders.
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/limits.h"
#include "common/manifest/json.h"
#include "common/render/render.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

using Paths = std::vector<std::pair<std::string, std::string>>;

absl::StatusOr<Rendering> RenderAt(const Paths& files, const std::string& path) {
  FileTree tree;
  for (const auto& [name, bytes] : files) EXPECT_TRUE(tree.Add(name, bytes).ok()) << name;
  v1::RenderInput input;
  input.set_path(path);
  return Render(tree, input);
}

// What is said about the package at "p"; "fine" when nothing is.
std::string Said(const Paths& files) {
  const absl::StatusOr<Rendering> rendering = RenderAt(files, "p");
  return rendering.ok() ? "fine" : std::string(rendering.status().message());
}

// The same for a file of plain YAML.
std::string SaidOf(const std::string& text) { return Said({{"p/a.yaml", text}}); }

// The data of the only ConfigMap.
std::string DataOf(const std::string& text) {
  const absl::StatusOr<Rendering> rendering = RenderAt({{"p/a.yaml", text}}, "p");
  if (!rendering.ok()) return std::string(rendering.status().message());
  const Value* data = rendering->objects.at(0).object.value.Get("data");
  return data == nullptr ? "none" : CanonicalJson(*data);
}

std::string ConfigMap(absl::string_view name, absl::string_view more = "") {
  return absl::StrCat("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ", name, "\n", more);
}

Paths Kustomized(const std::string& kustomization, const Paths& more = {}) {
  Paths files = {{"p/kustomization.yaml", kustomization}, {"p/a.yaml", ConfigMap("a")}};
  files.insert(files.end(), more.begin(), more.end());
  return files;
}

// ---------------------------------------------------------------- bytes

TEST(BadInput, ByteOrderMarksAndLinesOfWindowsAreFine) {
  EXPECT_EQ(DataOf("\xEF\xBB\xBF" + ConfigMap("a", "data: {x: y}\n")), R"({"x":"y"})");
  EXPECT_EQ(DataOf("apiVersion: v1\r\nkind: ConfigMap\r\nmetadata:\r\n  name: a\r\n"
                   "data:\r\n  x: |\r\n    one\r\n    two\r\n"),
            R"({"x":"one\ntwo\n"})");
  EXPECT_EQ(Said(Kustomized("\xEF\xBB\xBFresources:\r\n- a.yaml\r\n")), "fine");
}

TEST(BadInput, Tabs) {
  EXPECT_EQ(SaidOf("apiVersion: v1\nkind: ConfigMap\nmetadata:\n\tname: a\n"),
            "p/a.yaml:4:1: tab used for indentation; use spaces");
  EXPECT_EQ(Said(Kustomized("resources:\n\t- a.yaml\n")),
            "p/kustomization.yaml:2:1: tab used for indentation; use spaces");
}

TEST(BadInput, BytesThatAreNoText) {
  EXPECT_EQ(SaidOf(ConfigMap("a", "data:\n  x: caf\xE9\n")), "p/a.yaml:6:9: this is not UTF-8");
  EXPECT_EQ(Said(Kustomized("resources: [a.yaml]\nnamePrefix: caf\xE9-\n")),
            "p/kustomization.yaml:2:16: this is not UTF-8");
  EXPECT_EQ(SaidOf(std::string("apiVersion: v1\0kind: x", 22)),
            "p/a.yaml:1:15: control characters are not allowed");
}

// ---------------------------------------------------------------- YAML

TEST(BadInput, SurprisesOfOldYamlMeanWhatKubernetesToolsRead) {
  EXPECT_EQ(DataOf(ConfigMap("a", "data: {on: 'on', yes: 'yes', no: n, y: y}\n")),
            R"({"no":"n","on":"on","y":"y","yes":"yes"})");
  EXPECT_EQ(DataOf(ConfigMap("a", "data: {mode: 0755, hex: 0x1F, time: 12:30}\n")),
            R"({"hex":31,"mode":493,"time":"12:30"})");
  EXPECT_EQ(DataOf(ConfigMap("a", "data: {day: 2020-01-02}\n")), R"({"day":"2020-01-02"})");
  EXPECT_EQ(DataOf(ConfigMap("a", "x: &x {k: v}\ndata: {<<: *x, own: w}\n")),
            R"({"k":"v","own":"w"})");
  EXPECT_EQ(SaidOf(ConfigMap("a", "data: {x: .inf}\n")),
            "p/a.yaml:5:11: the number .inf has no form in JSON; quote it to mean the text");
}

TEST(BadInput, KeysTwice) {
  EXPECT_EQ(SaidOf(ConfigMap("a", "data:\n  x: 1\n  x: 2\n")),
            "p/a.yaml:7:3: key 'x' is there twice, first at line 6");
}

TEST(BadInput, TemplatesThatNobodyRendered) {
  EXPECT_EQ(SaidOf(ConfigMap("{{ .Values.name }}")),
            "p/a.yaml:4:10: a map cannot be a key; if this is a template, render it first; "
            "if it is text, quote it");
}

TEST(BadInput, AliasBombs) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    absl::StrAppend(&bomb, "a", i, ": &a", i, " [");
    for (int j = 0; j < 10; ++j) absl::StrAppend(&bomb, j == 0 ? "" : ", ", "*a", i - 1);
    absl::StrAppend(&bomb, "]\n");
  }
  EXPECT_EQ(SaidOf(bomb), "p/a.yaml:6:35: more than 700000 nodes, counted with aliases expanded");
}

// ---------------------------------------------------------------- size

TEST(BadInput, LargeDefinitionsAreFine) {
  std::string crd =
      "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n"
      "metadata: {name: webs.example.com}\nspec:\n  group: example.com\n  versions:\n"
      "  - name: v1\n    schema:\n      openAPIV3Schema:\n        properties:\n";
  for (int i = 0; crd.size() < (4u << 20); ++i) {
    absl::StrAppend(&crd, "          field", i,
                    ":\n            description: What the field with this number is for, said in a "
                    "few more words, as in definitions made from comments in code.\n"
                    "            type: string\n");
  }
  EXPECT_EQ(SaidOf(crd), "fine");
  EXPECT_EQ(Said({{"p/kustomization.yaml", "resources: [a.yaml]\nlabels: [{pairs: {a: b}}]\n"},
                  {"p/a.yaml", crd}}),
            "fine");
}

// The densest form that definitions have: JSON of short fields and not a word of description.
TEST(BadInput, LargeDefinitionsOfShortFieldsAreFine) {
  std::string crd =
      R"({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
          "metadata": {"name": "webs.example.com"}, "spec": {"group": "example.com", "versions":
          [{"name": "v1", "schema": {"openAPIV3Schema": {"properties": {"f": {"type": "object"})";
  for (int i = 0; crd.size() < (4u << 20); ++i) {
    absl::StrAppend(&crd, ",\"f", i, "\":{\"type\":\"string\"}");
  }
  crd += "}}}}]}}\n";
  EXPECT_EQ(Said({{"p/a.json", crd}}), "fine");
  EXPECT_EQ(SaidOf(crd), "fine");
}

TEST(BadInput, FilesOfTenThousandDocumentsAreFineAndMoreAreNot) {
  std::string text;
  const int most = limits::kYamlDocumentsMax;
  for (int i = 0; i < most; ++i) {
    absl::StrAppend(&text, "---\n", ConfigMap(absl::StrCat("a", i), "data: {a: b, c: d, e: f}\n"));
  }
  EXPECT_EQ(SaidOf(text), "fine");
  EXPECT_EQ(Said({{"p/kustomization.yaml", "resources: [a.yaml]\n"}, {"p/a.yaml", text}}), "fine");
  EXPECT_EQ(SaidOf(text + "---\n" + ConfigMap("more")), "p/a.yaml: more than 10000 documents");
}

TEST(BadInput, FilesThatAreTooLarge) {
  EXPECT_EQ(
      SaidOf(ConfigMap(
          "a", absl::StrCat("data:\n  x: ", std::string(limits::kYamlFileBytesMax, 'x'), "\n"))),
      "p/a.yaml: 8388671 bytes, at most 8388608 are read");
  EXPECT_EQ(SaidOf(std::string(100, '[')), "p/a.yaml:1:65: nested deeper than 64 levels");
}

// ---------------------------------------------------------------- objects

TEST(BadInput, ObjectsWithoutIdentity) {
  EXPECT_EQ(SaidOf("kind: ConfigMap\nmetadata: {name: a}\n"),
            "p/a.yaml:1:1: ConfigMap 'a': no apiVersion");
  EXPECT_EQ(SaidOf("apiVersion: v1\nmetadata: {name: a}\n"), "p/a.yaml:1:1: 'a': no kind");
  EXPECT_EQ(SaidOf("apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: a-}\n"),
            "p/a.yaml:1:1: ConfigMap: only generateName 'a-'; what is kept in step with "
            "Git needs a fixed metadata.name");
}

TEST(BadInput, NamesThatNoClusterTakes) {
  EXPECT_EQ(SaidOf(ConfigMap("a", "  namespace: My_Space\n")),
            "p/a.yaml:1:1: ConfigMap 'a': metadata/namespace 'My_Space' is no DNS label "
            "(lower-case letters, digits and '-')");
  EXPECT_EQ(SaidOf(ConfigMap("12")),
            "p/a.yaml:1:1: ConfigMap: metadata/name is a number, a string is needed; quote "
            "it");
}

TEST(BadInput, OneObjectTwice) {
  EXPECT_EQ(SaidOf(ConfigMap("a") + "---\n" + ConfigMap("a")),
            "p/a.yaml:6: v1/ConfigMap/a is in the package twice; first in p/a.yaml:1; "
            "remove one of the two");
  EXPECT_EQ(Said(Kustomized("resources: [a.yaml, b.yaml]\n", {{"p/b.yaml", ConfigMap("a")}})),
            "p/kustomization.yaml:1: p/b.yaml:1: ConfigMap.v1.[noGrp]/a.[noNs] is there "
            "already, from p/a.yaml:1; remove one of the two, or make one a patch of the "
            "other");
}

// ---------------------------------------------------------------- kustomizations

TEST(BadInput, CyclesBetweenBases) {
  EXPECT_EQ(Said({{"p/kustomization.yaml", "resources:\n- ../q\n"},
                  {"q/kustomization.yaml", "resources:\n- ../p\n"}}),
            "p/kustomization.yaml:2: q/kustomization.yaml:2: this is a cycle: 'p' is being "
            "built already (p -> q); a base may not lead back to who uses it");
  EXPECT_EQ(Said({{"p/kustomization.yaml", "resources: [.]\n"}}),
            "p/kustomization.yaml:1: this is a cycle: 'p' is being built already (p); a "
            "base may not lead back to who uses it");
}

TEST(BadInput, FilesThatAreMissing) {
  EXPECT_EQ(Said(Kustomized("resources:\n- a.yaml\n- b.yaml\n")),
            "p/kustomization.yaml:3: there is neither a file nor a directory 'p/b.yaml'");
  EXPECT_EQ(Said(Kustomized("resources: [a.yaml]\npatches:\n- path: b.yaml\n")),
            "p/kustomization.yaml:3: patch: there is no file 'p/b.yaml'");
  EXPECT_EQ(Said(Kustomized("configMapGenerator:\n- name: x\n  files: [b.txt]\n")),
            "p/kustomization.yaml:2: configMapGenerator 'x': there is no file 'p/b.txt'");
  EXPECT_EQ(Said({{"p/kustomization.yaml", "resources: [../q]\n"}, {"q/x.yaml", ""}}),
            "p/kustomization.yaml:1: directory 'q' has no kustomization.yaml");
}

TEST(BadInput, PatchesWithoutATarget) {
  EXPECT_EQ(Said(Kustomized("resources: [a.yaml]\npatches:\n- patch: |-\n"
                            "    apiVersion: v1\n    kind: ConfigMap\n    metadata: {name: b}\n")),
            "p/kustomization.yaml:3: there is no ConfigMap.v1.[noGrp]/b.[noNs] to patch; "
            "there is ConfigMap.v1.[noGrp]/a.[noNs]; apiVersion, kind, name and namespace "
            "must be those of the resource");
  EXPECT_EQ(Said(Kustomized("resources: [a.yaml]\npatches:\n- patch: |-\n"
                            "    - {op: remove, path: /data}\n")),
            "p/kustomization.yaml:3: a JSON patch needs a target; give at least its kind "
            "and name");
}

TEST(BadInput, ReferencesThatCouldMeanTwo) {
  const std::string pod =
      "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\n"
      "spec: {volumes: [{name: v, configMap: {name: a}}]}\n";
  EXPECT_EQ(Said({{"p/kustomization.yaml", "resources: [../q, ../r, pod.yaml]\nnamePrefix: p-\n"},
                  {"p/pod.yaml", pod},
                  {"q/kustomization.yaml", "resources: [a.yaml]\nnamePrefix: q-\n"},
                  {"q/a.yaml", ConfigMap("a")},
                  {"r/kustomization.yaml", "resources: [a.yaml]\nnamePrefix: r-\n"},
                  {"r/a.yaml", ConfigMap("a")}}),
            "p/pod.yaml:1: field 'spec/volumes/configMap/name' of Pod.v1.[noGrp]/p-web.[noNs]: "
            "'a' could mean ConfigMap.v1.[noGrp]/p-q-a.[noNs] from q/a.yaml:1 or "
            "ConfigMap.v1.[noGrp]/p-r-a.[noNs] from r/a.yaml:1; give them different names "
            "where they are written");
}

TEST(BadInput, UnknownFields) {
  EXPECT_EQ(Said(Kustomized("resources: [a.yaml]\nnamespce: web\n")),
            "p/kustomization.yaml:2:1: unknown field 'namespce' of a kustomization; did "
            "you mean 'namespace'?");
  EXPECT_EQ(Said(Kustomized("resources: [a.yaml]\nimages:\n- {name: a, tag: b}\n")),
            "p/kustomization.yaml:3:13: unknown field 'tag' of an image; known are name, "
            "newName, newTag, tagSuffix, digest");
}

TEST(BadInput, PathsThatLeadOut) {
  EXPECT_EQ(Said(Kustomized("resources:\n- ../../etc/passwd\n")),
            "p/kustomization.yaml:2: '../../etc/passwd' leads out of the repository, seen "
            "from 'p'");
  EXPECT_EQ(Said(Kustomized("resources: [/etc/passwd]\n")),
            "p/kustomization.yaml:1: '/etc/passwd' is absolute; paths start at the "
            "directory of the kustomization");
  EXPECT_EQ(Said(Kustomized("resources: [a.yaml]\npatches:\n- path: ../q/b.yaml\n",
                            {{"q/b.yaml", ConfigMap("a")}})),
            "p/kustomization.yaml:3: patch: 'q/b.yaml' is not in or below the "
            "kustomization's directory 'p'; move it there, make a base of it, or render "
            "with load restrictor 'none'");
  EXPECT_EQ(Said(Kustomized("resources: [\"..\\\\q\"]\n")),
            "p/kustomization.yaml:1: the path has a backslash or a control character; "
            "separate directories with '/'");
}

TEST(BadInput, BasesThatAreFarAway) {
  EXPECT_EQ(Said(Kustomized("resources:\n- https://github.com/org/repo//base?ref=v1\n")),
            "p/kustomization.yaml:2: 'https://github.com/org/repo//base?ref=v1' is remote, "
            "and rendering fetches nothing; declare a Repository for "
            "https://github.com/org/repo that follows 'v1', or copy what is needed into "
            "this one");
}

TEST(BadInput, WhatRunsPrograms) {
  EXPECT_EQ(Said(Kustomized("generators: [g.yaml]\n",
                            {{"p/g.yaml",
                              "apiVersion: x/v1\nkind: Gen\nmetadata:\n  name: g\n  annotations:\n"
                              "    config.kubernetes.io/function: |\n      exec: {path: ./g}\n"}})),
            "p/g.yaml:1: Gen.v1.x/g.[noNs] is a plugin that is a program or a container, "
            "and rendering runs none; use a builtin one (apiVersion: builtin), or commit "
            "what it makes");
}

}  // namespace
}  // namespace muster
