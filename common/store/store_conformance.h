// The suite that every Store passes. Include it once in a test of the implementation:
//
//   std::unique_ptr<StoreHarness> MakeHarness() { return std::make_unique<...>(); }
//   INSTANTIATE_TEST_SUITE_P(Memory, StoreConformance, testing::Values(&MakeHarness));
//
// Everything that a core may rely on is told here as a story.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/check.h"
#include "common/store/store.h"

namespace muster {

// Owns what outlives a store: the memory or the directory.
class StoreHarness {
 public:
  virtual ~StoreHarness() = default;
  virtual Store& store() = 0;
  // Ends the process's life, so to speak, and opens what it left.
  virtual void Restart() = 0;
};

class StoreConformance
    : public testing::TestWithParam<std::function<std::unique_ptr<StoreHarness>()>> {
 protected:
  StoreConformance() : harness_(GetParam()()) {}

  Store& store() { return harness_->store(); }
  void Restart() { harness_->Restart(); }

  void Put(absl::string_view key, absl::string_view value) {
    Batch batch;
    batch.Put(key, value);
    CHECK_OK(store().Commit(batch));
  }

  std::vector<std::string> Keys(const Range& range) {
    std::vector<std::string> keys;
    CHECK_OK(store().Visit(range, [&keys](absl::string_view key, absl::string_view) {
      keys.emplace_back(key);
      return true;
    }));
    return keys;
  }

  std::unique_ptr<StoreHarness> harness_;
};

inline std::string Bytes(std::initializer_list<int> bytes) {
  std::string text;
  for (const int byte : bytes) text.push_back(static_cast<char>(byte));
  return text;
}

TEST_P(StoreConformance, ReturnsWhatWasPut) {
  Put("a", "1");
  EXPECT_EQ(*store().Get("a"), "1");
  Put("a", "2");
  EXPECT_EQ(*store().Get("a"), "2");
}

TEST_P(StoreConformance, SaysNotFoundForAnAbsentKey) {
  Put("ab", "1");
  EXPECT_EQ(store().Get("a").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(store().Get("abc").status().code(), absl::StatusCode::kNotFound);
}

TEST_P(StoreConformance, KeepsEveryByteOfKeyAndValue) {
  const std::string key = Bytes({0, 0xff, 'k', 0});
  const std::string value = Bytes({0, 1, 0xfe, 0xff, 0});
  Put(key, value);
  Put("empty", "");
  EXPECT_EQ(*store().Get(key), value);
  EXPECT_EQ(*store().Get("empty"), "");
}

TEST_P(StoreConformance, KeepsALargeValue) {
  const std::string value(3u << 20, 'x');
  Put("large", value);
  Restart();
  EXPECT_TRUE(*store().Get("large") == value);
}

TEST_P(StoreConformance, DeletesAndForgivesAnAbsentKey) {
  Put("a", "1");
  Batch batch;
  batch.Delete("a");
  batch.Delete("never");
  EXPECT_TRUE(store().Commit(batch).ok());
  EXPECT_EQ(store().Get("a").status().code(), absl::StatusCode::kNotFound);
}

TEST_P(StoreConformance, DeletesAPrefixAndNothingBesideIt) {
  for (const char* key : {"a", "a/", "a/1", "a/2", "a0", "b"}) Put(key, "x");
  Batch batch;
  batch.DeletePrefix("a/");
  ASSERT_TRUE(store().Commit(batch).ok());
  EXPECT_THAT(Keys({}), testing::ElementsAre("a", "a0", "b"));
}

TEST_P(StoreConformance, DeletesAPrefixOfGreatestBytes) {
  const std::string greatest = Bytes({0xff, 0xff});
  for (const std::string& key : {std::string("a"), greatest, greatest + "1", Bytes({0xff, 0xfe})}) {
    Put(key, "x");
  }
  Batch batch;
  batch.DeletePrefix(greatest);
  ASSERT_TRUE(store().Commit(batch).ok());
  EXPECT_THAT(Keys({}), testing::ElementsAre("a", Bytes({0xff, 0xfe})));
}

TEST_P(StoreConformance, AppliesOperationsInTheirOrder) {
  Batch batch;
  batch.Put("a", "1");
  batch.Put("a", "2");
  batch.Put("b", "1");
  batch.Delete("b");
  batch.Delete("c");
  batch.Put("c", "1");
  batch.Put("p/1", "1");
  batch.DeletePrefix("p/");
  batch.Put("p/2", "1");
  ASSERT_TRUE(store().Commit(batch).ok());
  EXPECT_THAT(*store().Scan(""),
              testing::ElementsAre(Record{"a", "2"}, Record{"c", "1"}, Record{"p/2", "1"}));
}

TEST_P(StoreConformance, TakesAnEmptyBatch) { EXPECT_TRUE(store().Commit(Batch()).ok()); }

TEST_P(StoreConformance, ScansAPrefixInTheOrderOfBytes) {
  for (const std::string& key :
       {std::string("k/b"), std::string("k/a"), "k/" + Bytes({0xff}), std::string("j/z"),
        std::string("k"), std::string("k0"), "k/" + Bytes({0x7f}), "k/" + Bytes({0x80})}) {
    Put(key, "x");
  }
  EXPECT_THAT(Keys({.prefix = "k/"}),
              testing::ElementsAre("k/a", "k/b", "k/" + Bytes({0x7f}), "k/" + Bytes({0x80}),
                                   "k/" + Bytes({0xff})));
  EXPECT_THAT(Keys({.prefix = "z"}), testing::IsEmpty());
  EXPECT_EQ(Keys({}).size(), 8u);
}

TEST_P(StoreConformance, ScansPageByPageInBothDirections) {
  Put("before", "x");
  Put("z", "x");
  std::vector<std::string> all;
  for (int i = 0; i < 10; ++i) {
    all.push_back(absl::StrFormat("e/%02d", i));
    Put(all.back(), "x");
  }
  for (const bool reverse : {false, true}) {
    std::vector<std::string> seen;
    Range range{.prefix = "e/", .limit = 3, .reverse = reverse};
    while (true) {
      const std::vector<std::string> page = Keys(range);
      if (page.empty()) break;
      EXPECT_LE(page.size(), 3u);
      seen.insert(seen.end(), page.begin(), page.end());
      range.start_after = page.back();
    }
    EXPECT_EQ(seen, all) << "reverse " << reverse;
    std::reverse(all.begin(), all.end());
  }
}

TEST_P(StoreConformance, StartsAfterAKeyThatIsNotThere) {
  for (const char* key : {"e/1", "e/3", "e/5"}) Put(key, "x");
  EXPECT_THAT(Keys({.prefix = "e/", .start_after = "e/2"}), testing::ElementsAre("e/3", "e/5"));
  EXPECT_THAT(Keys({.prefix = "e/", .start_after = "e/4", .reverse = true}),
              testing::ElementsAre("e/3", "e/1"));
  EXPECT_THAT(Keys({.prefix = "e/", .start_after = "a"}),
              testing::ElementsAre("e/1", "e/3", "e/5"));
  EXPECT_THAT(Keys({.prefix = "e/", .start_after = "z"}), testing::IsEmpty());
  EXPECT_THAT(Keys({.prefix = "e/", .start_after = "z", .reverse = true}),
              testing::ElementsAre("e/5", "e/3", "e/1"));
  EXPECT_THAT(Keys({.prefix = "e/", .start_after = "a", .reverse = true}), testing::IsEmpty());
}

TEST_P(StoreConformance, ScansBackwardsOverAPrefixOfGreatestBytes) {
  const std::string greatest = Bytes({0xff});
  Put("a", "x");
  Put(greatest + "1", "x");
  Put(greatest + "2", "x");
  EXPECT_THAT(Keys({.prefix = greatest, .reverse = true}),
              testing::ElementsAre(greatest + "2", greatest + "1"));
  EXPECT_THAT(Keys({.reverse = true}), testing::ElementsAre(greatest + "2", greatest + "1", "a"));
}

TEST_P(StoreConformance, StopsWhenTheVisitorHasSeenEnough) {
  for (const char* key : {"a", "b", "c"}) Put(key, "x");
  int seen = 0;
  ASSERT_TRUE(
      store().Visit({}, [&seen](absl::string_view, absl::string_view) { return ++seen < 2; }).ok());
  EXPECT_EQ(seen, 2);
}

TEST_P(StoreConformance, ShowsOneStateToAVisitorWhoCommits) {
  for (const char* key : {"a", "b", "c"}) Put(key, "old");
  std::vector<std::string> values;
  ASSERT_TRUE(store()
                  .Visit({},
                         [&](absl::string_view, absl::string_view value) {
                           values.emplace_back(value);
                           Batch batch;
                           batch.Put("c", "new");
                           batch.Put("d", "new");
                           CHECK_OK(store().Commit(batch));
                           return true;
                         })
                  .ok());
  EXPECT_THAT(values, testing::ElementsAre("old", "old", "old"));
  EXPECT_EQ(*store().Get("c"), "new");
}

TEST_P(StoreConformance, KeepsEverythingOverARestart) {
  Put("a", "1");
  Put("b", "1");
  Batch batch;
  batch.Put("a", "2");
  batch.Delete("b");
  batch.Put("p/1", "1");
  ASSERT_TRUE(store().Commit(batch).ok());
  Batch prefix;
  prefix.DeletePrefix("p/");
  ASSERT_TRUE(store().Commit(prefix).ok());
  Restart();
  EXPECT_THAT(*store().Scan(""), testing::ElementsAre(Record{"a", "2"}));
}

// Four writers, each with its own counter and one that all batches share: no batch is seen in part.
TEST_P(StoreConformance, ServesManyThreads) {
  constexpr int kWriters = 4, kRounds = 25;
  std::atomic<bool> done = false;
  std::thread reader([&] {
    while (!done) {
      const auto pairs = store().Scan("pair/");
      CHECK_OK(pairs);
      CHECK(pairs->empty() || (pairs->size() == 2 && (*pairs)[0].value == (*pairs)[1].value));
    }
  });
  std::vector<std::thread> writers;
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      for (int round = 0; round < kRounds; ++round) {
        const std::string value = absl::StrCat(writer, ".", round);
        Batch batch;
        batch.Put(absl::StrCat("writer/", writer), value);
        batch.Put("pair/1", value);
        batch.Put("pair/2", value);
        CHECK_OK(store().Commit(batch));
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  done = true;
  reader.join();
  for (int writer = 0; writer < kWriters; ++writer) {
    EXPECT_EQ(*store().Get(absl::StrCat("writer/", writer)),
              absl::StrCat(writer, ".", kRounds - 1));
  }
}

}  // namespace muster
