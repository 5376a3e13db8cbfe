
#include "cli/subject.h"
#include "gtest/gtest.h"

namespace muster::cli {
namespace {

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
