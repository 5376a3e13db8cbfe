// The agent's core over its twins: one straight line from a push to a converged cluster, and what
// may happen beside it.
#include "agent/core/agent_core.h"

#include <string>
#include <variant>
#include <vector>

#include "agent/agent_world.h"
#include "agent/core/blob.h"
#include "common/manifest/json.h"
#include "gtest/gtest.h"

namespace muster::agent {
namespace {

namespace pb = muster::v1;

std::vector<Object> Objects(int count, absl::string_view value) {
  std::vector<Object> objects;
  for (int i = 0; i < count; ++i) objects.push_back(TestObject(absl::StrCat("o", i), value));
  return objects;
}

std::string Json(const Object& object) { return CanonicalJson(object.value); }

const pb::Report* LastReport(const AgentWorld& world) {
  for (auto send = world.sends.rbegin(); send != world.sends.rend(); ++send) {
    if (const auto* report = std::get_if<pb::Report>(&*send)) return report;
  }
  return nullptr;
}

size_t BlobCount(const AgentWorld& world) {
  const absl::StatusOr<std::vector<Record>> blobs = world.store->Scan("blob/");
  return blobs.ok() ? blobs->size() : 0;
}

// ---------------------------------------------------------------- the straight line

TEST(AgentCore, AppliesWhatWasPushedAndReportsIt) {
  AgentWorld world;
  world.Connect();
  const pb::DesiredState state = world.Push({world.hub.Package("web", Objects(3, "1"))});

  EXPECT_EQ(world.driver.size(), 3u);
  EXPECT_EQ(world.driver.Objects().at(TestKey("o1")), Json(TestObject("o1", "1")));
  EXPECT_EQ(world.observed().generation(), 1u);
  EXPECT_EQ(world.observed().sync(), pb::SYNC_STATUS_SYNCED);
  EXPECT_EQ(world.observed().health(), pb::HEALTH_STATUS_HEALTHY);
  EXPECT_EQ(world.package("web").bundle_digest(), state.packages(0).bundle_digest());
  EXPECT_EQ(world.package("web").objects(), 3u);
  EXPECT_EQ(world.Condition(world.observed().conditions(), "Accepted"), "True Accepted");
  ASSERT_NE(LastReport(world), nullptr);
  EXPECT_EQ(LastReport(world)->state().sync(), pb::SYNC_STATUS_SYNCED);
  EXPECT_TRUE(world.core().Idle());
}

TEST(AgentCore, SaysHelloFirstAndThenReportsWhatItHas) {
  AgentWorld world;
  world.Connect();
  world.Settle();
  ASSERT_FALSE(world.sends.empty());
  const auto* hello = std::get_if<pb::Hello>(&world.sends.front());
  ASSERT_NE(hello, nullptr);
  EXPECT_EQ(hello->generation(), 0u);
  EXPECT_EQ(hello->driver(), "memory");
  ASSERT_NE(LastReport(world), nullptr);
  EXPECT_EQ(LastReport(world)->state().sync(), pb::SYNC_STATUS_UNKNOWN);
}

TEST(AgentCore, WritesOnlyWhatAPushChanges) {
  AgentWorld world;
  world.Connect();
  std::vector<Object> objects = Objects(200, "1");
  world.Push({world.hub.Package("web", objects)});
  const MemoryDriver::Calls before = world.driver.calls();
  const int commits = world.commits;
  const int fetched = world.hub.fetched_blobs;

  objects[17] = TestObject("o17", "2");
  world.Push({world.hub.Package("web", objects)});

  const MemoryDriver::Calls after = world.driver.calls();
  EXPECT_EQ(after.applied - before.applied, 1);
  EXPECT_EQ(after.list - before.list, 0);
  EXPECT_EQ(world.hub.fetched_blobs - fetched, 2);  // the manifest and the object
  EXPECT_LE(world.commits - commits, 3);  // bundles to come, accepted with its intent, done
  EXPECT_EQ(world.observed().sync(), pb::SYNC_STATUS_SYNCED);
}

TEST(AgentCore, FetchesNothingThatCameWithThePush) {
  AgentWorld world;
  world.Connect();
  const pb::DesiredPackage package = world.hub.Package("web", Objects(1, "1"));
  const pb::DesiredState state = world.hub.State({package}, world.now);
  pb::Push push = world.hub.Sign(state);
  world.hub.Inline(*Digest::FromBytes(package.bundle_digest()), push);
  world.hub.Inline(Digest::Of(Json(TestObject("o0", "1"))), push);
  world.Post(Pushed{push});
  world.Settle();
  EXPECT_EQ(world.hub.fetches, 0);
  EXPECT_EQ(world.driver.size(), 1u);
}

TEST(AgentCore, RebuildsAManifestFromItsDelta) {
  AgentWorld world;
  world.Connect();
  std::vector<Object> objects = Objects(50, "1");
  const pb::DesiredPackage first = world.hub.Package("web", objects);
  world.Push({first});
  objects[3] = TestObject("o3", "2");
  const pb::DesiredPackage second = world.hub.Package("web", objects);
  pb::Push push = world.hub.Sign(world.hub.State({second}, world.now));
  const auto delta = MakeManifestDelta(world.hub.blob(*Digest::FromBytes(first.bundle_digest())),
                                       world.hub.blob(*Digest::FromBytes(second.bundle_digest())));
  ASSERT_TRUE(delta.ok());
  *push.add_manifests() = *delta;
  world.hub.Inline(Digest::Of(Json(objects[3])), push);
  const int fetches = world.hub.fetches;
  world.Post(Pushed{push});
  world.Settle();
  EXPECT_EQ(world.hub.fetches, fetches);
  EXPECT_EQ(world.driver.Objects().at(TestKey("o3")), Json(objects[3]));
}

TEST(AgentCore, AsksTheHubWhenTheHintsAreWrong) {
  AgentWorld world;
  world.Connect();
  const pb::DesiredPackage package = world.hub.Package("web", Objects(2, "1"));
  pb::Push push = world.hub.Sign(world.hub.State({package}, world.now));
  pb::InlineBlob& blob = *push.add_blobs();
  blob.set_digest(package.bundle_digest());
  blob.set_size(5);
  blob.set_zstd(Compress("bogus"));
  pb::ManifestDelta& delta = *push.add_manifests();
  delta.set_target_digest(package.bundle_digest());
  delta.set_base_digest(std::string(32, 'x'));
  world.Post(Pushed{push});
  world.Settle();
  EXPECT_EQ(world.driver.size(), 2u);
}

TEST(AgentCore, GoesBackToAnEarlierBundleWithoutFetching) {
  AgentWorld world;
  world.Connect();
  world.Push({world.hub.Package("web", Objects(10, "1"))});
  world.Push({world.hub.Package("web", Objects(10, "2"))});
  const int fetched = world.hub.fetched_blobs;
  world.Push({world.hub.Package("web", Objects(10, "1"))});
  EXPECT_EQ(world.hub.fetched_blobs, fetched);
  EXPECT_EQ(world.driver.Objects().at(TestKey("o9")), Json(TestObject("o9", "1")));
  EXPECT_EQ(world.observed().sync(), pb::SYNC_STATUS_SYNCED);
}

TEST(AgentCore, AKnownOrMerelyRefreshedStateCostsTheClusterNothing) {
  AgentWorld world;
  world.Connect();
  const pb::DesiredPackage package = world.hub.Package("web", Objects(5, "1"));
  const pb::DesiredState state = world.Push({package});
  const MemoryDriver::Calls before = world.driver.calls();
  const int commits = world.commits;
  world.Post(Pushed{world.hub.Sign(state)});
  world.Settle();
  EXPECT_EQ(world.commits, commits);
  world.Push({package});
  EXPECT_EQ(world.observed().generation(), 2u);
  EXPECT_EQ(world.driver.calls().list, before.list);
  EXPECT_EQ(world.driver.calls().applied, before.applied);
  EXPECT_EQ(world.hub.fetches, 2);
}

TEST(AgentCore, RetriesADownloadThatFails) {
  AgentWorld world;
  world.Connect();
  world.hub.online = false;
  world.Push({world.hub.Package("web", Objects(2, "1"))});
  EXPECT_EQ(world.observed().generation(), 0u);
  EXPECT_EQ(world.Condition(world.observed().conditions(), "Accepted"), "False DownloadFailed");
  world.hub.online = true;
  world.Pass(absl::Seconds(10));
  EXPECT_EQ(world.observed().generation(), 1u);
  EXPECT_EQ(world.driver.size(), 2u);
  EXPECT_EQ(world.Condition(world.observed().conditions(), "Accepted"), "True Accepted");
}

// A blob that is lost from the disk is fetched again; while that fails, the condition says so, and
// afterwards it says again what was accepted.
TEST(AgentCore, IsAcceptedAgainWhenALostBlobIsMended) {
  AgentWorld world;
  world.Connect();
  world.Push({world.hub.Package("web", Objects(2, "1"))});
  world.hub.online = false;
  Batch batch;
  batch.Delete(BlobKey(Digest::Of(Json(TestObject("o0", "1")))));
  CHECK_OK(world.store->Commit(batch));
  world.driver.Delete(TestKey("o0"));
  world.Pass(absl::Minutes(5));
  EXPECT_EQ(world.Condition(world.observed().conditions(), "Accepted"), "False DownloadFailed");
  world.hub.online = true;
  world.Pass(absl::Minutes(10));
  EXPECT_EQ(world.driver.size(), 2u);
  EXPECT_EQ(world.Condition(world.observed().conditions(), "Accepted"), "True Accepted");
}

// The hub need not have a blob that no bundle of the cluster has any more.
TEST(AgentCore, DoesNotGoOnMendingWhatNoBundleHasAnyMore) {
  AgentWorld world;
  world.Connect();
  world.Push({world.hub.Package("web", Objects(2, "1"))});
  world.hub.online = false;
  Batch batch;
  batch.Delete(BlobKey(Digest::Of(Json(TestObject("o0", "1")))));
  CHECK_OK(world.store->Commit(batch));
  world.driver.Delete(TestKey("o0"));
  world.Pass(absl::Minutes(5));
  world.hub.online = true;
  world.hub.Forget(Digest::Of(Json(TestObject("o0", "1"))));
  world.Push({world.hub.Package("web", Objects(2, "2"))});
  const int fetches = world.hub.fetches;
  world.Pass(absl::Hours(1));
  EXPECT_EQ(world.hub.fetches, fetches);
  EXPECT_EQ(world.observed().sync(), pb::SYNC_STATUS_SYNCED);
  EXPECT_EQ(world.Condition(world.observed().conditions(), "Accepted"), "True Accepted");
}

TEST(AgentCore, TakesNoBlobThatIsNotWhatItsDigestSays) {
  AgentWorld world;
  world.Connect();
  world.hub.tamper = [](const std::string& blob) {
    std::string altered = blob;
    altered[altered.size() / 2] ^= 1;
    return altered;
  };
  world.Push({world.hub.Package("web", Objects(2, "1"))});
  world.Pass(absl::Minutes(1));
  EXPECT_EQ(world.driver.size(), 0u);
  EXPECT_EQ(world.observed().generation(), 0u);
}

// ---------------------------------------------------------------- without a hub

TEST(AgentCore, HealsDriftAfterARestartWithoutAHub) {
  AgentWorld world;
  world.Connect();
  world.Push({world.hub.Package("web", Objects(5, "1"))});
  world.hub.online = false;
  world.Crash();
  world.driver.Change(TestKey("o2"), "{\"by\":\"hand\"}", "bob");
  world.driver.Delete(TestKey("o3"));
  world.Settle();
  EXPECT_EQ(world.driver.Objects().at(TestKey("o2")), Json(TestObject("o2", "1")));
  EXPECT_EQ(world.driver.Objects().at(TestKey("o3")), Json(TestObject("o3", "1")));
  EXPECT_EQ(world.package("web").drift_healed(), 2u);
  EXPECT_EQ(world.observed().generation(), 1u);
}

TEST(AgentCore, LooksOnlyAtItsInventoryAndOnlyAtTheResync) {
  AgentWorld world;
  world.Connect();
  world.Push({world.hub.Package("web", Objects(5, "1"))});
  world.Pass(absl::Minutes(5));
  const MemoryDriver::Calls before = world.driver.calls();
  const int commits = world.commits;
  world.Pass(absl::Minutes(60));
  const MemoryDriver::Calls after = world.driver.calls();
  EXPECT_GE(after.list - before.list, 50);
  EXPECT_LE(after.list - before.list, 70);
  EXPECT_EQ(after.listed_keys - before.listed_keys, 5 * (after.list - before.list));
  EXPECT_EQ(world.commits, commits);
}

TEST(AgentCore, AFailedLookIsSaidAndDeletesNothing) {
  AgentWorld world;
  world.Connect();
  world.Push({world.hub.Package("web", Objects(5, "1"))});
  world.driver.FailLists(2, absl::UnavailableError("api server is away"));
  world.Post(ClusterChanged());
  world.now += absl::Seconds(1);
  world.Settle();
  EXPECT_EQ(world.Condition(world.observed().conditions(), "ClusterReachable"), "False ListFailed");
  world.Pass(absl::Minutes(2));
  EXPECT_EQ(world.Condition(world.observed().conditions(), "ClusterReachable"), "");
  EXPECT_EQ(world.driver.size(), 5u);
  EXPECT_EQ(world.driver.calls().removed, 0);
}

// ---------------------------------------------------------------- observe, suspend

TEST(AgentCore, ObserveModeWritesNothingAndSaysWhatItWouldDo) {
  AgentWorld world;
  world.Connect();
  world.driver.Change(TestKey("o0"), Json(TestObject("o0", "1")), "");
  world.driver.Change(TestKey("o1"), Json(TestObject("o1", "other")), "kubectl");
  const auto before = world.driver.Objects();
  pb::DesiredState state = world.hub.State({world.hub.Package("web", Objects(3, "1"))}, world.now);
  state.set_mode(pb::CLUSTER_MODE_OBSERVE);
  world.Post(Pushed{world.hub.Sign(state)});
  world.Settle();
  world.Pass(absl::Minutes(5));

  EXPECT_EQ(world.driver.Objects(), before);
  EXPECT_EQ(world.driver.calls().applied, 0);
  EXPECT_EQ(world.observed().mode(), pb::CLUSTER_MODE_OBSERVE);
  EXPECT_EQ(world.observed().sync(), pb::SYNC_STATUS_OUT_OF_SYNC);
  const pb::ObservedPackage& web = world.package("web");
  ASSERT_EQ(web.problems_size(), 2);
  EXPECT_EQ(web.problems(0).what(), pb::ObjectProblem::WHAT_WOULD_CHANGE);
  EXPECT_EQ(web.problems(0).name(), "o1");
  ASSERT_EQ(web.problems(0).fields_size(), 1);
  EXPECT_EQ(web.problems(0).fields(0), "/data/value");
  EXPECT_EQ(web.problems(0).changed_by(), "kubectl");
  EXPECT_EQ(web.problems(1).what(), pb::ObjectProblem::WHAT_WOULD_ADD);
  EXPECT_TRUE(web.bundle_digest().empty());
}

TEST(AgentCore, TurnedToEnforceItAdoptsWhatIsEqualAndRefusesToOverwriteWhatIsNot) {
  AgentWorld world;
  world.Connect();
  world.driver.Change(TestKey("o0"), Json(TestObject("o0", "1")), "");
  world.driver.Change(TestKey("o1"), Json(TestObject("o1", "other")), "kubectl");
  const pb::DesiredPackage package = world.hub.Package("web", Objects(3, "1"));
  pb::DesiredState state = world.hub.State({package}, world.now);
  state.set_mode(pb::CLUSTER_MODE_OBSERVE);
  world.Post(Pushed{world.hub.Sign(state)});
  world.Settle();
  world.Push({package});
  EXPECT_EQ(world.driver.calls().applied, 1);  // o2
  EXPECT_EQ(world.driver.Objects().at(TestKey("o1")), Json(TestObject("o1", "other")));
  EXPECT_EQ(world.package("web").failed(), 1u);
  EXPECT_EQ(world.package("web").problems(0).what(), pb::ObjectProblem::WHAT_FAILED);
  // Once it is out of the way, the rest follows by itself.
  world.driver.Delete(TestKey("o1"));
  world.Pass(absl::Minutes(1));
  EXPECT_EQ(world.observed().sync(), pb::SYNC_STATUS_SYNCED);
}

TEST(AgentCore, ObserveModeWouldDelete) {
  AgentWorld world;
  world.Connect();
  world.Push({world.hub.Package("web", Objects(3, "1"))});
  pb::DesiredState state = world.hub.State({world.hub.Package("web", Objects(2, "1"))}, world.now);
  state.set_mode(pb::CLUSTER_MODE_OBSERVE);
  world.Post(Pushed{world.hub.Sign(state)});
  world.Settle();
  EXPECT_EQ(world.driver.size(), 3u);
  ASSERT_EQ(world.package("web").problems_size(), 1);
  EXPECT_EQ(world.package("web").problems(0).what(), pb::ObjectProblem::WHAT_WOULD_DELETE);
}

// ---------------------------------------------------------------- order and failure

TEST(AgentCore, WaitsForDependencies) {
  AgentWorld world;
  world.Connect();
  world.driver.FailObject(TestKey("crd"), absl::UnavailableError("not yet"));
  pb::DesiredPackage web = world.hub.Package("a-web", {TestObject("w", "1")});
  web.add_depends_on("crds");
  world.Push({web, world.hub.Package("crds", {TestObject("crd", "1")})});
  EXPECT_EQ(world.driver.size(), 0u);
  EXPECT_EQ(world.Condition(world.package("a-web").conditions(), "Waiting"),
            "True DependencyNotReady");
  world.driver.FailObject(TestKey("crd"), absl::OkStatus());
  world.Pass(absl::Minutes(1));
  EXPECT_EQ(world.driver.size(), 2u);
  EXPECT_EQ(world.observed().sync(), pb::SYNC_STATUS_SYNCED);
}

TEST(AgentCore, OneBadObjectStopsNoOther) {
  AgentWorld world;
  world.Connect();
  world.driver.FailObject(TestKey("o1"), absl::InvalidArgumentError("field is immutable"));
  world.Push({world.hub.Package("web", Objects(4, "1"))});
  EXPECT_EQ(world.driver.size(), 3u);
  const pb::ObservedPackage& web = world.package("web");
  EXPECT_EQ(web.failed(), 1u);
  EXPECT_EQ(web.health(), pb::HEALTH_STATUS_DEGRADED);
  EXPECT_EQ(web.problems(0).message(), "field is immutable");
  EXPECT_TRUE(web.bundle_digest().empty());
  world.driver.FailObject(TestKey("o1"), absl::OkStatus());
  world.Pass(absl::Minutes(1));
  EXPECT_EQ(world.driver.size(), 4u);
  EXPECT_EQ(world.observed().health(), pb::HEALTH_STATUS_HEALTHY);
}

TEST(AgentCore, MakesThePackagesNamespaceFirstAndNeverPrunesIt) {
  AgentWorld world;
  world.Connect();
  pb::DesiredPackage web = world.hub.Package("web", {TestObject("w", "1")});
  web.set_namespace_("web");
  world.Push({web});
  EXPECT_EQ(world.driver.size(), 2u);
  EXPECT_TRUE(world.driver.Objects().contains(ObjectKey{"v1", "Namespace", "", "web"}));
  world.Push({});
  EXPECT_EQ(world.driver.size(), 1u);
  EXPECT_TRUE(world.driver.Objects().contains(ObjectKey{"v1", "Namespace", "", "web"}));
}

TEST(AgentCore, MendsABlobThatTheStoreHasLost) {
  AgentWorld world;
  world.Connect();
  world.Push({world.hub.Package("web", Objects(1, "1"))});
  Batch batch;
  batch.DeletePrefix("blob/");
  CHECK_OK(world.store->Commit(batch));
  world.driver.Delete(TestKey("o0"));
  world.Pass(absl::Minutes(3));
  EXPECT_EQ(world.driver.size(), 1u);
}

TEST(AgentCore, ForgetsOldBundlesButNotTheRecentOnes) {
  AgentWorld world;
  world.Connect();
  for (int i = 0; i < 150; ++i) {
    world.Push({world.hub.Package("web", Objects(3, absl::StrCat(i)))});
  }
  // At most 65 spare bundles and the one that rules, 4 blobs each.
  EXPECT_LE(BlobCount(world), 66u * 4);
  const int fetched = world.hub.fetched_blobs;
  world.Push({world.hub.Package("web", Objects(3, "148"))});
  EXPECT_EQ(world.hub.fetched_blobs, fetched);
  EXPECT_EQ(world.driver.Objects().at(TestKey("o0")), Json(TestObject("o0", "148")));
}

}  // namespace
}  // namespace muster::agent
