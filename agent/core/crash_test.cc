// Crashes: whatever was going on, an agent that is killed between any two steps, within a job too,
// comes to the same cluster and the same inventory as one that is not.
#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "agent/agent_world.h"
#include "common/manifest/annotations.h"
#include "gtest/gtest.h"
#include "proto/storage.pb.h"

namespace muster::agent {
namespace {

namespace pb = muster::v1;

// A story of three pushes: objects come, change, go, and move from one package to another.
std::vector<pb::DesiredState> Story(AgentWorld& world) {
  const auto a = [&](absl::string_view n, absl::string_view v) { return TestObject(n, v); };
  pb::DesiredPackage base1 = world.hub.Package("base", {a("b1", "1"), a("b2", "1"), a("m", "1")});
  pb::DesiredPackage web1 = world.hub.Package("web", {a("w1", "1"), a("w2", "1"), a("w3", "1")});
  web1.add_depends_on("base");
  web1.set_namespace_("web");
  pb::DesiredPackage base2 = world.hub.Package("base", {a("b1", "2"), a("b2", "1")});
  pb::DesiredPackage web2 = world.hub.Package("web", {a("w1", "2"), a("w4", "1"), a("m", "1")});
  web2.add_depends_on("base");
  web2.set_namespace_("web");
  std::vector<pb::DesiredState> states;
  states.push_back(world.hub.State({base1, web1}, world.now));
  states.push_back(world.hub.State({base2, web2}, world.now));
  states.push_back(world.hub.State({web2}, world.now));
  states.back().mutable_packages(0)->clear_depends_on();
  return states;
}

Object Annotated(Object object, absl::string_view annotation, absl::string_view value) {
  if (object.value.Find("/metadata/annotations") == nullptr) {
    object.value.Set("/metadata/annotations", Value::Map{});
  }
  object.value.Get("metadata")
      ->Get("annotations")
      ->map()
      .Set(std::string(annotation), Value(value));
  return object;
}

Object Of(absl::string_view api_version, absl::string_view kind, absl::string_view name,
          absl::string_view ns, absl::string_view value) {
  Value::Map metadata{{"name", Value(name)}};
  if (!ns.empty()) metadata.Set("namespace", Value(ns));
  absl::StatusOr<Object> object =
      MakeObject(Value::Map{{"apiVersion", Value(api_version)},
                            {"kind", Value(kind)},
                            {"metadata", Value(std::move(metadata))},
                            {"data", Value::Map{{"value", Value(value)}}}});
  CHECK_OK(object);
  return *std::move(object);
}

// Likewise with what Kubernetes adds: a namespace, a definition and its objects, waves, an object
// that is kept, one that is made anew, one that changes its package, and a whole package that goes.
std::vector<pb::DesiredState> KubernetesStory(AgentWorld& world) {
  const Object ns = TestObject("web", "1", "Namespace", "");
  const Object crd =
      Of("apiextensions.k8s.io/v1", "CustomResourceDefinition", "widgets.example.com", "", "1");
  const auto widget = [](absl::string_view value) {
    return Of("example.com/v1", "Widget", "w", "web", value);
  };
  const Object last = Annotated(TestObject("last", "1"), kWaveAnnotation, "2");
  const Object first = Annotated(TestObject("first", "1"), kWaveAnnotation, "-1");
  const Object kept = Annotated(TestObject("kept", "1"), kPruneAnnotation, "never");
  const auto anew = [](absl::string_view value) {
    return Annotated(TestObject("anew", value), kReplaceAnnotation, "true");
  };
  world.driver.SetImmutable(TestKey("anew"));
  pb::DesiredPackage base1 = world.hub.Package("base", {ns, crd, TestObject("m", "1")});
  pb::DesiredPackage web1 =
      world.hub.Package("web", {widget("1"), first, last, kept, anew("1"), TestObject("x", "1")});
  pb::DesiredPackage base2 = world.hub.Package("base", {ns, crd});
  pb::DesiredPackage web2 =
      world.hub.Package("web", {widget("2"), first, last, anew("2"), TestObject("m", "1")});
  for (pb::DesiredPackage* web : {&web1, &web2}) {
    web->add_depends_on("base");
    web->set_service_account("web/deployer");
  }
  std::vector<pb::DesiredState> states;
  states.push_back(world.hub.State({base1, web1}, world.now));
  states.push_back(world.hub.State({base2, web2}, world.now));
  states.push_back(world.hub.State({base2}, world.now));
  return states;
}

// What is left of an agent: its cluster without uids, and its inventory likewise.
struct Ending {
  std::map<ObjectKey, std::string> objects;
  std::map<std::string, std::string> inventory;

