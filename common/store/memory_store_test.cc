#include "common/store/memory_store.h"

#include <memory>
#include <utility>

#include "common/store/store_conformance.h"

namespace muster {
namespace {

class MemoryHarness final : public StoreHarness {
 public:
  Store& store() override { return *store_; }
  void Restart() override { store_ = std::make_unique<MemoryStore>(store_->Durable()); }

 private:
  std::unique_ptr<MemoryStore> store_ = std::make_unique<MemoryStore>();
};

std::unique_ptr<StoreHarness> MakeHarness() { return std::make_unique<MemoryHarness>(); }

INSTANTIATE_TEST_SUITE_P(Memory, StoreConformance, testing::Values(&MakeHarness));

Batch One(absl::string_view key) {
  Batch batch;
  batch.Put(key, "x");
  return batch;
}

TEST(MemoryStore, LosesOrKeepsTheCommitThatFails) {
  for (const auto fate : {MemoryStore::Fate::kLost, MemoryStore::Fate::kKept}) {
    MemoryStore store;
    store.FailNextCommit(absl::UnavailableError("power cut"), fate);
    EXPECT_EQ(store.Commit(One("a")), absl::UnavailableError("power cut"));
    EXPECT_EQ(store.Durable().contains("a"), fate == MemoryStore::Fate::kKept);
  }
}

TEST(MemoryStore, RefusesEveryCommitAfterAFailedOne) {
  MemoryStore store;
  store.FailNextCommit(absl::UnavailableError("power cut"));
  EXPECT_FALSE(store.Commit(One("a")).ok());
  EXPECT_EQ(store.Commit(One("b")), absl::UnavailableError("power cut"));
  EXPECT_TRUE(store.Durable().empty());
  EXPECT_EQ(store.commits(), 0);
}

TEST(MemoryStore, GoesOnAfterAFullDisk) {
  MemoryStore store;
  store.FailNextCommit(absl::ResourceExhaustedError("disk full"), MemoryStore::Fate::kKept);
  EXPECT_TRUE(absl::IsResourceExhausted(store.Commit(One("a"))));
  EXPECT_TRUE(store.Commit(One("b")).ok());
  EXPECT_FALSE(store.Durable().contains("a"));
  EXPECT_EQ(store.commits(), 1);
}

TEST(MemoryStore, SparesAnEmptyBatchTheFailure) {
  MemoryStore store;
  store.FailNextCommit(absl::UnavailableError("power cut"));
  EXPECT_TRUE(store.Commit(Batch()).ok());
  EXPECT_FALSE(store.Commit(One("a")).ok());
}

TEST(BatchDeathTest, RefusesToEmptyTheStore) {
  Batch batch;
  EXPECT_DEATH(batch.DeletePrefix(""), "never empties");
  EXPECT_DEATH(batch.Put("", "x"), "check failed");
}

TEST(Batch, CountsItsBytes) {
  Batch batch;
  batch.Put("ab", "cde");
  batch.Delete("f");
  EXPECT_EQ(batch.bytes(), 6u);
  EXPECT_EQ(batch.size(), 2u);
  batch.MarkEssential();
  batch.Clear();
  EXPECT_TRUE(batch.empty());
  EXPECT_FALSE(batch.essential());
  EXPECT_EQ(batch.bytes(), 0u);
}

}  // namespace
}  // namespace muster
