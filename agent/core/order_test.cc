// What waits for what: waves, definitions, namespaces; and that nothing else waits.
#include "agent/core/order.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "agent/agent_world.h"
#include "common/manifest/annotations.h"

namespace muster::agent {
namespace {

namespace pb = muster::v1;

Object Custom(absl::string_view api_version, absl::string_view kind, absl::string_view name,
              absl::string_view ns, Value::Map annotations = {}) {
  Value::Map metadata{{"name", Value(name)}};
  if (!ns.empty()) metadata.Set("namespace", Value(ns));
  if (!annotations.empty()) metadata.Set("annotations", Value(std::move(annotations)));
  absl::StatusOr<Object> object = MakeObject(Value::Map{{"apiVersion", Value(api_version)},
                                                        {"kind", Value(kind)},
                                                        {"metadata", Value(std::move(metadata))}});
  CHECK_OK(object);
  return *std::move(object);
}

Object Waved(absl::string_view name, absl::string_view wave) {
  return Custom("v1", "ConfigMap", name, "web",
                Value::Map{{std::string(kWaveAnnotation), Value(wave)}});
}

const ObjectHealth kBusy{.word = HealthWord::kProgressing, .message = "0 of 1 runs are complete"};

class Waves : public testing::Test {
 protected:
  Waves() { world_.Connect(); }
  bool Has(absl::string_view name) { return world_.driver.Objects().contains(TestKey(name)); }
  std::string Waiting() {
    for (const pb::Condition& condition : world_.package("web").conditions()) {
      if (condition.type() == "Waiting") return condition.message();
    }
    return "";
  }
  // Pushes the package, in which `name` takes its time.
  void PushWithBusy(std::vector<Object> objects, absl::string_view name) {
    world_.driver.SetHealthWhenMade(TestKey(name), kBusy);
    pb::DesiredPackage package = world_.hub.Package("web", std::move(objects));
    package.set_health_timeout_ms(absl::ToInt64Milliseconds(absl::Minutes(5)));
    world_.Push({package});
    world_.Pass(absl::Seconds(2));
  }
  AgentWorld world_;
};

TEST_F(Waves, HealthyOnesFollowOneAnotherAtOnce) {
  world_.Push({world_.hub.Package("web", {Waved("c", "2"), Waved("a", "-1"), Waved("b", "0")})});
  EXPECT_EQ(world_.driver.size(), 3u);
  EXPECT_EQ(world_.observed().sync(), pb::SYNC_STATUS_SYNCED);
}

TEST_F(Waves, ALaterOneWaitsUntilTheEarlierIsHealthy) {
  PushWithBusy({Waved("first", "-1"), Waved("beside", "-1"), Waved("later", "1")}, "first");
  EXPECT_TRUE(Has("beside"));
  EXPECT_FALSE(Has("later"));
  EXPECT_EQ(world_.observed().health(), pb::HEALTH_STATUS_PROGRESSING);
  EXPECT_EQ(Waiting(), "the waves after -1 wait for ConfigMap web/first: 0 of 1 runs are complete");
  world_.driver.SetHealth(TestKey("first"), ObjectHealth());
  world_.Post(ClusterChanged());
  world_.Pass(absl::Seconds(2));
  EXPECT_TRUE(Has("later"));
  EXPECT_EQ(Waiting(), "");
  EXPECT_EQ(world_.observed().health(), pb::HEALTH_STATUS_HEALTHY);
}

// One bad object never blocks the rest for ever.
TEST_F(Waves, ALaterOneGoesOnWithoutAfterTheHealthTimeout) {
  PushWithBusy({Waved("first", "-1"), Waved("later", "1")}, "first");
  world_.Pass(absl::Minutes(4));
  EXPECT_FALSE(Has("later"));
  world_.Pass(absl::Minutes(2));
  EXPECT_TRUE(Has("later"));
  EXPECT_EQ(world_.observed().health(), pb::HEALTH_STATUS_DEGRADED);
}

TEST_F(Waves, ARefusedObjectHoldsUpLaterWavesAndNothingBesideIt) {
  world_.driver.FailObject(TestKey("bad"), absl::InvalidArgumentError("no such field"));
  world_.Push({world_.hub.Package("web", {Waved("bad", "0"), Waved("a", "0"), Waved("z", "1")})});
  EXPECT_TRUE(Has("a"));
  EXPECT_FALSE(Has("z"));
  EXPECT_EQ(Waiting(), "the waves after 0 wait for ConfigMap web/bad, which failed");
  world_.driver.FailObject(TestKey("bad"), absl::OkStatus());
  world_.Pass(absl::Minutes(1));
  EXPECT_TRUE(Has("z"));
}

// Drift is not new: it is put right whatever its wave waits for.
TEST_F(Waves, DriftOfALaterWaveIsPutRightAtOnce) {
  world_.Push({world_.hub.Package("web", {Waved("first", "0"), Waved("later", "1")})});
  world_.driver.SetHealth(TestKey("first"), kBusy);
  world_.driver.Delete(TestKey("later"));
  world_.Post(ClusterChanged());
  world_.Pass(absl::Seconds(2));
  EXPECT_TRUE(Has("later"));
}

// ---------------------------------------------------------------- definitions

class Definitions : public testing::Test {
 protected:
  Definitions() { world_.Connect(); }
  const Object definition_ =
      Custom("apiextensions.k8s.io/v1", "CustomResourceDefinition", "widgets.example.com", "");
  const Object widget_ = Custom("example.com/v1", "Widget", "w", "web");
  bool Has(const Object& object) { return world_.driver.Objects().contains(object.key); }
  AgentWorld world_;
};

TEST_F(Definitions, AreEstablishedBeforeTheirObjectsAndOthersDoNotWait) {
  const Object other = TestObject("other", "1");
  world_.driver.SetUnknownKind("Widget", true);
  world_.Post(Pushed{world_.hub.Sign(
      world_.hub.State({world_.hub.Package("web", {definition_, widget_, other})}, world_.now))});
  while (!Has(definition_)) ASSERT_TRUE(world_.Step());
  world_.driver.SetHealth(definition_.key, {.word = HealthWord::kProgressing});
  world_.Post(ClusterChanged());
  world_.Settle();
  EXPECT_TRUE(Has(other));
  EXPECT_FALSE(Has(widget_));

  world_.driver.SetUnknownKind("Widget", false);
  world_.driver.SetHealth(definition_.key, ObjectHealth());
  world_.Post(ClusterChanged());
  world_.Pass(absl::Seconds(10));
  EXPECT_TRUE(Has(widget_));
  EXPECT_EQ(world_.observed().health(), pb::HEALTH_STATUS_HEALTHY);
}

TEST_F(Definitions, ThatComeFromElsewhereAreWaitedForByTrying) {
  world_.driver.SetUnknownKind("Widget", true);
  world_.Push({world_.hub.Package("web", {widget_, TestObject("a", "1")})});
  EXPECT_EQ(world_.driver.size(), 1u);
  EXPECT_EQ(world_.problem("w").what(), pb::ObjectProblem::WHAT_FAILED);
  EXPECT_NE(world_.problem("w").message().find("does not know kind Widget"), std::string::npos);
  world_.driver.SetUnknownKind("Widget", false);
  world_.Pass(absl::Minutes(6));
  EXPECT_TRUE(Has(widget_));
}

// Another package brings the definition: its objects are tried again as soon as it is established.
TEST_F(Definitions, OfAnotherPackageEndTheWaitAtOnce) {
  world_.driver.SetUnknownKind("Widget", true);
  world_.Push({world_.hub.Package("web", {widget_})});
  world_.Pass(absl::Hours(1));  // the pauses between tries have grown
  world_.driver.SetUnknownKind("Widget", false);
  world_.Push(
      {world_.hub.Package("operators", {definition_}), world_.hub.Package("web", {widget_})});
  world_.Pass(absl::Seconds(1));
  EXPECT_TRUE(Has(widget_));
}

// ---------------------------------------------------------------- namespaces

TEST(NamespaceOrder, NothingIsWrittenIntoOneThatGoes) {
  AgentWorld world;
  world.Connect();
  const Object ns = TestObject("web", "1", "Namespace", "");
  world.Push({world.hub.Package("web", {ns})});
  world.driver.SetFinalizer(ns.key);
  ASSERT_TRUE(world.driver.Remove({{ns.key, "uid-1"}})[0].status.ok());  // somebody deletes it
  world.Post(ClusterChanged());
  world.Pass(absl::Seconds(1));
  world.Push({world.hub.Package(
      "web", {ns, TestObject("a", "1"), TestObject("b", "1", "ConfigMap", "other")})});
  EXPECT_FALSE(world.driver.Objects().contains(TestKey("a")));
  EXPECT_TRUE(world.driver.Objects().contains(TestKey("b", "ConfigMap", "other")));
  world.driver.FinishRemoval(ns.key);
  world.Post(ClusterChanged());
  world.Pass(absl::Minutes(2));
  EXPECT_TRUE(world.driver.Objects().contains(ns.key));
  EXPECT_TRUE(world.driver.Objects().contains(TestKey("a")));
}

// ---------------------------------------------------------------- removal

// What others needed goes after them.
TEST(RemovalOrder, APackageGoesAfterThoseThatDependOnIt) {
  AgentWorld world;
  world.Connect();
  const auto packages = [&] {
    pb::DesiredPackage web = world.hub.Package("web", {TestObject("w", "1")});
    web.add_depends_on("base");
    return std::vector<pb::DesiredPackage>{world.hub.Package("base", {TestObject("b", "1")}), web,
                                           world.hub.Package("x", {TestObject("x", "1")})};
  };
  world.Push(packages());
  world.driver.SetFinalizer(TestKey("w"));
  world.Push({world.hub.Package("x", {TestObject("x", "1")})});
  world.Pass(absl::Minutes(10));
  EXPECT_TRUE(world.driver.Objects().contains(TestKey("b")));
  EXPECT_EQ(world.problem("w").what(), pb::ObjectProblem::WHAT_UNHEALTHY);
  world.driver.FinishRemoval(TestKey("w"));
  world.Pass(absl::Minutes(10));
  EXPECT_EQ(world.driver.size(), 1u);
  EXPECT_EQ(world.observed().packages_size(), 1);
}

}  // namespace
}  // namespace muster::agent
