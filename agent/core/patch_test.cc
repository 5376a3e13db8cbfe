// The short way from one bundle to the next leads exactly where the long way does, or nowhere.
#include "agent/core/patch.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "agent/agent_world.h"
#include "agent/core/diff.h"
#include "common/base/random.h"
#include "common/manifest/bundle.h"
#include "common/manifest/json.h"
#include "gtest/gtest.h"

namespace muster::agent {
namespace {

namespace pb = muster::v1;

// A few of thirty objects of several kinds, each with one of three contents and waves; some sealed.
Bundle RandomBundle(SeededRandom& random) {
  std::vector<BundleInput> inputs;
  for (int i = 0; i < 30; ++i) {
    if (random.Below(3) == 0) continue;
    const std::string kind = i % 2 == 0 ? "ConfigMap" : "Secret";
    inputs.push_back({.object = TestObject(absl::StrCat("o", i), absl::StrCat(random.Below(3)),
                                           kind, i % 5 == 0 ? "other" : "web"),
                      .wave = static_cast<int32_t>(random.Below(3)) - 1,
                      .sealed = random.Below(4) == 0});
  }
  return *MakeBundle(std::move(inputs));
}

pb::DesiredPackage Promise(const Bundle& bundle) {
  pb::DesiredPackage package;
  package.set_name("web");
  package.set_bundle_digest(bundle.digest.bytes());
  package.set_manifest_bytes(bundle.manifest_bytes.size());
  package.set_object_count(bundle.manifest.entries_size());
  package.set_object_bytes(bundle.object_bytes);
  return package;
}

PackageState At(const Bundle& bundle) {
  PackageState package;
  package.name = "web";
  package.desired = Promise(bundle);
  Retarget(package, bundle.digest, bundle.manifest, absl::UnixEpoch());
  return package;
}

// Some of the objects were written, so that those that leave are left over.
void Write(PackageState& package, SeededRandom& random) {
  for (Item& item : package.items) {
    if (random.Below(2) == 0) item.written = item.live = item.desired;
  }
}

std::vector<std::string> Told(const PackageState& package) {
  std::vector<std::string> lines;
  for (const Item& item : package.items) {
    lines.push_back(absl::StrCat(item.key.text(), " ", item.desired.short_hex(), " ",
                                 item.written.short_hex(), " ", item.size, " ", item.wave, " ",
                                 item.sealed));
  }
  return lines;
}

TEST(Patch, LeadsWhereTheLongWayDoes) {
  SeededRandom random(1);
  for (int round = 0; round < 200; ++round) {
    const Bundle base = RandomBundle(random);
    const Bundle next = RandomBundle(random);
    PackageState patched = At(base);
    Write(patched, random);
    PackageState retargeted = patched;
    const auto delta = MakeManifestDelta(base.manifest_bytes, next.manifest_bytes);
    ASSERT_TRUE(delta.ok());
    const auto manifest = PatchedManifest(patched, *delta, Promise(next));
    ASSERT_TRUE(manifest.has_value()) << round;
    EXPECT_EQ(*manifest, next.manifest_bytes);
    PatchTarget(patched, *delta, absl::UnixEpoch());
    Retarget(retargeted, next.digest, next.manifest, absl::UnixEpoch());
    EXPECT_EQ(Told(patched), Told(retargeted)) << round;
    EXPECT_EQ(patched.target, next.digest);
    // Twice in a row, from where the first one led.
    const Bundle third = RandomBundle(random);
    const auto further = MakeManifestDelta(next.manifest_bytes, third.manifest_bytes);
    EXPECT_TRUE(PatchedManifest(patched, *further, Promise(third)).has_value());
  }
}

TEST(Patch, LeadsNowhereWhenAnythingIsNotAsSigned) {
  SeededRandom random(2);
  const Bundle base = RandomBundle(random);
  const Bundle next = RandomBundle(random);
  const PackageState package = At(base);
  const pb::ManifestDelta delta = *MakeManifestDelta(base.manifest_bytes, next.manifest_bytes);
  const pb::DesiredPackage promise = Promise(next);
  ASSERT_TRUE(PatchedManifest(package, delta, promise).has_value());

  const auto refused = [&](auto alter) {
    pb::ManifestDelta altered = delta;
    pb::DesiredPackage promised = promise;
    alter(altered, promised);
    return !PatchedManifest(package, altered, promised).has_value();
  };
  using Delta = pb::ManifestDelta;
  using Package = pb::DesiredPackage;
  EXPECT_TRUE(refused([](Delta& d, Package&) { d.set_base_digest(std::string(32, 'x')); }));
  EXPECT_TRUE(refused([](Delta& d, Package&) { d.mutable_changed(0)->set_size(1); }));
  EXPECT_TRUE(refused([](Delta& d, Package&) { d.mutable_changed(0)->set_name(".."); }));
  EXPECT_TRUE(refused([](Delta& d, Package&) { d.mutable_changed(0)->set_digest("short"); }));
  EXPECT_TRUE(refused([](Delta& d, Package&) { *d.add_changed() = d.changed(0); }));
  EXPECT_TRUE(refused([](Delta& d, Package&) { d.add_removed(1'000'000); }));
  EXPECT_TRUE(refused([](Delta& d, Package&) { d.clear_changed(); }));
  EXPECT_TRUE(refused([](Delta& d, Package&) { d.clear_removed(); }));
  EXPECT_TRUE(refused([](Delta&, Package& p) { p.set_object_count(p.object_count() + 1); }));
  EXPECT_TRUE(refused([](Delta&, Package& p) { p.set_object_bytes(0); }));
  EXPECT_TRUE(refused([](Delta&, Package& p) { p.set_manifest_bytes(1); }));
  EXPECT_TRUE(refused([](Delta&, Package& p) { p.set_bundle_digest(std::string(32, 'x')); }));
}

// ---------------------------------------------------------------- in the life of an agent

class PatchStory : public testing::Test {
 protected:
  PatchStory() {
    world_.Connect();
    for (int i = 0; i < 20; ++i) objects_.push_back(TestObject(absl::StrCat("o", i), "0"));
    package_ = world_.hub.Package("web", objects_);
    world_.Push({package_});
  }

