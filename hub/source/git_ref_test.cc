#include "hub/source/git_ref.h"

#include <gtest/gtest.h>

namespace muster::hub {
namespace {

v1::FetchRequest Branch(const std::string& name) {
  v1::FetchRequest request;
  request.set_branch(name);
  return request;
}

TEST(WantedRef, IsABranchATagOrACommit) {
  const auto branch = ParseWantedRef(Branch("release/1.x"));
  ASSERT_TRUE(branch.ok()) << branch.status();
  EXPECT_EQ(branch->name, "refs/heads/release/1.x");
  EXPECT_EQ(branch->text(), "branch 'release/1.x'");

  v1::FetchRequest request;
  request.set_tag("v1.2");
  EXPECT_EQ(ParseWantedRef(request)->name, "refs/tags/v1.2");
  EXPECT_EQ(ParseWantedRef(request)->text(), "tag 'v1.2'");

  request.clear_tag();
  request.set_commit(std::string(40, 'f'));
  EXPECT_EQ(ParseWantedRef(request)->commit, std::string(40, 'f'));
}

TEST(WantedRef, RefusesNoneAndTwo) {
  EXPECT_FALSE(ParseWantedRef({}).ok());
  v1::FetchRequest two = Branch("main");
  two.set_tag("v1");
  EXPECT_FALSE(ParseWantedRef(two).ok());
}

TEST(WantedRef, RefusesNamesThatGitRefuses) {
  for (const char* name : {"a..b", "/a", "a/", "a//b", "-a", "a b", "a~1", "a^", "a:b", "a*", "a[",
                           "a\\b", "a\n", "a.lock", "a.lock/b", ".a", "a/.b", "a@{1}", "a."}) {
    EXPECT_EQ(ParseWantedRef(Branch(name)).status().code(), absl::StatusCode::kInvalidArgument)
        << name;
  }
  v1::FetchRequest request;
  request.set_commit("abc1234");
  EXPECT_EQ(ParseWantedRef(request).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(CommitText, IsAlwaysValidUtf8AndHarmless) {
  EXPECT_EQ(CommitText("Grüße, 世界 🚀", 100), "Grüße, 世界 🚀");
  EXPECT_EQ(CommitText("J\xfcrgen", 100), "J\xef\xbf\xbdrgen");        // Latin-1
  EXPECT_EQ(CommitText("a\xed\xa0\x80z", 100).front(), 'a');           // a surrogate
  EXPECT_EQ(CommitText("\xc0\xaf", 100), "\xef\xbf\xbd\xef\xbf\xbd");  // overlong
  EXPECT_EQ(CommitText("a\x1b[31mb\x7f\tc", 100), "a [31mb  c");
  EXPECT_EQ(CommitText("a\xc2\x9b"
                       "b",
                       100),
            "a b");  // C1: starts a terminal's command
}

TEST(CommitText, IsCutBetweenCharacters) {
  EXPECT_EQ(CommitText("aéb", 1), "a");
  EXPECT_EQ(CommitText("aéb", 3), "aé");
}

}  // namespace
}  // namespace muster::hub
