// Drift: seen, said, and put right as far as the package wants it.
#include "agent/core/drift.h"

#include <string>
#include <vector>

#include "agent/agent_world.h"
#include "common/manifest/json.h"
#include "gtest/gtest.h"

namespace muster::agent {
namespace {

namespace pb = muster::v1;

class Drift : public testing::Test {
 protected:
  Drift() { world_.Connect(); }

  void Start(pb::DriftMode mode, std::vector<std::string> ignore = {}) {
    package_ = world_.hub.Package("web", {TestObject("a", "1"), TestObject("b", "1")});
    package_.mutable_sync()->set_drift(mode);
    if (!ignore.empty()) {
      pb::IgnoreRule& rule = *package_.mutable_sync()->add_ignore();
      rule.set_kind("ConfigMap");
      for (const std::string& path : ignore) rule.add_paths(path);
    }
    world_.Push({package_});
  }

  // Somebody sets a value in object a.
  void Edit(absl::string_view pointer, absl::string_view value) {
    Object object = TestObject("a", "1");
    CHECK(object.value.Set(pointer, Value(value)));
    world_.now += absl::Seconds(1);
    world_.driver.Change(TestKey("a"), CanonicalJson(object.value), "bob");
    world_.Post(ClusterChanged());
    world_.Settle();
  }

  std::string Live() { return world_.driver.Objects().at(TestKey("a")); }
  static std::string Wanted() { return CanonicalJson(TestObject("a", "1").value); }
  const pb::ObservedPackage& web() { return world_.package("web"); }
  std::string Detected() { return world_.Condition(web().conditions(), "DriftDetected"); }