  // The hub pushes a change of one object as a delta, and the object with it.
  void PushChange(int round) {
    objects_[round % 20] = TestObject(absl::StrCat("o", round % 20), absl::StrCat(round));
    const pb::DesiredPackage before = std::exchange(package_, world_.hub.Package("web", objects_));
    pb::Push push = world_.hub.Sign(world_.hub.State({package_}, world_.now));
    *push.add_manifests() =
        *MakeManifestDelta(world_.hub.blob(*Digest::FromBytes(before.bundle_digest())),
                           world_.hub.blob(*Digest::FromBytes(package_.bundle_digest())));
    world_.hub.Inline(Digest::Of(CanonicalJson(objects_[round % 20].value)), push);
    world_.Post(Pushed{push});
  }

  void ExpectConverged() {
    EXPECT_EQ(world_.observed().sync(), pb::SYNC_STATUS_SYNCED);
    EXPECT_EQ(world_.driver.size(), objects_.size());
    for (const Object& object : objects_) {
      EXPECT_EQ(world_.driver.Objects().at(object.key), CanonicalJson(object.value));
    }
  }

  AgentWorld world_;
  std::vector<Object> objects_;
  pb::DesiredPackage package_;
};

TEST_F(PatchStory, ManyChangesCostOneTurnEachBeforeTheyAreWritten) {
  const int fetches = world_.hub.fetches;
  for (int round = 1; round <= 100; ++round) {
    PushChange(round);
    const int commits = world_.commits;
    world_.Settle();
    EXPECT_LE(world_.commits - commits, 3) << round;
  }
  EXPECT_EQ(world_.hub.fetches, fetches);
  ExpectConverged();
}

TEST_F(PatchStory, ACrashFindsTheManifestAgainThroughItsDeltas) {
  world_.hub.online = false;
  for (int round = 1; round <= 90; ++round) {
    PushChange(round);
    for (int step = 0; step < round % 5; ++step) world_.Step();
    if (round % 5 == 0) world_.Settle();
    if (round % 3 == 0) {
      world_.Settle();  // accepted, so that the next delta fits
    } else {
      world_.Crash();
      world_.Connect();
      pb::Push push = world_.hub.Sign(world_.hub.State({package_}, world_.now));
      world_.hub.online = true;  // what was lost with the crash is fetched
      world_.Post(Pushed{push});
      world_.Pass(absl::Seconds(1));
      world_.hub.online = false;
    }
    ExpectConverged();
  }
}

TEST_F(PatchStory, GoesBackWithoutFetchingOverBundlesThatWereKeptAsDeltas) {
  for (int round = 1; round <= 70; ++round) {
    PushChange(round);
    world_.Settle();
  }
  const auto objects = objects_;
  const pb::DesiredPackage kept = package_;
  for (int round = 71; round <= 73; ++round) {
    PushChange(round);
    world_.Settle();
  }
  const int fetched = world_.hub.fetched_blobs;
  objects_ = objects;
  package_ = kept;
  world_.Push({package_});
  EXPECT_EQ(world_.hub.fetched_blobs, fetched);
  ExpectConverged();
}

}  // namespace
}  // namespace muster::agent
