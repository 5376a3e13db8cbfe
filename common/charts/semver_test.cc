#include "common/charts/semver.h"

#include <gtest/gtest.h>

namespace muster {
namespace {

std::string Fitting(const char* range_text) {
  const absl::StatusOr<SemVerRange> range = SemVerRange::Parse(range_text);
  if (!range.ok()) return std::string(range.status().message());
  std::string fitting;
  for (const char* text : {"0.0.3", "0.0.4", "0.2.3", "0.2.9", "0.3.0", "1.0.0", "1.2.3-rc.1",
                           "1.2.3", "1.2.4", "1.3.0", "2.0.0", "2.3.9", "2.4.0", "11.0.0"}) {
    if (range->Contains(*ParseSemVer(text))) fitting += std::string(text) + " ";
  }
  return fitting;
}

TEST(SemVer, OrdersAsTheSpecificationSays) {
  const char* ascending[] = {"1.0.0-alpha",  "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta",
                             "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1",       "1.0.0",
                             "1.0.1",        "1.2",           "1.10.0",           "v2"};
  for (size_t i = 1; i < std::size(ascending); ++i) {
    EXPECT_LT(Compare(*ParseSemVer(ascending[i - 1]), *ParseSemVer(ascending[i])), 0)
        << ascending[i];
    EXPECT_GT(Compare(*ParseSemVer(ascending[i]), *ParseSemVer(ascending[i - 1])), 0);
  }
  EXPECT_EQ(Compare(*ParseSemVer("1.2.3+a"), *ParseSemVer("v1.2.3+b")), 0);
}

TEST(SemVer, RefusesWhatIsNoVersion) {
  for (const char* text : {"", "x", "1.", "1.2.3.4", "01.2.3", "1.2.3-", "1.2.3-a..b", "1.2.3+",
                           "-1", "1.2.3 ", "99999999999999999999999", "latest", "1.2.x"}) {
    EXPECT_FALSE(ParseSemVer(text).ok()) << text;
  }
  EXPECT_EQ(ParseSemVer("1.2.x").status().message(),
            "'1.2.x' is no version: 'x' is no number; write it as in 1.2.3");
}

TEST(SemVer, TellsAVersionFromARange) {
  for (const char* text : {"1.2.3", "v1.2.3", "1.2.3-rc.1", "1.2.3+build.5"}) {
    EXPECT_TRUE(IsExactVersion(text)) << text;
  }
  for (const char* text : {"1.2", "1", "1.2.x", "^1.2.3", "=1.2.3", "*", "1.2.3 || 2.0.0"}) {
    EXPECT_FALSE(IsExactVersion(text)) << text;
  }
}

TEST(SemVer, RangesHoldWhatHelmTakes) {
  EXPECT_EQ(Fitting("1.2.3"), "1.2.3 ");
  EXPECT_EQ(Fitting("v1.2.3"), "1.2.3 ");
  EXPECT_EQ(Fitting("1.2"), "1.2.3 1.2.4 ");
  EXPECT_EQ(Fitting("1.2.x"), "1.2.3 1.2.4 ");
  EXPECT_EQ(Fitting("1"), "1.0.0 1.2.3 1.2.4 1.3.0 ");
  EXPECT_EQ(Fitting("~1.2.4"), "1.2.4 ");
  EXPECT_EQ(Fitting("~1"), "1.0.0 1.2.3 1.2.4 1.3.0 ");
  EXPECT_EQ(Fitting("^1.2.4"), "1.2.4 1.3.0 ");
  EXPECT_EQ(Fitting("^0.2.3"), "0.2.3 0.2.9 ");
  EXPECT_EQ(Fitting("^0.0.3"), "0.0.3 ");
  EXPECT_EQ(Fitting("^0"), "0.0.3 0.0.4 0.2.3 0.2.9 0.3.0 ");
  EXPECT_EQ(Fitting(">=1.2 <2"), "1.2.3 1.2.4 1.3.0 ");
  EXPECT_EQ(Fitting(">= 1.2, < 2"), "1.2.3 1.2.4 1.3.0 ");
  EXPECT_EQ(Fitting(">1.2"), "1.3.0 2.0.0 2.3.9 2.4.0 11.0.0 ");
  EXPECT_EQ(Fitting("<=2.3 >=2"), "2.0.0 2.3.9 ");
  EXPECT_EQ(Fitting("2 - 2.3"), "2.0.0 2.3.9 ");
  EXPECT_EQ(Fitting("1.2.3 || >=11"), "1.2.3 11.0.0 ");
  EXPECT_EQ(Fitting(">=2 !=2.3"), "2.0.0 2.4.0 11.0.0 ");
  EXPECT_EQ(Fitting(">=1.2.3-0 <1.3"), "1.2.3 1.2.4 ");  // each part has to allow pre-releases
  EXPECT_EQ(Fitting(">=1.2.3-0 <1.3.0-0"), "1.2.3-rc.1 1.2.3 1.2.4 ");
  EXPECT_EQ(Fitting("*"),
            "0.0.3 0.0.4 0.2.3 0.2.9 0.3.0 1.0.0 1.2.3 1.2.4 1.3.0 2.0.0 2.3.9 2.4.0 11.0.0 ");
}

TEST(SemVer, RefusesARangeThatCannotBeRead) {
  for (const char* text : {"", ">=", "latest", "1.2.3 ||", "|| 1", ">*", "1.x.3", "1 -", "- 1",
                           "^^1", "<>1", "1.2.3.4"}) {
    EXPECT_FALSE(SemVerRange::Parse(text).ok()) << text;
  }
}

TEST(SemVer, TakesTheHighestThatFits) {
  const std::vector<std::string> versions = {"1.2.3", "nonsense", "1.10.0", "2.0.0", "1.9.9"};
  EXPECT_EQ(HighestIn(*SemVerRange::Parse("^1"), versions), 2);
  EXPECT_EQ(HighestIn(*SemVerRange::Parse(">2"), versions), -1);
}

}  // namespace
}  // namespace muster
