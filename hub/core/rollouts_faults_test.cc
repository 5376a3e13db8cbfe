// What must not slip past a rollout in the hub: changed declarations, outages, decisions,
// newcomers.
#include <gmock/gmock.h>

#include <string>

#include "hub/core/rollouts_fixture_test.h"

namespace muster::hub {
namespace {

using ::testing::HasSubstr;

// ---------------------------------------------------------------- what the declaration says

TEST_F(RolloutsTest, AnotherVariableIsAnotherRelease) {
  v1::Variable& image = *config.mutable_packages(0)->add_variables();
  image.set_name("image");
  image.set_value("web:1");
  PushConfig();
  Settle();
  Pass(absl::Minutes(10));
  Settle();
  ASSERT_EQ(Rollout().phase(), "Complete");
  const uint64_t number = Rollout().number();
  const std::string before = agents["b"].desired.packages(0).bundle_digest();
  config.mutable_packages(0)->mutable_variables(0)->set_value("web:broken");
  PushConfig();
  EXPECT_EQ(Rollout().number(), number + 1);
  EXPECT_NE(agents["a"].desired.packages(0).bundle_digest(), before);
  Settle();
  for (const char* name : {"b", "c"}) {
    EXPECT_EQ(agents[name].desired.packages(0).bundle_digest(), before) << name;
  }
  EXPECT_EQ(Rollout().waits_for(), "soak");
}

TEST_F(RolloutsTest, AnApprovalIsNotOfWhatIsDeclaredAfterIt) {
  config.mutable_rollout_plans(0)->mutable_waves(0)->set_soak_ms(0);
  config.mutable_rollout_plans(0)->mutable_waves(1)->set_approval_before(true);
  PushConfig();
  PushApps("c2", {{"web", "two"}});
  Settle();
  const std::string release = ReleaseNow();
  v1::Variable& image = *config.mutable_packages(0)->add_variables();
  image.set_name("image");
  image.set_value("web:broken");
  PushConfig();
  Settle();
  EXPECT_NE(ReleaseNow(), release);
  EXPECT_EQ(Decide("approve", release).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(Has("b", "one"));
}

TEST_F(RolloutsTest, WhatCannotBeRenderedYetPassesNoWave) {
  PushApps("c2", {{"web", "two"}});
  ASSERT_TRUE(Has("a", "two"));
  config.mutable_packages(0)->set_path("nowhere");
  PushConfig();
  Settle();
  EXPECT_EQ(Rollout().phase(), "Progressing");
  EXPECT_THAT(Rollout().message(), HasSubstr("what is declared now"));
  Pass(absl::Hours(1));
  EXPECT_TRUE(Has("b", "one"));
}

// ---------------------------------------------------------------- decisions are durable

TEST_F(RolloutsTest, WhatIsDecidedWhileThePackageIsSuspendedOutlivesARestart) {
  PushApps("c2", {{"web", "two"}});
  ASSERT_TRUE(Suspend(true).ok());
  ASSERT_TRUE(Decide("abort").ok());
  Restart();
  Do(Tick{});
  Run();
  for (auto& [name, agent] : agents) Connect(agent);
  ASSERT_TRUE(Suspend(false).ok());
  Settle();
  Pass(absl::Minutes(20));
  EXPECT_EQ(Rollout().phase(), "Aborted");
  EXPECT_TRUE(Has("b", "one"));
}

TEST_F(RolloutsTest, WithoutItsPlanNothingIsDecidedThatWouldMoveSomebody) {
  PushApps("c2", {{"web", "two"}});
  config.mutable_packages(0)->set_rollout("gone");
  PushConfig();
  for (const char* action : {"rollback", "retry", "resume"}) {
    EXPECT_THAT(Decide(action).message(), HasSubstr("'gone' is not declared")) << action;
  }
  ASSERT_TRUE(Decide("pause").ok());
  Restart();
  EXPECT_EQ(Rollout().phase(), "Paused") << "written before it was answered";
}

// ---------------------------------------------------------------- time nobody looked

TEST_F(RolloutsTest, AHubThatWasAwayRollsNothingBackForIt) {
  config.mutable_rollout_plans(0)->set_on_failure(v1::ROLLOUT_FAILURE_ROLLBACK);
  PushConfig();
  PushApps("c2", {{"web", "two"}});
  ASSERT_TRUE(Has("a", "two"));
  now += absl::Hours(2);
  Restart();
  Do(Tick{});
  Run();
  CoreFixture::Pass(absl::Minutes(1));
  EXPECT_EQ(Rollout().phase(), "Progressing") << "no agent has had the time to come back";
  for (auto& [name, agent] : agents) Connect(agent);
  Pass(absl::Minutes(9));
  EXPECT_EQ(Rollout().phase(), "Progressing");
  EXPECT_TRUE(Has("a", "two"));
  Settle();
  EXPECT_EQ(Rollout().waits_for(), "soak");
}

TEST_F(RolloutsTest, AfterAnOutageNoWaveIsPassedOnOldNews) {
  PushApps("c2", {{"web", "two"}});
  Settle();
  ASSERT_EQ(Rollout().waits_for(), "soak");
  now += absl::Hours(2);
  Restart();
  Do(Tick{});
  Run();
  // The canary's agent is back and has news, which have not come yet.
  agent_reported["a"] = "of another state";
  for (auto& [name, agent] : agents) Connect(agent);
  CoreFixture::Pass(absl::Seconds(10));
  EXPECT_TRUE(Has("b", "one"));
  ReportDegraded("a");
  EXPECT_EQ(Rollout().phase(), "Paused");
  EXPECT_TRUE(Has("b", "one"));
}

TEST_F(RolloutsTest, ASuspensionFailsNobody) {
  PushApps("c2", {{"web", "two"}});
  ASSERT_TRUE(Suspend(true).ok());
  Pass(absl::Minutes(30));
  ASSERT_TRUE(Suspend(false).ok());
  Pass(absl::Minutes(9));
  EXPECT_EQ(Rollout().phase(), "Progressing");
  Settle();
  EXPECT_EQ(Rollout().waits_for(), "soak");
}

TEST_F(RolloutsTest, AQuietFleetWritesNothing) {
  PushApps("c2", {{"web", "two"}});
  Settle();
  Pass(absl::Minutes(10));
  Settle();
  ASSERT_EQ(Rollout().phase(), "Complete");
  PushApps("c3", {{"web", "three"}});
  CoreFixture::Pass(absl::Minutes(6));  // nobody is heard: all are offline
  const auto key = keys::Rollout(PackageName("web"));
  const auto record = [&] { return *store.Get(key); };
  const auto before = record();
  Connect(agents["b"]);
  for (int i = 0; i < 5; ++i) {
    Report(agents["b"], Applied(agents["b"]));
    CoreFixture::Pass(absl::Seconds(10));
  }
  EXPECT_EQ(record(), before) << "the canary is offline, and nothing else happens";
}

// ---------------------------------------------------------------- the first desired state

TEST_F(RolloutsTest, WhatARolloutHoldsBackKeepsNothingElseFromANewCluster) {
  DeclarePackage("base");
  PushConfig();
  PushApps("c2", {{"web", "two"}, {"base", "net"}});
  ReportDegraded("a");
  ASSERT_EQ(Rollout().phase(), "Paused");
  Join("d", {{"wave", "rest"}});
  const v1::DesiredState& desired = agents["d"].desired;
  EXPECT_EQ(desired.generation(), 1u);
  ASSERT_EQ(desired.packages_size(), 1);
  EXPECT_EQ(desired.packages(0).name(), "base");
  Report(agents["d"], Applied(agents["d"]));
  Pass(absl::Seconds(1));
  EXPECT_EQ(ClusterOf("d")->sync, v1::SYNC_STATUS_OUT_OF_SYNC);
  EXPECT_THAT(ClusterOf("d")->message, HasSubstr("WaitingForWave"));
}

TEST_F(RolloutsTest, AnAgentWithAnEarlierLifeIsNotToldToDeleteWhatIsHeldBack) {
  DeclarePackage("base");
  PushConfig();
  PushApps("c2", {{"web", "two"}, {"base", "net"}});
  ReportDegraded("a");
  // It ran both packages by another hub's word, and joins this one.
  FakeAgent& agent = agents["d"];
  agent.desired.set_generation(7);
  agent.desired_bytes = "an earlier life";
  Join("d", {{"wave", "rest"}});
  EXPECT_EQ(agent.desired.packages_size(), 0) << "it has not said yet what it has";
  v1::ObservedState state;
  state.set_generation(7);
  state.set_sync(v1::SYNC_STATUS_SYNCED);
  state.set_health(v1::HEALTH_STATUS_HEALTHY);
  v1::ObservedPackage* web = state.add_packages();
  web->set_name("web");
  web->set_bundle_digest(BundleOf("one").bytes());
  Report(agent, state);
  Pass(absl::Seconds(1));
  EXPECT_EQ(agent.desired.generation(), 7u) << "a state without 'web' would take it away";
  // Once it has it no more, nothing is waited for.
  state.clear_packages();
  Report(agent, state);
  Pass(absl::Seconds(1));
  ASSERT_EQ(agent.desired.packages_size(), 1);
  EXPECT_EQ(agent.desired.packages(0).name(), "base");
}

TEST_F(RolloutsTest, AClusterThatObservesIsShownTheReleaseAndProvesNothing) {
  v1::ClusterDeclaration& edge = *config.add_clusters();
  edge.set_name("edge");
  edge.set_mode(v1::CLUSTER_MODE_OBSERVE);
  edge.mutable_origin()->set_file("fleet/edge.yaml");
  PushConfig();
  Join("edge", {{"wave", "rest"}});
  EXPECT_TRUE(Has("edge", "one"));
  PushApps("c2", {{"web", "two"}});
  EXPECT_TRUE(Has("edge", "two")) << "nothing is written there";
  EXPECT_TRUE(Has("b", "one"));
  // Told to enforce, it has nothing of the package until its wave comes.
  config.mutable_clusters(0)->set_mode(v1::CLUSTER_MODE_ENFORCE);
  PushConfig();
  EXPECT_EQ(agents["edge"].desired.mode(), v1::CLUSTER_MODE_ENFORCE);
  EXPECT_EQ(agents["edge"].desired.packages_size(), 0);
  Settle();
  EXPECT_EQ(agents["edge"].desired.packages_size(), 0);
  for (int i = 0; i < 4; ++i) {
    Pass(absl::Minutes(10));
    Settle();
  }
  EXPECT_TRUE(Has("edge", "two"));
  EXPECT_EQ(Rollout().phase(), "Complete");
}

TEST_F(RolloutsTest, AClusterThatOnlyObservesForAWhileGoesBackToWhatItRan) {
  v1::ClusterDeclaration& declared = *config.add_clusters();
  declared.set_name("b");
  declared.set_mode(v1::CLUSTER_MODE_OBSERVE);
  declared.mutable_origin()->set_file("fleet/b.yaml");
  v1::Label& label = *declared.add_labels();
  label.set_key("wave");
  label.set_value("rest");
  PushConfig();
  PushApps("c2", {{"web", "two"}});
  EXPECT_TRUE(Has("b", "two"));
  config.mutable_clusters(0)->set_mode(v1::CLUSTER_MODE_ENFORCE);
  PushConfig();
  EXPECT_TRUE(Has("b", "one")) << "the canary soaks";
}

}  // namespace
}  // namespace muster::hub
