// Jobs: blobs that come in pieces, twice, broken or wrong; looks; and acts.
#include "agent/perform.h"

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "agent/agent_world.h"
#include "agent/cluster/fields.h"
#include "agent/core/blob.h"
#include "common/manifest/json.h"
#include "gtest/gtest.h"

namespace muster::agent {
namespace {

namespace pb = muster::v1;

// Sends what a test tells it to.
class ScriptedFetcher final : public BlobFetcher {
 public:
  absl::Status Fetch(const pb::FetchBlobsRequest& request, Sink sink) override {
    requests.push_back(request);
    return answer(request, sink);
  }
  std::function<absl::Status(const pb::FetchBlobsRequest&, Sink)> answer;
  std::vector<pb::FetchBlobsRequest> requests;
};

class PerformTest : public testing::Test {
 protected:
  BlobsFetched Fetch(std::vector<Digest> digests, bool contents = false, bool local = false,
                     const Digest& base = Digest()) {
    FetchBlobsJob job{.job = 1, .contents = contents, .local_only = local};
    for (const Digest& digest : digests) {
      pb::BlobRequest& blob = *job.request.add_blobs();
      blob.set_digest(digest.bytes());
      if (!base.empty()) blob.set_base_digest(base.bytes());
    }
    return std::get<BlobsFetched>(Perform(job, tools_));
  }

  static pb::BlobChunk Chunk(const std::string& content, size_t offset, size_t size) {
    const std::string zstd = Compress(content);
    pb::BlobChunk chunk;
    chunk.set_digest(Digest::Of(content).bytes());
    chunk.set_size(content.size());
    chunk.set_stored_size(zstd.size());
    chunk.set_offset(offset);
    chunk.set_data(zstd.substr(offset, size));
    return chunk;
  }

  bool Has(const std::string& content) {
    const auto record = store_.Get(BlobKey(Digest::Of(content)));
    return record.ok() && BlobContentOf(*record, Digest::Of(content)).ok();
  }

  void Put(const std::string& content) {
    Batch batch;
    batch.Put(BlobKey(Digest::Of(content)), BlobRecordOf(content));
    CHECK_OK(store_.Commit(batch));
  }

