#include "cli/suggest.h"

#include "cli/subject.h"
#include "gtest/gtest.h"

namespace muster::cli {
namespace {

TEST(EditDistance, CountsInsertionsDeletionsReplacementsAndSwaps) {
  EXPECT_EQ(EditDistance("get", "get"), 0);
  EXPECT_EQ(EditDistance("gett", "get"), 1);
  EXPECT_EQ(EditDistance("gte", "get"), 1);
  EXPECT_EQ(EditDistance("", "get"), 3);
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3);
}

TEST(Nearest, FindsWhatWasMeant) {
  const std::vector<std::string> commands = {"describe", "diff", "get", "join", "suspend"};
  EXPECT_EQ(Nearest("gett", commands), "get");
  EXPECT_EQ(Nearest("desribe", commands), "describe");
  EXPECT_EQ(Nearest("DIFF", commands), "diff");
  EXPECT_EQ(Nearest("susp", commands), "suspend");  // a beginning
}

TEST(Nearest, StaysSilentWhenNothingIsNear) {
  const std::vector<std::string> commands = {"describe", "diff", "get"};
  EXPECT_EQ(Nearest("helm", commands), std::nullopt);
  EXPECT_EQ(Nearest("", commands), std::nullopt);
  EXPECT_EQ(Nearest("x", {"get"}), std::nullopt);
  EXPECT_EQ(Nearest("ab", {"-o"}), std::nullopt);
  EXPECT_EQ(DidYouMean("helm", commands), "");
}

TEST(ParseSubjects, TakesKindSlashNameAndKindThenNames) {
  const std::vector<Kind> kinds = {Kind::kCluster, Kind::kPackage};
  const std::vector<Subject> both = {{Kind::kCluster, "a"}, {Kind::kCluster, "b"}};
  EXPECT_EQ(*ParseSubjects({"cluster", "a", "b"}, kinds), both);
  EXPECT_EQ(*ParseSubjects({"clusters", "cluster/a", "b"}, kinds), both);
  const std::vector<Subject> mixed = {{Kind::kCluster, "a"}, {Kind::kPackage, "web"}};
  EXPECT_EQ(*ParseSubjects({"cluster/a", "pkg/web"}, kinds), mixed);
}

TEST(ParseSubjects, RefusesWhatNamesNothing) {
  const std::vector<Kind> kinds = {Kind::kCluster, Kind::kPackage};
  EXPECT_FALSE(ParseSubjects({}, kinds).ok());
  EXPECT_EQ(ParseSubjects({"cluster"}, kinds).status().message(), "which cluster?");
  EXPECT_EQ(ParseSubjects({"cluster/"}, kinds).status().message(), "'cluster/' names nothing");
  EXPECT_EQ(ParseSubjects({"clutser", "a"}, kinds).status().message(),
            "unknown kind 'clutser'; did you mean 'cluster'?");
  // A kind that exists, but not here.
  EXPECT_EQ(ParseSubjects({"token/x"}, kinds).status().message(), "unknown kind 'token'");
}

}  // namespace
}  // namespace muster::cli
