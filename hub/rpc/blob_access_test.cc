#include "hub/rpc/blob_access.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/compression.h"
#include "common/store/memory_store.h"
#include "gtest/gtest.h"
#include "hub/core/keys.h"
#include "proto/fleet.pb.h"

namespace muster::hub {
namespace {

Digest Put(Store& store, const std::string& content) {
  const Digest digest = Digest::Of(content);
  v1::BlobRecord record;
  record.set_size(content.size());
  record.set_zstd(Compress(content));
  Batch batch;
  batch.Put(keys::Blob(digest), record.SerializeAsString());
  EXPECT_TRUE(store.Commit(batch).ok());
  return digest;
}

Digest PutBundle(Store& store, const std::vector<Digest>& objects) {
  v1::Manifest manifest;
  for (const Digest& object : objects) manifest.add_entries()->set_digest(object.bytes());
  return Put(store, manifest.SerializeAsString());
}

TEST(BlobAccess, OpensManifestsAndWhatTheyName) {
  MemoryStore store;
  const Digest object = Put(store, "object");
  const Digest bundle = PutBundle(store, {object});
  BlobAccess access(store);
  EXPECT_TRUE(access.Check({bundle}, {bundle, object}).ok());
}

TEST(BlobAccess, RefusesWhatAnotherClustersBundleHolds) {
  MemoryStore store;
  const Digest mine = PutBundle(store, {Put(store, "mine")});
  const Digest theirs_object = Put(store, "theirs");
  const Digest theirs = PutBundle(store, {theirs_object});
  BlobAccess access(store);
  // Even though the hub has looked at their bundle for them.
  EXPECT_TRUE(access.Check({theirs}, {theirs_object}).ok());
  EXPECT_TRUE(absl::IsPermissionDenied(access.Check({mine}, {theirs_object})));
  EXPECT_TRUE(absl::IsPermissionDenied(access.Check({mine}, {theirs})));
  EXPECT_TRUE(absl::IsPermissionDenied(access.Check({mine}, {mine, theirs_object})));
  EXPECT_TRUE(absl::IsPermissionDenied(access.Check({}, {mine})));
}

TEST(BlobAccess, ABundleThatIsNotThereReachesNothing) {
  MemoryStore store;
  const Digest object = Put(store, "object");
  BlobAccess access(store);
  EXPECT_TRUE(absl::IsPermissionDenied(access.Check({Digest::Of("gone")}, {object})));
}

TEST(DeltaBetween, StartsFromWhatTheClusterWasGivenOnly) {
  MemoryStore store;
  std::vector<Digest> objects;
  for (int i = 0; i < 50; ++i) objects.push_back(Put(store, std::string(1, static_cast<char>(i))));
  const auto bundle = [&](size_t count) {
    v1::Manifest manifest;
    for (size_t i = 0; i < count; ++i) {
      v1::ManifestEntry& entry = *manifest.add_entries();
      entry.set_api_version("v1");
      entry.set_kind("ConfigMap");
      entry.set_namespace_("shop");
      entry.set_name(absl::StrCat("o", 100 + i));
      entry.set_size(1);
      entry.set_digest(objects[i].bytes());
    }
    return Put(store, manifest.SerializeAsString());
  };
  const Digest former = bundle(49), theirs = bundle(48), wanted = bundle(50);
  constexpr size_t kBytes = 1'000'000;
  EXPECT_TRUE(DeltaBetween(store, {former}, former, wanted, kBytes).has_value());
  EXPECT_FALSE(DeltaBetween(store, {former}, theirs, wanted, kBytes).has_value());
  EXPECT_FALSE(DeltaBetween(store, {}, wanted, wanted, kBytes).has_value());
  EXPECT_FALSE(DeltaBetween(store, {former}, former, wanted, 10).has_value()) << "not smaller";
  EXPECT_FALSE(DeltaBetween(store, {Digest::Of("x")}, Digest::Of("x"), wanted, kBytes).has_value());
}

TEST(ReadBlob, SaysWhatIsMissingAndWhatIsDamaged) {
  MemoryStore store;
  EXPECT_TRUE(absl::IsNotFound(ReadBlob(store, Digest::Of("x")).status()));
  const Digest digest = Put(store, "content");
  EXPECT_EQ(*ReadBlobContent(store, digest), "content");
  // The right form under the wrong name.
  Batch batch;
  batch.Put(keys::Blob(Digest::Of("other")), *store.Get(keys::Blob(digest)));
  ASSERT_TRUE(store.Commit(batch).ok());
  EXPECT_TRUE(absl::IsDataLoss(ReadBlobContent(store, Digest::Of("other")).status()));
}

}  // namespace
}  // namespace muster::hub
