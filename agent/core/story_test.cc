// What the agent tells in the cluster itself, and that the cluster's own people can stop it.
#include "agent/core/story.h"

#include <gtest/gtest.h>

#include <string>

#include "agent/agent_world.h"
#include "common/manifest/json.h"

namespace muster::agent {
namespace {

namespace pb = muster::v1;

class Noticed : public testing::Test {
 protected:
  Noticed() : world_(AgentWorld::WithNoticeboard()) { world_.Connect(); }

  std::string At(absl::string_view pointer) {
    const Value status = world_.noticeboard.status();
    const Value* value = status.Find(pointer);
    return value == nullptr ? "" : CanonicalJson(*value);
  }
  // "Normal Applied: package web: 1 objects", one a line, in order.
  std::string Told() {
    std::string text;
    for (const Happening& one : world_.noticeboard.happenings()) {
      absl::StrAppend(&text, one.warning ? "Warning " : "Normal ", one.reason,
                      one.about.kind.empty() ? "" : " on " + one.about.name, ": ", one.message,
                      "\n");
    }
    return text;
  }
  AgentWorld world_;
};

TEST_F(Noticed, TheStatusTellsTheLocalStory) {
  world_.Push({world_.hub.Package("web", {TestObject("a", "1"), TestObject("b", "1")})});
  world_.Pass(absl::Minutes(1));
  EXPECT_EQ(At("/sync"), "\"Synced\"");
  EXPECT_EQ(At("/health"), "\"Healthy\"");
  EXPECT_EQ(At("/mode"), "\"Enforce\"");
  EXPECT_EQ(At("/generation"), "1");
  EXPECT_EQ(At("/objects"), "2");
  EXPECT_EQ(At("/conditions/0/type"), "\"Ready\"");
  EXPECT_EQ(At("/conditions/0/status"), "\"True\"");
  EXPECT_EQ(At("/packages/0/name"), "\"web\"");
  EXPECT_EQ(At("/packages/0/health"), "\"Healthy\"");
  EXPECT_NE(Told().find("Normal Applied: generation 1; package web: 2 objects\n"),
            std::string::npos)
      << Told();
  const int posts = world_.noticeboard.posts();
  world_.Pass(absl::Hours(1));
  EXPECT_EQ(world_.noticeboard.posts(), posts);  // nothing new, nothing told
}

TEST_F(Noticed, TroublesAreToldOnTheObjectsOnce) {
  world_.driver.FailObject(TestKey("a"), absl::InvalidArgumentError("unknown field spec.x"));
  world_.Push({world_.hub.Package("web", {TestObject("a", "1"), TestObject("b", "1")})});
  world_.Pass(absl::Minutes(30));
  EXPECT_EQ(At("/conditions/0/status"), "\"False\"");
  EXPECT_EQ(At("/failed"), "1");
  EXPECT_EQ(At("/problems/0"), "\"ConfigMap web/a failed: unknown field spec.x\"");
  const std::string told = Told();
  const size_t first = told.find("Warning Failed on a: failed: unknown field spec.x\n");
  ASSERT_NE(first, std::string::npos) << told;
  EXPECT_EQ(told.find("Warning Failed on a", first + 1), std::string::npos) << told;
}

TEST_F(Noticed, DriftIsToldWithWhoDidIt) {
  world_.Push({world_.hub.Package("web", {TestObject("a", "1")})});
  world_.driver.Change(TestKey("a"), CanonicalJson(TestObject("a", "9").value), "kubectl-edit");
  world_.Pass(absl::Minutes(2));
  EXPECT_NE(Told().find("Normal DriftCorrected: ConfigMap web/a was changed by kubectl-edit at "
                        "/data/value and is put right\n"),
            std::string::npos)
      << Told();
  // And on the object itself.
  EXPECT_NE(Told().find("Normal DriftCorrected on a: ConfigMap web/a was changed by kubectl-edit"),
            std::string::npos)
      << Told();
}

// Each Event is a request: of very many, the first few are told one by one.
TEST_F(Noticed, AWholesaleChangeIsToldOnAFewObjects) {
  std::vector<Object> objects;
  for (int i = 0; i < 60; ++i) objects.push_back(TestObject(absl::StrCat("o", i), "1"));
  world_.Push({world_.hub.Package("web", objects)});
  for (const Object& object : objects) world_.driver.Delete(object.key);
  world_.Pass(absl::Minutes(2));
  EXPECT_EQ(world_.driver.size(), 60u);
  int told = 0;
  for (const Happening& one : world_.noticeboard.happenings()) {
    told += one.reason == "DriftCorrected" && !one.about.kind.empty();
  }
  EXPECT_EQ(told, 10);
}

TEST_F(Noticed, AFailedPostIsRepeatedWithTheNewest) {
  world_.noticeboard.Fail(absl::UnavailableError("api server is away"));
  world_.Push({world_.hub.Package("web", {TestObject("a", "1")})});
  world_.Pass(absl::Minutes(1));
  EXPECT_TRUE(world_.noticeboard.status().is_null());
  world_.noticeboard.Fail(absl::OkStatus());
  world_.Pass(absl::Minutes(10));
  EXPECT_EQ(At("/sync"), "\"Synced\"");
}

// ---------------------------------------------------------------- suspended in the cluster

TEST_F(Noticed, WhoeverSuspendsTheAgentInTheClusterIsObeyedWhateverTheHubSays) {
  world_.Push({world_.hub.Package("web", {TestObject("a", "1")})});
  world_.Pass(absl::Minutes(1));
  world_.noticeboard.Suspend("incident 42, ask ana");
  world_.Push({world_.hub.Package("web", {TestObject("a", "2"), TestObject("b", "1")})});
  world_.driver.Delete(TestKey("a"));
  world_.Pass(absl::Hours(1));
  EXPECT_EQ(world_.driver.size(), 0u);
  EXPECT_EQ(world_.observed().health(), pb::HEALTH_STATUS_SUSPENDED);
  EXPECT_EQ(world_.observed().suspended_locally(), "incident 42, ask ana");
  EXPECT_EQ(world_.Condition(world_.observed().conditions(), "SuspendedLocally"), "True Annotated");
  EXPECT_EQ(At("/suspended"), "\"incident 42, ask ana\"");

  world_.noticeboard.Suspend("");
  world_.Pass(absl::Minutes(2));
  EXPECT_EQ(world_.driver.size(), 2u);
  EXPECT_EQ(world_.observed().health(), pb::HEALTH_STATUS_HEALTHY);
  EXPECT_NE(Told().find("Normal Suspended: incident 42, ask ana\n"), std::string::npos);
  EXPECT_NE(Told().find("Normal Resumed: \n"), std::string::npos);
}

// The agent had looked, and was about to write.
TEST_F(Noticed, ASuspensionIsHeardBeforeTheNextWrite) {
  const pb::DesiredState state =
      world_.hub.State({world_.hub.Package("web", {TestObject("a", "1")})}, world_.now);
  world_.Post(Pushed{world_.hub.Sign(state)});
  while (true) {
    Job* job = world_.NextJob();
    if (job != nullptr && std::holds_alternative<ActJob>(*job)) break;
    ASSERT_TRUE(world_.Step());
  }
  world_.noticeboard.Suspend("stop");
  world_.Pass(absl::Minutes(5));
  EXPECT_EQ(world_.driver.size(), 0u);
  world_.noticeboard.Suspend("");
  world_.Pass(absl::Minutes(5));
  EXPECT_EQ(world_.driver.size(), 1u);
  EXPECT_EQ(world_.observed().sync(), pb::SYNC_STATUS_SYNCED);
}

TEST_F(Noticed, ASuspensionOutlivesTheAgent) {
  world_.Push({world_.hub.Package("web", {TestObject("a", "1")})});
  world_.noticeboard.Suspend("stop");
  world_.Crash();
  world_.driver.Delete(TestKey("a"));
  world_.Pass(absl::Minutes(5));
  EXPECT_EQ(world_.driver.size(), 0u);
}

}  // namespace
}  // namespace muster::agent
