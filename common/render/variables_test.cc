#include "common/render/variables.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/limits.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

VariableScope Scope() {
  VariableScope scope;
  scope.variables = {{"replicas", "3"},
                     {"empty", ""},
                     {"word", "abcdEFGH28ij"},
                     {"nested", "${word}"},
                     {"greek", "\u03b1\u03b2\u03b3"},
                     {"_x1", "y"}};
  scope.cluster_name = "eu-1";
  scope.labels = {{"env", "prod"}, {"topology.kubernetes.io/region", "eu"}, {"2nd", "two"}};
  scope.path_basename = "web";
  return scope;
}

std::string Expand(absl::string_view text) {
  const absl::StatusOr<std::string> result = Substitute(text, Scope(), {"apps/web.yaml", 10});
  return result.ok() ? *result : absl::StrCat("error: ", result.status().message());
}

std::string Error(absl::string_view text) {
  const absl::StatusOr<std::string> result = Substitute(text, Scope(), {"apps/web.yaml", 10});
  return result.ok() ? absl::StrCat("no error: ", *result) : std::string(result.status().message());
}

TEST(Variables, ReplacesWhatStandsInBraces) {
  EXPECT_EQ(Expand("a ${replicas} b ${_x1}${replicas}"), "a 3 b y3");
  EXPECT_EQ(Expand("[${empty}]"), "[]");
  EXPECT_EQ(Expand("no variables"), "no variables");
  EXPECT_EQ(Expand(""), "");
}

TEST(Variables, KnowsTheClusterAndThePath) {
  EXPECT_EQ(Expand("${cluster.name}/${cluster.labels.env}/${path.basename}"), "eu-1/prod/web");
  EXPECT_EQ(Expand("${cluster.labels[\"topology.kubernetes.io/region\"]}"), "eu");
  EXPECT_EQ(Expand("${cluster.labels['env']}${cluster.labels.2nd}"), "prodtwo");
  EXPECT_EQ(Expand("${cluster.labels.zone:-none}"), "none");
  EXPECT_EQ(Expand("${cluster.labels[\"a-b\"]:-none}"), "none");
}

TEST(Variables, LeavesDollarsWithoutBracesAlone) {
  EXPECT_EQ(Expand("$replicas $1 $ $$ $(x) cost$"), "$replicas $1 $ $$ $(x) cost$");
}

TEST(Variables, EscapesWithTwoDollars) {
  EXPECT_EQ(Expand("$${replicas}"), "${replicas}");
  EXPECT_EQ(Expand("$${undefined:-${replicas}}"), "${undefined:-3}");
  EXPECT_EQ(Expand("$$${replicas}"), "$${replicas}");
  EXPECT_EQ(Expand("${undefined:-$${x}"), "${x");
}

TEST(Variables, TakesDefaults) {
  EXPECT_EQ(Expand("${x:-1}${x:=2}${x-3}${x=4}"), "1234");
  EXPECT_EQ(Expand("${replicas:-1}${replicas:=1}${replicas-1}${replicas=1}"), "3333");
  EXPECT_EQ(Expand("${empty:-1}${empty:=2}[${empty-3}${empty=4}]"), "12[]");
  EXPECT_EQ(Expand("${x:-}${x:-a b: {c, d=\"e\"}"), "a b: {c, d=\"e\"");
  EXPECT_EQ(Expand("${x:-${y:-${replicas}}}"), "3");
  EXPECT_EQ(Expand("${x:-a${y:-b}c}d"), "abcd");
}

// A default that is not taken is not looked at, so it may name what is not defined.
TEST(Variables, IgnoresTheDefaultThatIsNotTaken) {
  EXPECT_EQ(Expand("${replicas:-${x}}"), "3");
  EXPECT_EQ(Expand("${replicas:-a${x}b${y/1/2}c}d"), "3d");
}

TEST(Variables, CutsParts) {
  EXPECT_EQ(Expand("${word:0}"), "abcdEFGH28ij");
  EXPECT_EQ(Expand("${word:4}"), "EFGH28ij");
  EXPECT_EQ(Expand("${word:4:4}"), "EFGH");
  EXPECT_EQ(Expand("${word:4:99}"), "EFGH28ij");
  EXPECT_EQ(Expand("[${word:99}${word:99:1}${word:0:0}]"), "[]");
  EXPECT_EQ(Expand("${word: -3}"), "8ij");
  EXPECT_EQ(Expand("${word: -99:2}"), "ab");
  EXPECT_EQ(Expand("${greek:1:1}${#greek}"),
            "\u03b2"
            "3");
}

