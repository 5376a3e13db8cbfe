// What Kustomize 5.5 made of the same replacements.
#include "common/render/kustomize/replacements.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/render/kustomize/build_texts.h"

namespace muster::kustomize {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr char kSource[] = R"(apiVersion: v1
kind: ConfigMap
metadata: {name: src}
data:
  port: "8080"
  word: abc
  num: 5
  flag: true
  nul: null
  map: {x: 1}
  list: [a, b]
---
)";

// `spec` as a field of one line of an object named dst.
std::string Target(const std::string& spec) {
  return absl::StrCat("apiVersion: example.com/v1\nkind: T\nmetadata: {name: dst}\nspec: ", spec,
                      "\n");
}

// The target's spec after one replacement, or the error.
std::string Replace(const std::string& from, const std::string& spec, const std::string& to,
                    const std::string& options) {
  const std::string built = BuildTexts(
      {{"r.yaml", kSource + Target(spec)},
       {"kustomization.yaml",
        absl::StrCat("resources: [r.yaml]\nreplacements:\n- source: {kind: ConfigMap, name: src, "
                     "fieldPath: '",
                     from, "'}\n  targets:\n  - select: {kind: T}\n    fieldPaths: ['", to, "']\n",
                     options.empty() ? "" : absl::StrCat("    options: {", options, "}\n"))}},
      "");
  const size_t start = built.find("\nspec:");
  return start == std::string::npos ? built : built.substr(start + 6);
}

struct Story {
  const char* from;
  const char* spec;
  const char* to;
  const char* options;
  const char* wanted;
};

TEST(Replacements, WriteWhereThePathLeads) {
  const Story stories[] = {
      // A field stays of its type.
      {"data.port", "{a: 80}", "spec.a", "", "\n  a: 8080\n"},
      {"data.num", "{a: x}", "spec.a", "", "\n  a: \"5\"\n"},
      {"data.list.0", "{a: x}", "spec.a", "", "\n  a: a\n"},
      {"data.list.-", "{a: x}", "spec.a", "", "\n  a: b\n"},
      {"data.list.[=b]", "{a: x}", "spec.a", "", "\n  a: b\n"},
      {"data.map", "{a: {b: c}}", "spec.a", "", "\n  a:\n    x: 1\n"},
      {"data.word", "{a: {b: c}}", "spec.a", "", "\n  a: abc\n"},
      // Lists: by index, all, and by what an element holds, which need not be the whole of it.
      {"data.num", "{l: [{v: 1}, {v: 2}]}", "spec.l.1.v", "", "\n  l:\n  - v: 1\n  - v: 5\n"},
      {"data.num", "{l: [{v: 1}, {v: 2}]}", "spec.l.*.v", "", "\n  l:\n  - v: 5\n  - v: 5\n"},
      {"data.num", "{l: [{n: web-1, v: 1}, {n: db, v: 2}]}", "spec.l.[n=web].v", "",
       "\n  l:\n  - \"n\": web-1\n    v: 5\n  - \"n\": db\n    v: 2\n"},
      {"data.word", "{l: [a-b, c-d]}", "spec.l.[=a-b]", "delimiter: '-', index: 1",
       "\n  l:\n  - a-abc\n  - c-d\n"},
      // Parts.
      {"data.word", "{a: x/y}", "spec.a", "delimiter: /, index: -1", "\n  a: abc/x/y\n"},
      {"data.word", "{a: x/y}", "spec.a", "delimiter: /, index: 9", "\n  a: x/y/abc\n"},
      // What is made is what its text says.
      {"data.port", "{}", "spec.n.x", "create: true", "\n  \"n\":\n    x: 8080\n"},
      {"data.map", "{}", "spec.a.b", "create: true", "\n  a:\n    b:\n      x: 1\n"},
      {"data.flag", "{m: {}}", "spec.m.[a.b/c]", "create: true", "\n  m:\n    a.b/c: true\n"},
      {"data.word", "{m: {}}", "spec.m.a\\.b", "create: true", "\n  m:\n    a.b: abc\n"},
      {"data.port", "{l: []}", "spec.l.[n=new].v", "create: true",
       "\n  l:\n  - \"n\": new\n    v: 8080\n"},
      {"data.port", "{l: [a]}", "spec.l.[=zz]", "create: true", "\n  l:\n  - a\n  - 8080\n"},
      {"data.port", "{l: [{v: 1}]}", "spec.l.1.v", "create: true",
       "\n  l:\n  - v: 1\n  - v: 8080\n"},
  };
  for (const Story& story : stories) {
    EXPECT_EQ(Replace(story.from, story.spec, story.to, story.options), story.wanted)
        << story.from << " -> " << story.to;
  }
}

