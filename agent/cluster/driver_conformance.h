// The suite that every ClusterDriver passes. Include it once in a test of the implementation:
//
//   std::unique_ptr<DriverHarness> MakeHarness() { return std::make_unique<...>(); }
//   INSTANTIATE_TEST_SUITE_P(Memory, DriverConformance, testing::Values(&MakeHarness));
//
// Everything that the agent's core relies on is told here as a story.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "agent/cluster/cluster_driver.h"
#include "common/base/check.h"
#include "common/base/digest.h"

namespace muster::agent {

// A cluster in which somebody else works too.
class DriverHarness {
 public:
  virtual ~DriverHarness() = default;
  virtual ClusterDriver& driver() = 0;
  // Somebody edits the object, keeping what tells its identity, or makes it when it is not there.
  virtual void Edit(const ObjectKey& key, const std::string& json) = 0;
  // Somebody deletes it.
  virtual void Delete(const ObjectKey& key) = 0;
  // A new process over the same cluster.
  virtual void Restart() {}
};

class DriverConformance
    : public testing::TestWithParam<std::function<std::unique_ptr<DriverHarness>()>> {
 protected:
  DriverConformance() : harness_(GetParam()()) {}

  ClusterDriver& driver() { return harness_->driver(); }

  static ObjectKey Key(absl::string_view name, absl::string_view ns = "web") {
    return ObjectKey{.api_version = "v1",
                     .kind = "ConfigMap",
                     .namespace_ = std::string(ns),
                     .name = std::string(name)};
  }

  static std::string Json(const ObjectKey& key, absl::string_view value) {
    return absl::StrCat(R"({"apiVersion":")", key.api_version, R"(","data":{"value":")", value,
                        R"("},"kind":")", key.kind, R"(","metadata":{"name":")", key.name,
                        R"(","namespace":")", key.namespace_, R"("}})");
  }

  static ApplyRequest Request(const ObjectKey& key, absl::string_view value, bool ours) {
    return ApplyRequest{.key = key, .json = Json(key, value), .ours = ours};
  }

  DriverResult Apply(const ObjectKey& key, absl::string_view value, bool ours) {
    return driver().Apply({Request(key, value, ours)})[0];
  }

  std::vector<LiveObject> List(const std::vector<ObjectKey>& keys, bool contents = false) {
    auto listed = driver().List(std::vector<Query>(keys.begin(), keys.end()), contents);
    CHECK_OK(listed);
    return *std::move(listed);
  }

  std::unique_ptr<DriverHarness> harness_;
};

TEST_P(DriverConformance, ListsWhatWasAppliedAsApplySaidItWould) {
  const DriverResult applied = Apply(Key("a"), "1", false);
  ASSERT_TRUE(applied.status.ok()) << applied.status;
  EXPECT_FALSE(applied.uid.empty());
  const std::vector<LiveObject> listed = List({Key("a"), Key("b")}, true);
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed[0].key, Key("a"));
  EXPECT_EQ(listed[0].uid, applied.uid);
  EXPECT_EQ(listed[0].digest, applied.digest);
  EXPECT_EQ(listed[0].json, Json(Key("a"), "1"));
  EXPECT_TRUE(List({Key("a")})[0].json.empty());
}

TEST_P(DriverConformance, ListsNothingThatIsNotThere) {
  EXPECT_TRUE(List({}).empty());
  EXPECT_TRUE(List({Key("a"), Key("a", "other")}).empty());
}

TEST_P(DriverConformance, KeepsTheUidOverChanges) {
  const std::string uid = Apply(Key("a"), "1", false).uid;
  const DriverResult changed = Apply(Key("a"), "2", true);
  ASSERT_TRUE(changed.status.ok()) << changed.status;
  EXPECT_EQ(changed.uid, uid);
  EXPECT_EQ(List({Key("a")})[0].digest, changed.digest);
}

TEST_P(DriverConformance, ApplyingTwiceIsAsOnce) {
  const DriverResult first = Apply(Key("a"), "1", false);
  const DriverResult second = Apply(Key("a"), "1", false);
  ASSERT_TRUE(second.status.ok()) << second.status;
  EXPECT_EQ(second.uid, first.uid);
  EXPECT_EQ(second.digest, first.digest);
}

TEST_P(DriverConformance, RefusesToOverwriteWhatIsNotOurs) {
  harness_->Edit(Key("a"), Json(Key("a"), "theirs"));
  EXPECT_FALSE(List({Key("a")})[0].ours);
  const DriverResult result = Apply(Key("a"), "1", false);
  EXPECT_EQ(result.status.code(), absl::StatusCode::kAlreadyExists) << result.status;
  EXPECT_EQ(List({Key("a")}, true)[0].json, Json(Key("a"), "theirs"));
}

