#include "hub/rendering_writer.h"

#include <gtest/gtest.h>

#include "common/base/check.h"
#include "common/base/compression.h"
#include "common/manifest/bundle.h"
#include "common/store/memory_store.h"
#include "hub/core/keys.h"
#include "proto/storage.pb.h"

namespace muster::hub {
namespace {

namespace pb = muster::v1;

constexpr char kObject[] =
    R"({"apiVersion":"v1","data":{"a":"1"},"kind":"ConfigMap","metadata":{"name":"web"}})";

// A rendering of one object, as an honest child answers it.
pb::RenderOutput Honest() {
  pb::Manifest manifest;
  pb::ManifestEntry& entry = *manifest.add_entries();
  entry.set_api_version("v1");
  entry.set_kind("ConfigMap");
  entry.set_name("web");
  entry.set_digest(Digest::Of(kObject).bytes());
  entry.set_size(sizeof(kObject) - 1);
  pb::RenderOutput output;
  output.set_input_digest(Digest::Of("input").bytes());
  output.set_manifest(EncodeManifest(manifest));
  output.add_objects(kObject);
  output.set_engine("yaml");
  output.set_uses_known(true);
  return output;
}

class RenderingWriterTest : public testing::Test {
 protected:
  std::string Blob(const Digest& digest) {
    const auto bytes = store_.Get(keys::Blob(digest));
    if (!bytes.ok()) return bytes.status().ToString();
    pb::BlobRecord record;
    CHECK(record.ParseFromString(*bytes));
    return Decompress(record.zstd(), record.size()).value();
  }

  size_t Count() { return store_.Scan("").value().size(); }

  MemoryStore store_;
  RenderingWriter writer_{&store_};
};

TEST_F(RenderingWriterTest, StoresManifestAndObjectsUnderTheirDigests) {
  const auto rendered = writer_.Add(Honest());
  ASSERT_TRUE(rendered.ok()) << rendered.status();
  ASSERT_TRUE(writer_.Flush().ok());

  EXPECT_TRUE(rendered->status.ok());
  EXPECT_EQ(rendered->bundle, Digest::Of(Honest().manifest()));
  EXPECT_EQ(rendered->manifest_bytes, Honest().manifest().size());
  EXPECT_EQ(rendered->object_count, 1u);
  EXPECT_EQ(rendered->object_bytes, sizeof(kObject) - 1);
  EXPECT_TRUE(rendered->uses_known);
  EXPECT_EQ(Blob(rendered->bundle), Honest().manifest());
  EXPECT_EQ(Blob(Digest::Of(kObject)), kObject);
  EXPECT_EQ(Count(), 2u);
}

TEST_F(RenderingWriterTest, KeepsWhereObjectsStandUnlessItMakesNoSense) {
  pb::RenderOutput output = Honest();
  output.mutable_sources()->add_files("web/a.yaml");
  output.mutable_sources()->add_file(1);
  output.mutable_sources()->add_line(7);
  const std::string key = keys::Sources(Digest::Of("input"));
  ASSERT_TRUE(writer_.Add(output).ok()) << "it only helps people";
  ASSERT_TRUE(writer_.Flush().ok());
  EXPECT_FALSE(store_.Get(key).ok()) << "there is no second file";

  output.mutable_sources()->set_file(0, 0);
  ASSERT_TRUE(writer_.Add(output).ok());
  ASSERT_TRUE(writer_.Flush().ok());
  EXPECT_EQ(*store_.Get(key), output.sources().SerializeAsString());
}

TEST_F(RenderingWriterTest, TheSecondOfOneInputSharesTheFirstsBundle) {
  const auto first = writer_.Add(Honest());
  pb::RenderOutput second = Honest();
  second.clear_manifest();
  second.clear_objects();
  const auto shared = writer_.Add(second);
  ASSERT_TRUE(shared.ok()) << shared.status();
  EXPECT_EQ(shared->bundle, first->bundle);
  EXPECT_EQ(shared->object_count, 1u);
}

TEST_F(RenderingWriterTest, AKnownInputNamesNoBundle) {
  pb::RenderOutput known;
  known.set_input_digest(Digest::Of("input").bytes());
  const auto rendered = writer_.Add(known);
  ASSERT_TRUE(rendered.ok()) << rendered.status();
  EXPECT_TRUE(rendered->status.ok());
  EXPECT_TRUE(rendered->bundle.empty());
}

TEST_F(RenderingWriterTest, AFailedRenderingStoresNothing) {
  pb::RenderOutput failed = Honest();
  failed.set_code(static_cast<int>(absl::StatusCode::kInvalidArgument));
  failed.set_message("apps/web.yaml:12: tab used for indentation");
  const auto rendered = writer_.Add(failed);
  ASSERT_TRUE(rendered.ok()) << rendered.status();
  EXPECT_EQ(rendered->status.message(), "apps/web.yaml:12: tab used for indentation");
  EXPECT_TRUE(rendered->bundle.empty());
  ASSERT_TRUE(writer_.Flush().ok());
  EXPECT_EQ(Count(), 0u);
}

// A render worker that was taken over by what it reads must not put anything into the store under
// a name that is not its own.
TEST_F(RenderingWriterTest, BelievesNothingThatDoesNotHold) {
  std::vector<pb::RenderOutput> lies(6, Honest());
  lies[0].set_objects(0, "something else");
  lies[1].clear_objects();
  lies[2].add_objects(kObject);
  lies[3].set_manifest("not a manifest");
  lies[4].clear_input_digest();
  lies[5].set_input_digest("short");
  for (const pb::RenderOutput& lie : lies) {
    EXPECT_FALSE(writer_.Add(lie).ok()) << lie.ShortDebugString();
  }
}

TEST_F(RenderingWriterTest, WritesOnlyWhatIsMissing) {
  ASSERT_TRUE(writer_.Add(Honest()).ok());
  ASSERT_TRUE(writer_.Flush().ok());
  // Marked, to see that it is left alone.
  Batch batch;
  batch.Put(keys::Blob(Digest::Of(kObject)), "left alone");
  CHECK_OK(store_.Commit(batch));

  RenderingWriter again(&store_);
  ASSERT_TRUE(again.Add(Honest()).ok());
  ASSERT_TRUE(again.Flush().ok());
  EXPECT_EQ(*store_.Get(keys::Blob(Digest::Of(kObject))), "left alone");
}

}  // namespace
}  // namespace muster::hub