TEST(Variables, ReplacesLiteralText) {
  EXPECT_EQ(Expand("${word/EF/-}"), "abcd-GH28ij");
  EXPECT_EQ(Expand("${word/x/-}"), "abcdEFGH28ij");
  EXPECT_EQ(Expand("${word/./-}"), "abcdEFGH28ij");
  EXPECT_EQ(Expand("${word/abcd/}"), "EFGH28ij");
  EXPECT_EQ(Expand("${cluster.name//-/_}"), "eu_1");
  EXPECT_EQ(Expand("${word//a/aa}"), "aabcdEFGH28ij");
}

TEST(Variables, ChangesCaseAndCounts) {
  EXPECT_EQ(Expand("${word^^} ${word,,} ${word^} ${word,}"),
            "ABCDEFGH28IJ abcdefgh28ij AbcdEFGH28ij abcdEFGH28ij");
  EXPECT_EQ(Expand("${#word}${#empty}[${empty^}]"), "120[]");
}

TEST(Variables, ValuesAreNotLookedAtAgain) { EXPECT_EQ(Expand("${nested}"), "${word}"); }

TEST(Variables, UndefinedIsAnErrorWithFileAndLine) {
  EXPECT_EQ(Error("a\nb\n  x: ${missing}"),
            "apps/web.yaml:12: variable 'missing' is not defined; set it under 'variables' of the "
            "package or its target, give a default (${missing:-value}), or write $${missing} to "
            "keep the text");
  EXPECT_EQ(Error("${cluster.labels.zone}"),
            "apps/web.yaml:10: variable expression '${cluster.labels.zone}': cluster 'eu-1' has no "
            "label 'zone'; label it, or give a default with :-");
  for (const char* text :
       {"${x:2}", "${x/a/b}", "${x^}", "${#x}", "${empty:-${x}}", "${Replicas}"}) {
    EXPECT_NE(Error(text).find("web.yaml:10: variable"), std::string::npos) << Error(text);
  }
}

TEST(Variables, RefusesWhatIsNoExpression) {
  for (const char* text : {"${}",
                           "${",
                           "${replicas",
                           "${replicas\n}",
                           "${1}",
                           "${a b}",
                           "${replicas:}",
                           "${replicas:x}",
                           "${replicas:1:}",
                           "${replicas:1:-1}",
                           "${replicas:12345678}",
                           "${replicas?}",
                           "${replicas:?x}",
                           "${replicas:+x}",
                           "${replicas#a}",
                           "${replicas%a}",
                           "${!replicas}",
                           "${replicas/a}",
                           "${replicas//a/b/c}",
                           "${replicas/}",
                           "${replicas///}",
                           "${replicas/a/${x}}",
                           "${replicas^^^}",
                           "${cluster.id}",
                           "${cluster.labels}",
                           "${cluster.labels.}",
                           "${cluster.labels[env]}",
                           "${cluster.labels[\"env]}",
                           "${cluster.labels[\"\"]}",
                           "${cluster.labels[\"env\"}",
                           "${cluster.labels.node-pool}",
                           "${path}x${path.name}",
                           "${x:-${y}",
                           "${replicas.x}",
                           "${-x}"}) {
    const absl::StatusOr<std::string> result = Substitute(text, Scope(), {"f.yaml", 1});
    EXPECT_EQ(result.status().code(), absl::StatusCode::kInvalidArgument)
        << text << " gave " << (result.ok() ? *result : "");
    EXPECT_EQ(result.status().message().substr(0, 9), "f.yaml:1:") << result.status();
  }
  EXPECT_EQ(Error("a\n${cluster.labels.node-pool}"),
            "apps/web.yaml:11: variable expression '${cluster.labels.node-pool}': a label's key "
            "with '-' stands in brackets, ${cluster.labels[\"my-key\"]}, and a default follows "
            "':-'; write $${ for text that is none");
}

