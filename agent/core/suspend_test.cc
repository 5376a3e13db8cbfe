// What the hub has suspended, a cluster or a package: nothing is written there, and what becomes of
// it is seen and told all the same.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "agent/agent_world.h"
#include "common/manifest/json.h"

namespace muster::agent {
namespace {

namespace pb = muster::v1;

std::vector<Object> Objects(int count, absl::string_view value) {
  std::vector<Object> objects;
  for (int i = 0; i < count; ++i) objects.push_back(TestObject(absl::StrCat("o", i), value));
  return objects;
}

std::string Json(const Object& object) { return CanonicalJson(object.value); }

TEST(Suspended, AClusterIsLeftExactlyAsItIs) {
  AgentWorld world;
  world.Connect();
  world.Push({world.hub.Package("web", Objects(3, "1"))});
  pb::DesiredState state = world.hub.State({world.hub.Package("web", Objects(2, "2"))}, world.now);
  state.set_suspended(true);
  world.Post(Pushed{world.hub.Sign(state)});
  world.Settle();
  world.driver.Change(TestKey("o0"), "{}", "bob");
  const MemoryDriver::Calls before = world.driver.calls();
  world.Pass(absl::Minutes(10));
  EXPECT_EQ(world.driver.calls().applied, before.applied);
  EXPECT_EQ(world.driver.calls().removed, before.removed);
  EXPECT_EQ(world.observed().health(), pb::HEALTH_STATUS_SUSPENDED);
  EXPECT_EQ(world.observed().sync(), pb::SYNC_STATUS_OUT_OF_SYNC);
  world.Push({world.hub.Package("web", Objects(2, "2"))});
  world.Pass(absl::Minutes(2));
  EXPECT_EQ(world.driver.size(), 2u);
  EXPECT_EQ(world.driver.Objects().at(TestKey("o0")), Json(TestObject("o0", "2")));
}

TEST(Suspended, IsLookedAtAllTheSame) {
  AgentWorld world;
  world.Connect();
  const pb::DesiredPackage package = world.hub.Package("web", Objects(3, "1"));
  for (const bool whole : {true, false}) {
    world.Push({package});
    pb::DesiredPackage left = package;
    left.set_suspended(!whole);
    pb::DesiredState state = world.hub.State({left}, world.now);
    state.set_suspended(whole);
    world.Post(Pushed{world.hub.Sign(state)});
    world.Settle();
    world.driver.Change(TestKey("o0"), Json(TestObject("o0", "9")), "bob");
    world.Pass(absl::Minutes(2));
    EXPECT_EQ(world.package("web").drifted(), 1u) << whole;
    EXPECT_EQ(world.problem("o0").what(), pb::ObjectProblem::WHAT_DRIFTED);
    EXPECT_EQ(world.problem("o0").changed_by(), "bob");
    EXPECT_EQ(world.driver.Objects().at(TestKey("o0")), Json(TestObject("o0", "9")));
    EXPECT_EQ(world.observed().health(), pb::HEALTH_STATUS_SUSPENDED);
    world.Push({package});  // resumed
    world.Pass(absl::Minutes(2));
    EXPECT_EQ(world.package("web").drifted(), 0u);
    EXPECT_EQ(world.driver.Objects().at(TestKey("o0")), Json(TestObject("o0", "1")));
  }
}

// What was to go when the cluster was suspended goes when it is resumed.
TEST(Suspended, APackageThatLeftMeanwhileGoesWhenItIsResumed) {
  AgentWorld world;
  world.Connect();
  world.Push({world.hub.Package("web", Objects(2, "1"))});
  pb::DesiredState state = world.hub.State({}, world.now);
  state.set_suspended(true);
  world.Post(Pushed{world.hub.Sign(state)});
  world.Pass(absl::Minutes(5));
  EXPECT_EQ(world.driver.size(), 2u);
  world.Push({});
  world.Pass(absl::Minutes(5));
  EXPECT_EQ(world.driver.size(), 0u);
  EXPECT_EQ(world.observed().packages_size(), 0);
}

TEST(Suspended, APackageIsLeftWhileOthersMove) {
  AgentWorld world;
  world.Connect();
  world.Push({world.hub.Package("api", {TestObject("a", "1")}),
              world.hub.Package("web", {TestObject("w", "1")})});
  pb::DesiredPackage api = world.hub.Package("api", {TestObject("a", "2")});
  api.set_suspended(true);
  world.Push({api, world.hub.Package("web", {TestObject("w", "2")})});
  EXPECT_EQ(world.driver.Objects().at(TestKey("a")), Json(TestObject("a", "1")));
  EXPECT_EQ(world.driver.Objects().at(TestKey("w")), Json(TestObject("w", "2")));
  EXPECT_EQ(world.package("api").health(), pb::HEALTH_STATUS_SUSPENDED);
  EXPECT_EQ(world.package("api").sync(), pb::SYNC_STATUS_OUT_OF_SYNC);
}

// The hub's suspension does not hide that of the cluster's own people.
TEST(Suspended, ALocalSuspensionIsSeenWhileTheHubSuspendsToo) {
  AgentWorld world{AgentWorld::WithNoticeboard()};
  world.Connect();
  const pb::DesiredPackage package = world.hub.Package("web", Objects(1, "1"));
  world.Push({package});
  pb::DesiredState state = world.hub.State({package}, world.now);
  state.set_suspended(true);
  world.Post(Pushed{world.hub.Sign(state)});
  world.Settle();
  world.noticeboard.Suspend("incident 42");
  world.Pass(absl::Minutes(2));
  EXPECT_EQ(world.observed().suspended_locally(), "incident 42");
  // The hub resumes; the cluster's own word stands.
  world.Push({package});
  world.driver.Delete(TestKey("o0"));
  world.Pass(absl::Minutes(5));
  EXPECT_EQ(world.driver.size(), 0u);
  EXPECT_EQ(world.observed().suspended_locally(), "incident 42");
}

}  // namespace
}  // namespace muster::agent
