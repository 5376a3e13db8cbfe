// Each row of the table in docs/rollouts.md, and the gates one by one.
#include <gmock/gmock.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "hub/core/rollout/rollout_fixture_test.h"

namespace muster::hub {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST_F(RolloutTest, GoesWaveByWaveAndNeverMoreThanAllowedAtATime) {
  Fleet();
  Release("new");
  EXPECT_THAT(Turn(), ElementsAre("c0"));
  EXPECT_THAT(Turn(), IsEmpty());
  clusters["c0"].progress = Progress::kHealthy;
  EXPECT_THAT(Turn(), ElementsAre("p1", "p2"));
  EXPECT_THAT(Turn(), IsEmpty());
  clusters["p2"].progress = Progress::kHealthy;
  EXPECT_THAT(Turn(), ElementsAre("p3"));
  AllWell();
  EXPECT_EQ(rollout.phase, RolloutPhase::kComplete);
  EXPECT_EQ(clusters["p4"].desired, Digest::Of("new"));
}

TEST_F(RolloutTest, HealthOfTheOldContentOpensNothing) {
  Fleet();
  // The agent's last word is healthy, about what it ran before (argo-cd#29410, ocm#1207).
  for (auto& [name, cluster] : clusters) cluster.progress = Progress::kHealthy;
  Release("new");
  EXPECT_THAT(Turn(), ElementsAre("c0"));
  EXPECT_THAT(Turn(), IsEmpty());
  EXPECT_EQ(rollout.waits_for, "health");
}

TEST_F(RolloutTest, SoaksFromWhenAllIsWellAndAnewWhenItWasNot) {
  Fleet();
  plan.mutable_waves(0)->set_soak_ms(10 * kMinute);
  Release("new");
  Turn();
  clusters["c0"].progress = Progress::kHealthy;
  EXPECT_THAT(Turn(), IsEmpty());
  EXPECT_EQ(rollout.waits_for, "soak");
  EXPECT_EQ(step.wake_ms, now + 10 * kMinute);
  now += 9 * kMinute;
  clusters["c0"].progress = Progress::kWorking;
  EXPECT_THAT(Turn(), IsEmpty());
  clusters["c0"].progress = Progress::kHealthy;
  EXPECT_THAT(Turn(), IsEmpty());
  now += 9 * kMinute;
  EXPECT_THAT(Turn(), IsEmpty());
  now += kMinute;
  EXPECT_THAT(Turn(), ElementsAre("p1", "p2"));
}

TEST_F(RolloutTest, StopsWhenMoreFailThanMay) {
  Fleet();
  Release("new");
  Turn();
  clusters["c0"].progress = Progress::kFailed;
  EXPECT_THAT(Turn(), IsEmpty());
  EXPECT_EQ(rollout.phase, RolloutPhase::kPaused);
  EXPECT_EQ(rollout.message, "wave 'canary': c0 has failed, 0 may");
  EXPECT_THAT(step.failed, ElementsAre("c0"));
  clusters["c0"].progress = Progress::kHealthy;
  EXPECT_THAT(Turn(), IsEmpty()) << "a paused rollout moves nobody";
  ASSERT_TRUE(Resume(rollout).ok());
  EXPECT_THAT(Turn(), ElementsAre("p1", "p2"));
}

TEST_F(RolloutTest, GoesOnPastAsManyFailuresAsMayBe) {
  Fleet();
  plan.mutable_waves(1)->mutable_max_failures()->set_value(1);
  Release("new");
  Turn();
  clusters["c0"].progress = Progress::kHealthy;
  Turn();
  clusters["p1"].progress = Progress::kFailed;
  clusters["p2"].progress = Progress::kHealthy;
  EXPECT_THAT(Turn(), ElementsAre("p3", "p4"));
  clusters["p3"].progress = Progress::kFailed;
  Turn();
  EXPECT_EQ(rollout.phase, RolloutPhase::kPaused);
}

TEST_F(RolloutTest, FailsWhoIsNotHealthyInTime) {
  Fleet();
  plan.mutable_waves(0)->set_progress_deadline_ms(5 * kMinute);
  Release("new");
  Turn();
  EXPECT_EQ(step.wake_ms, now + 5 * kMinute);
  now += 5 * kMinute - 1;
  Turn();
  EXPECT_EQ(rollout.phase, RolloutPhase::kProgressing);
  now += 1;
  Turn();
  EXPECT_EQ(rollout.phase, RolloutPhase::kPaused);
}

TEST_F(RolloutTest, AShortUneaseLongAfterTheDeadlineIsNoFailure) {
  Fleet();
  plan.mutable_waves(0)->set_progress_deadline_ms(5 * kMinute);
  plan.mutable_waves(0)->set_soak_ms(60 * kMinute);
  Release("new");
  Turn();
  clusters["c0"].progress = Progress::kHealthy;
  Turn();
  now += 30 * kMinute;
  clusters["c0"].progress = Progress::kWorking;
  Turn();
  EXPECT_EQ(rollout.phase, RolloutPhase::kProgressing);
  now += 5 * kMinute;
  Turn();
  EXPECT_EQ(rollout.phase, RolloutPhase::kPaused);
}

TEST_F(RolloutTest, RollsBackByItselfWhereThePlanSaysSo) {
  Fleet();
  plan.set_on_failure(pb::ROLLOUT_FAILURE_ROLLBACK);
  Release("new");
  Turn();
  clusters["c0"].progress = Progress::kFailed;
  Turn();
  EXPECT_EQ(rollout.phase, RolloutPhase::kRolledBack);
  EXPECT_EQ(clusters["c0"].desired, old_content);
  EXPECT_THAT(Turn(), IsEmpty());
  EXPECT_THAT(step.returns, IsEmpty());
  // A newer release starts over.
  Release("newer");
  EXPECT_THAT(Turn(), ElementsAre("c0"));
}

TEST_F(RolloutTest, WaitsForApprovalBeforeAWave) {
  Fleet();
  plan.mutable_waves(1)->set_approval_before(true);
  Release("new");
  Turn();
  EXPECT_FALSE(Approve({"rest", false, "ada", now, ""}, rollout).ok()) << "too early";
  clusters["c0"].progress = Progress::kHealthy;
  EXPECT_THAT(Turn(), IsEmpty());
  EXPECT_EQ(rollout.waits_for, "approval");
  EXPECT_FALSE(Approve({"canary", false, "ada", now, ""}, rollout).ok()) << "another wave";
  ASSERT_TRUE(Approve({"", false, "ada", now, "looks good"}, rollout).ok());
  EXPECT_THAT(Turn(), ElementsAre("p1", "p2"));
  EXPECT_EQ(rollout.approvals[0].wave, "rest");
  // It counts for this release alone (R5).
  Release("newer");
  EXPECT_THAT(rollout.approvals, IsEmpty());
}

TEST_F(RolloutTest, WaitsForApprovalBehindAWave) {
  Fleet();
  plan.mutable_waves(0)->set_approval_after(true);
  plan.mutable_waves(0)->set_approval_before(true);
  Release("new");
  EXPECT_THAT(Turn(), IsEmpty());
  ASSERT_TRUE(Approve({"", false, "ada", now, ""}, rollout).ok());
  EXPECT_THAT(Turn(), ElementsAre("c0"));
  clusters["c0"].progress = Progress::kHealthy;
  EXPECT_THAT(Turn(), IsEmpty()) << "the approval in front does not open the gate behind";
  EXPECT_EQ(rollout.waits_for, "approval");
  ASSERT_TRUE(Approve({"", false, "ada", now, ""}, rollout).ok());
  EXPECT_THAT(Turn(), ElementsAre("p1", "p2"));
}

TEST_F(RolloutTest, PassesAWaveThatHasNothingToDoAtOnce) {
  Fleet();
  plan.mutable_waves(0)->set_soak_ms(10 * kMinute);
  plan.mutable_waves(0)->set_approval_before(true);
  Release("new");
  clusters["c0"].target = old_content;  // the commit does not touch it
  EXPECT_THAT(Turn(), ElementsAre("p1", "p2"));
}

// ---------------------------------------------------------------- the table

TEST_F(RolloutTest, AClusterThatJoinsAPassedWaveFollowsUnderItsLimit) {
  Fleet();
  Release("new");
  AllWell();
  ASSERT_EQ(rollout.phase, RolloutPhase::kComplete);
  for (const char* name : {"q1", "q2", "q3"}) {
    Add(name).target = Digest::Of("new");
    clusters[name].desired = Digest();
  }
  EXPECT_THAT(Turn(), ElementsAre("q1", "q2"));
  EXPECT_EQ(rollout.phase, RolloutPhase::kComplete);
  EXPECT_EQ(rollout.number, 1u) << "nothing starts over (kubefleet#733)";
}

TEST_F(RolloutTest, AClusterThatJoinsALaterWaveWaitsForIt) {
  Fleet();
  Release("new");
  Turn();
  Add("p0").target = Digest::Of("new");
  clusters["p0"].desired = Digest();
  EXPECT_THAT(Turn(), IsEmpty());
  clusters["c0"].progress = Progress::kHealthy;
  EXPECT_THAT(Turn(), ElementsAre("p0", "p1"));
}

TEST_F(RolloutTest, AClusterThatLeavesIsForgottenAndHoldsNothingUp) {
  Fleet();
  Add("c1", "canary");
  Release("new");
  EXPECT_THAT(Turn(), ElementsAre("c0"));
  clusters.erase("c0");
  EXPECT_THAT(Turn(), ElementsAre("c1"));
  EXPECT_FALSE(rollout.members.contains("c0"));
}

TEST_F(RolloutTest, AWholeWaveThatLeavesIsPassed) {
  Fleet();
  Release("new");
  Turn();
  clusters.erase("c0");
  EXPECT_THAT(Turn(), ElementsAre("p1", "p2"));
}

TEST_F(RolloutTest, AClusterThatWasMovedStaysInItsWaveWhateverItsLabels) {
  Fleet();
  Release("new");
  Turn();
  clusters["c0"].labels = {{"wave", "rest"}};
  EXPECT_THAT(Turn(), IsEmpty()) << "the canary is still on its way";
  clusters["p1"].labels = {{"wave", "canary"}};
  clusters["c0"].progress = Progress::kHealthy;
  EXPECT_THAT(Turn(), ElementsAre("p1")) << "one that was not moved goes where it now belongs";
}

TEST_F(RolloutTest, AnOfflineClusterHoldsNobodyUpAndFollowsLater) {
  Fleet();
  clusters["p2"].apart = "offline";
  Release("new");
  AllWell();
  EXPECT_EQ(rollout.phase, RolloutPhase::kComplete);
  EXPECT_EQ(clusters["p2"].desired, old_content);
  EXPECT_EQ(step.waves[1].apart, 1);
  clusters["p2"].apart.clear();
  EXPECT_THAT(Turn(), ElementsAre("p2"));
  clusters["p2"].progress = Progress::kFailed;
  Turn();
  EXPECT_EQ(rollout.phase, RolloutPhase::kPaused) << "the same gates";
}

TEST_F(RolloutTest, AnOfflineCanaryProvesNothing) {
  Fleet();
  clusters["c0"].apart = "offline";
  Release("new");
  EXPECT_THAT(Turn(), IsEmpty());
  EXPECT_EQ(rollout.waits_for, "clusters");
  EXPECT_THAT(rollout.message, HasSubstr("offline"));
  clusters["c0"].apart.clear();
  EXPECT_THAT(Turn(), ElementsAre("c0"));
}

TEST_F(RolloutTest, AClusterThatGoesOfflineWhileItMovesIsCountedApart) {
  Fleet();
  plan.mutable_waves(1)->set_progress_deadline_ms(5 * kMinute);
  Release("new");
  Turn();
  clusters["c0"].progress = Progress::kHealthy;
  Turn();
  clusters["p1"].apart = "offline";
  clusters["p2"].progress = Progress::kHealthy;
  EXPECT_THAT(Turn(), ElementsAre("p3", "p4"));
  now += 4 * kMinute;
  AllWell();
  // The fleet is quiet: nobody looks until it is back.
  now += 60 * kMinute;
  clusters["p1"].apart.clear();
  clusters["p1"].progress = Progress::kWorking;
  Turn();
  EXPECT_EQ(rollout.phase, RolloutPhase::kComplete) << "its deadline begins anew";
  now += 5 * kMinute;
  Turn();
  EXPECT_EQ(rollout.phase, RolloutPhase::kPaused);
}

TEST_F(RolloutTest, ANewerReleaseStartsAtTheFirstWave) {
  Fleet();
  Release("new");
  Turn();
  clusters["c0"].progress = Progress::kHealthy;
  Turn();
  Release("newer");
  EXPECT_EQ(rollout.number, 2u);
  EXPECT_THAT(Turn(), ElementsAre("c0"));
  // What fails now goes back to what ran when all was well last, not to the half-way release.
  plan.set_on_failure(pb::ROLLOUT_FAILURE_ROLLBACK);
  clusters["c0"].progress = Progress::kFailed;
  Turn();
  EXPECT_EQ(clusters["c0"].desired, old_content);
}

TEST_F(RolloutTest, AClusterThatIsInNoWaveIsNamedAndNotMoved) {
  Fleet();
  plan.mutable_waves(1)->clear_cluster_selector();
  Release("new");
  AllWell();
  EXPECT_THAT(step.in_no_wave, ElementsAre("p1", "p2", "p3", "p4"));
  EXPECT_EQ(clusters["p1"].desired, old_content);
}

TEST_F(RolloutTest, AWaveOfFewTakesThoseThatCanProveSomething) {
  plan = StandardPlan();
  for (int i = 0; i < 40; ++i) Add(absl::StrCat("x", 10 + i));
  clusters["x10"].apart = "offline";
  Release("new");
  clusters["x11"].target = old_content;
  EXPECT_THAT(Turn(), ElementsAre("x12"));
}

TEST_F(RolloutTest, AShareIsRoundedUp) {
  pb::ClusterShare share;
  share.set_value(5);
  share.set_percent(true);
  EXPECT_EQ(ShareOf(true, share, 1, 0), 1);
  EXPECT_EQ(ShareOf(true, share, 40, 0), 2);
  EXPECT_EQ(ShareOf(true, share, 41, 0), 3);
  EXPECT_EQ(ShareOf(false, share, 41, 7), 7);
}

// ---------------------------------------------------------------- people

TEST_F(RolloutTest, APersonPausesResumesAbortsAndRollsBack) {
  Fleet();
  Release("new");
  Turn();
  ASSERT_TRUE(Pause("ada", "lunch", rollout).ok());
  EXPECT_FALSE(Pause("ada", "", rollout).ok());
  clusters["c0"].progress = Progress::kHealthy;
  EXPECT_THAT(Turn(), IsEmpty());
  EXPECT_EQ(rollout.message, "paused: lunch");
  ASSERT_TRUE(Resume(rollout).ok());
  EXPECT_THAT(Turn(), ElementsAre("p1", "p2"));
  ASSERT_TRUE(Abort("ada", "", now, rollout).ok());
  AllWell();
  EXPECT_EQ(clusters["p1"].desired, Digest::Of("new")) << "what was moved stays";
  EXPECT_EQ(clusters["p3"].desired, old_content);
  EXPECT_FALSE(Resume(rollout).ok());
  ASSERT_TRUE(RollBack("ada", "", now, rollout).ok());
  Turn();
  for (const auto& [name, cluster] : clusters) EXPECT_EQ(cluster.desired, old_content) << name;
  ASSERT_TRUE(Retry(now, rollout).ok());
  EXPECT_THAT(Turn(), ElementsAre("c0"));
}

TEST_F(RolloutTest, RollsBackARolloutThatIsComplete) {
  Fleet();
  Release("new");
  AllWell();
  ASSERT_TRUE(RollBack("ada", "slow", now, rollout).ok());
  Turn();
  for (const auto& [name, cluster] : clusters) EXPECT_EQ(cluster.desired, old_content) << name;
}

TEST_F(RolloutTest, ThereIsNothingToGoBackToForAPackageThatIsNew) {
  Fleet();
  for (auto& [name, cluster] : clusters) cluster.desired = Digest();
  Release("new");
  Turn();
  EXPECT_FALSE(RollBack("ada", "", now, rollout).ok());
}

}  // namespace
}  // namespace muster::hub