TEST(Variables, MalformedTextIsRefusedEvenInADefaultThatIsNotTaken) {
  EXPECT_NE(Error("${replicas:-${}}").find("needs a name"), std::string::npos);
}

TEST(Variables, CollectsTheClusterVariablesThatATextMentions) {
  std::set<std::string> uses;
  ASSERT_TRUE(
      CollectClusterVariables("${a} ${path.basename} $${cluster.name}", {"f", 1}, uses).ok());
  EXPECT_TRUE(uses.empty());
  ASSERT_TRUE(CollectClusterVariables("${cluster.name:1} ${a:-${cluster.labels[\"x/y.z\"]}} "
                                      "${cluster.labels.env:-${cluster.labels.zone}}",
                                      {"f", 1}, uses)
                  .ok());
  EXPECT_EQ(uses, (std::set<std::string>{"cluster.labels.env", "cluster.labels.x/y.z",
                                         "cluster.labels.zone", "cluster.name"}));
  EXPECT_FALSE(CollectClusterVariables("${", {"f", 1}, uses).ok());
}

// Whether a '#' starts a comment only YAML knows, so errors after one wait for its answer.
TEST(Variables, PutsErrorsAfterAHashOff) {
  PutOff put_off;
  const auto result = Substitute("a: ${replicas} # ${x} ${\nb: c#${y}d\n# ${replicas} ${z:-1}",
                                 Scope(), {"f", 1}, &put_off);
  ASSERT_TRUE(result.ok()) << result.status();
  ASSERT_EQ(put_off.errors.size(), 3u);
  EXPECT_EQ(put_off.errors[0].message().substr(0, 17), "f:1: variable 'x'");
  EXPECT_EQ(put_off.errors[1].message().substr(0, 24), "f:1: variable expression");
  EXPECT_EQ(put_off.errors[2].message().substr(0, 17), "f:2: variable 'y'");
  EXPECT_NE(result->find("# 3 1"), std::string::npos);

  const Value wrong =
      Value::Map{{"a", Value::List{1, "x", result->substr(result->find("c#"), 12)}}};
  EXPECT_EQ(put_off.Check(wrong), put_off.errors[2]);
  EXPECT_TRUE(put_off.Check(Value::Map{{"a", "3"}}).ok());
  // Before a '#' nothing is put off.
  EXPECT_FALSE(Substitute("# a\n${x} # b", Scope(), {"f", 1}, &put_off).ok());
  EXPECT_FALSE(Substitute("# ${x}", Scope(), {"f", 1}).ok());
}

TEST(Variables, ManyErrorsInCommentsCostOnePass) {
  for (const std::string& one :
       {std::string("${ ${x} "), "${x:-" + std::string(300, ' ') + "${y} "}) {
    std::string text = "#";
    while (text.size() < 6u << 20) text += one;
    PutOff put_off;
    EXPECT_EQ(Substitute(text, Scope(), {"f", 1}, &put_off).status().code(),
              absl::StatusCode::kResourceExhausted);
  }
}

TEST(Variables, BoundsNestingOutputAndWork) {
  std::string deep;
  for (int i = 0; i < limits::kVariableDepthMax; ++i) deep += "${x:-";
  EXPECT_EQ(Expand(deep + "a" + std::string(limits::kVariableDepthMax, '}')), "a");
  deep += "${x:-a" + std::string(limits::kVariableDepthMax + 1, '}');
  EXPECT_EQ(Substitute(deep, Scope(), {"f", 1}).status().code(),
            absl::StatusCode::kResourceExhausted);

  VariableScope scope;
  scope.variables["big"] = std::string(limits::kVariableBytesMax, 'a');
  std::string many;
  for (int i = 0; i < 200; ++i) many += "${big}";
  EXPECT_EQ(Substitute(many, scope, {"f", 1}).status().code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Substitute("${big//a/" + std::string(200, 'b') + "}", scope, {"f", 1}).status().code(),
            absl::StatusCode::kResourceExhausted);
  many.clear();
  for (int i = 0; i < 2000; ++i) many += "${big:0:1}";
  EXPECT_EQ(Substitute(many, scope, {"f", 1}).status().code(),
            absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace muster