  friend bool operator==(const Ending&, const Ending&) = default;
};

Ending EndingOf(const AgentWorld& world) {
  Ending ending{.objects = world.driver.Objects()};
  const auto records = world.store->Scan("inventory/");
  CHECK_OK(records);
  for (const Record& record : *records) {
    pb::InventoryEntry entry;
    CHECK(entry.ParseFromString(record.value));
    CHECK(!entry.uid().empty()) << record.key;
    ending.inventory[record.key] = Digest::FromBytes(entry.entry().digest())->hex();
  }
  return ending;
}

// Plays the story; after `crash_at` steps, kills the agent, and when it stands before an ActJob
// first lets a part of it happen. Returns the number of steps of the whole.
int Play(AgentWorld& world, int crash_at, size_t actions_before_crash,
         std::vector<pb::DesiredState> (*story)(AgentWorld&) = Story) {
  int steps = 0;
  const auto run = [&] {
    while (true) {
      if (steps == crash_at) {
        ++steps;
        Job* job = world.NextJob();
        if (auto* act = job == nullptr ? nullptr : std::get_if<ActJob>(job)) {
          ActJob part = *act;
          if (part.apply.size() > actions_before_crash) part.apply.resize(actions_before_crash);
          if (actions_before_crash < 2) part.remove.clear();
          Perform(part, world.tools());
        }
        world.Crash();
        world.Connect();
        return false;
      }
      if (!world.Step()) return true;
      ++steps;
    }
  };
  world.Connect();
  for (const pb::DesiredState& state : story(world)) {
    world.Post(Pushed{world.hub.Sign(state)});
    if (!run()) {
      // The hub sees the agent's Hello and pushes again. Whatever is to come after this state was
      // applied must find it applied.
      world.Post(Pushed{world.hub.Sign(state)});
      run();
      if (story == KubernetesStory) world.Pass(absl::Minutes(1));
    }
  }
  world.Pass(absl::Minutes(3));
  return steps;
}

TEST(Crash, AtAnyStepComesToTheSameEnd) {
  AgentWorld calm;
  const int steps = Play(calm, -1, 0);
  const Ending expected = EndingOf(calm);
  EXPECT_EQ(calm.observed().sync(), pb::SYNC_STATUS_SYNCED);
  ASSERT_GT(steps, 20);
  for (int crash_at = 0; crash_at < steps; ++crash_at) {
    for (size_t actions = 0; actions < 4; ++actions) {
      AgentWorld world;
      Play(world, crash_at, actions);
      EXPECT_EQ(EndingOf(world), expected) << "crash at step " << crash_at << " after " << actions;
      EXPECT_EQ(world.observed().sync(), pb::SYNC_STATUS_SYNCED) << crash_at;
      EXPECT_EQ(world.observed().generation(), 3u) << crash_at;
    }
  }
}

// P13 on a cluster that keeps objects in a form of its own, with everything that has an order.
TEST(Crash, AtAnyStepOnKubernetesComesToTheSameEnd) {
  AgentWorld calm((AgentWorld::WithNoticeboard()));
  calm.driver.AddDefaults();
  const int steps = Play(calm, -1, 0, KubernetesStory);
  const Ending expected = EndingOf(calm);
  EXPECT_EQ(calm.observed().sync(), pb::SYNC_STATUS_SYNCED);
  // The namespace, the definition and the object that is kept are left.
  EXPECT_EQ(calm.driver.size(), 3u);
  ASSERT_GT(steps, 20);
  for (int crash_at = 0; crash_at < steps; ++crash_at) {
    for (size_t actions = 0; actions < 4; ++actions) {
      AgentWorld world((AgentWorld::WithNoticeboard()));
      world.driver.AddDefaults();
      Play(world, crash_at, actions, KubernetesStory);
      EXPECT_EQ(EndingOf(world), expected) << "crash at step " << crash_at << " after " << actions;
      EXPECT_EQ(world.observed().sync(), pb::SYNC_STATUS_SYNCED) << crash_at;
    }
  }
}

// The agent dies again and again, each time a step later; nobody tells it anything new.
TEST(Crash, OverAndOverComesToTheSameEnd) {
  AgentWorld calm;
  Play(calm, -1, 0);
  AgentWorld world;
  world.Connect();
  for (const pb::DesiredState& state : Story(world)) {
    for (int life = 1; life < 60; ++life) {
      world.Post(Pushed{world.hub.Sign(state)});
      for (int step = 0; step < life && world.Step(); ++step) continue;
      world.Crash();
      world.Connect();
    }
  }
  world.Pass(absl::Minutes(3));
  EXPECT_EQ(EndingOf(world), EndingOf(calm));
}

// Written, but the agent died before it knew; then the wish changed while it was down.
TEST(Crash, KnowsItsOwnWorkAgainWhenTheWishHasChangedMeanwhile) {
  AgentWorld world;
  world.Connect();
  const pb::DesiredState state =
      world.hub.State({world.hub.Package("web", {TestObject("a", "1")})}, world.now);
  world.Post(Pushed{world.hub.Sign(state)});
  while (world.driver.size() == 0) ASSERT_TRUE(world.Step());
  world.Crash();
  world.Connect();
  world.Push({world.hub.Package("web", {TestObject("a", "2")})});
  world.Pass(absl::Seconds(1));
  EXPECT_EQ(world.observed().sync(), pb::SYNC_STATUS_SYNCED);
  EXPECT_EQ(world.package("web").failed(), 0u);
}

// Written, but the agent died before it knew; then the object was no longer wanted.
TEST(Crash, RemovesItsOwnWorkThatIsNotWantedAnyMore) {
  AgentWorld world;
  world.Connect();
  const auto keep = TestObject("keep", "1");
  const pb::DesiredState state =
      world.hub.State({world.hub.Package("web", {keep, TestObject("a", "1")})}, world.now);
  world.Post(Pushed{world.hub.Sign(state)});
  while (world.driver.size() == 0) ASSERT_TRUE(world.Step());
  world.Crash();
  world.Connect();
  world.Push({world.hub.Package("web", {keep})});
  world.Pass(absl::Minutes(1));
  EXPECT_EQ(world.driver.size(), 1u);
}

// Written before the crash, moved to another package before anybody had looked, and then not
// wanted: it is still known to be ours.
TEST(Crash, RemovesItsOwnWorkThatChangedItsPackageMeanwhile) {
  AgentWorld world;
  world.driver.AddDefaults();
  world.Connect();
  const auto keep = TestObject("keep", "1");
  const auto moved = TestObject("moved", "1");
  world.Post(Pushed{
      world.hub.Sign(world.hub.State({world.hub.Package("base", {keep, moved})}, world.now))});
  while (world.driver.size() == 0) ASSERT_TRUE(world.Step());
  world.Crash();
  world.Connect();
  world.Push({world.hub.Package("base", {keep}), world.hub.Package("web", {moved})});
  world.Push({world.hub.Package("base", {keep})});
  world.Pass(absl::Minutes(5));
  EXPECT_EQ(world.driver.size(), 1u);
  EXPECT_EQ(world.observed().sync(), pb::SYNC_STATUS_SYNCED);
}

// An intent that was never carried out gives no right to what somebody else put there since.
TEST(Crash, AnIntentAloneDeletesNothing) {
  AgentWorld world;
  world.Connect();
  const auto keep = TestObject("keep", "1");
  const pb::DesiredState state =
      world.hub.State({world.hub.Package("web", {keep, TestObject("a", "1")})}, world.now);
  world.Post(Pushed{world.hub.Sign(state)});
  while (true) {  // until the job that would write stands there
    Job* job = world.NextJob();
    if (job != nullptr && std::holds_alternative<ActJob>(*job)) break;
    ASSERT_TRUE(world.Step());
  }
  world.Crash();
  world.driver.Change(TestKey("a"), "{\"theirs\":true}", "bob");
  world.Connect();
  world.Push({world.hub.Package("web", {keep})});
  world.Pass(absl::Minutes(1));
  EXPECT_EQ(world.driver.Objects().at(TestKey("a")), "{\"theirs\":true}");
  EXPECT_EQ(world.observed().sync(), pb::SYNC_STATUS_SYNCED);
}

TEST(Crash, RefusesToStartOverARecordThatCannotBeRead) {
  SeededRandom random(1);
  TestHub hub;
  AgentSettings settings;
  settings.verifier = hub.verifier();
  for (const std::string key : {"accepted", "package/web", "inventory/web/x", "bundles"}) {
    AgentCore core(settings, random);
    const absl::Status status = core.Load({Record{key, "\xff\xff"}}, absl::UnixEpoch());
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << key;
    EXPECT_NE(status.message().find(key), absl::string_view::npos);
  }
}

}  // namespace
}  // namespace muster::agent
