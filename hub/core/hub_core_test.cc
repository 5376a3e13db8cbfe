// Stories that follow the whole line, from a commit to a converged cluster, and over restarts.
#include "hub/core/hub_core.h"

#include "hub/core/core_fixture_test.h"

namespace muster::hub {
namespace {

namespace pb = muster::v1;

class HubCoreTest : public CoreFixture {};

TEST_F(HubCoreTest, OneCommitReachesEveryCluster) {
  SmallFleet();
  FakeAgent& one = Join("one");
  FakeAgent& two = Join("two");
  for (FakeAgent* agent : {&one, &two}) {
    ASSERT_EQ(agent->desired.packages_size(), 1) << agent->name;
    const pb::DesiredPackage& web = agent->desired.packages(0);
    EXPECT_EQ(web.name(), "web");
    EXPECT_EQ(web.bundle_digest(), BundleOf("one").bytes());
    EXPECT_EQ(web.source().commit(), "c1");
    EXPECT_EQ(web.source().url(), "https://git.example.com/apps.git");
    EXPECT_EQ(agent->desired.cluster_id(), agent->id.text());
    EXPECT_EQ(agent->desired.hub_id(), HubId());
    EXPECT_GT(agent->desired.not_after_ms(), agent->desired.issued_ms());
  }
  const uint64_t before = one.desired.generation();
  const std::string former = one.desired_bytes;
  ReportAll();
  EXPECT_TRUE(ClusterOf("one")->converged);

  PushApps("c2", {{"web", "two"}});
  EXPECT_EQ(one.desired.generation(), before + 1);
  EXPECT_EQ(one.desired.previous_digest(), Digest::Of(former).bytes());
  EXPECT_EQ(one.desired.packages(0).bundle_digest(), BundleOf("two").bytes());
  EXPECT_FALSE(ClusterOf("one")->converged);
  EXPECT_EQ(ClusterOf("one")->sync, pb::SYNC_STATUS_OUT_OF_SYNC);

  ReportAll();
  EXPECT_TRUE(ClusterOf("one")->converged);
  EXPECT_EQ(ViewOf("two", false).applied_revision(), "apps@c2");
  const CommitCount count = CountCommit(*core->View(), "apps", "c2");
  EXPECT_EQ(count.clusters_desired, 2);
  EXPECT_EQ(count.clusters_applied, 2);
  EXPECT_EQ(MakeHubView(*core->View()).converged(), 2);
}

TEST_F(HubCoreTest, ACommitThatChangesOnePackageIsTheRevisionOfAll) {
  SmallFleet();
  DeclarePackage("api");
  PushConfig();
  PushApps("c2", {{"web", "one"}, {"api", "api"}});
  Join("one");
  ReportAll();
  PushApps("c3", {{"web", "two"}, {"api", "api"}});
  EXPECT_EQ(ViewOf("one", false).desired_revision(), "apps@c3") << "api is as c3 says, too";
  EXPECT_EQ(ViewOf("one", false).applied_revision(), "apps@2 commits") << "web is not there yet";
  ReportAll();
  EXPECT_EQ(ViewOf("one", false).applied_revision(), "apps@c3");
  EXPECT_EQ(CountCommit(*core->View(), "apps", "c3").clusters_applied, 1);

  PushApps("c4", {{"web", "two"}, {"api", "api"}, {"README", "news"}});
  EXPECT_EQ(ViewOf("one", false).applied_revision(), "apps@c4") << "nothing had to be done";
  EXPECT_EQ(CountCommit(*core->View(), "apps", "c4").clusters_applied, 1);
  EXPECT_EQ(CountCommit(*core->View(), "apps", "c3").clusters_applied, 1) << "web is from there";

  // A rendering that fails is at the commit of its last good one.
  PushApps("c5", {{"web", "error"}, {"api", "api"}});
  EXPECT_EQ(ViewOf("one", false).applied_revision(), "apps@2 commits");
  const pb::ClusterView detail = ViewOf("one", true);
  EXPECT_EQ(detail.packages(0).applied_commit(), "c2") << "that gave api first";
  EXPECT_EQ(detail.packages(1).applied_commit(), "c3");
}

TEST_F(HubCoreTest, EqualClustersShareOneRendering) {
  SmallFleet();
  for (const char* name : {"a", "b", "c", "d"}) Join(name);
  EXPECT_EQ(rendered, 1);
  PushApps("c2", {{"web", "two"}});
  EXPECT_EQ(rendered, 2);
}

TEST_F(HubCoreTest, ACommitThatChangesNothingForAClusterMakesNoNewGeneration) {
  SmallFleet();
  const FakeAgent& one = Join("one");
  ReportAll();
  const int before = pushes;
  PushApps("c2", {{"web", "one"}, {"other", "x"}});
  EXPECT_EQ(pushes, before);
  EXPECT_EQ(one.desired.packages(0).source().commit(), "c1");
  EXPECT_EQ(RepositoryOf("apps").commit(), "c2");
  EXPECT_TRUE(ClusterOf("one")->converged);
}

TEST_F(HubCoreTest, ARevertReturnsTheFormerBundleWithoutRenderingAgain) {
  SmallFleet();
  const FakeAgent& one = Join("one");
  PushApps("c2", {{"web", "two"}});
  const int before = rendered;
  PushApps("c3", {{"web", "one"}});
  EXPECT_EQ(rendered, before);
  EXPECT_EQ(one.desired.generation(), 3u);
  EXPECT_EQ(one.desired.packages(0).bundle_digest(), BundleOf("one").bytes());
  EXPECT_EQ(one.desired.packages(0).source().commit(), "c3");
  EXPECT_EQ(one.desired.packages(0).object_count(), 3u);
}

TEST_F(HubCoreTest, AReconnectWithEqualDigestsSendsNothingButWelcome) {
  SmallFleet();
  FakeAgent& one = Join("one");
  ReportAll();
  Do(AgentDisconnected{one.link});
  const Outbox out = Connect(one);
  ASSERT_EQ(out.sends.size(), 1u);
  EXPECT_TRUE(std::holds_alternative<pb::Welcome>(out.sends[0].message));
  EXPECT_EQ(std::get<pb::Welcome>(out.sends[0].message).heartbeat_interval_ms(), 30'000);
}

TEST_F(HubCoreTest, AnAgentThatMissedAPushGetsItWhenItComesBack) {
  SmallFleet();
  FakeAgent& one = Join("one");
  ReportAll();
  Do(AgentDisconnected{one.link});
  one.link = 0;
  PushApps("c2", {{"web", "two"}});
  EXPECT_EQ(one.desired.packages(0).bundle_digest(), BundleOf("one").bytes());
  const Outbox out = Connect(one);
  EXPECT_EQ(one.desired.packages(0).bundle_digest(), BundleOf("two").bytes());
  for (const Send& send : out.sends) {
    const auto* push = std::get_if<PushDesired>(&send.message);
    if (push == nullptr) continue;
    ASSERT_EQ(push->bases.size(), 1u);
    EXPECT_EQ(push->bases[0].have, BundleOf("one"));
    EXPECT_EQ(push->bases[0].want, BundleOf("two"));
  }
}

TEST_F(HubCoreTest, ARestartShowsTheSameAndGoesOn) {
  SmallFleet();
  FakeAgent& one = Join("one", {{"env", "prod"}});
  ReportAll();
  const pb::ClusterView before = ViewOf("one", true);
  Restart();
  Do(Tick{});
  Run();
  const Outbox out = Connect(one);
  EXPECT_EQ(out.sends.size(), 1u) << "only Welcome: nothing was lost";
  pb::ClusterView after = ViewOf("one", true);
  EXPECT_EQ(after.SerializeAsString(), before.SerializeAsString());

  PushApps("c2", {{"web", "two"}});
  EXPECT_EQ(one.desired.generation(), 2u);
}

TEST_F(HubCoreTest, ARestartRendersNothingThatIsKnown) {
  SmallFleet();
  Join("one");
  const int before = rendered;
  Restart();
  Do(Tick{});
  Run();
  EXPECT_EQ(rendered, before);
  EXPECT_EQ(ConditionIn(PackageOf("web")->conditions, "Rendered")->status(),
            pb::CONDITION_STATUS_TRUE);
}

TEST_F(HubCoreTest, TimeNeverGoesBackOverARestart) {
  SmallFleet();
  const FakeAgent& one = Join("one");
  const int64_t issued = one.desired.issued_ms();
  Restart();
  now -= absl::Hours(24 * 365);
  Do(Tick{});
  Run();
  PushApps("c2", {{"web", "two"}});
  Restart();
  pb::DesiredRecord record;
  record.ParseFromString(*store.Get(keys::Desired(one.id)));
  pb::DesiredState state;
  ASSERT_TRUE(state.ParseFromString(record.payload()));
  EXPECT_GE(state.issued_ms(), issued);
  EXPECT_EQ(state.generation(), 2u);
}

TEST_F(HubCoreTest, AClockThatGoesBackIsShown) {
  SmallFleet();
  EXPECT_TRUE(MakeHubView(*core->View()).conditions().empty());
  now -= absl::Hours(1);
  Do(Tick{});
  const pb::HubView view = MakeHubView(*core->View());
  ASSERT_EQ(view.conditions_size(), 1);
  EXPECT_NE(view.conditions(0).message().find("clock"), std::string::npos);
  EXPECT_EQ(view.findings(0).severity(), "error");
  now += absl::Hours(2);
  Do(Tick{});
  EXPECT_TRUE(MakeHubView(*core->View()).conditions().empty());
}

TEST_F(HubCoreTest, ARestoredBackupCatchesUpWithItsAgents) {
  SmallFleet();
  FakeAgent& one = Join("one");
  // The agent has accepted generation 7 of a hub whose later writes are gone.
  one.desired.set_generation(7);
  one.desired_bytes = "a payload that this hub does not know";
  Connect(one);
  EXPECT_EQ(one.desired.generation(), 8u);

  one.desired.set_generation(8);
  one.desired_bytes = "another one with the same number";
  Connect(one);
  EXPECT_EQ(one.desired.generation(), 9u);
}

TEST_F(HubCoreTest, AnAgentImpossiblyFarAheadIsShownAndNotFollowed) {
  SmallFleet();
  FakeAgent& one = Join("one");
  one.desired.set_generation(uint64_t{1} << 40);
  const int before = pushes;
  Connect(one);
  EXPECT_EQ(pushes, before + 0);
  const pb::Condition* condition = ConditionIn(ClusterOf("one")->conditions, "GenerationFits");
  ASSERT_NE(condition, nullptr);
  EXPECT_EQ(condition->status(), pb::CONDITION_STATUS_FALSE);
  // Its refresh is due at last, and cannot be made either.
  pb::Heartbeat heartbeat;
  heartbeat.set_generation(uint64_t{1} << 40);
  for (int i = 0; i < 25 * 60; ++i) {
    now += absl::Minutes(1);
    Do(AgentHeartbeat{one.link, heartbeat});
  }
  EXPECT_EQ(pushes, before);
  EXPECT_NE(ConditionIn(ClusterOf("one")->conditions, "GenerationFits"), nullptr);
}

TEST_F(HubCoreTest, ADesiredStateIsIssuedAgainBeforeItGrowsStale) {
  SmallFleet();
  FakeAgent& one = Join("one");
  ReportAll();
  const int64_t issued = one.desired.issued_ms();
  for (int i = 0; i < 25 * 60; ++i) {
    now += absl::Minutes(1);
    Beat(one);
    Run();
  }
  EXPECT_EQ(one.desired.generation(), 2u);
  EXPECT_GT(one.desired.issued_ms(), issued);
  // The content is the same, so that the cluster has converged all the while.
  EXPECT_TRUE(ClusterOf("one")->converged);
  EXPECT_GT(ClusterOf("one")->applied_ms, 0);
}

TEST_F(HubCoreTest, NobodyGetsAnEmptyStateBeforeTheFleetIsKnown) {
  git[".fleet"].error = absl::UnavailableError("connection refused");
  Do(Tick{});
  Run();
  const FakeAgent& one = Join("one");
  EXPECT_EQ(one.desired.generation(), 0u);
  EXPECT_EQ(ClusterOf("one")->sync, pb::SYNC_STATUS_UNKNOWN);

  git[".fleet"].error = absl::OkStatus();
  SmallFleet();
  Pass(absl::Minutes(6));
  EXPECT_EQ(one.desired.generation(), 1u);
  EXPECT_EQ(one.desired.packages_size(), 1);
}

TEST_F(HubCoreTest, RecordsOfAnotherFormatAreRefusedByName) {
  HubCore other({.hub_id = HubId()}, random);
  const absl::Status key = other.LoadRecord("desired/0123", "\xff\xff");
  EXPECT_TRUE(absl::IsDataLoss(key));
  EXPECT_NE(key.message().find("desired/0123"), absl::string_view::npos);
  EXPECT_TRUE(absl::IsDataLoss(other.LoadRecord("nonsense/1", "")));
}

TEST_F(HubCoreTest, TheSameEventsGiveTheSameOutbox) {
  const auto story = [this] {
    std::string trace;
    Outbox out;
    core->Handle(now, Tick{}, out);
    v1::CreateTokenRequest request;
    request.set_cluster_name("one");
    core->Handle(now, OperatorAsked{1, "ada", request}, out);
    for (const auto& operation : out.batch.operations()) {
      absl::StrAppend(&trace, operation.key, "=", operation.value, "\n");
    }
    return trace;
  };
  random = SeededRandom(5);
  Restart();
  const std::string first = story();
  random = SeededRandom(5);
  Restart();
  EXPECT_EQ(story(), first);
}

}  // namespace
}  // namespace muster::hub