TEST_P(DriverConformance, AdoptsWhatIsEqual) {
  harness_->Edit(Key("a"), Json(Key("a"), "1"));
  const DriverResult result = Apply(Key("a"), "1", false);
  ASSERT_TRUE(result.status.ok()) << result.status;
  EXPECT_EQ(List({Key("a")})[0].uid, result.uid);
}

TEST_P(DriverConformance, TakesOverWhatItIsAllowedTo) {
  harness_->Edit(Key("a"), Json(Key("a"), "theirs"));
  ApplyRequest request = Request(Key("a"), "1", false);
  request.adopt = AdoptRule::kAlways;
  const DriverResult result = driver().Apply({request})[0];
  ASSERT_TRUE(result.status.ok()) << result.status;
  EXPECT_EQ(List({Key("a")}, true)[0].json, Json(Key("a"), "1"));
  EXPECT_EQ(List({Key("a")})[0].uid, result.uid);
}

TEST_P(DriverConformance, TakesNothingOverWhenForbiddenThoughItIsEqual) {
  harness_->Edit(Key("a"), Json(Key("a"), "1"));
  ApplyRequest request = Request(Key("a"), "1", false);
  request.adopt = AdoptRule::kNever;
  EXPECT_EQ(driver().Apply({request})[0].status.code(), absl::StatusCode::kAlreadyExists);
}

TEST_P(DriverConformance, ForbiddenToAdoptItKnowsItsOwnAfterARestart) {
  const std::string uid = Apply(Key("a"), "1", false).uid;
  harness_->Restart();
  EXPECT_TRUE(List({Key("a")})[0].ours);
  ApplyRequest request = Request(Key("a"), "2", false);
  request.adopt = AdoptRule::kNever;
  const DriverResult result = driver().Apply({request})[0];
  ASSERT_TRUE(result.status.ok()) << result.status;
  EXPECT_EQ(result.uid, uid);
}

TEST_P(DriverConformance, ADryRunSaysWhatWouldChangeAndWritesNothing) {
  ApplyRequest request = Request(Key("a"), "1", false);
  request.dry_run = true;
  DriverResult result = driver().Apply({request})[0];
  ASSERT_TRUE(result.status.ok()) << result.status;
  EXPECT_EQ(result.changes, std::vector<FieldChange>{FieldChange{}});  // the whole
  EXPECT_TRUE(List({Key("a")}).empty());

  harness_->Edit(Key("a"), Json(Key("a"), "theirs"));
  request.ours = true;
  result = driver().Apply({request})[0];
  ASSERT_TRUE(result.status.ok()) << result.status;
  EXPECT_EQ(result.changes, (std::vector<FieldChange>{{"/data/value", "\"theirs\"", "\"1\""}}));
  EXPECT_EQ(List({Key("a")}, true)[0].json, Json(Key("a"), "theirs"));

  harness_->Edit(Key("a"), Json(Key("a"), "1"));
  result = driver().Apply({request})[0];
  ASSERT_TRUE(result.status.ok()) << result.status;
  EXPECT_TRUE(result.changes.empty());
}

TEST_P(DriverConformance, KeepsTheFieldsThatAreLeftToOthers) {
  Apply(Key("a"), "1", false);
  harness_->Edit(Key("a"), Json(Key("a"), "theirs"));
  ApplyRequest request = Request(Key("a"), "1", true);
  request.keep = {"/data/value"};
  request.dry_run = true;
  EXPECT_TRUE(driver().Apply({request})[0].changes.empty());
  request.dry_run = false;
  ASSERT_TRUE(driver().Apply({request})[0].status.ok());
  EXPECT_EQ(List({Key("a")}, true)[0].json, Json(Key("a"), "theirs"));
}

TEST_P(DriverConformance, AnyChangeIsAnotherVersion) {
  Apply(Key("a"), "1", false);
  const uint64_t first = List({Key("a")})[0].version;
  EXPECT_EQ(List({Key("a")})[0].version, first);
  harness_->Edit(Key("a"), Json(Key("a"), "edited"));
  EXPECT_NE(List({Key("a")})[0].version, first);
}

TEST_P(DriverConformance, OverwritesWhatIsOurs) {
  Apply(Key("a"), "1", false);
  harness_->Edit(Key("a"), Json(Key("a"), "theirs"));
  const DriverResult result = Apply(Key("a"), "1", true);
  ASSERT_TRUE(result.status.ok()) << result.status;
  EXPECT_EQ(List({Key("a")}, true)[0].json, Json(Key("a"), "1"));
}

TEST_P(DriverConformance, ShowsAnEditAndADeletion) {
  const DriverResult a = Apply(Key("a"), "1", false);
  Apply(Key("b"), "1", false);
  harness_->Edit(Key("a"), Json(Key("a"), "2"));
  harness_->Delete(Key("b"));
  const std::vector<LiveObject> listed = List({Key("a"), Key("b")}, true);
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed[0].uid, a.uid);
  EXPECT_NE(listed[0].digest, a.digest);
  EXPECT_EQ(listed[0].json, Json(Key("a"), "2"));
}

