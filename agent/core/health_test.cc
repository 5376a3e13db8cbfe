// What objects say of themselves, summed up; and what a package may ask for its objects.
#include "agent/core/health.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "agent/agent_world.h"
#include "common/base/limits.h"
#include "common/manifest/annotations.h"
#include "common/manifest/json.h"

namespace muster::agent {
namespace {

namespace pb = muster::v1;

class PackageHealth : public testing::Test {
 protected:
  PackageHealth() {
    world_.Connect();
    world_.Push({world_.hub.Package("web", {TestObject("a", "1"), TestObject("b", "1")})});
  }
  void Say(absl::string_view name, HealthWord word, std::string message = "") {
    world_.driver.SetHealth(TestKey(name), {.word = word, .message = std::move(message)});
    world_.Post(ClusterChanged());
    world_.Pass(absl::Seconds(10));
  }
  pb::HealthStatus health() { return world_.package("web").health(); }
  std::string Unhealthy() {
    return world_.Condition(world_.package("web").conditions(), "Unhealthy");
  }
  AgentWorld world_;
};

TEST_F(PackageHealth, TheWorstObjectWins) {
  EXPECT_EQ(health(), pb::HEALTH_STATUS_HEALTHY);
  Say("a", HealthWord::kSuspended);
  EXPECT_EQ(health(), pb::HEALTH_STATUS_SUSPENDED);
  Say("b", HealthWord::kProgressing, "1 of 3 replicas are ready");
  EXPECT_EQ(health(), pb::HEALTH_STATUS_PROGRESSING);
  EXPECT_EQ(world_.package("web").unhealthy(), 1u);
  EXPECT_EQ(world_.problem("b").what(), pb::ObjectProblem::WHAT_UNHEALTHY);
  EXPECT_EQ(world_.problem("b").health(), pb::HEALTH_STATUS_PROGRESSING);
  EXPECT_EQ(world_.problem("b").message(), "1 of 3 replicas are ready");
  EXPECT_GT(world_.problem("b").since_ms(), 0);
  Say("a", HealthWord::kDegraded, "image cannot be pulled");
  EXPECT_EQ(health(), pb::HEALTH_STATUS_DEGRADED);
  EXPECT_EQ(Unhealthy(), "True ObjectsDegraded");
  EXPECT_EQ(world_.package("web").problems(0).name(), "a");
  Say("a", HealthWord::kHealthy);
  Say("b", HealthWord::kHealthy);
  EXPECT_EQ(health(), pb::HEALTH_STATUS_HEALTHY);
  EXPECT_EQ(Unhealthy(), "");
  EXPECT_EQ(world_.package("web").problems_size(), 0);
}

TEST_F(PackageHealth, SyncAsksNotForHealth) {
  Say("a", HealthWord::kDegraded);
  EXPECT_EQ(world_.package("web").sync(), pb::SYNC_STATUS_SYNCED);
}

TEST_F(PackageHealth, WhatDoesNotGetThereInTimeIsDegraded) {
  Say("a", HealthWord::kProgressing, "0 of 1 replicas are ready");
  world_.Pass(absl::Minutes(3));
  EXPECT_EQ(health(), pb::HEALTH_STATUS_PROGRESSING);
  world_.Pass(absl::Minutes(4));
  EXPECT_EQ(health(), pb::HEALTH_STATUS_DEGRADED);
  EXPECT_EQ(world_.problem("a").message(), "not ready within 5m: 0 of 1 replicas are ready");
  EXPECT_EQ(world_.problem("a").health(), pb::HEALTH_STATUS_DEGRADED);
  Say("a", HealthWord::kHealthy);
  EXPECT_EQ(health(), pb::HEALTH_STATUS_HEALTHY);
}

// The time counts from when the trouble was seen, not from a condition of last year.
TEST_F(PackageHealth, AnOldTimeOfTheObjectDoesNotMakeItLate) {
  world_.driver.SetHealth(TestKey("a"), {.word = HealthWord::kProgressing,
                                         .message = "2 of 3 replicas are ready",
                                         .since = absl::UnixEpoch() + absl::Hours(1)});
  world_.Pass(absl::Minutes(2));
  EXPECT_EQ(health(), pb::HEALTH_STATUS_PROGRESSING);
  EXPECT_EQ(world_.problem("a").since_ms(), 3'600'000);
}

TEST_F(PackageHealth, IsForgottenWithTheObject) {
  Say("a", HealthWord::kDegraded);
  world_.Push({world_.hub.Package("web", {TestObject("b", "1")})});
  world_.Pass(absl::Minutes(2));
  EXPECT_EQ(health(), pb::HEALTH_STATUS_HEALTHY);
  EXPECT_EQ(world_.driver.size(), 1u);
}

TEST_F(PackageHealth, DependentsWaitForHealthAndNotForWhatIsSuspendedOnPurpose) {
  const auto push = [&] {
    pb::DesiredPackage late = world_.hub.Package("late", {TestObject("z", "1")});
    late.add_depends_on("web");
    world_.Push({late, world_.hub.Package("web", {TestObject("a", "1"), TestObject("b", "1")})});
  };
  Say("a", HealthWord::kProgressing);
  push();
  EXPECT_EQ(world_.driver.size(), 2u);
  EXPECT_EQ(world_.Condition(world_.package("late").conditions(), "Waiting"),
            "True DependencyNotReady");
  Say("a", HealthWord::kSuspended);
  EXPECT_EQ(world_.driver.size(), 3u);
}

// Counting replicas does not cost the hub a report for each.
TEST_F(PackageHealth, DetailsOfProgressAreReportedSlowly) {
  Say("a", HealthWord::kProgressing, "0 of 100");
  world_.sends.clear();
  for (int i = 1; i <= 20; ++i) {
    world_.driver.SetHealth(
        TestKey("a"), {.word = HealthWord::kProgressing, .message = absl::StrCat(i, " of 100")});
    world_.Post(ClusterChanged());
    world_.Pass(absl::Seconds(1));
  }
  int reports = 0;
  for (const HubSend& send : world_.sends) reports += std::holds_alternative<v1::Report>(send);
  EXPECT_GE(reports, 2);
  EXPECT_LE(reports, 5);
}

// ---------------------------------------------------------------- what a package asks for

TEST(Tenancy, EveryRequestIsMadeAsThePackagesServiceAccount) {
  AgentWorld world;
  world.Connect();
  pb::DesiredPackage web = world.hub.Package("web", {TestObject("a", "1"), TestObject("b", "1")});
  web.set_service_account("web/deployer");
  world.Push({web, world.hub.Package("z", {TestObject("z", "1")})});
  EXPECT_EQ(world.driver.WrittenAs(TestKey("a")), "web/deployer");
  EXPECT_EQ(world.driver.WrittenAs(TestKey("z")), "");
  pb::DesiredPackage smaller = world.hub.Package("web", {TestObject("a", "1")});
  smaller.set_service_account("web/other");
  world.Push({smaller, world.hub.Package("z", {TestObject("z", "1")})});
  EXPECT_EQ(world.driver.WrittenAs(TestKey("b")), "web/other");  // removed as it
  // Gone from the desired state, and the agent restarted: its last word still counts.
  const pb::DesiredState last =
      world.hub.State({world.hub.Package("z", {TestObject("z", "1")})}, world.now);
  world.Post(Pushed{world.hub.Sign(last)});
  world.Crash();
  world.Connect();
  world.Post(Pushed{world.hub.Sign(last)});
  world.Settle();
  EXPECT_EQ(world.driver.WrittenAs(TestKey("a")), "web/other");
  EXPECT_EQ(world.driver.size(), 1u);
}

TEST(Terms, RulesThatCannotBeReadAreSaidAndNothingElseStops) {
  AgentWorld world;
  world.Connect();
  pb::DesiredPackage web = world.hub.Package("web", {TestObject("a", "1")});
  web.add_health_rules()->set_healthy("status = 1");
  world.Push({web});
  EXPECT_EQ(world.driver.size(), 1u);
  EXPECT_EQ(world.package("web").health(), pb::HEALTH_STATUS_DEGRADED);
}

Object Annotated(absl::string_view name, absl::string_view annotation, absl::string_view value,
                 absl::string_view data = "1") {
  Object object = TestObject(name, data);
  object.value.Set("/metadata/annotations", Value::Map{});
  object.value.Get("metadata")
      ->Get("annotations")
      ->map()
      .Set(std::string(annotation), Value(value));
  return object;
}

TEST(Adoption, FollowsThePackageAndTheObjectsOwnWord) {
  AgentWorld world;
  world.Connect();
  for (const char* name : {"a", "b", "c"}) {
    world.driver.Change(TestKey(name), CanonicalJson(TestObject(name, "theirs").value), "helm");
  }
  pb::DesiredPackage web = world.hub.Package(
      "web",
      {TestObject("a", "1"), Annotated("b", kAdoptAnnotation, "never"), TestObject("c", "1")});
  web.mutable_sync()->set_adopt(pb::ADOPT_MODE_ALWAYS);
  web.mutable_sync()->set_drift(pb::DRIFT_MODE_CORRECT);
  world.Push({web});
  const auto objects = world.driver.Objects();
  EXPECT_EQ(objects.at(TestKey("a")), CanonicalJson(TestObject("a", "1").value));
  EXPECT_EQ(objects.at(TestKey("b")), CanonicalJson(TestObject("b", "theirs").value));
  EXPECT_EQ(world.package("web").failed(), 1u);
  EXPECT_NE(world.problem("b").message().find("sync.adopt"), std::string::npos);
  // What was never ours is not removed either.
  world.Push({world.hub.Package("web", {TestObject("a", "1"), TestObject("c", "1")})});
  EXPECT_EQ(world.driver.size(), 3u);
}

TEST(Conflicts, AreReportedWithTheirOwnerUnlessForced) {
  AgentWorld world;
  world.Connect();
  world.Push({world.hub.Package("web", {TestObject("a", "1")})});
  world.driver.SetConflicts(TestKey("a"), {{.manager = "hpa", .pointer = "/spec/replicas"}});
  world.Push({world.hub.Package("web", {TestObject("a", "2")})});
  const pb::ObjectProblem problem = world.problem("a");
  EXPECT_EQ(problem.what(), pb::ObjectProblem::WHAT_FAILED);
  ASSERT_EQ(problem.conflicts_size(), 1);
  EXPECT_EQ(problem.conflicts(0).manager(), "hpa");
  EXPECT_EQ(problem.conflicts(0).pointer(), "/spec/replicas");
  EXPECT_NE(problem.message().find("muster.dev/force"), std::string::npos);
  const Object forced = Annotated("a", kForceAnnotation, "true", "2");
  world.Push({world.hub.Package("web", {forced})});
  EXPECT_EQ(world.driver.Objects().at(TestKey("a")), CanonicalJson(forced.value));
  EXPECT_EQ(world.observed().sync(), pb::SYNC_STATUS_SYNCED);
}

TEST(Immutable, IsReportedAndReplacedOnlyWhereTheObjectSaysSo) {
  AgentWorld world;
  world.Connect();
  world.Push({world.hub.Package("web", {TestObject("a", "1")})});
  world.driver.SetImmutable(TestKey("a"));
  world.Push({world.hub.Package("web", {TestObject("a", "2")})});
  EXPECT_NE(world.problem("a").message().find("muster.dev/replace"), std::string::npos);
  const Object replaced = Annotated("a", kReplaceAnnotation, "true", "2");
  world.Push({world.hub.Package("web", {replaced})});
  EXPECT_EQ(world.driver.Objects().at(TestKey("a")), CanonicalJson(replaced.value));
  // And is ours under its new uid.
  world.Push({world.hub.Package("web", {TestObject("b", "1")})});
  world.Pass(absl::Minutes(2));
  EXPECT_EQ(world.driver.size(), 1u);
}

TEST(Immutable, AProtectedKindIsNeverReplaced) {
  AgentWorld world;
  world.Connect();
  Object claim = TestObject("a", "1", "PersistentVolumeClaim");
  world.Push({world.hub.Package("web", {claim})});
  world.driver.SetImmutable(claim.key);
  claim.value.Set("/data/value", Value("2"));
  claim.value.Set("/metadata/annotations",
                  Value::Map{{std::string(kReplaceAnnotation), Value("true")}});
  world.Push({world.hub.Package("web", {claim})});
  EXPECT_EQ(world.package("web").failed(), 1u);
}

TEST(Keep, AnObjectThatAsksForItStaysWhenItLeavesGit) {
  AgentWorld world;
  world.Connect();
  const Object rest = TestObject("rest", "1");
  world.Push({world.hub.Package("web", {rest, Annotated("a", kPruneAnnotation, "never")})});
  world.Push({world.hub.Package("web", {rest})});
  world.Pass(absl::Minutes(5));
  EXPECT_EQ(world.driver.size(), 2u);
  EXPECT_EQ(world.observed().sync(), pb::SYNC_STATUS_SYNCED);
  EXPECT_EQ(world.observed().unmanaged(), 1u);
  EXPECT_EQ(world.problem("a").what(), pb::ObjectProblem::WHAT_UNMANAGED);
}

TEST(Keep, AnAnnotationInTheClusterHoldsTheRemovalWhileItIsThere) {
  AgentWorld world;
  world.Connect();
  const Object rest = TestObject("rest", "1");
  world.Push({world.hub.Package("web", {rest, TestObject("a", "1")})});
  world.driver.SetKept(TestKey("a"), true);
  world.Pass(absl::Minutes(2));
  world.Push({world.hub.Package("web", {rest})});
  world.Pass(absl::Minutes(2));
  EXPECT_EQ(world.driver.size(), 2u);
  EXPECT_EQ(world.problem("a").what(), pb::ObjectProblem::WHAT_HELD);
  EXPECT_NE(world.problem("a").message().find("muster.dev/prune"), std::string::npos);
  world.driver.SetKept(TestKey("a"), false);
  world.Pass(absl::Minutes(10));
  EXPECT_EQ(world.driver.size(), 1u);
}

// ---------------------------------------------------------------- strangers

TEST(Unmanaged, StrangersInManagedNamespacesAreCountedAndNamed) {
  AgentWorld world;
  world.Connect();
  world.driver.Change(TestKey("stranger"), "{}", "kubectl");
  world.driver.Change(TestKey("elsewhere", "ConfigMap", "other"), "{}", "kubectl");
  world.driver.Change(TestKey("kube-root-ca.crt"), "{}", "");
  world.driver.Change(TestKey("default", "ServiceAccount"), "{}", "");
  world.Push({world.hub.Package("web", {TestObject("a", "1")})});
  world.Pass(absl::Minutes(11));
  EXPECT_EQ(world.observed().unmanaged(), 1u);
  ASSERT_EQ(world.observed().unmanaged_objects_size(), 1);
  EXPECT_EQ(world.observed().unmanaged_objects(0).name(), "stranger");
  EXPECT_EQ(world.observed().sync(), pb::SYNC_STATUS_SYNCED);
  world.driver.Delete(TestKey("stranger"));
  world.Pass(absl::Minutes(12));
  EXPECT_EQ(world.observed().unmanaged(), 0u);
}

// ---------------------------------------------------------------- drift in detail

TEST(DriftDetail, SaysBothValuesWhoAndWhen) {
  AgentWorld world;
  world.Connect();
  pb::DesiredPackage web = world.hub.Package("web", {TestObject("a", "1")});
  web.mutable_sync()->set_drift(pb::DRIFT_MODE_REPORT);
  world.Push({web});
  world.driver.SetTime(world.now + absl::Minutes(1));
  world.driver.Change(TestKey("a"), CanonicalJson(TestObject("a", "9").value), "kubectl-edit");
  world.Pass(absl::Minutes(2));
  const pb::ObjectProblem problem = world.problem("a");
  EXPECT_EQ(problem.what(), pb::ObjectProblem::WHAT_DRIFTED);
  ASSERT_EQ(problem.differences_size(), 1);
  EXPECT_EQ(problem.differences(0).pointer(), "/data/value");
  EXPECT_EQ(problem.differences(0).live(), "\"9\"");
  EXPECT_EQ(problem.differences(0).desired(), "\"1\"");
  EXPECT_EQ(problem.changed_by(), "kubectl-edit");
  EXPECT_GT(problem.changed_ms(), 0);
  EXPECT_FALSE(problem.recurring());
  // What was compared once is not compared again and again.
  const int64_t compared = world.driver.calls().dry_runs;
  world.Pass(absl::Minutes(10));
  EXPECT_EQ(world.driver.calls().dry_runs, compared);
}

// A report is one message, however much is wrong.
TEST(DriftDetail, VeryManyProblemsStillFitIntoAReport) {
  AgentWorld world;
  world.Connect();
  std::vector<pb::DesiredPackage> packages;
  const std::string prefix(90, 'n');
  for (int p = 10; p < 22; ++p) {
    std::vector<Object> objects;
    for (int i = 0; i < 100; ++i) {
      Object object = TestObject(absl::StrCat(prefix, p, "-", i), "1");
      for (int field = 0; field < 20; ++field) {
        object.value.Set(absl::StrCat("/data/", std::string(100, 'f'), field),
                         Value(std::string(200, 'v')));
      }
      objects.push_back(std::move(object));
    }
    packages.push_back(world.hub.Package(absl::StrCat("p", p), std::move(objects)));
    packages.back().mutable_sync()->set_drift(pb::DRIFT_MODE_REPORT);
  }
  world.Push(packages);
  for (const auto& [key, json] : world.driver.Objects()) {
    world.driver.Change(key, R"({"data":{}})", std::string(300, 'b'));
  }
  world.Pass(absl::Minutes(2));
  EXPECT_EQ(world.package("p10").drifted(), 100u);
  EXPECT_LT(world.observed().ByteSizeLong(), limits::kMessageBytesMax - 64 * 1024);
  EXPECT_GT(world.problem(absl::StrCat(prefix, 10, "-0")).differences_size(), 0);
}

TEST(DriftDetail, AFightIsFoughtMoreAndMoreRarely) {
  AgentWorld world;
  world.Connect();
  world.Push({world.hub.Package("web", {TestObject("a", "1")})});
  const auto fight = [&](int minutes) {
    const int64_t before = world.driver.calls().applied;
    for (int i = 0; i < minutes * 6; ++i) {
      world.driver.Change(TestKey("a"), CanonicalJson(TestObject("a", absl::StrCat(i)).value),
                          "other-controller");
      world.Post(ClusterChanged());
      world.Pass(absl::Seconds(10));
    }
    return world.driver.calls().applied - before;
  };
  const int64_t first = fight(60);
  const int64_t second = fight(60);
  EXPECT_LE(first, 12);
  EXPECT_LE(second, 3);
  EXPECT_GE(second, 1);
  EXPECT_TRUE(world.problem("a").recurring());
  EXPECT_EQ(world.Condition(world.package("web").conditions(), "DriftDetected"),
            "True RecurringDrift");
}

}  // namespace
}  // namespace muster::agent
