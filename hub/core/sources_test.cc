#include "hub/core/sources.h"

#include "hub/core/core_fixture_test.h"

namespace muster::hub {
namespace {

namespace pb = muster::v1;

class SourcesTest : public CoreFixture {};

TEST_F(SourcesTest, PollsAtItsInterval) {
  SmallFleet();
  const int before = fetches;
  Pass(absl::Minutes(10));
  // Two repositories, ten minutes, one minute give or take a tenth.
  EXPECT_GE(fetches - before, 2 * 9);
  EXPECT_LE(fetches - before, 2 * 12);
}

TEST_F(SourcesTest, AnUnreachableRepositoryKeepsTheLastCommitAndBacksOff) {
  SmallFleet();
  FakeAgent& one = Join("one");
  git["apps"].error = absl::UnavailableError("connection refused");
  const int before = fetches;
  Pass(absl::Minutes(60));
  EXPECT_LT(fetches - before, 60 + 30) << "apps is asked less often than once a minute";
  const pb::RepositoryView apps = RepositoryOf("apps");
  EXPECT_EQ(apps.commit(), "c1");
  EXPECT_GT(apps.failures(), 3);
  EXPECT_NE(apps.message().find("connection refused"), std::string::npos);
  EXPECT_NE(apps.message().find("c1 keeps ruling"), std::string::npos);
  EXPECT_EQ(one.desired.generation(), 1u);
  EXPECT_FALSE(MakeHubView(*core->View()).findings().empty());

  git["apps"].error = absl::OkStatus();
  Pass(absl::Minutes(6));
  EXPECT_EQ(RepositoryOf("apps").failures(), 0);
  EXPECT_EQ(RepositoryOf("apps").message(), "");
}

TEST_F(SourcesTest, OnePassingFailureIsNotShown) {
  SmallFleet();
  git["apps"].error = absl::UnavailableError("connection refused");
  Ask(SyncNow{"apps"}).IgnoreError();
  Do(Tick{});
  Run();
  EXPECT_EQ(RepositoryOf("apps").failures(), 1);
  EXPECT_EQ(RepositoryOf("apps").message(), "");
}

// The name was given away and taken again while the answer was on its way.
TEST_F(SourcesTest, AnAnswerForARemovedRepositoryIsNotTakenForItsSuccessor) {
  SmallFleet();
  Ask(SyncNow{"apps"}).IgnoreError();
  Do(Tick{});
  std::deque<Job> under_way;
  std::swap(under_way, jobs);
  ASSERT_EQ(under_way.size(), 1u);
  const pb::Repository former = config.repositories(0);
  config.clear_repositories();
  PushConfig();
  *config.add_repositories() = former;
  config.mutable_repositories(0)->set_url("https://git.example.com/other/owner.git");
  git["apps"].commit = "theirs";
  PushConfig();
  ASSERT_EQ(RepositoryOf("apps").commit(), "theirs");
  FetchDone late{RepositoryName("apps"), pb::FetchResponse()};
  late.job = std::get<FetchJob>(under_way.front()).job;
  late.result->set_commit("former");
  late.result->set_descends(true);
  Do(late);
  Run();
  EXPECT_EQ(RepositoryOf("apps").commit(), "theirs");
}

TEST_F(SourcesTest, AForcePushFreezesUntilAnOperatorAcceptsIt) {
  SmallFleet();
  FakeAgent& one = Join("one");
  git["apps"].descends = false;
  PushApps("rewritten", {{"web", "evil"}});
  pb::RepositoryView apps = RepositoryOf("apps");
  EXPECT_TRUE(apps.frozen());
  EXPECT_EQ(apps.commit(), "c1");
  EXPECT_EQ(apps.seen_commit(), "rewritten");
  EXPECT_NE(apps.message().find("muster accept-rewrite apps rewritten"), std::string::npos);
  EXPECT_EQ(one.desired.generation(), 1u);
  EXPECT_TRUE(HasEvent("Frozen"));

  Restart();
  Do(Tick{});
  Run();
  Connect(one);
  EXPECT_TRUE(RepositoryOf("apps").frozen()) << "over a restart too";

  pb::AcceptRewriteRequest request;
  request.set_repository("apps");
  request.set_commit("another");
  EXPECT_TRUE(absl::IsFailedPrecondition(Ask(request).status()));
  request.set_commit("rewritten");
  ASSERT_TRUE(Ask(request).ok());
  Run();
  apps = RepositoryOf("apps");
  EXPECT_FALSE(apps.frozen());
  EXPECT_EQ(apps.commit(), "rewritten");
  EXPECT_EQ(one.desired.packages(0).bundle_digest(), BundleOf("evil").bytes());
  EXPECT_TRUE(absl::IsFailedPrecondition(Ask(request).status())) << "nothing waits any more";
}

TEST_F(SourcesTest, ARewriteThatWasTakenBackThawsByItself) {
  SmallFleet();
  git["apps"].descends = false;
  PushApps("rewritten", {{"web", "evil"}});
  ASSERT_TRUE(RepositoryOf("apps").frozen());
  PushApps("c1", {{"web", "one"}});
  EXPECT_FALSE(RepositoryOf("apps").frozen());
  EXPECT_EQ(RepositoryOf("apps").message(), "");
}

TEST_F(SourcesTest, ARewrittenFleetRepositoryFreezesTheDeclarations) {
  SmallFleet();
  FakeAgent& one = Join("one");
  config.mutable_packages(0)->set_path("elsewhere");
  git["apps"].files["elsewhere"] = "elsewhere";
  git[".fleet"].descends = false;
  PushConfig();
  EXPECT_EQ(one.desired.packages(0).source().path(), "web");
  pb::AcceptRewriteRequest request;
  request.set_repository(".fleet");
  request.set_commit(git[".fleet"].commit);
  ASSERT_TRUE(Ask(request).ok());
  Do(Tick{});
  Run();
  EXPECT_EQ(one.desired.packages(0).source().path(), "elsewhere");
}

TEST_F(SourcesTest, ARewriteThatWasAcceptedRulesThoughTheHubEndedBeforeItWasRead) {
  SmallFleet();
  FakeAgent& one = Join("one");
  config.mutable_packages(0)->set_path("elsewhere");
  git["apps"].files["elsewhere"] = "elsewhere";
  git[".fleet"].descends = false;
  PushConfig();
  pb::AcceptRewriteRequest request;
  request.set_repository(".fleet");
  request.set_commit(git[".fleet"].commit);
  ASSERT_TRUE(Ask(request).ok());
  git[".fleet"].descends = true;
  Restart();
  Connect(one);
  Run();
  EXPECT_EQ(one.desired.packages(0).source().path(), "elsewhere");
}

TEST_F(SourcesTest, AnotherBranchIsNoRewrite) {
  SmallFleet();
  git["apps"].descends = false;
  git["apps"].commit = "on another branch";
  config.mutable_repositories(0)->set_branch("release");
  PushConfig();
  EXPECT_FALSE(RepositoryOf("apps").frozen());
  EXPECT_EQ(RepositoryOf("apps").commit(), "on another branch");
  EXPECT_EQ(RepositoryOf("apps").ref(), "branch release");
}

TEST_F(SourcesTest, ASuspendedRepositoryIsNotPolled) {
  SmallFleet();
  pb::SuspendRequest request;
  request.set_kind("repository");
  request.set_name("apps");
  request.set_suspended(true);
  request.set_reason("freeze week");
  ASSERT_TRUE(Ask(request).ok());
  git["apps"].commit = "c2";
  Pass(absl::Minutes(10));
  EXPECT_EQ(RepositoryOf("apps").commit(), "c1");
  EXPECT_EQ(RepositoryOf("apps").message(), "suspended: freeze week");
  EXPECT_TRUE(absl::IsFailedPrecondition(Ask(SyncNow{"apps"}).status()));
  request.set_suspended(false);
  ASSERT_TRUE(Ask(request).ok());
  Do(Tick{});
  Run();
  EXPECT_EQ(RepositoryOf("apps").commit(), "c2");
}

TEST_F(SourcesTest, AMissingCredentialIsNamedAndTheRepositoryIsPolledOnceItIsThere) {
  DeclareRepository("apps").set_credentials("apps-git");
  git["apps"].commit = "c1";
  PushConfig();
  EXPECT_EQ(RepositoryOf("apps").commit(), "");
  EXPECT_NE(RepositoryOf("apps").message().find("'apps-git'"), std::string::npos);
  ASSERT_TRUE(Ask(PutCredential{"apps-git", pb::CredentialRecord()}).ok());
  Do(Tick{});
  Run();
  EXPECT_EQ(RepositoryOf("apps").commit(), "c1");
  EXPECT_TRUE(absl::IsNotFound(Ask(DeleteCredential{"other"}).status()));
  EXPECT_TRUE(Ask(DeleteCredential{"apps-git"}).ok());
}

TEST_F(SourcesTest, CommitsAreRecordedWithTheirResults) {
  SmallFleet();
  Join("one");
  PushApps("c2", {{"web", "two"}});
  PushApps("c3", {{"web", "error"}});
  std::vector<std::string> seen;
  const auto records = store.Scan(keys::CommitsOf(RepositoryName("apps")));
  ASSERT_TRUE(records.ok());
  for (const Record& record : *records) {
    pb::CommitRecord commit;
    ASSERT_TRUE(commit.ParseFromString(record.value));
    seen.push_back(absl::StrCat(commit.commit().id(), " ", commit.result()));
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"c1 Rendered", "c2 Rendered", "c3 Failed"}));
}

TEST_F(SourcesTest, SyncOfAnUnknownRepositorySaysSo) {
  EXPECT_TRUE(absl::IsNotFound(Ask(SyncNow{"nowhere"}).status()));
}

}  // namespace
}  // namespace muster::hub
