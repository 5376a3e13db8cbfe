#include "hub/push.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/compression.h"
#include "common/base/limits.h"
#include "common/base/random.h"
#include "common/manifest/bundle.h"
#include "common/store/memory_store.h"
#include "common/trust/ed25519.h"
#include "gtest/gtest.h"
#include "hub/core/keys.h"
#include "proto/storage.pb.h"

namespace muster::hub {
namespace {

namespace pb = muster::v1;

class PushTest : public testing::Test {
 protected:
  PushTest() : signer_(Ed25519PrivateKey::FromSeed(std::string(32, 's'))) {}

  Digest PutBlob(const std::string& content) {
    pb::BlobRecord record;
    record.set_size(content.size());
    record.set_zstd(Compress(content));
    Batch batch;
    batch.Put(keys::Blob(Digest::Of(content)), record.SerializeAsString());
    EXPECT_TRUE(store_.Commit(batch).ok());
    return Digest::Of(content);
  }

  // A bundle of `count` objects, of which the one numbered `odd` differs.
  Digest PutBundle(int count, int odd, const std::string& filler) {
    pb::Manifest manifest;
    for (int i = 0; i < count; ++i) {
      const std::string name = absl::StrCat("object-", 1000 + i);
      const std::string json =
          absl::StrCat("{\"name\":\"", name, i == odd ? "-odd" : "", filler, "\"}");
      pb::ManifestEntry* entry = manifest.add_entries();
      entry->set_api_version("v1");
      entry->set_kind("ConfigMap");
      entry->set_namespace_("web");
      entry->set_name(name);
      entry->set_digest(PutBlob(json).bytes());
      entry->set_size(json.size());
    }
    return PutBlob(EncodeManifest(manifest));
  }

  PushDesired Desired(const Digest& have, const Digest& want) {
    PushDesired push;
    push.payload = "what the core composed";
    push.bases.push_back({have, want});
    return push;
  }

  MemoryStore store_;
  Ed25519Signer signer_;
  PushBuilder builder_{store_, signer_};
};

TEST_F(PushTest, SignsThePayloadAsItIs) {
  const auto push = builder_.Build(PushDesired{.payload = "bytes"});
  ASSERT_TRUE(push.ok());
  EXPECT_EQ(push->desired_state().payload(), "bytes");
  const Ed25519Verifier verifier({Ed25519PrivateKey::FromSeed(std::string(32, 's')).public_key()},
                                 1);
  const auto opened = verifier.Open(push->desired_state(), kDesiredStateType);
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(*opened, "bytes");
}

TEST_F(PushTest, OneChangedObjectOfAThousandTravelsAsADeltaAndOneBlob) {
  const Digest have = PutBundle(1'000, -1, "");
  const Digest want = PutBundle(1'000, 500, "");
  const auto push = builder_.Build(Desired(have, want));
  ASSERT_TRUE(push.ok());
  ASSERT_EQ(push->manifests_size(), 1);
  ASSERT_EQ(push->blobs_size(), 1);
  EXPECT_LT(push->ByteSizeLong(), 1'000u);

  const auto blob = Decompress(push->blobs(0).zstd(), push->blobs(0).size());
  ASSERT_TRUE(blob.ok());
  EXPECT_EQ(Digest::Of(*blob).bytes(), push->blobs(0).digest());
  EXPECT_EQ(push->manifests(0).target_digest(), want.bytes());
}

TEST_F(PushTest, AFreshAgentGetsASmallBundleWhole) {
  const Digest want = PutBundle(3, -1, "");
  const auto push = builder_.Build(Desired(Digest(), want));
  ASSERT_TRUE(push.ok());
  EXPECT_EQ(push->manifests_size(), 0);
  EXPECT_EQ(push->blobs_size(), 4);  // the manifest and three objects
}

TEST_F(PushTest, WhatIsLargeIsLeftToBeFetched) {
  std::string filler;
  SeededRandom random(3);
  for (int i = 0; i < 4'000; ++i) absl::StrAppend(&filler, random.Next());
  const Digest want = PutBundle(20, -1, filler);
  const auto push = builder_.Build(Desired(Digest(), want));
  ASSERT_TRUE(push.ok());
  size_t bytes = 0;
  for (const pb::InlineBlob& blob : push->blobs()) bytes += blob.zstd().size();
  EXPECT_LE(bytes, limits::kInlineBytesMax);
}

TEST_F(PushTest, ABundleThatIsNotThereIsNoError) {
  const auto push = builder_.Build(Desired(Digest::Of("a"), Digest::Of("b")));
  ASSERT_TRUE(push.ok());
  EXPECT_EQ(push->blobs_size(), 0);
  EXPECT_EQ(push->manifests_size(), 0);
}

TEST_F(PushTest, EqualAgentsCostOneComputation) {
  const Digest have = PutBundle(10, -1, "");
  const Digest want = PutBundle(10, 4, "");
  const auto first = builder_.Build(Desired(have, want));
  Batch gone;  // proves that the second does not read the store
  gone.DeletePrefix("blob/");
  ASSERT_TRUE(store_.Commit(gone).ok());
  const auto second = builder_.Build(Desired(have, want));
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(first->SerializeAsString(), second->SerializeAsString());
}

}  // namespace
}  // namespace muster::hub
