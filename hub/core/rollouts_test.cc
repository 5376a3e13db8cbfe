// Rollouts in the hub: the state machine among commits, agents, restarts and people.
#include "hub/core/rollouts.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <string>

#include "absl/strings/escaping.h"
#include "hub/core/core_fixture_test.h"

namespace muster::hub {
namespace {

using ::testing::HasSubstr;

class RolloutsTest : public CoreFixture {
 protected:
  RolloutsTest() {
    v1::RolloutPlan& plan = *config.add_rollout_plans();
    plan.set_name("careful");
    plan.mutable_origin()->set_file("fleet/careful.yaml");
    v1::RolloutWave& canary = *plan.add_waves();
    canary.set_name("canary");
    v1::Label& label = *canary.mutable_cluster_selector()->add_match_labels();
    label.set_key("wave");
    label.set_value("canary");
    canary.set_soak_ms(600'000);
    v1::RolloutWave& rest = *plan.add_waves();
    rest.set_name("rest");
    rest.mutable_cluster_selector();
    rest.mutable_max_concurrency()->set_value(1);
    DeclareRepository("apps");
    DeclarePackage("web");
    PushConfig();
    PushApps("c1", {{"web", "one"}});
    for (const char* name : {"a", "b", "c"}) {
      Join(name, {{"wave", name[0] == 'a' ? "canary" : "rest"}});
    }
    Settle();
    config.mutable_packages(0)->set_rollout("careful");
    PushConfig();
    Settle();
  }

  // Lets time pass with every agent heard.
  void Pass(absl::Duration duration) {
    while (duration > absl::ZeroDuration()) {
      for (const auto& [name, agent] : agents) Beat(agent);
      const absl::Duration step = std::min(duration, absl::Seconds(20));
      CoreFixture::Pass(step);
      duration -= step;
    }
  }

  // Healthy agents, until nothing moves any more; time passes only as far as looks need it.
  void Settle() {
    for (int i = 0; i < 10; ++i) {
      ReportAll();
      Run();
      Pass(absl::Seconds(1));
    }
  }

  bool Has(const std::string& cluster, const std::string& text) {
    const FakeAgent& agent = agents[cluster];
    return agent.desired.packages_size() == 1 &&
           agent.desired.packages(0).bundle_digest() == BundleOf(text).bytes();
  }

  v1::RolloutView Rollout() {
    const auto answer = Ask(v1::ListRolloutsRequest());
    EXPECT_TRUE(answer.ok()) << answer.status();
    const auto& response = std::get<v1::ListRolloutsResponse>(*answer);
    return response.rollouts_size() == 1 ? response.rollouts(0) : v1::RolloutView();
  }

  absl::Status Decide(const std::string& action, const std::string& release = "") {
    v1::RolloutDecision decision;
    decision.set_package("web");
    decision.set_action(action);
    decision.set_release(release);
    const absl::Status status = Ask(decision).status();
    Run();
    return status;
  }

  void ReportDegraded(const std::string& name) {
    FakeAgent& agent = agents[name];
    v1::ObservedState state = Applied(agent);
    state.set_health(v1::HEALTH_STATUS_DEGRADED);
    state.mutable_packages(0)->set_health(v1::HEALTH_STATUS_DEGRADED);
    Report(agent, state);
    Pass(absl::Seconds(1));
  }
};

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

TEST_F(RolloutsTest, APersonPausesApprovesAndAborts) {
  config.mutable_rollout_plans(0)->mutable_waves(1)->set_approval_before(true);
  config.mutable_rollout_plans(0)->mutable_waves(0)->set_soak_ms(0);
  PushConfig();
  PushApps("c2", {{"web", "two"}});
  Settle();
  v1::RolloutView view = Rollout();
  EXPECT_EQ(view.waits_for(), "approval");
  EXPECT_FALSE(Decide("approve").ok()) << "of which release?";
  EXPECT_FALSE(Decide("approve", "0000000").ok()) << "of another one";
  EXPECT_TRUE(Has("b", "one"));
  ASSERT_TRUE(Decide("approve", absl::BytesToHexString(view.release()).substr(0, 12)).ok());
  EXPECT_TRUE(Has("b", "two"));
  ASSERT_TRUE(Decide("pause").ok());
  Settle();
  EXPECT_TRUE(Has("c", "one"));
  ASSERT_TRUE(Decide("rollback").ok());
  EXPECT_TRUE(Has("a", "one"));
  EXPECT_TRUE(Has("b", "one"));
  EXPECT_FALSE(Decide("juggle").ok());
}

TEST_F(RolloutsTest, SuspensionReachesEveryClusterAtOnce) {
  v1::SuspendRequest suspend;
  suspend.set_kind("package");
  suspend.set_name("web");
  suspend.set_suspended(true);
  ASSERT_TRUE(Ask(suspend).ok());
  Run();
  for (const char* name : {"a", "b", "c"})
    EXPECT_TRUE(agents[name].desired.packages(0).suspended());
  suspend.set_suspended(false);
  ASSERT_TRUE(Ask(suspend).ok());
  Run();
  for (const char* name : {"a", "b", "c"}) {
    EXPECT_FALSE(agents[name].desired.packages(0).suspended());
    EXPECT_TRUE(Has(name, "one"));
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
  EXPECT_EQ(agents["e"].desired.generation(), 0u) << "it waits for its wave with the others";
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
