#include "cli/output/jsonpath.h"

#include "absl/strings/match.h"
#include "common/manifest/json.h"
#include "gtest/gtest.h"

namespace muster::cli {
namespace {

Value Document() {
  return *ParseJson(R"({"items":[
      {"name":"dev-1","sync":"Synced","objects":12,"labels":{"env":"dev","a.b/c":"x"},"note":null},
      {"name":"prod-1","sync":"OutOfSync","objects":3,"labels":{"env":"prod"},"note":"\u001b[31m"},
      {"name":"prod-2","sync":"Synced","objects":40,"labels":{"env":"prod"},"note":null}],
      "kind":"ClusterList","more":false})");
}

std::string Text(absl::string_view text) {
  const absl::StatusOr<JsonPath> path = JsonPath::Parse(text);
  return path.ok() ? path->Text(Document()) : std::string(path.status().message());
}

TEST(JsonPath, FollowsNamesIndicesAndStars) {
  EXPECT_EQ(Text("{.kind}"), "ClusterList");
  EXPECT_EQ(Text("{$.kind}"), "ClusterList");
  EXPECT_EQ(Text("{.items[0].name}"), "dev-1");
  EXPECT_EQ(Text("{.items[-1].name}"), "prod-2");
  EXPECT_EQ(Text("{.items[1:].name}"), "prod-1 prod-2");
  EXPECT_EQ(Text("{.items[0:2].name}"), "dev-1 prod-1");
  EXPECT_EQ(Text("{.items[*].objects}"), "12 3 40");
  EXPECT_EQ(Text("{.items[0].labels['a.b/c']}"), "x");
  EXPECT_EQ(Text(R"({.items[0].labels.a\.b/c})"), "x");
  EXPECT_EQ(Text("{.items[0].labels.*}"), "dev x");
}

TEST(JsonPath, PrintsTextBetweenAndStructuresAsJson) {
  EXPECT_EQ(Text("kind={.kind}, more={.more}"), "kind=ClusterList, more=false");
  EXPECT_EQ(Text("{.items[1].labels}"), R"({"env":"prod"})");
}

TEST(JsonPath, WhatIsNotThereIsNothing) {
  EXPECT_EQ(Text("<{.nothing.here}{.items[7].name}{.items[-9].name}{.items[0].note}{.kind.x}>"),
            "<>");
}

TEST(JsonPath, Filters) {
  EXPECT_EQ(Text(R"({.items[?(@.sync=="OutOfSync")].name})"), "prod-1");
  EXPECT_EQ(Text(R"({.items[?(@.sync != 'OutOfSync')].name})"), "dev-1 prod-2");
  EXPECT_EQ(Text("{.items[?(@.objects>=12)].name}"), "dev-1 prod-2");
  EXPECT_EQ(Text("{.items[?(@.objects<12)].name}"), "prod-1");
  EXPECT_EQ(Text("{.items[?(@.note)].name}"), "prod-1");
  EXPECT_EQ(Text(R"({.items[?(@.labels.env=="dev")].objects})"), "12");
  EXPECT_EQ(Text(R"({.items[?(@.objects>"x")].name})"), "") << "a number and a text";
}

TEST(JsonPath, RangesOverItems) {
  EXPECT_EQ(Text(R"({range .items[*]}{.name}{"\t"}{.sync}{"\n"}{end}total)"),
            "dev-1\tSynced\nprod-1\tOutOfSync\nprod-2\tSynced\ntotal");
  EXPECT_EQ(Text("{range .items[0:1]}{range .labels.*}<{@}>{end}{$.kind}{end}"),
            "<dev><x>ClusterList");
}

TEST(JsonPath, SteersNoTerminal) { EXPECT_EQ(Text("{.items[1].note}"), R"(\x1b[31m)"); }

TEST(JsonPath, SaysWhereItIsWrong) {
  EXPECT_EQ(Text("{.kind"), "column 7: '}' is missing");
  EXPECT_EQ(Text("a{kind}"), "column 3: a path starts with '.', as in {.name}");
  EXPECT_EQ(Text("{.items[x]}"), "column 9: a number, '*', a quoted name or '?(...)' is missing");
  EXPECT_EQ(Text("{.items[0}"), "column 10: ']' is missing");
  EXPECT_EQ(Text("{..name}"), "column 2: '..' is not built: write the whole path");
  EXPECT_EQ(Text("{range .items[*]}{.name}"), "column 25: {range} without {end}");
  EXPECT_EQ(Text("{end}"), "column 5: {end} without {range}");
  EXPECT_EQ(Text("{.items[?(.x==1)]}"),
            "column 11: a filter asks '@', as in [?(@.sync==\"Synced\")]");
  EXPECT_EQ(Text("{.items[?(@.x==y)]}"),
            "column 16: a text in quotes, a whole number, true, false or null is missing");
  EXPECT_EQ(Text(""), "it is empty");
  EXPECT_EQ(Text(R"({"abc)"), "column 6: '\"' is missing");
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "{range .items}";
  EXPECT_TRUE(absl::StrContains(Text(deep), "too many ranges")) << Text(deep);
}

TEST(JsonPath, ReadsOnePathInEachOfItsSpellings) {
  for (const char* text : {"{.kind}", ".kind", "kind", "$.kind", "['kind']"}) {
    const absl::StatusOr<JsonPath> path = JsonPath::ParsePath(text);
    ASSERT_TRUE(path.ok()) << text << ": " << path.status();
    const Value document = Document();
    ASSERT_EQ(path->Find(document).size(), 1u) << text;
    EXPECT_EQ(path->Find(document)[0]->string(), "ClusterList");
  }
  for (const char* text : {"", "{.kind", ".kind}", "a b", ".kind x"}) {
    EXPECT_FALSE(JsonPath::ParsePath(text).ok()) << text;
  }
}

}  // namespace
}  // namespace muster::cli
