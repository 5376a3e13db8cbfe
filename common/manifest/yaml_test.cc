// YAML in: what is read, what is refused and where the message points.
#include "common/manifest/yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/limits.h"
#include "common/manifest/json.h"
#include "common/manifest/yaml_last_key.h"
#include "common/manifest/yaml_limits.h"
#include "common/manifest/yaml_scalar.h"

namespace muster {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// The documents of `text` as JSON, one a line, keys in the order of the text; or the error.
std::string Read(absl::string_view text) {
  const auto documents = ParseYaml(text, "a.yaml");
  if (!documents.ok()) return std::string(documents.status().message());
  std::vector<std::string> lines;
  for (const Document& document : *documents) lines.push_back(CanonicalJson(document.value));
  std::string out;
  for (const std::string& line : lines) absl::StrAppend(&out, out.empty() ? "" : "\n", line);
  return out;
}

absl::StatusCode CodeOf(absl::string_view text) {
  return ParseYaml(text, "a.yaml").status().code();
}

std::string Repeat(absl::string_view text, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) absl::StrAppend(&out, text);
  return out;
}

TEST(Yaml, ReadsEveryStyle) {
  EXPECT_EQ(
      Read("a: {b: [1, 'x', \"y\\n\"], \"c\":true}\nd:\n- |\n  l1\n  l2\n- >-\n  f1\n  f2\n- \n"),
      R"({"a":{"b":[1,"x","y\n"],"c":true},"d":["l1\nl2\n","f1 f2",null]})");
}

TEST(Yaml, KeepsTheOrderOfKeys) {
  const auto documents = *ParseYaml("b: 1\na: 2\n", "a.yaml");
  EXPECT_EQ(documents[0].value.map().begin()->key, "b");
}

TEST(Yaml, ReadsSeveralDocumentsAndDropsEmptyOnes) {
  EXPECT_EQ(Read("---\n# nothing\n---\na: 1\n...\n---\nnull\n--- {b: 2}\n---\n"),
            "{\"a\":1}\n{\"b\":2}");
  EXPECT_EQ(Read(""), "");
  EXPECT_EQ(Read("# only a comment"), "");
}

// The rules are in yaml_scalar.h; each line here is one of them.
TEST(YamlScalar, MeansWhatKubernetesToolsRead) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "null"},
      {"~", "null"},
      {"null", "null"},
      {"NULL", "null"},
      {"true", "true"},
      {"False", "false"},
      {"TRUE", "true"},
      {"yes", "\"yes\""},
      {"on", "\"on\""},
      {"n", "\"n\""},
      {"off", "\"off\""},
      {"nULL", "\"nULL\""},
      {"0", "0"},
      {"-0", "0"},
      {"+7", "7"},
      {"0755", "493"},
      {"-0755", "-493"},
      {"002", "2"},
      {"00", "0"},
      {"089", "89"},
      {"0o755", "493"},
      {"0O17", "15"},
      {"0o8", "\"0o8\""},
      {"0x1F", "31"},
      {"-0x1f", "-31"},
      {"0x", "\"0x\""},
      {"0b101", "5"},
      {"1_000", "1000"},
      {"1e3", "1000"},
      {"1.50", "1.5"},
      {".5", "0.5"},
      {"-.5", "-0.5"},
      {"1.", "1"},
      {"1.e2", "100"},
      {"01.5", "1.5"},
      {".", "\".\""},
      {"-", "\"-\""},
      {"..5", "\"..5\""},
      {"1e", "\"1e\""},
      {"1.2.3", "\"1.2.3\""},
      {"12e999", "\"12e999\""},
      {"22:22", "\"22:22\""},
      {"2020-01-01", "\"2020-01-01\""},
      {"2001-12-14t21:59:43.10-05:00", "\"2001-12-14t21:59:43.10-05:00\""},
      {"12345678901234567890", "12345678901234567890"},
      {"-123456789012345678901234567890", "-123456789012345678901234567890"},
      {"0xFFFFFFFFFFFFFFFF", "18446744073709551615"},
      {"0x10000000000000000", "\"0x10000000000000000\""},
      {"_1", "\"_1\""},
      {"1 2", "\"1 2\""},
      {"0x1p3", "\"0x1p3\""},
      {"+", "\"+\""},
      {"--1", "\"--1\""},
      {"<<", "\"<<\""},
      {"=", "\"=\""},
      {"NaN", "\"NaN\""},
      {"Infinity", "\"Infinity\""},
  };
  for (const auto& [text, json] : cases) {
    const auto value = ResolvePlainScalar(text);
    ASSERT_TRUE(value.ok()) << text;
    EXPECT_EQ(CanonicalJson(*value), json) << text;
  }
}

