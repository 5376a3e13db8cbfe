#include "agent/kube/live_cache.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "common/manifest/json.h"

namespace muster::agent {
namespace {

class LiveCacheTest : public testing::Test {
 protected:
  LiveCacheTest() { cache_.Want({Query(key_)}); }

  static Value At(uint64_t version) {
    return *ParseJson(
        absl::StrCat(R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a",)",
                     R"("namespace":"web","resourceVersion":")", version, R"(","uid":"u"}})"));
  }
  LiveCache::Presence presence() const { return cache_.Find(key_).presence; }

  const ObjectKey key_{.api_version = "v1", .kind = "ConfigMap", .namespace_ = "web", .name = "a"};
  int hints_ = 0;
  LiveCache cache_{[this] { ++hints_; }};
};

// The answer to a write and the watch are two connections: the answer may be the later one.
TEST_F(LiveCacheTest, AnOldAnswerDoesNotBringBackWhatIsGone) {
  cache_.SawGone(key_, 9);
  cache_.Saw(key_, At(8));
  EXPECT_EQ(presence(), LiveCache::Presence::kAbsent);
  const LiveObject live = Describe(key_, At(8), nullptr);
  cache_.Told(key_, &live);
  EXPECT_EQ(hints_, 1) << "the agent was told what is not so";
  cache_.Saw(key_, At(10));
  EXPECT_EQ(presence(), LiveCache::Presence::kPresent) << "it was made anew";
}

TEST_F(LiveCacheTest, AnOldDeletionDoesNotTakeWhatIsNew) {
  cache_.Saw(key_, At(8));
  cache_.SawGone(key_, 7);
  EXPECT_EQ(presence(), LiveCache::Presence::kPresent);
  cache_.SawGone(key_, 9);
  EXPECT_EQ(presence(), LiveCache::Presence::kAbsent);
}

}  // namespace
}  // namespace muster::agent
