// Rollouts in the hub: the state machine among commits, agents, restarts and people.
#include <gmock/gmock.h>

#include <string>

#include "hub/core/rollouts_fixture_test.h"

namespace muster::hub {
namespace {

using ::testing::HasSubstr;

TEST_F(RolloutsTest, ACommitGoesToTheCanaryFirstAndSoaks) {
  EXPECT_EQ(Rollout().phase(), "Complete");
  PushApps("c2", {{"web", "two"}});
  EXPECT_TRUE(Has("a", "two"));
  EXPECT_TRUE(Has("b", "one"));
  Settle();
  EXPECT_TRUE(Has("b", "one")) << "the canary soaks";
  EXPECT_EQ(Rollout().waits_for(), "soak");
  Pass(absl::Minutes(10));
  EXPECT_TRUE(Has("b", "two"));
  EXPECT_TRUE(Has("c", "one")) << "one at a time";
  Settle();
  EXPECT_TRUE(Has("c", "two"));
  EXPECT_EQ(Rollout().phase(), "Complete");
}

TEST_F(RolloutsTest, AnOldReportOpensNoWave) {
  PushApps("c2", {{"web", "two"}});
  // The canary's agent says once more that all is well with what it had.
  FakeAgent old = agents["a"];
  v1::ObservedState state = Applied(old);
  state.set_generation(old.desired.generation() - 1);
  state.mutable_packages(0)->set_bundle_digest(BundleOf("one").bytes());
  state.mutable_packages(0)->set_attempted_digest(BundleOf("one").bytes());
  Report(agents["a"], state);
  Pass(absl::Minutes(9));
  EXPECT_EQ(Rollout().waits_for(), "health");
  EXPECT_TRUE(Has("b", "one"));
}

TEST_F(RolloutsTest, AWaitingClusterIsOutOfSyncAndSaysWhy) {
  PushApps("c2", {{"web", "two"}});
  Settle();
  EXPECT_EQ(ClusterOf("b")->sync, v1::SYNC_STATUS_OUT_OF_SYNC);
  EXPECT_THAT(ClusterOf("b")->message, HasSubstr("WaitingForWave"));
  EXPECT_EQ(ClusterOf("a")->sync, v1::SYNC_STATUS_SYNCED);
  Pass(absl::Minutes(10));
  Settle();
  EXPECT_EQ(ClusterOf("b")->sync, v1::SYNC_STATUS_SYNCED);
}

TEST_F(RolloutsTest, ABadCommitStopsAtTheCanaryAndRollsBackByItself) {
  config.mutable_rollout_plans(0)->set_on_failure(v1::ROLLOUT_FAILURE_ROLLBACK);
  PushConfig();
  PushApps("c2", {{"web", "two"}});
  ASSERT_TRUE(Has("a", "two"));
  const uint64_t generation = agents["a"].desired.generation();
  ReportDegraded("a");
  EXPECT_EQ(Rollout().phase(), "RolledBack");
  EXPECT_TRUE(Has("a", "one"));
  EXPECT_GT(agents["a"].desired.generation(), generation) << "a new generation with old content";
  Settle();
  Pass(absl::Hours(1));
  EXPECT_TRUE(Has("b", "one"));
  EXPECT_TRUE(HasEvent("RolloutStopped"));
  const auto* condition = ConditionIn(PackageOf("web")->conditions, "RolloutProgressing");
  ASSERT_NE(condition, nullptr);
  EXPECT_EQ(condition->status(), v1::CONDITION_STATUS_FALSE);
  // The mended commit goes its way.
  PushApps("c3", {{"web", "three"}});
  EXPECT_TRUE(Has("a", "three"));
}

TEST_F(RolloutsTest, SurvivesARestartInTheMiddle) {
  PushApps("c2", {{"web", "two"}});
  Settle();
  const v1::RolloutView before = Rollout();
  Restart();
  Do(Tick{});
  Run();
  for (auto& [name, agent] : agents) Connect(agent);
  Settle();
  EXPECT_EQ(Rollout().number(), before.number());
  EXPECT_EQ(Rollout().release(), before.release());
  EXPECT_TRUE(Has("b", "one"));
  Pass(absl::Minutes(10));
  Settle();
  EXPECT_TRUE(Has("b", "two"));
  EXPECT_TRUE(Has("c", "two"));
}

TEST_F(RolloutsTest, ANewerCommitSupersedesOrWaitsAsThePlanSays) {
  PushApps("c2", {{"web", "two"}});
  PushApps("c3", {{"web", "three"}});
  EXPECT_TRUE(Has("a", "three"));
  EXPECT_EQ(Rollout().commit(), "c3");
  config.mutable_rollout_plans(0)->set_on_newer(v1::ROLLOUT_NEWER_QUEUE);
  PushConfig();
  PushApps("c4", {{"web", "four"}});
  EXPECT_TRUE(Has("a", "three"));
  EXPECT_TRUE(Rollout().queued());
  for (int i = 0; i < 3; ++i) {
    Settle();
    Pass(absl::Minutes(10));
  }
  EXPECT_TRUE(Has("a", "four"));
}

TEST_F(RolloutsTest, APersonApprovesPausesAndRollsBack) {
  config.mutable_rollout_plans(0)->mutable_waves(1)->set_approval_before(true);
  config.mutable_rollout_plans(0)->mutable_waves(0)->set_soak_ms(0);
  PushConfig();
  PushApps("c2", {{"web", "two"}});
  Settle();
  v1::RolloutView view = Rollout();
  EXPECT_EQ(view.waits_for(), "approval");
  EXPECT_FALSE(Decide("approve").ok()) << "of which release?";
  EXPECT_FALSE(Decide("approve", std::string(64, '0')).ok()) << "of another one";
  const std::string release = ReleaseNow();
  for (const size_t digits : {7, 12, 32, 63}) {
    EXPECT_EQ(Decide("approve", release.substr(0, digits)).code(),
              absl::StatusCode::kInvalidArgument)
        << "others begin with the same " << digits << " digits";
  }
  EXPECT_TRUE(Has("b", "one"));
  ASSERT_TRUE(Decide("approve", release).ok());
  EXPECT_TRUE(Has("b", "two"));
  ASSERT_TRUE(Decide("pause").ok());
  Settle();
  EXPECT_TRUE(Has("c", "one"));
  ASSERT_TRUE(Decide("rollback").ok());
  EXPECT_TRUE(Has("a", "one"));
  EXPECT_TRUE(Has("b", "one"));
  EXPECT_FALSE(Decide("juggle").ok());
  EXPECT_EQ(Decide("retry", "", std::string(1'025, 'x')).code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(RolloutsTest, SuspensionReachesEveryClusterAtOnce) {
  PushApps("c2", {{"web", "two"}});
  ASSERT_TRUE(Suspend(true).ok());
  for (const char* name : {"a", "b", "c"})
    EXPECT_TRUE(agents[name].desired.packages(0).suspended());
  EXPECT_TRUE(Has("a", "two"));
  ASSERT_TRUE(Suspend(false).ok());
  for (const char* name : {"a", "b", "c"}) {
    EXPECT_FALSE(agents[name].desired.packages(0).suspended());
    EXPECT_TRUE(Has(name, name[0] == 'a' ? "two" : "one"));
  }
}

TEST_F(RolloutsTest, AClusterThatJoinsIsNoReasonToBeginAnew) {
  const uint64_t number = Rollout().number();
  Join("d", {{"wave", "rest"}});
  Settle();
  EXPECT_TRUE(Has("d", "one"));
  EXPECT_EQ(Rollout().number(), number);
  PushApps("c2", {{"web", "two"}});
  Settle();
  Join("e", {{"wave", "rest"}});
  Settle();
  EXPECT_EQ(agents["e"].desired.generation(), 0u) << "there is nothing to tell it yet";
  Pass(absl::Minutes(10));
  Settle();
  EXPECT_TRUE(Has("e", "two"));
}

TEST_F(RolloutsTest, WithoutItsPlanNobodyMoves) {
  config.mutable_packages(0)->set_rollout("gone");
  PushConfig();
  PushApps("c2", {{"web", "two"}});
  Settle();
  EXPECT_TRUE(Has("a", "one"));
  EXPECT_THAT(ConditionIn(PackageOf("web")->conditions, "RolloutProgressing")->message(),
              HasSubstr("names RolloutPlan 'gone'"));
}

TEST_F(RolloutsTest, APackageThatNamesNoPlanAnyMoreGoesToAllAtOnce) {
  PushApps("c2", {{"web", "two"}});
  config.mutable_packages(0)->clear_rollout();
  PushConfig();
  for (const char* name : {"a", "b", "c"}) EXPECT_TRUE(Has(name, "two")) << name;
  Settle();
  EXPECT_EQ(ClusterOf("b")->message, "");
}

}  // namespace
}  // namespace muster::hub
