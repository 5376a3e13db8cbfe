#include "cli/verdict.h"

#include "gtest/gtest.h"

namespace muster::cli {
namespace {

using State = Verdict::State;

v1::ClusterView Synced() {
  v1::ClusterView view;
  view.set_name("prod-1");
  view.set_state("Enrolled");
  view.set_connection(v1::CONNECTION_STATUS_CONNECTED);
  view.set_sync(v1::SYNC_STATUS_SYNCED);
  view.set_health(v1::HEALTH_STATUS_HEALTHY);
  view.set_desired_generation(4);
  view.set_applied_generation(4);
  return view;
}

v1::ClusterPackageView& AddPackage(v1::ClusterView& view) {
  v1::ClusterPackageView& package = *view.add_packages();
  package.set_name("web");
  package.set_desired_bundle("new");
  package.set_applied_bundle("old");
  package.set_sync(v1::SYNC_STATUS_OUT_OF_SYNC);
  package.set_health(v1::HEALTH_STATUS_HEALTHY);
  return package;
}

v1::ClusterView Behind() {
  v1::ClusterView view = Synced();
  view.set_applied_generation(3);
  view.set_sync(v1::SYNC_STATUS_OUT_OF_SYNC);
  return view;
}

TEST(JudgeCluster, ReachesOnlyTheGenerationThatIsDesiredNow) {
  EXPECT_EQ(JudgeCluster(Synced(), Goal::kSynced).state, State::kReached);
  v1::ClusterView view = Synced();
  view.set_applied_generation(3);  // green, but of what was desired before
  const Verdict verdict = JudgeCluster(view, Goal::kSynced);
  EXPECT_EQ(verdict.state, State::kWaiting);
  EXPECT_EQ(verdict.reason, "Synced, Healthy, generation 3 of 4");
}

TEST(JudgeCluster, TellsAppliedFromHealthy) {
  v1::ClusterView view = Synced();
  view.set_health(v1::HEALTH_STATUS_PROGRESSING);
  EXPECT_EQ(JudgeCluster(view, Goal::kApplied).state, State::kReached);
  EXPECT_EQ(JudgeCluster(view, Goal::kSynced).state, State::kWaiting);
  view.set_health(v1::HEALTH_STATUS_SUSPENDED);
  EXPECT_EQ(JudgeCluster(view, Goal::kSynced).state, State::kReached);
}

TEST(JudgeCluster, WaitsForOneThatIsOfflineAndSaysSo) {
  v1::ClusterView view = Behind();
  view.set_connection(v1::CONNECTION_STATUS_OFFLINE);
  view.set_message("last seen 2h ago");
  EXPECT_EQ(JudgeCluster(view, Goal::kSynced).reason,
            "OutOfSync, Healthy, generation 3 of 4, Offline: last seen 2h ago");
  EXPECT_EQ(JudgeCluster(view, Goal::kConnected).state, State::kWaiting);
}

TEST(JudgeCluster, FailsAtOnceOnAnObjectThatFailed) {
  v1::ClusterView view = Behind();
  v1::ClusterPackageView& package = AddPackage(view);
  package.set_attempted_bundle("new");
  v1::ObjectProblem& problem = *package.add_problems();
  problem.set_what(v1::ObjectProblem::WHAT_FAILED);
  problem.set_kind("Service");
  problem.set_namespace_("web");
  problem.set_name("api");
  problem.set_message("port 70000 is out of range");
  const Verdict verdict = JudgeCluster(view, Goal::kSynced);
  EXPECT_EQ(verdict.state, State::kFailed);
  EXPECT_EQ(verdict.reason, "package/web: Service web/api failed: port 70000 is out of range");
}

TEST(JudgeCluster, DoesNotFailOnWhatAnOlderBundleDid) {
  v1::ClusterView view = Behind();
  v1::ClusterPackageView& package = AddPackage(view);
  package.set_attempted_bundle("old");
  package.set_health(v1::HEALTH_STATUS_DEGRADED);
  package.add_problems()->set_what(v1::ObjectProblem::WHAT_FAILED);
  EXPECT_EQ(JudgeCluster(view, Goal::kSynced).state, State::kWaiting);
  package.set_attempted_bundle("new");
  EXPECT_EQ(JudgeCluster(view, Goal::kSynced).state, State::kFailed);
}

TEST(JudgeCluster, FailsOnWhatOnlyAPersonCanMend) {
  v1::ClusterView view = Behind();
  view.set_suspended(true);
  EXPECT_EQ(JudgeCluster(view, Goal::kSynced).reason,
            "it is suspended: muster resume cluster prod-1");
  view = Synced();
  view.set_suspended(true);
  EXPECT_EQ(JudgeCluster(view, Goal::kSynced).state, State::kFailed) << "nobody looks at it";
  view = Synced();
  view.set_suspended_locally("incident 42");
  EXPECT_EQ(JudgeCluster(view, Goal::kSynced).reason,
            "it is suspended in the cluster itself: incident 42");
  view = Behind();
  view.set_state("Revoked");
  EXPECT_EQ(JudgeCluster(view, Goal::kConnected).state, State::kFailed);
  view = Behind();
  v1::Condition& condition = *view.add_conditions();
  condition.set_type("Accepted");
  condition.set_status(v1::CONDITION_STATUS_FALSE);
  condition.set_message("the signature is not by a known signer");
  EXPECT_EQ(JudgeCluster(view, Goal::kSynced).state, State::kFailed);
}

TEST(JudgeCluster, WaitsForOneThatIsStillToJoin) {
  v1::ClusterView view = Synced();
  view.set_state("Pending");
  EXPECT_EQ(JudgeCluster(view, Goal::kSynced).reason, "it waits for: muster accept prod-1");
  view.set_state("Declared");
  EXPECT_EQ(JudgeCluster(view, Goal::kSynced).state, State::kWaiting);
}

TEST(JudgePackage, LooksAtThatPackageOnly) {
  v1::ClusterView view = Behind();
  v1::ClusterPackageView& web = AddPackage(view);
  v1::ClusterPackageView& other = AddPackage(view);
  other.set_name("other");
  web.set_applied_bundle("new");
  web.set_sync(v1::SYNC_STATUS_SYNCED);
  EXPECT_EQ(JudgePackage(view, "web", Goal::kSynced).state, State::kReached);
  EXPECT_EQ(JudgePackage(view, "other", Goal::kSynced).state, State::kWaiting);
  EXPECT_EQ(JudgePackage(view, "none", Goal::kSynced).reason, "it has no package 'none'");
}

TEST(JudgePackage, FailsAtOnceOnOneThatIsSuspended) {
  v1::ClusterView view = Synced();
  v1::ClusterPackageView& web = AddPackage(view);
  web.set_applied_bundle("new");
  web.set_sync(v1::SYNC_STATUS_SYNCED);
  web.set_suspended(true);
  const Verdict verdict = JudgePackage(view, "web", Goal::kSynced);
  EXPECT_EQ(verdict.state, State::kFailed);
  EXPECT_EQ(verdict.reason, "it is suspended: muster resume package web");
  EXPECT_EQ(JudgePackage(view, "web", Goal::kApplied).state, State::kReached);
  // Its cluster does not get there by waiting, either.
  view = Behind();
  AddPackage(view).set_suspended(true);
  EXPECT_EQ(JudgeCluster(view, Goal::kSynced).reason,
            "package/web is suspended: muster resume package web");
}

}  // namespace
}  // namespace muster::cli
