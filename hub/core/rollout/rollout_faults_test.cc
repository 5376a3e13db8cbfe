// What must not slip past a gate: releases begun anew, plans changed on the way, time nobody
// looked.
#include <gmock/gmock.h>

#include <string>

#include "hub/core/rollout/rollout_fixture_test.h"

namespace muster::hub {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// ---------------------------------------------------------------- begun anew

TEST_F(RolloutTest, ARetryAsksHowThoseAreThatHaveTheReleaseAlready) {
  Fleet();
  Release("new");
  EXPECT_THAT(Turn(), ElementsAre("c0"));
  Fail("c0");
  Turn();
  ASSERT_EQ(rollout.phase, RolloutPhase::kPaused);
  ASSERT_TRUE(Retry(now, rollout).ok());
  EXPECT_THAT(Turn(), IsEmpty()) << "the canary still fails";
  EXPECT_EQ(rollout.phase, RolloutPhase::kPaused);
  // Somebody mends what it lacked; its time began anew.
  clusters["c0"].progress = Progress::kWorking;
  ASSERT_TRUE(Retry(now, rollout).ok());
  now += 9 * kMinute;
  EXPECT_THAT(Turn(), IsEmpty());
  EXPECT_EQ(rollout.waits_for, "health");
  clusters["c0"].progress = Progress::kHealthy;
  EXPECT_THAT(Turn(), ElementsAre("p1", "p2"));
}

TEST_F(RolloutTest, ARetrySoaksAndAsksForApprovalAgain) {
  Fleet();
  plan.mutable_waves(0)->set_soak_ms(10 * kMinute);
  plan.mutable_waves(1)->set_approval_before(true);
  Release("new");
  Turn();
  clusters["c0"].progress = Progress::kHealthy;
  Turn();
  now += 10 * kMinute;
  Turn();
  ASSERT_TRUE(ApproveIt().ok());
  EXPECT_THAT(Turn(), ElementsAre("p1", "p2"));
  for (const char* name : {"p1", "p2"}) clusters[name].progress = Progress::kHealthy;
  ASSERT_TRUE(Abort("ada", "", now, rollout).ok());
  ASSERT_TRUE(Retry(now, rollout).ok());
  EXPECT_THAT(Turn(), IsEmpty());
  EXPECT_EQ(rollout.waits_for, "soak");
  now += 10 * kMinute;
  EXPECT_THAT(Turn(), IsEmpty());
  EXPECT_EQ(rollout.waits_for, "approval") << "though two of the wave were moved before";
}

TEST_F(RolloutTest, ANewerReleaseThatLeavesTheCanaryAsItIsWaitsForItAllTheSame) {
  Fleet();
  Add("x0", "canary").target = old_content;
  Release("new");
  clusters["x0"].target = old_content;
  EXPECT_THAT(Turn(), ElementsAre("c0"));
  now += 10'000;
  // The next commit changes only what x0 gets: nobody knows yet whether "new" is good.
  clusters["x0"].target = Digest::Of("other");
  rollout = StartRollout(rollout, Digest::Of("both"), now);
  EXPECT_THAT(Turn(), IsEmpty()) << "one at a time: c0 is on its way";
  clusters["c0"].progress = Progress::kHealthy;
  EXPECT_THAT(Turn(), ElementsAre("x0"));
  clusters["x0"].progress = Progress::kHealthy;
  EXPECT_THAT(Turn(), ElementsAre("p1", "p2"));
}

TEST_F(RolloutTest, WhatAFormerReleaseMovedTakesNoRoomFromWhoProvesTheNewOne) {
  plan.clear_waves();
  AddWave("first").mutable_size()->set_value(1);
  AddWave("rest");
  Fleet();
  Release("new");
  for (const char* name : {"p3", "p4"}) clusters[name].target = old_content;
  EXPECT_THAT(Turn(), ElementsAre("c0"));
  for (const char* name : {"p3", "p4"}) clusters[name].target = Digest::Of("other");
  for (const char* name : {"p1", "p2"}) clusters[name].target = old_content;
  rollout = StartRollout(rollout, Digest::Of("both"), now);
  EXPECT_THAT(Turn(), ElementsAre("p3")) << "c0 proves nothing of what p3 and p4 get";
  EXPECT_EQ(step.waves[0].clusters, 2);
}

TEST_F(RolloutTest, AReleaseThatWasCompleteIsProvedForTheNext) {
  Fleet();
  plan.mutable_waves(1)->mutable_max_failures()->set_value(1);
  Release("new");
  Turn();
  clusters["c0"].progress = Progress::kHealthy;
  Turn();
  Fail("p1");
  clusters["p2"].progress = Progress::kHealthy;
  Turn();
  for (const char* name : {"p3", "p4"}) clusters[name].progress = Progress::kHealthy;
  Turn();
  ASSERT_EQ(rollout.phase, RolloutPhase::kComplete);
  clusters["p4"].target = Digest::Of("other");
  rollout = StartRollout(rollout, Digest::Of("both"), now);
  EXPECT_THAT(Turn(), ElementsAre("p4")) << "the tolerated failure is not asked again";
}

TEST_F(RolloutTest, ARollbackReachesWhatAnUnfinishedReleaseBeforeHadMoved) {
  Fleet();
  Release("new");
  Turn();
  clusters["c0"].progress = Progress::kHealthy;
  EXPECT_THAT(Turn(), ElementsAre("p1", "p2"));
  plan.set_on_failure(pb::ROLLOUT_FAILURE_ROLLBACK);
  Release("newer");
  EXPECT_THAT(Turn(), ElementsAre("c0"));
  Fail("c0");
  Turn();
  EXPECT_EQ(rollout.phase, RolloutPhase::kRolledBack);
  for (const auto& [name, cluster] : clusters) EXPECT_EQ(cluster.desired, old_content) << name;
}

// ---------------------------------------------------------------- time nobody looked

TEST_F(RolloutTest, NoTimeCountsWhileThePackageIsSuspended) {
  Fleet();
  plan.mutable_waves(0)->set_soak_ms(10 * kMinute);
  plan.set_on_failure(pb::ROLLOUT_FAILURE_ROLLBACK);
  Release("new");
  Turn();
  still = "the package is suspended";
  EXPECT_THAT(Turn(), IsEmpty());
  EXPECT_EQ(rollout.message, still);
  now += 60 * kMinute;
  still.clear();
  EXPECT_THAT(Turn(), IsEmpty());
  EXPECT_EQ(rollout.phase, RolloutPhase::kProgressing) << "its deadline begins anew";
  clusters["c0"].progress = Progress::kHealthy;
  Turn();
  now += 9 * kMinute;
  still = "the package is suspended";
  Turn();
  still.clear();
  now += 60 * kMinute;
  EXPECT_THAT(Turn(), IsEmpty()) << "and so does the soak";
  EXPECT_EQ(rollout.waits_for, "soak");
}

TEST_F(RolloutTest, ASuspendedPackageIsRolledBackAllTheSame) {
  Fleet();
  Release("new");
  Turn();
  ASSERT_TRUE(RollBack("ada", "", now, rollout).ok());
  still = "the package is suspended";
  Turn();
  EXPECT_EQ(clusters["c0"].desired, old_content);
}

TEST_F(RolloutTest, AClusterThatIsApartChangesNothingFromLookToLook) {
  Fleet();
  Release("new");
  Turn();
  clusters["c0"].apart = "offline";
  Turn();
  const int64_t moved_ms = rollout.members["c0"].moved_ms;
  now += kMinute;
  Turn();
  EXPECT_EQ(rollout.members["c0"].moved_ms, moved_ms) << "else each look is written to the disk";
}

// ---------------------------------------------------------------- stops

TEST_F(RolloutTest, AStopOrAPauseBeginsTheSoakAnew) {
  Fleet();
  Add("c1", "canary");
  plan.mutable_waves(0)->set_soak_ms(10 * kMinute);
  plan.mutable_waves(0)->mutable_max_concurrency()->set_value(2);
  Release("new");
  Turn();
  for (const char* name : {"c0", "c1"}) clusters[name].progress = Progress::kHealthy;
  Turn();
  now += 5 * kMinute;
  Fail("c1");
  Turn();
  ASSERT_EQ(rollout.phase, RolloutPhase::kPaused);
  now += 115 * kMinute;
  ASSERT_TRUE(Resume(rollout).ok());
  EXPECT_THAT(Turn(), IsEmpty());
  EXPECT_EQ(rollout.waits_for, "soak");
  now += 5 * kMinute;
  ASSERT_TRUE(Pause("ada", "", rollout).ok());
  now += 60 * kMinute;
  ASSERT_TRUE(Resume(rollout).ok());
  EXPECT_THAT(Turn(), IsEmpty()) << "nobody watched it meanwhile";
  now += 10 * kMinute;
  EXPECT_THAT(Turn(), ElementsAre("p1", "p2"));
}

TEST_F(RolloutTest, ALateClusterThatFailsTakesNothingFromTheOthers) {
  Fleet();
  plan.set_on_failure(pb::ROLLOUT_FAILURE_ROLLBACK);
  Release("new");
  AllWell();
  ASSERT_EQ(rollout.phase, RolloutPhase::kComplete);
  for (const char* name : {"q1", "q2"}) {
    Add(name).target = Digest::Of("new");
    clusters[name].desired = Digest();
  }
  EXPECT_THAT(Turn(), ElementsAre("q1", "q2"));
  Fail("q1");
  Turn();
  EXPECT_EQ(rollout.phase, RolloutPhase::kPaused);
  EXPECT_THAT(step.returns, IsEmpty());
  // Nor does the next one, when the rollout goes on.
  ASSERT_TRUE(Resume(rollout).ok());
  Fail("q2");
  Turn();
  EXPECT_EQ(rollout.phase, RolloutPhase::kPaused);
  EXPECT_EQ(clusters["p1"].desired, Digest::Of("new"));
}

// ---------------------------------------------------------------- plans that change

TEST_F(RolloutTest, AGateStaysShutWhenAWaveInFrontOfItGoes) {
  plan.mutable_waves(1)->set_name("stage");
  pb::Label& label = *plan.mutable_waves(1)->mutable_cluster_selector()->add_match_labels();
  label.set_key("wave");
  label.set_value("stage");
  AddWave("rest", /*approval=*/true);
  Fleet();
  Add("s1", "stage");
  Release("new");
  Turn();
  clusters["c0"].progress = Progress::kHealthy;
  EXPECT_THAT(Turn(), ElementsAre("s1"));
  plan.mutable_waves()->DeleteSubrange(0, 1);
  EXPECT_THAT(Turn(), IsEmpty());
  EXPECT_EQ(rollout.waits_for, "health") << "stage is still the open wave";
  clusters["s1"].progress = Progress::kHealthy;
  EXPECT_THAT(Turn(), IsEmpty());
  EXPECT_EQ(rollout.waits_for, "approval");
  plan.mutable_waves()->DeleteSubrange(0, 1);
  EXPECT_THAT(Turn(), IsEmpty()) << "s1 belongs to rest now, which nobody approved";
  EXPECT_EQ(rollout.waits_for, "approval");
  ASSERT_TRUE(ApproveIt("rest").ok());
  EXPECT_THAT(Turn(), UnorderedElementsAre("p1", "p2", "p3", "p4"));
}

TEST_F(RolloutTest, AnotherPlanBeginsWithItsFirstWave) {
  Fleet();
  Release("new");
  Turn();
  clusters["c0"].progress = Progress::kHealthy;
  Turn();
  plan.clear_waves();
  AddWave("gate", /*approval=*/true);
  EXPECT_THAT(Turn(), IsEmpty());
  EXPECT_EQ(rollout.waits_for, "approval");
}

TEST_F(RolloutTest, AnotherPlanLeavesWhatIsCompleteAsItIs) {
  Fleet();
  Release("new");
  AllWell();
  plan = StandardPlan();
  EXPECT_THAT(Turn(), IsEmpty());
  EXPECT_EQ(rollout.phase, RolloutPhase::kComplete);
}

TEST_F(RolloutTest, AWaveThatComesLaterCanBeApproved) {
  plan.mutable_waves()->DeleteSubrange(1, 1);
  Fleet();
  Release("new");
  AllWell();
  ASSERT_EQ(rollout.phase, RolloutPhase::kComplete);
  AddWave("later", /*approval=*/true);
  EXPECT_THAT(Turn(), IsEmpty());
  EXPECT_EQ(rollout.phase, RolloutPhase::kProgressing);
  EXPECT_EQ(rollout.ended_ms, 0);
  ASSERT_TRUE(ApproveIt().ok());
  EXPECT_EQ(Turn().size(), 4u);
}

TEST_F(RolloutTest, WhoLeavesAWaveOfFewLetsNobodyPastTheNextGate) {
  plan.clear_waves();
  AddWave("first").mutable_size()->set_value(1);
  AddWave("rest", /*approval=*/true);
  Fleet();
  Release("new");
  EXPECT_THAT(Turn(), ElementsAre("c0"));
  clusters["c0"].progress = Progress::kHealthy;
  Turn();
  ASSERT_EQ(rollout.waits_for, "approval");
  clusters.erase("c0");
  EXPECT_THAT(Turn(), IsEmpty());
  EXPECT_EQ(rollout.waits_for, "approval");
}

TEST_F(RolloutTest, WhoCouldNotBeReachedStaysInItsWaveOfFew) {
  plan.clear_waves();
  AddWave("canary").mutable_size()->set_value(1);
  pb::RolloutWave& half = AddWave("half");
  half.mutable_size()->set_value(2);
  Fleet();
  Release("new");
  EXPECT_THAT(Turn(), ElementsAre("c0"));
  clusters["c0"].progress = Progress::kHealthy;
  EXPECT_THAT(Turn(), ElementsAre("p1", "p2"));
  // p2 goes before it was given anything, and its place is taken while the wave is open.
  clusters["p1"].progress = clusters["p2"].progress = Progress::kHealthy;
  Turn();
  EXPECT_EQ(rollout.phase, RolloutPhase::kComplete);
  EXPECT_THAT(step.in_no_wave, ElementsAre("p3", "p4"));
  clusters.erase("p1");
  EXPECT_THAT(Turn(), IsEmpty());
}

TEST_F(RolloutTest, OneOfFewThatWasOfflineFollowsWhenItIsBack) {
  AddWave("last").mutable_size()->set_value(3);
  plan.mutable_waves(1)->mutable_size()->set_value(2);
  plan.mutable_waves(1)->mutable_max_concurrency()->set_value(9);
  Fleet();
  clusters["p3"].apart = clusters["p4"].apart = "offline";
  Release("new");
  AllWell();
  ASSERT_EQ(rollout.phase, RolloutPhase::kComplete);
  EXPECT_EQ(rollout.members["p3"].wave, "last");
  clusters["p3"].apart.clear();
  EXPECT_THAT(Turn(), ElementsAre("p3"));
}

TEST_F(RolloutTest, AnApprovalIsOfTheGateThatWaits) {
  Fleet();
  Release("new");
  Turn();
  clusters["c0"].progress = Progress::kHealthy;
  EXPECT_THAT(Turn(), ElementsAre("p1", "p2"));
  // The plan asks for approval of a wave that is open already: who it moved has left.
  plan.mutable_waves(1)->set_approval_before(true);
  clusters.erase("p1");
  clusters.erase("p2");
  EXPECT_THAT(Turn(), ElementsAre("p3", "p4")) << "the gate in front of it is behind us";
  plan.mutable_waves(1)->set_approval_after(true);
  for (const char* name : {"p3", "p4"}) clusters[name].progress = Progress::kHealthy;
  Turn();
  ASSERT_EQ(rollout.waits_for, "approval");
  ASSERT_TRUE(ApproveIt().ok());
  EXPECT_TRUE(rollout.approvals[0].after);
  EXPECT_FALSE(ApproveIt().ok()) << "one approval opens one gate";
  Turn();
  EXPECT_EQ(rollout.phase, RolloutPhase::kComplete);
}

TEST_F(RolloutTest, AnApprovalInFrontIsNotOfTheGateBehind) {
  plan.mutable_waves(0)->set_approval_before(true);
  plan.mutable_waves(0)->set_approval_after(true);
  Fleet();
  Release("new");
  Turn();
  ASSERT_TRUE(ApproveIt().ok());
  EXPECT_THAT(Turn(), ElementsAre("c0"));
  EXPECT_FALSE(rollout.approvals[0].after);
  // The only one of the wave leaves, another joins: it is the same gate, which is open.
  clusters.erase("c0");
  Add("c1", "canary").target = Digest::Of("new");
  EXPECT_THAT(Turn(), ElementsAre("c1"));
  clusters["c1"].progress = Progress::kHealthy;
  EXPECT_THAT(Turn(), IsEmpty());
  EXPECT_EQ(rollout.waits_for, "approval");
  EXPECT_THAT(rollout.message, HasSubstr("is healthy"));
}

}  // namespace
}  // namespace muster::hub