TEST(Replacements, RefuseWhatCannotBe) {
  const Story stories[] = {
      {"data.word", "{a: 80}", "spec.a", "", "holds a number, and the source a string"},
      {"data.port", "{a: null}", "spec.a", "", "holds a null"},
      {"data.nul", "{a: x}", "spec.a", "", "field 'data.nul' of source"},
      {"data.none", "{a: x}", "spec.a", "", "is not there, or empty"},
      {"data.*", "{a: x}", "spec.a", "", "'*' may stand in the paths of targets only"},
      {"data.word", "{a: x}", "spec.b", "", "set `options: {create: true}`"},
      {"data.word", "{l: [{v: 1}]}", "spec.l.[v=9].v", "", "is not there"},
      {"data.word", "{l: [{v: 1}]}", "spec.l.7.v", "", "index 7 is past the end"},
      {"data.word", "{a: x}", "spec.a.b", "", "needs a map, and there is a string"},
      {"data.word", "{l: [a]}", "spec.l.[=(]", "", "no regular expression"},
      {"data.word", "{l: [a]}", "spec.l.[a]", "", "selects no element"},
      {"data.word", "{a: {}}", "spec.a", "delimiter: /", "takes apart text only"},
  };
  for (const Story& story : stories) {
    EXPECT_THAT(Replace(story.from, story.spec, story.to, story.options),
                AllOf(HasSubstr(story.wanted), HasSubstr("kustomization.yaml:3")))
        << story.from << " -> " << story.to;
  }
}

std::string BuildWith(const std::string& replacements, const std::string& more) {
  return BuildTexts({{"r.yaml", kSource + Target("{a: x}") + "---\n" +
                                    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: two, "
                                    "labels: {a: b}}\ndata: {word: w}\n"},
                     {"rep.yaml", more},
                     {"kustomization.yaml", "resources: [r.yaml]\nreplacements:\n" + replacements}},
                    "");
}

TEST(Replacements, ComeFromFilesToo) {
  const std::string one =
      "source: {kind: ConfigMap, name: src, fieldPath: data.word}\n"
      "targets: [{select: {kind: T}, fieldPaths: [spec.a]}]\n";
  EXPECT_THAT(BuildWith("- path: rep.yaml\n", one), HasSubstr("\n  a: abc\n"));
  EXPECT_THAT(
      BuildWith("- path: rep.yaml\n",
                "- {source: {name: src}, targets: [{select: {kind: T}, fieldPaths: [spec.a]}]}\n"),
      HasSubstr("\n  a: src\n"));
  EXPECT_THAT(BuildWith("- path: none.yaml\n", ""), HasSubstr("none.yaml"));
  EXPECT_THAT(BuildWith("- {path: rep.yaml, source: {name: src}}\n", one), HasSubstr("not both"));
}

TEST(Replacements, SelectAndRejectByIdAndLabel) {
  const std::string source = "- source: {kind: ConfigMap, name: src, fieldPath: data.word}\n";
  const std::string rejected =
      BuildWith(source +
                    "  targets: [{select: {kind: ConfigMap}, reject: [{name: src}], "
                    "fieldPaths: [data.word]}]\n",
                "");
  EXPECT_THAT(rejected, HasSubstr("data:\n  word: abc\n"));
  EXPECT_THAT(BuildWith(source + "  targets: [{select: {labelSelector: a=b}, fieldPaths: "
                                 "[data.word]}]\n",
                        ""),
              HasSubstr("data:\n  word: abc\n"));
  EXPECT_THAT(BuildWith(source + "  targets: [{select: {kind: ConfigMap}, reject: "
                                 "[{labelSelector: a=b}], fieldPaths: [data.word]}]\n",
                        ""),
              HasSubstr("data:\n  word: w\n"));
  EXPECT_THAT(BuildWith("- source: {kind: ConfigMap}\n  targets: [{select: {kind: T}}]\n", ""),
              HasSubstr("means several resources"));
  EXPECT_THAT(BuildWith("- source: {kind: Nope}\n  targets: [{select: {kind: T}}]\n", ""),
              HasSubstr("means no resource"));
  EXPECT_THAT(BuildWith(source + "  targets: [{fieldPaths: [spec.a]}]\n", ""),
              HasSubstr("needs `select`"));
}

}  // namespace
}  // namespace muster::kustomize