TEST(YamlScalar, RefusesWhatJsonCannotHold) {
  for (const char* text : {".inf", "-.Inf", "+.INF", ".nan", ".NaN", ".NAN"}) {
    EXPECT_FALSE(ResolvePlainScalar(text).ok()) << text;
  }
  EXPECT_EQ(Read("a: .inf"),
            "a.yaml:1:4: the number .inf has no form in JSON; quote it to mean the text");
}

TEST(YamlScalar, KeepsTheSpellingOfNumbers) {
  EXPECT_EQ(ResolvePlainScalar("1.10")->number(), "1.10");
  EXPECT_EQ(ResolvePlainScalar("+1.e3")->number(), "1.0e3");
}

TEST(Yaml, HonoursTheTagsOfYamlItself) {
  EXPECT_EQ(Read("a: !!str 12\nb: ! 12\nc: !!int '12'\nd: !!map {}\ne: !!seq []\nf: !!float 1\n"
                 "g: !!null ''\nh: !!bool true\ni: !!timestamp 2020-01-01\n"),
            R"({"a":"12","b":"12","c":12,"d":{},"e":[],"f":1,"g":null,"h":true,"i":"2020-01-01"})");
}

TEST(Yaml, RefusesOtherTags) {
  EXPECT_EQ(Read("a: !env X"), "a.yaml:1:4: tag '!env' is not supported");
  EXPECT_EQ(Read("a: !!binary aGk="), "a.yaml:1:4: tag '!!binary' is not supported");
  EXPECT_EQ(Read("a: !!set {x}"), "a.yaml:1:4: tag '!!set' is not supported");
  EXPECT_EQ(Read("a: !x [1]"), "a.yaml:1:4: tag '!x' is not supported");
  EXPECT_EQ(Read("a: !!map [1]"), "a.yaml:1:4: tag '!!map' is not supported");
  EXPECT_EQ(Read("a: !!int x"), "a.yaml:1:4: 'x' is not what its tag !!int says");
  EXPECT_EQ(Read("a: !!bool yes"), "a.yaml:1:4: 'yes' is not what its tag !!bool says");
}

TEST(YamlKeys, AreTextAsWritten) {
  EXPECT_EQ(Read("0755: a\ntrue: b\n1.10: c\n'': d\n? e\n: f\n"),
            R"({"":"d","0755":"a","1.10":"c","e":"f","true":"b"})");
}

TEST(YamlKeys, AreRefusedTwice) {
  EXPECT_EQ(Read("a:\n  x: {y: z}\n  b: 1\n  \"x\": 2\n"),
            "a.yaml:4:3: key 'x' is there twice, first at line 2");
  EXPECT_EQ(Read("1: a\n'1': b\n"), "a.yaml:2:1: key '1' is there twice, first at line 1");
  EXPECT_EQ(Read("{a: 1, a: 1}"), "a.yaml:1:8: key 'a' is there twice, first at line 1");
}

TEST(Yaml, TakesTheLastOfTwoKeysWhereThatIsAskedFor) {
  const auto documents =
      ParseYamlLastKeyWins("a: {x: 1, y: 2, x: [3]}\na: {x: 4, x: 5}\n", "a.yaml");
  ASSERT_TRUE(documents.ok()) << documents.status();
  EXPECT_TRUE(documents->front().value == Value(Value::Map{{"a", Value::Map{{"x", 5}}}}));
  EXPECT_EQ(documents->front().Where("/a/x"), "a.yaml:2:11");
}

TEST(YamlKeys, AreRefusedUnlessText) {
  EXPECT_THAT(Read("~: x"), HasSubstr("1:1: a key is missing or null"));
  EXPECT_THAT(Read("? [a]\n: x"), HasSubstr("1:3: a list cannot be a key"));
  EXPECT_THAT(Read("a: {{ .Values.x }}"), HasSubstr("1:5: a map cannot be a key"));
  EXPECT_THAT(Read("a: &x [1]\n*x : b"), HasSubstr("2:1: alias *x is a list, a key must be text"));
}

TEST(YamlAliases, AreExpanded) {
  EXPECT_EQ(Read("a: &x {k: [1]}\nb: *x\nc: [*x, *x]\n"),
            R"({"a":{"k":[1]},"b":{"k":[1]},"c":[{"k":[1]},{"k":[1]}]})");
  EXPECT_EQ(Read("a: &x k\n*x : v\n&y b: *y\n"), R"({"a":"k","b":"b","k":"v"})");
}

TEST(YamlAliases, TakeTheLatestAnchorOfAName) {
  EXPECT_EQ(Read("a: &x 1\nb: *x\nc: &x 2\nd: *x\n"), R"({"a":1,"b":1,"c":2,"d":2})");
}