  MemoryStore store_;
  MemoryDriver driver_;
  ScriptedFetcher fetcher_;
  const Tools tools_{driver_, store_, fetcher_};
};

TEST_F(PerformTest, AsksForNothingThatIsThere) {
  Put("here");
  EXPECT_TRUE(Fetch({Digest::Of("here")}).status.ok());
  EXPECT_TRUE(fetcher_.requests.empty());
  const BlobsFetched read = Fetch({Digest::Of("here"), Digest::Of("not here")}, true, true);
  ASSERT_EQ(read.contents.size(), 1u);
  EXPECT_EQ(read.contents[0].content, "here");
  EXPECT_TRUE(fetcher_.requests.empty());
}

TEST_F(PerformTest, TakesABrokenStreamUpWhereItBroke) {
  const std::string content(5000, 'x');
  fetcher_.answer = [&](const pb::FetchBlobsRequest& request, BlobFetcher::Sink sink) {
    const uint64_t offset = request.blobs(0).offset();
    EXPECT_TRUE(sink(Chunk(content, offset, 5)).ok());
    return offset == 0 ? absl::UnavailableError("cut")
                       : sink(Chunk(content, offset + 5, std::string::npos));
  };
  EXPECT_TRUE(Fetch({Digest::Of(content)}).status.ok());
  ASSERT_EQ(fetcher_.requests.size(), 2u);
  EXPECT_EQ(fetcher_.requests[1].blobs(0).offset(), 5u);
  EXPECT_TRUE(Has(content));
}

TEST_F(PerformTest, KeepsWhatArrivedBeforeTheStreamBroke) {
  fetcher_.answer = [&](const pb::FetchBlobsRequest& request, BlobFetcher::Sink sink) {
    if (request.blobs_size() == 1) return absl::UnavailableError("gone");
    const absl::Status status = sink(Chunk("one", 0, 100));
    return status.ok() ? absl::UnavailableError("cut") : status;
  };
  EXPECT_FALSE(Fetch({Digest::Of("one"), Digest::Of("two")}).status.ok());
  EXPECT_TRUE(Has("one"));
  EXPECT_FALSE(Has("two"));
}

TEST_F(PerformTest, RefusesABlobThatIsAnother) {
  fetcher_.answer = [&](const pb::FetchBlobsRequest& request, BlobFetcher::Sink sink) {
    pb::BlobChunk chunk = Chunk("evil", 0, 100);
    chunk.set_digest(request.blobs(0).digest());
    return sink(chunk);
  };
  EXPECT_EQ(Fetch({Digest::Of("good")}).status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(Has("good"));
}

TEST_F(PerformTest, RefusesABombBeforeItGoesOff) {
  const std::string content(1 << 20, 'x');
  fetcher_.answer = [&](const pb::FetchBlobsRequest&, BlobFetcher::Sink sink) {
    pb::BlobChunk chunk = Chunk(content, 0, std::string::npos);
    chunk.set_size(10);  // promised
    return sink(chunk);
  };
  EXPECT_FALSE(Fetch({Digest::Of(content)}).status.ok());
  fetcher_.answer = [&](const pb::FetchBlobsRequest&, BlobFetcher::Sink sink) {
    pb::BlobChunk chunk = Chunk(content, 0, 1);
    chunk.set_size(uint64_t{1} << 40);
    chunk.set_stored_size(uint64_t{1} << 40);
    return sink(chunk);
  };
  EXPECT_FALSE(Fetch({Digest::Of(content)}).status.ok());
}

TEST_F(PerformTest, RefusesChunksThatDoNotFollowOneAnother) {
  const std::string content(5000, 'x');
  fetcher_.answer = [&](const pb::FetchBlobsRequest&, BlobFetcher::Sink sink) {
    return sink(Chunk(content, 3, 5));
  };
  EXPECT_FALSE(Fetch({Digest::Of(content)}).status.ok());
}

TEST_F(PerformTest, SaysWhatTheHubDidNotSend) {
  fetcher_.answer = [](const pb::FetchBlobsRequest&, BlobFetcher::Sink) {
    return absl::OkStatus();
  };
  EXPECT_EQ(Fetch({Digest::Of("a")}).status.code(), absl::StatusCode::kNotFound);
}

TEST_F(PerformTest, FetchesAgainWhatIsDamagedInTheStore) {
  Batch batch;
  batch.Put(BlobKey(Digest::Of("good")), BlobRecordOf("bad!"));
  CHECK_OK(store_.Commit(batch));
  fetcher_.answer = [](const pb::FetchBlobsRequest&, BlobFetcher::Sink sink) {
    return sink(Chunk("good", 0, 100));
  };
  EXPECT_TRUE(Fetch({Digest::Of("good")}).status.ok());
  EXPECT_TRUE(Has("good"));
}

TEST_F(PerformTest, RebuildsAManifestOrAsksForTheWhole) {
  const Bundle base = *MakeBundle({{.object = TestObject("a", "1")}});
  const Bundle next = *MakeBundle({{.object = TestObject("a", "2")}});
  Put(base.manifest_bytes);
  bool wrong = true;
  fetcher_.answer = [&](const pb::FetchBlobsRequest& request, BlobFetcher::Sink sink) {
    if (request.blobs(0).base_digest().empty()) return sink(Chunk(next.manifest_bytes, 0, 9999));
    pb::BlobChunk chunk;
    chunk.set_digest(next.digest.bytes());
    *chunk.mutable_delta() = *MakeManifestDelta(base.manifest_bytes, next.manifest_bytes);
    if (wrong) chunk.mutable_delta()->mutable_changed(0)->set_name("b");
    return sink(chunk);
  };
  EXPECT_TRUE(Fetch({next.digest}, true, false, base.digest).status.ok());
  EXPECT_EQ(fetcher_.requests.size(), 2u);  // the wrong delta, then the whole
  EXPECT_TRUE(Has(next.manifest_bytes));
  Batch batch;
  batch.Delete(BlobKey(next.digest));
  CHECK_OK(store_.Commit(batch));
  wrong = false;
  EXPECT_TRUE(Fetch({next.digest}, true, false, base.digest).status.ok());
  EXPECT_EQ(fetcher_.requests.size(), 3u);
  EXPECT_TRUE(Has(next.manifest_bytes));
}

TEST_F(PerformTest, ComparesOnlyWhatIsNotAsExpected) {
  const Object a = TestObject("a", "1");
  const std::string json = CanonicalJson(a.value);
  Put(json);
  driver_.Apply({{.key = a.key, .json = json}});
  ListJob job{
      .looks = {Look{.key = a.key, .expected = Digest::Of(json)}, Look{.key = TestKey("missing")}}};
  Listed listed = std::get<Listed>(Perform(job, tools_));
  ASSERT_TRUE(listed.objects.ok());
  ASSERT_EQ(listed.objects->size(), 1u);
  EXPECT_EQ(driver_.calls().list, 1);
  driver_.Change(a.key, CanonicalJson(TestObject("a", "2").value), "bob");
  job.looks[0].object = Digest::Of(json);
  listed = std::get<Listed>(Perform(job, tools_));
  EXPECT_EQ((*listed.objects)[0].changes,
            (std::vector<FieldChange>{{"/data/value", "\"2\"", "\"1\""}}));
  job.looks[0].ignore = {"/data"};
  listed = std::get<Listed>(Perform(job, tools_));
  EXPECT_TRUE((*listed.objects)[0].changes.empty());
  driver_.Change(a.key, "no json", "bob");
  listed = std::get<Listed>(Perform(job, tools_));
  EXPECT_EQ((*listed.objects)[0].changes, std::vector<FieldChange>{WholeObject()});
  // What was compared at this version is not compared again.
  job.looks[0].compared = (*listed.objects)[0].live.version;
  const int64_t compared = driver_.calls().dry_runs;
  listed = std::get<Listed>(Perform(job, tools_));
  EXPECT_TRUE((*listed.objects)[0].known);
  EXPECT_EQ(driver_.calls().dry_runs, compared);
}

TEST_F(PerformTest, AnObjectWithoutItsBlobStopsNoOther) {
  const Object a = TestObject("a", "1");
  Put(CanonicalJson(a.value));
  const ActJob job{
      .apply = {ApplyAction{.key = TestKey("x"), .object = Digest::Of("lost")},
                ApplyAction{.key = a.key, .object = Digest::Of(CanonicalJson(a.value))}}};
  const Acted acted = std::get<Acted>(Perform(job, tools_));
  ASSERT_EQ(acted.applied.size(), 2u);
  EXPECT_EQ(acted.applied[0].status.code(), absl::StatusCode::kDataLoss);
  EXPECT_TRUE(acted.applied[1].status.ok());
}

}  // namespace
}  // namespace muster::agent
