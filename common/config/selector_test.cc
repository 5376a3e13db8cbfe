#include "common/config/selector.h"

#include <string>

#include "common/config/names.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

const Labels kProd = {{"env", "prod"}, {"tier", "a"}, {"topology.kubernetes.io/region", "eu"}};

bool Selects(absl::string_view text, const Labels& labels) {
  absl::StatusOr<v1::LabelSelector> selector = ParseSelector(text);
  EXPECT_TRUE(selector.ok()) << selector.status();
  if (!selector.ok()) return false;
  EXPECT_TRUE(CheckSelector(*selector).ok()) << CheckSelector(*selector);
  // What is printed means the same as what was read.
  absl::StatusOr<v1::LabelSelector> again = ParseSelector(SelectorText(*selector));
  EXPECT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->SerializeAsString(), selector->SerializeAsString()) << text;
  return Matches(*selector, labels);
}

TEST(Selector, EmptySelectsEverything) {
  EXPECT_TRUE(Selects("", kProd));
  EXPECT_TRUE(Selects("  ", {}));
}

TEST(Selector, NeedsEveryPart) {
  EXPECT_TRUE(Selects("env=prod", kProd));
  EXPECT_TRUE(Selects("env == prod , tier=a", kProd));
  EXPECT_FALSE(Selects("env=prod,tier=b", kProd));
  EXPECT_FALSE(Selects("env=Prod", kProd));
  EXPECT_FALSE(Selects("env=", kProd));
  EXPECT_TRUE(Selects("env=", {{"env", ""}}));
  EXPECT_FALSE(Selects("env=", {}));
  EXPECT_FALSE(Selects("env=prod,env=dev", kProd));
  EXPECT_TRUE(Selects("topology.kubernetes.io/region=eu", kProd));
}

TEST(Selector, ReadsSetsAsKubectlDoes) {
  EXPECT_TRUE(Selects("tier in (b, a)", kProd));
  EXPECT_FALSE(Selects("tier in (b)", kProd));
  EXPECT_FALSE(Selects("zone in (b)", kProd));
  EXPECT_FALSE(Selects("tier notin (a,b)", kProd));
  EXPECT_TRUE(Selects("tier notin (c)", kProd));
  EXPECT_TRUE(Selects("tier in (,a)", kProd));
}

TEST(Selector, NegationMatchesAnAbsentKey) {
  EXPECT_TRUE(Selects("zone notin (b)", kProd));
  EXPECT_TRUE(Selects("zone!=b", kProd));
  EXPECT_TRUE(Selects("!zone", kProd));
  EXPECT_FALSE(Selects("!env", kProd));
  EXPECT_FALSE(Selects("env!=prod", kProd));
}

TEST(Selector, AsksForPresence) {
  EXPECT_TRUE(Selects("env", kProd));
  EXPECT_FALSE(Selects("zone", kProd));
  EXPECT_TRUE(Selects("env,tier,!zone", kProd));
}

TEST(Selector, RefusesWhatKubectlRefuses) {
  for (const char* text :
       {",", "env=prod,", "env=prod tier=a", "env in", "env in prod", "env in (a", "env in (a b)",
        "env>1", "=prod", "!", "env=pr/od", "-env=prod", "a/b/c=d", "env=prod)", "env!prod",
        "in (a)", "/env", "Example.com/env=x"}) {
    const absl::StatusOr<v1::LabelSelector> selector = ParseSelector(text);
    EXPECT_EQ(selector.status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
  EXPECT_EQ(ParseSelector("env=prod tier=a").status().message(),
            "selector 'env=prod tier=a': at 'tier=a': expected ',' between requirements; write it "
            "like 'env=prod,tier in (a,b),!old'");
}

// Messages come from Git and over the wire, so they may hold what no parser let through.
TEST(Selector, MalformedSelectsNothing) {
  v1::LabelSelector selector;
  auto* requirement = selector.add_match_expressions();
  requirement->set_key("env");
  EXPECT_FALSE(Matches(selector, kProd));
  requirement->set_operator_(v1::LabelSelector::OPERATOR_IN);
  EXPECT_FALSE(CheckSelector(selector).ok());
  EXPECT_FALSE(Matches(selector, kProd));
  requirement->set_operator_(v1::LabelSelector::OPERATOR_NOT_IN);
  EXPECT_FALSE(CheckSelector(selector).ok());
  EXPECT_FALSE(Matches(selector, kProd));
  requirement->set_operator_(v1::LabelSelector::OPERATOR_EXISTS);
  EXPECT_TRUE(CheckSelector(selector).ok());
  EXPECT_TRUE(Matches(selector, kProd));
  requirement->add_values("prod");
  EXPECT_FALSE(CheckSelector(selector).ok());
  EXPECT_FALSE(Matches(selector, kProd));
}

TEST(Names, AreThoseOfKubernetes) {
  for (const std::string& good :
       {std::string("a"), std::string("web-1"), std::string("0"), std::string(63, 'a')}) {
    EXPECT_TRUE(CheckName(good).ok()) << good;
  }
  for (const std::string& bad :
       {std::string(), std::string("Web"), std::string("-a"), std::string("a-"), std::string("a.b"),
        std::string("a_b"), std::string("a b"), std::string(64, 'a'), std::string("a\0", 2)}) {
    EXPECT_FALSE(CheckName(bad).ok()) << bad;
  }
  EXPECT_TRUE(CheckLabelKey("example.com/Some_key.x").ok());
  EXPECT_FALSE(CheckLabelKey("example.com/").ok());
  EXPECT_FALSE(CheckLabelKey("").ok());
  EXPECT_FALSE(CheckLabelKey(std::string(64, 'a')).ok());
  EXPECT_TRUE(CheckLabelValue("").ok());
  EXPECT_TRUE(CheckLabelValue("v1.2_x").ok());
  EXPECT_FALSE(CheckLabelValue("-v1").ok());
  EXPECT_FALSE(CheckLabelValue("a/b").ok());
}

}  // namespace
}  // namespace muster