  AgentWorld world_;
  pb::DesiredPackage package_;
};

TEST_F(Drift, IsCorrectedAtOnceAndRemembered) {
  Start(pb::DRIFT_MODE_CORRECT);
  Edit("/data/value", "by hand");
  EXPECT_EQ(Live(), Wanted());
  EXPECT_EQ(web().drift_healed(), 1u);
  EXPECT_EQ(web().drifted(), 0u);
  EXPECT_EQ(Detected(), "False Healed");
  EXPECT_NE(web().conditions(0).message().find("ConfigMap web/a was changed by bob at /data/value"),
            std::string::npos)
      << web().conditions(0).message();
}

TEST_F(Drift, TheCountOfHealingsSurvivesARestart) {
  Start(pb::DRIFT_MODE_CORRECT);
  Edit("/data/value", "by hand");
  world_.Crash();
  world_.Settle();
  EXPECT_EQ(web().drift_healed(), 1u);
}

TEST_F(Drift, ADeletedObjectComesBack) {
  Start(pb::DRIFT_MODE_CORRECT);
  world_.driver.Delete(TestKey("a"));
  world_.Pass(absl::Minutes(2));
  EXPECT_EQ(Live(), Wanted());
  EXPECT_EQ(web().drift_healed(), 1u);
}

TEST_F(Drift, IsOnlyReportedWhenThePackageSaysSo) {
  Start(pb::DRIFT_MODE_REPORT);
  Edit("/data/value", "by hand");
  world_.driver.Delete(TestKey("b"));
  world_.Pass(absl::Minutes(5));
  EXPECT_NE(Live(), Wanted());
  EXPECT_EQ(web().drifted(), 2u);
  EXPECT_EQ(web().sync(), pb::SYNC_STATUS_OUT_OF_SYNC);
  EXPECT_EQ(Detected(), "True Drifted");
  ASSERT_EQ(web().problems_size(), 2);
  EXPECT_EQ(web().problems(0).what(), pb::ObjectProblem::WHAT_MISSING);
  EXPECT_EQ(web().problems(1).what(), pb::ObjectProblem::WHAT_DRIFTED);
  EXPECT_EQ(web().problems(1).fields(0), "/data/value");
  EXPECT_EQ(web().problems(1).changed_by(), "bob");
  EXPECT_GT(web().problems(1).since_ms(), 0);
  // Put back by hand, it is over.
  world_.driver.Change(TestKey("a"), Wanted(), "bob");
  world_.driver.Change(TestKey("b"), CanonicalJson(TestObject("b", "1").value), "bob");
  world_.Pass(absl::Minutes(2));
  EXPECT_EQ(web().sync(), pb::SYNC_STATUS_SYNCED);
}

TEST_F(Drift, ANewBundleIsAppliedThoughDriftIsOnlyReported) {
  Start(pb::DRIFT_MODE_REPORT);
  Edit("/data/value", "by hand");
  pb::DesiredPackage next = world_.hub.Package("web", {TestObject("a", "2"), TestObject("b", "1")});
  next.mutable_sync()->set_drift(pb::DRIFT_MODE_REPORT);
  world_.Push({next});
  EXPECT_EQ(Live(), CanonicalJson(TestObject("a", "2").value));
  EXPECT_EQ(web().sync(), pb::SYNC_STATUS_SYNCED);
}

TEST_F(Drift, IsNotEvenLookedForWhenThePackageSaysSo) {
  Start(pb::DRIFT_MODE_IGNORE);
  const int64_t lists = world_.driver.calls().list;
  Edit("/data/value", "by hand");
  world_.Pass(absl::Minutes(10));
  EXPECT_EQ(world_.driver.calls().list, lists);
  EXPECT_NE(Live(), Wanted());
  EXPECT_EQ(web().sync(), pb::SYNC_STATUS_SYNCED);
}

TEST_F(Drift, AnIgnoredFieldIsNoDriftAndIsKeptWhenTheRestIsPutRight) {
  Start(pb::DRIFT_MODE_CORRECT, {"/spec/replicas"});
  Edit("/spec/replicas", "7");
  EXPECT_EQ(web().sync(), pb::SYNC_STATUS_SYNCED);
  EXPECT_EQ(web().drift_healed(), 0u);
  EXPECT_NE(Live().find("\"replicas\":\"7\""), std::string::npos);
  // Now the ignored one and another one.
  Object object = TestObject("a", "by hand");
  object.value.Set("/spec/replicas", Value("9"));
  world_.driver.Change(TestKey("a"), CanonicalJson(object.value), "bob");
  world_.Pass(absl::Minutes(2));
  EXPECT_EQ(web().drift_healed(), 1u);
  EXPECT_NE(Live().find("\"replicas\":\"9\""), std::string::npos);
  EXPECT_NE(Live().find("\"value\":\"1\""), std::string::npos);
  const int64_t applied = world_.driver.calls().applied;
  world_.Pass(absl::Minutes(10));
  EXPECT_EQ(world_.driver.calls().applied, applied);
}

TEST_F(Drift, AFightIsSaidAndFoughtSlowly) {
  Start(pb::DRIFT_MODE_CORRECT);
  for (int i = 0; i < 3; ++i) Edit("/data/value", absl::StrCat("round ", i));
  EXPECT_EQ(Detected(), "True RecurringDrift");
  EXPECT_EQ(Live(), Wanted());
  const int64_t applied = world_.driver.calls().applied;
  for (int i = 0; i < 10; ++i) Edit("/data/value", absl::StrCat("again ", i));
  EXPECT_EQ(world_.driver.calls().applied, applied);
  world_.Pass(absl::Minutes(2));
  EXPECT_EQ(Live(), Wanted());
  world_.Pass(absl::Hours(2));
  world_.driver.Delete(TestKey("b"));  // anything that makes a new report
  world_.Pass(absl::Minutes(2));
  EXPECT_EQ(Detected(), "False Healed");
}

TEST_F(Drift, AnotherObjectUnderTheSameNameIsAdoptedWhenItIsEqual) {
  Start(pb::DRIFT_MODE_CORRECT);
  world_.driver.Delete(TestKey("a"));
  world_.driver.Change(TestKey("a"), Wanted(), "restore");
  world_.Pass(absl::Minutes(2));
  EXPECT_EQ(web().drift_healed(), 0u);
  world_.Push({world_.hub.Package("web", {TestObject("b", "1")})});
  EXPECT_EQ(world_.driver.size(), 1u);  // and is ours to remove
}

// A driver watches what it was asked for last: what is new must not wait for the next resync.
TEST_F(Drift, WhatIsNewIsLookedAtSoonAfterItWasWrittenAndNothingElseIs) {
  Start(pb::DRIFT_MODE_CORRECT);
  world_.Pass(absl::Seconds(5));
  int64_t lists = world_.driver.calls().list;
  world_.Push({world_.hub.Package("web", {TestObject("a", "2"), TestObject("b", "1")})});
  world_.Pass(absl::Seconds(2));
  EXPECT_EQ(world_.driver.calls().list, lists);  // it is watched already
  world_.Push({world_.hub.Package("new", {TestObject("d", "1", "ConfigMap", "elsewhere")}),
               world_.hub.Package("web", {TestObject("a", "2"), TestObject("b", "1")})});
  world_.Pass(absl::Seconds(2));
  EXPECT_GT(world_.driver.calls().list, lists);
  lists = world_.driver.calls().list;
  world_.driver.Delete(TestKey("d", "ConfigMap", "elsewhere"));
  world_.Post(ClusterChanged{});
  world_.Pass(absl::Seconds(1));
  EXPECT_EQ(world_.driver.size(), 3u);
}

}  // namespace
}  // namespace muster::agent
