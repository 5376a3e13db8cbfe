// Drift: seen, said, and put right as far as the package wants it.
#include "agent/core/drift.h"

#include <string>
#include <vector>

#include "agent/agent_world.h"
#include "agent/core/fields.h"
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

// ---------------------------------------------------------------- fields

std::vector<std::string> Different(absl::string_view desired, absl::string_view live,
                                   std::vector<std::string> ignore = {}) {
  return DifferentFields(*ParseJson(desired), *ParseJson(live), ignore);
}

using Pointers = std::vector<std::string>;

TEST(Fields, NamesTheDeepestDifferences) {
  EXPECT_EQ(Different(R"({"a":{"b":1,"c":2}})", R"({"a":{"b":1,"c":3}})"), Pointers{"/a/c"});
  EXPECT_EQ(Different(R"({"a":[1,2]})", R"({"a":[1,3]})"), Pointers{"/a/1"});
  EXPECT_EQ(Different(R"({"a":[1,2]})", R"({"a":[1]})"), Pointers{"/a"});
  EXPECT_EQ(Different(R"({"a":1})", R"({"b":1})"), (Pointers{"/a", "/b"}));
  EXPECT_EQ(Different(R"({"a":1})", R"({"a":"1"})"), Pointers{"/a"});
  EXPECT_EQ(Different(R"({"x/y":{"~":1}})", R"({"x/y":{"~":2}})"), Pointers{"/x~1y/~0"});
  EXPECT_EQ(Different(R"([1])", R"({})"), Pointers{""});
  EXPECT_EQ(Different(R"({"a":1000})", R"({"a":1e3})"), Pointers{});
}

TEST(Fields, LeavesOutWhatIsIgnoredAndWhatStandsBelow) {
  EXPECT_EQ(Different(R"({"a":{"b":1},"c":1})", R"({"a":{"b":2},"c":2})", {"/a"}), Pointers{"/c"});
  EXPECT_EQ(Different(R"({"ab":1})", R"({"ab":2})", {"/a"}), Pointers{"/ab"});
  EXPECT_EQ(Different(R"({})", R"({"m":{"n":1}})", {"/m/n"}), Pointers{});
  EXPECT_EQ(Different(R"({})", R"({"m":{"n":1,"o":1}})", {"/m/n"}), Pointers{"/m"});
  EXPECT_EQ(Different(R"({})", R"({"m":{}})"), Pointers{"/m"});
}

TEST(Fields, StopsAtTheLimit) {
  std::string live = "{";
  for (int i = 0; i < 100; ++i) absl::StrAppend(&live, i == 0 ? "" : ",", "\"", i, "\":1");
  EXPECT_EQ(Different("{}", live + "}").size(), 20u);
}

TEST(Fields, KeepsWhatIsLeftToOthers) {
  const Value kept = KeepFields(*ParseJson(R"({"spec":{"replicas":2,"x":1}})"),
                                *ParseJson(R"({"spec":{"replicas":7,"x":9}})"),
                                Pointers{"/spec/replicas", "/no/such", "", "bad"});
  EXPECT_EQ(CanonicalJson(kept), R"({"spec":{"replicas":7,"x":1}})");
}

}  // namespace
}  // namespace muster::agent
