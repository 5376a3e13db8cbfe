// The suite that every GitSource passes. Include it once in a test of the implementation:
//
//   std::unique_ptr<GitWorld> MakeWorld() { return std::make_unique<...>(); }
//   INSTANTIATE_TEST_SUITE_P(Memory, GitSourceConformance, testing::Values(&MakeWorld));
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "hub/source/git_source.h"

namespace muster::hub {

// Some servers, and a source that fetches from them. A server has a short name.
class GitWorld {
 public:
  using Files = std::map<std::string, std::string>;

  virtual ~GitWorld() = default;
  virtual GitSource& source() = 0;
  virtual std::string UrlOf(const std::string& server) const = 0;
  virtual void Create(const std::string& server) = 0;
  // A commit whose whole content is `files`; returns its id.
  virtual std::string Commit(const std::string& server, const std::string& branch,
                             const Files& files, const std::string& subject) = 0;
  virtual void SetBranch(const std::string& server, const std::string& branch,
                         const std::string& commit) = 0;
  virtual void DeleteBranch(const std::string& server, const std::string& branch) = 0;
  virtual void SetTag(const std::string& server, const std::string& tag,
                      const std::string& commit) = 0;
  virtual void SetReachable(const std::string& server, bool reachable) = 0;
};

class GitSourceConformance
    : public testing::TestWithParam<std::function<std::unique_ptr<GitWorld>()>> {
 protected:
  GitSourceConformance() : world_(GetParam()()) {}

  v1::FetchRequest Request(const std::string& known = "") {
    v1::FetchRequest request;
    request.set_repository("apps");
    request.set_url(world_->UrlOf("server"));
    request.set_branch("main");
    request.set_known_commit(known);
    request.set_allow_file(true);
    return request;
  }

  std::string Commit(const GitWorld::Files& files, const std::string& subject = "a change") {
    return world_->Commit("server", "main", files, subject);
  }

  absl::StatusCode CodeOfFetch(const v1::FetchRequest& request) {
    return world_->source().Fetch(request).status().code();
  }

  std::unique_ptr<GitWorld> world_;
};

TEST_P(GitSourceConformance, FetchesABranchForTheFirstTime) {
  Commit({{"a.yaml", "0"}}, "long ago");
  const std::string head = Commit({{"a.yaml", "1"}}, "the first that we see");

  const auto fetched = world_->source().Fetch(Request());

  ASSERT_TRUE(fetched.ok()) << fetched.status();
  EXPECT_EQ(fetched->commit(), head);
  EXPECT_TRUE(fetched->descends());
  ASSERT_EQ(fetched->commits_size(), 1);  // what came before is nobody's news
  EXPECT_EQ(fetched->commits(0).id(), head);
  EXPECT_EQ(fetched->commits(0).subject(), "the first that we see");
  EXPECT_EQ(fetched->commits(0).author(), "Ada <ada@example.com>");
  EXPECT_TRUE(fetched->more_commits()) << "but it has to be known that there is something";
  EXPECT_FALSE(fetched->has_config());
}

TEST_P(GitSourceConformance, BelowTheVeryFirstCommitIsNothing) {
  Commit({{"a.yaml", "1"}});

  const auto fetched = world_->source().Fetch(Request());

  ASSERT_TRUE(fetched.ok()) << fetched.status();
  EXPECT_EQ(fetched->commits_size(), 1);
  EXPECT_FALSE(fetched->more_commits());
}

TEST_P(GitSourceConformance, ListsWhatCameSinceOldestFirst) {
  const std::string first = Commit({{"a.yaml", "1"}}, "one");
  ASSERT_TRUE(world_->source().Fetch(Request()).ok());
  const std::string second = Commit({{"a.yaml", "2"}}, "two");
  const std::string third = Commit({{"a.yaml", "3"}}, "three");

  const auto fetched = world_->source().Fetch(Request(first));

  ASSERT_TRUE(fetched.ok()) << fetched.status();
  EXPECT_EQ(fetched->commit(), third);
  EXPECT_TRUE(fetched->descends());
  ASSERT_EQ(fetched->commits_size(), 2);
  EXPECT_EQ(fetched->commits(0).id(), second);
  EXPECT_EQ(fetched->commits(1).id(), third);
  EXPECT_FALSE(fetched->more_commits());
}

TEST_P(GitSourceConformance, NothingNewIsNoCommits) {
  const std::string head = Commit({{"a.yaml", "1"}});
  ASSERT_TRUE(world_->source().Fetch(Request()).ok());

  const auto fetched = world_->source().Fetch(Request(head));

  ASSERT_TRUE(fetched.ok()) << fetched.status();
  EXPECT_EQ(fetched->commit(), head);
  EXPECT_TRUE(fetched->descends());
  EXPECT_EQ(fetched->commits_size(), 0);
}

TEST_P(GitSourceConformance, ARewrittenBranchDoesNotDescend) {
  const std::string base = Commit({{"a.yaml", "1"}});
  const std::string ruling = Commit({{"a.yaml", "2"}});
  ASSERT_TRUE(world_->source().Fetch(Request()).ok());
  world_->SetBranch("server", "main", base);
  const std::string rewritten = Commit({{"a.yaml", "other"}}, "rewritten");

  const auto fetched = world_->source().Fetch(Request(ruling));

  ASSERT_TRUE(fetched.ok()) << fetched.status();
  EXPECT_EQ(fetched->commit(), rewritten);
  EXPECT_FALSE(fetched->descends());
  ASSERT_EQ(fetched->commits_size(), 1);
  EXPECT_EQ(fetched->commits(0).subject(), "rewritten");
  // The commit that rules can still be read, until somebody accepts the other.
  EXPECT_TRUE(world_->source().Read("apps", ruling, "").ok());
}

TEST_P(GitSourceConformance, ABranchThatGoesBackDoesNotDescend) {
  const std::string base = Commit({{"a.yaml", "1"}});
  const std::string ruling = Commit({{"a.yaml", "2"}});
  ASSERT_TRUE(world_->source().Fetch(Request()).ok());
  world_->SetBranch("server", "main", base);

  const auto fetched = world_->source().Fetch(Request(ruling));

  ASSERT_TRUE(fetched.ok()) << fetched.status();
  EXPECT_EQ(fetched->commit(), base);
  EXPECT_FALSE(fetched->descends());
  EXPECT_EQ(fetched->commits_size(), 0);
}

TEST_P(GitSourceConformance, AKnownCommitThatNobodyHasIsNoAncestor) {
  const std::string head = Commit({{"a.yaml", "1"}});

  const auto fetched = world_->source().Fetch(Request(std::string(40, 'd')));

  ASSERT_TRUE(fetched.ok()) << fetched.status();
  EXPECT_EQ(fetched->commit(), head);
  EXPECT_FALSE(fetched->descends());
}

TEST_P(GitSourceConformance, FetchesATag) {
  const std::string tagged = Commit({{"a.yaml", "1"}});
  Commit({{"a.yaml", "2"}});
  world_->SetTag("server", "v1", tagged);
  v1::FetchRequest request = Request();
  request.clear_branch();
  request.set_tag("v1");

  const auto fetched = world_->source().Fetch(request);

  ASSERT_TRUE(fetched.ok()) << fetched.status();
  EXPECT_EQ(fetched->commit(), tagged);
}

TEST_P(GitSourceConformance, FetchesACommitAndThenNeedsNoServer) {
  const std::string pinned = Commit({{"a.yaml", "1"}});
  Commit({{"a.yaml", "2"}});
  v1::FetchRequest request = Request();
  request.clear_branch();
  request.set_commit(pinned);

  const auto fetched = world_->source().Fetch(request);
  ASSERT_TRUE(fetched.ok()) << fetched.status();
  EXPECT_EQ(fetched->commit(), pinned);

  world_->SetReachable("server", false);
  EXPECT_TRUE(world_->source().Fetch(request).ok());
}

TEST_P(GitSourceConformance, SaysWhatIsMissing) {
  world_->Create("server");
  const auto empty = world_->source().Fetch(Request());
  EXPECT_EQ(empty.status().code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(absl::StrContains(empty.status().message(), "empty")) << empty.status();

  Commit({{"a.yaml", "1"}});
  v1::FetchRequest request = Request();
  request.set_branch("nobody");
  const auto branch = world_->source().Fetch(request);
  EXPECT_EQ(branch.status().code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(absl::StrContains(branch.status().message(), "branch 'nobody'")) << branch.status();

  request.clear_branch();
  request.set_tag("v0");
  EXPECT_EQ(CodeOfFetch(request), absl::StatusCode::kNotFound);
  request.clear_tag();
  request.set_commit(std::string(40, 'd'));
  EXPECT_EQ(CodeOfFetch(request), absl::StatusCode::kNotFound);
  request = Request();
  request.set_url(world_->UrlOf("nowhere"));
  EXPECT_EQ(CodeOfFetch(request), absl::StatusCode::kNotFound);
}

TEST_P(GitSourceConformance, ADeletedBranchIsMissingAndItsCommitStays) {
  const std::string head = Commit({{"a.yaml", "1"}});
  ASSERT_TRUE(world_->source().Fetch(Request()).ok());
  world_->DeleteBranch("server", "main");

  EXPECT_EQ(CodeOfFetch(Request(head)), absl::StatusCode::kNotFound);
  EXPECT_TRUE(world_->source().Read("apps", head, "").ok());
}

TEST_P(GitSourceConformance, RefusesWhatIsNoRequest) {
  Commit({{"a.yaml", "1"}});
  v1::FetchRequest request = Request();
  request.set_repository("../apps");
  EXPECT_EQ(CodeOfFetch(request), absl::StatusCode::kInvalidArgument);
  request = Request();
  request.set_tag("v1");  // and a branch
  EXPECT_EQ(CodeOfFetch(request), absl::StatusCode::kInvalidArgument);
  request = Request();
  request.set_url("http://example.com/apps.git");
  EXPECT_EQ(CodeOfFetch(request), absl::StatusCode::kInvalidArgument);
  request = Request();
  request.set_url("file:///srv/git/apps.git");
  request.set_allow_file(false);
  EXPECT_EQ(CodeOfFetch(request), absl::StatusCode::kPermissionDenied);
}

TEST_P(GitSourceConformance, AnUnreachableServerChangesNothing) {
  const std::string head = Commit({{"a.yaml", "1"}});
  ASSERT_TRUE(world_->source().Fetch(Request()).ok());
  Commit({{"a.yaml", "2"}});
  world_->SetReachable("server", false);

  EXPECT_FALSE(world_->source().Fetch(Request(head)).ok());
  EXPECT_TRUE(world_->source().Read("apps", head, "").ok());

  world_->SetReachable("server", true);
  const auto fetched = world_->source().Fetch(Request(head));
  ASSERT_TRUE(fetched.ok()) << fetched.status();
  EXPECT_TRUE(fetched->descends());
  EXPECT_EQ(fetched->commits_size(), 1);
}

TEST_P(GitSourceConformance, ReadsADirectoryAFileAndTheRoot) {
  const std::string head = Commit(
      {{"README.md", "r"}, {"web/a.yaml", "a"}, {"web/base/b.yaml", "b"}, {"website/c.yaml", "c"}});
  ASSERT_TRUE(world_->source().Fetch(Request()).ok());
  GitSource& source = world_->source();

  const auto web = source.Read("apps", head, "web");
  ASSERT_TRUE(web.ok()) << web.status();
  EXPECT_EQ(web->size(), 2u);
  ASSERT_NE(web->Find("web/a.yaml"), nullptr);
  EXPECT_EQ(*web->Find("web/a.yaml"), "a");
  EXPECT_NE(web->Find("web/base/b.yaml"), nullptr);

  const auto file = source.Read("apps", head, "./web//a.yaml");
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->size(), 1u);
  EXPECT_NE(file->Find("web/a.yaml"), nullptr);

  const auto root = source.Read("apps", head, "");
  ASSERT_TRUE(root.ok()) << root.status();
  EXPECT_EQ(root->size(), 4u);
}

TEST_P(GitSourceConformance, SaysWhatCannotBeRead) {
  const std::string head = Commit({{"web/a.yaml", "a"}});
  ASSERT_TRUE(world_->source().Fetch(Request()).ok());
  GitSource& source = world_->source();

  for (const char* path : {"we", "web/b.yaml", "web/a.yaml/x", "nowhere/at/all"}) {
    EXPECT_EQ(source.Read("apps", head, path).status().code(), absl::StatusCode::kNotFound) << path;
    EXPECT_EQ(source.TreeId("apps", head, path).status().code(), absl::StatusCode::kNotFound)
        << path;
  }
  for (const char* path : {"../web", "/web", "web/../web"}) {
    EXPECT_EQ(source.Read("apps", head, path).status().code(), absl::StatusCode::kInvalidArgument)
        << path;
  }
  EXPECT_EQ(source.Read("apps", std::string(40, 'd'), "web").status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(source.Read("other", head, "web").status().code(), absl::StatusCode::kNotFound);
}

TEST_P(GitSourceConformance, EqualContentHasAnEqualTreeId) {
  const std::string first = Commit({{"web/a.yaml", "a"}, {"db/d.yaml", "d"}});
  const std::string second = Commit({{"web/a.yaml", "a"}, {"db/d.yaml", "e"}});
  const std::string third = Commit({{"moved/web/a.yaml", "a"}});
  ASSERT_TRUE(world_->source().Fetch(Request()).ok());
  GitSource& source = world_->source();

  EXPECT_EQ(*source.TreeId("apps", first, "web"), *source.TreeId("apps", second, "web"));
  EXPECT_EQ(*source.TreeId("apps", first, "web"), *source.TreeId("apps", third, "moved/web"));
  EXPECT_NE(*source.TreeId("apps", first, "db"), *source.TreeId("apps", second, "db"));
  EXPECT_NE(*source.TreeId("apps", first, ""), *source.TreeId("apps", second, ""));
}

TEST_P(GitSourceConformance, TwoRepositoriesAreApart) {
  const std::string head = Commit({{"a.yaml", "1"}});
  ASSERT_TRUE(world_->source().Fetch(Request()).ok());
  const std::string other = world_->Commit("second", "main", {{"b.yaml", "2"}}, "elsewhere");
  v1::FetchRequest request = Request();
  request.set_repository("second");
  request.set_url(world_->UrlOf("second"));
  ASSERT_TRUE(world_->source().Fetch(request).ok());

  EXPECT_TRUE(world_->source().Read("second", other, "").ok());
  EXPECT_FALSE(world_->source().Read("second", head, "").ok());
  EXPECT_FALSE(world_->source().Read("apps", other, "").ok());
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(GitSourceConformance);

}  // namespace muster::hub