TEST(YamlAliases, AreRefusedWithoutAnAnchor) {
  EXPECT_EQ(Read("a: *x"), "a.yaml:1:4: alias *x has no anchor &x before it");
  // An anchor ends with its document.
  EXPECT_THAT(Read("a: &x 1\n---\nb: *x"), HasSubstr("3:4: alias *x has no anchor"));
}

TEST(YamlAliases, AreRefusedInsideOfThemselves) {
  EXPECT_EQ(Read("a: &x [1, *x]"), "a.yaml:1:11: alias *x is inside of what &x names");
  EXPECT_THAT(Read("a: &x 1\nb: &x {c: *x}"), HasSubstr("2:11: alias *x is inside"));
}

TEST(YamlMerge, LetsOwnKeysWinThenTheEarlierMap) {
  EXPECT_EQ(Read("x: &x {a: 1, b: 1, c: 1}\ny: &y {a: 2, b: 2, d: 2}\n"
                 "z:\n  b: 0\n  <<: [*y, *x]\n  d: 0\n"),
            R"({"x":{"a":1,"b":1,"c":1},"y":{"a":2,"b":2,"d":2},"z":{"a":2,"b":0,"c":1,"d":0}})");
  EXPECT_EQ(Read("<<: {k: v}\na: 1\n"), R"({"a":1,"k":"v"})");
}

TEST(YamlMerge, IsPlainTextWhenQuoted) { EXPECT_EQ(Read("'<<': {k: v}"), R"({"<<":{"k":"v"}})"); }

TEST(YamlMerge, RefusesWhatIsNoMap) {
  EXPECT_EQ(Read("<<: 1"), "a.yaml:1:5: '<<' takes a map or a list of maps");
  EXPECT_EQ(Read("<<:"), "a.yaml:1:4: '<<' takes a map or a list of maps");
  EXPECT_EQ(Read("<<: [{a: 1}, 2]"), "a.yaml:1:5: '<<' takes a map or a list of maps");
  EXPECT_THAT(Read("<<: {a: 1}\n<<: {b: 1}"), HasSubstr("2:1: key '<<' is there twice"));
}

TEST(YamlErrors, PointAtTheFault) {
  EXPECT_EQ(Read("a:\n  b: 1\n\tc: 2\n"), "a.yaml:3:1: tab used for indentation; use spaces");
  EXPECT_EQ(Read("data:\n\ta: b\n"), "a.yaml:2:1: tab used for indentation; use spaces");
  EXPECT_EQ(Read("a: 1\nb\nc: 2\n"),
            "a.yaml:2:1: neither 'key: value' nor '- element'; is a ':' missing?");
  EXPECT_EQ(Read("a: \"x\nb: 1\n"), "a.yaml:1:4: the quote that opens here is never closed");
  EXPECT_THAT(Read("a: b: c"), StartsWith("a.yaml:1:5: a second ': ' in one value"));
  EXPECT_THAT(Read("a: @x"), StartsWith("a.yaml:1:4: a value cannot start with this character"));
  EXPECT_THAT(Read("a:\n  - x\n b: 1\n"), StartsWith("a.yaml:3:2: expected another key"));
  EXPECT_THAT(Read("- a\nb: c\n"), StartsWith("a.yaml:2:1: expected another '-'"));
  EXPECT_THAT(Read("a: [1, 2\nb: 3\n"), StartsWith("a.yaml:2:2: did not find expected ',' or ']'"));
  EXPECT_THAT(Read("\"a\":1\n"), StartsWith("a.yaml:1:4: unexpected text after the end"));
  EXPECT_THAT(Read("{{- if x }}\na: b\n"), HasSubstr("if this is a template, render it first"));
  EXPECT_THAT(Read("a: {% if x %}\n"), HasSubstr("if this is a template, render it first"));
  EXPECT_THAT(Read("%YAML 3.0\n---\na: 1\n"), StartsWith("a.yaml:1:1: "));
  EXPECT_THAT(Read("a: 1\n---\nb: [\n"), StartsWith("a.yaml:4:1: "));
}

TEST(YamlErrors, RefuseBytesThatAreNoText) {
  EXPECT_EQ(Read("a: 1\nb: \xC3\xB6\xFF\n"), "a.yaml:2:5: this is not UTF-8");
  EXPECT_EQ(Read(absl::string_view("a\0b: 1\n", 7)),
            "a.yaml:1:2: control characters are not allowed");
  EXPECT_EQ(Read("a: 1\nb: \xC3\xB6\x01"), "a.yaml:2:5: control characters are not allowed");
  EXPECT_EQ(Read(absl::string_view("\xFF\xFE"
                                   "a\0",
                                   4)),
            "a.yaml:1:1: this is not UTF-8");
}