TEST_P(DriverConformance, RemovesWhatHasTheUidAndNothingElse) {
  const std::string uid = Apply(Key("a"), "1", false).uid;
  EXPECT_EQ(driver().Remove({{Key("a"), "another"}})[0].status.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(List({Key("a")}).size(), 1u);
  EXPECT_TRUE(driver().Remove({{Key("a"), uid}})[0].status.ok());
  EXPECT_TRUE(List({Key("a")}).empty());
}

TEST_P(DriverConformance, RemovesOursThoughItWasEdited) {
  const std::string uid = Apply(Key("a"), "1", false).uid;
  harness_->Edit(Key("a"), Json(Key("a"), "2"));
  EXPECT_TRUE(driver().Remove({{Key("a"), uid}})[0].status.ok());
  EXPECT_TRUE(List({Key("a")}).empty());
}

TEST_P(DriverConformance, DoesNotRemoveWhatWasMadeAnew) {
  const std::string uid = Apply(Key("a"), "1", false).uid;
  harness_->Delete(Key("a"));
  harness_->Edit(Key("a"), Json(Key("a"), "2"));
  EXPECT_EQ(driver().Remove({{Key("a"), uid}})[0].status.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(List({Key("a")}).size(), 1u);
}

TEST_P(DriverConformance, DoesNotRemoveWhatIsAnnotatedToBeKept) {
  const std::string uid = Apply(Key("a"), "1", false).uid;
  harness_->Edit(
      Key("a"),
      absl::StrReplaceAll(
          Json(Key("a"), "1"),
          {{R"("metadata":{)", R"("metadata":{"annotations":{"muster.dev/prune":"never"},)"}}));
  EXPECT_TRUE(List({Key("a")})[0].kept);
  EXPECT_EQ(driver().Remove({{Key("a"), uid}})[0].status.code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(List({Key("a")}).size(), 1u);
}

TEST_P(DriverConformance, RemovingWhatIsGoneSucceeds) {
  EXPECT_TRUE(driver().Remove({{Key("a"), "any"}})[0].status.ok());
}

TEST_P(DriverConformance, AnObjectMadeAnewHasAnotherUid) {
  const std::string uid = Apply(Key("a"), "1", false).uid;
  ASSERT_TRUE(driver().Remove({{Key("a"), uid}})[0].status.ok());
  EXPECT_NE(Apply(Key("a"), "1", false).uid, uid);
}

TEST_P(DriverConformance, OneFailureStopsNoOther) {
  harness_->Edit(Key("b"), Json(Key("b"), "theirs"));
  const std::vector<DriverResult> results =
      driver().Apply({Request(Key("a"), "1", false), Request(Key("b"), "1", false),
                      Request(Key("c"), "1", false)});
  ASSERT_EQ(results.size(), 3u);
  EXPECT_TRUE(results[0].status.ok());
  EXPECT_FALSE(results[1].status.ok());
  EXPECT_TRUE(results[2].status.ok());
  EXPECT_EQ(results[1].key, Key("b"));
  EXPECT_EQ(List({Key("a"), Key("b"), Key("c")}).size(), 3u);
}

TEST_P(DriverConformance, TellsNamespacesAndKindsApart) {
  ObjectKey secret = Key("a");
  secret.kind = "Secret";
  ObjectKey cluster = Key("a", "");
  cluster.kind = "Namespace";
  for (const ObjectKey& key : {Key("a"), Key("a", "b"), secret, cluster}) {
    ASSERT_TRUE(Apply(key, key.kind, false).status.ok());
  }
  EXPECT_EQ(List({Key("a"), Key("a", "b"), secret, cluster}).size(), 4u);
  ASSERT_TRUE(driver().Remove({{secret, List({secret})[0].uid}})[0].status.ok());
  EXPECT_EQ(List({Key("a"), Key("a", "b"), secret, cluster}).size(), 3u);
}

TEST_P(DriverConformance, FindsEverythingAgainAfterARestart) {
  const DriverResult applied = Apply(Key("a"), "1", false);
  harness_->Restart();
  const std::vector<LiveObject> listed = List({Key("a")}, true);
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed[0].uid, applied.uid);
  EXPECT_EQ(listed[0].digest, applied.digest);
}

TEST_P(DriverConformance, HintsThatSomethingChanged) {
  Apply(Key("a"), "1", false);
  std::promise<void> hinted;
  bool once = false;
  driver().Watch([&] {
    if (!std::exchange(once, true)) hinted.set_value();
  });
  harness_->Edit(Key("a"), Json(Key("a"), "2"));
  EXPECT_EQ(hinted.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
}

}  // namespace muster::agent