TEST(YamlLimits, AreHeld) {
  const int depth = limits::kYamlDepthMax;
  EXPECT_EQ(CodeOf(Repeat("[", depth) + Repeat("]", depth)), absl::StatusCode::kOk);
  EXPECT_EQ(CodeOf(Repeat("[", depth + 1) + Repeat("]", depth + 1)),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(CodeOf(Repeat("[", 4'000'000)), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(CodeOf(Repeat("- ", 1'000'000)), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(CodeOf(Repeat("- a\n", kYamlNodesMax)), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(CodeOf(Repeat("---\na\n", limits::kYamlDocumentsMax)), absl::StatusCode::kOk);
  EXPECT_EQ(CodeOf(Repeat("---\na\n", limits::kYamlDocumentsMax + 1)),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(CodeOf("# " + std::string(limits::kYamlFileBytesMax, 'x')),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(CodeOf("a: &x 1\nb:\n" + Repeat("- *x\n", limits::kYamlAliasesMax + 1)),
            absl::StatusCode::kResourceExhausted);
}

// Each is small on disk, and far past the limits once expanded.
TEST(YamlLimits, StopAliasBombs) {
  std::string wide = "x0: &x0 [l,l,l,l,l,l,l,l,l]\n";
  std::string deep = "x0: &x0 [l]\n";
  std::string merged = "x0: &x0 {k0: v}\n";
  for (int i = 1; i < 100; ++i) {
    if (i < 9) {
      const std::string alias = absl::StrCat("*x", i - 1, ",");
      absl::StrAppend(&wide, "x", i, ": &x", i, " [", Repeat(alias, 9), "]\n");
    }
    absl::StrAppend(&deep, "x", i, ": &x", i, " [*x", i - 1, "]\n");
    absl::StrAppend(&merged, "x", i, ": &x", i, " {<<: *x", i - 1, ", k", i, ": [*x", i - 1, ", *x",
                    i - 1, "]}\n");
  }
  EXPECT_THAT(Read(wide), HasSubstr("counted with aliases expanded"));
  EXPECT_THAT(Read(deep), HasSubstr("nested deeper than"));
  EXPECT_EQ(CodeOf(merged), absl::StatusCode::kResourceExhausted);
  // Few nodes, but long ones.
  EXPECT_THAT(Read("a: &a " + std::string(1'000'000, 'x') + "\nb:\n" + Repeat("- *a\n", 100)),
              HasSubstr("bytes of text, counted with aliases expanded"));
  // Nested anchors: the copies that are kept count too.
  std::string nested;
  for (int i = 0; i < 60; ++i) absl::StrAppend(&nested, std::string(i, ' '), "- &a", i, "\n");
  absl::StrAppend(&nested, std::string(61, ' '), "[", Repeat("x,", 150'000), "]");
  EXPECT_THAT(Read(nested), HasSubstr("anchors name more than"));
}

TEST(YamlPositions, FindTheLineOfAPointer) {
  const auto documents = *ParseYaml(
      "# one\n"
      "kind: A\n"
      "---\n"
      "metadata:\n"
      "  labels: {x: y,\n"
      "           z/w: v}\n"
      "ports:\n"
      "- name: a\n"
      "-\n"
      "  name: b\n"
      "empty:\n"
      "last: 1\n",
      "dir/a.yaml");
  ASSERT_EQ(documents.size(), 2u);
  const std::pair<const char*, const char*> cases[] = {
      {"", "4:1"},
      {"/metadata", "4:1"},
      {"/metadata/labels/x", "5:12"},
      {"/metadata/labels/z~1w", "6:12"},
      {"/ports/0", "8:3"},
      {"/ports/0/name", "8:3"},
      {"/ports/1/name", "10:3"},
      {"/empty", "11:1"},
      {"/last", "12:1"},
      // What is not there: the nearest above.
      {"/metadata/name", "4:1"},
      {"/ports/7", "7:1"},
      {"/ports/x", "7:1"},
  };
  for (const auto& [pointer, place] : cases) {
    EXPECT_EQ(documents[1].Where(pointer), absl::StrCat("dir/a.yaml:", place)) << pointer;
  }
  EXPECT_EQ(documents[0].Where("/kind"), "dir/a.yaml:2:1");
}

TEST(YamlPositions, PointAtAliasesAndMerges) {
  const auto documents = *ParseYaml("a: &x {k: {l: 1}}\nb: *x\nc:\n  <<: *x\n", "f");
  EXPECT_EQ(documents[0].Where("/b/k/l"), "f:2:1");
  EXPECT_EQ(documents[0].Where("/c/k"), "f:4:3");
}

}  // namespace
}  // namespace muster
