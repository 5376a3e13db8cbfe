// Sealed objects in an agent: opened for the cluster and for nothing else.
#include <string>
#include <vector>

#include "absl/strings/str_replace.h"
#include "agent/agent_world.h"
#include "agent/cluster/fields.h"
#include "agent/core/blob.h"
#include "agent/perform.h"
#include "common/manifest/json.h"
#include "common/manifest/sealed.h"
#include "common/secrets/sops.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace muster::agent {
namespace {

using ::testing::HasSubstr;

constexpr char kPlain[] =
    R"({"apiVersion":"v1","data":{"password":"b3Blbi1zZXNhbWU="},"kind":"Secret",)"
    R"("metadata":{"name":"db","namespace":"shop"}})";
const ObjectKey kKey{"v1", "Secret", "shop", "db"};

class NoFetcher final : public BlobFetcher {
 public:
  absl::Status Fetch(const v1::FetchBlobsRequest&, Sink) override {
    return absl::UnavailableError("no hub");
  }
};

class SealedObjects : public testing::Test {
 protected:
  SealedObjects() {
    const Value plain = *ParseJson(kPlain);
    const std::string text =
        *SealObject(plain, {identity_.recipient()}, absl::FromUnixSeconds(1'700'000'000));
    form_ = CanonicalJson(SealedForm(
        plain,
        {{.file = "web/db.yaml", .format = "yaml", .text = text, .document = 0, .key = ""}}));
    Batch batch;
    batch.Put(BlobKey(Digest::Of(form_)), BlobRecordOf(form_));
    CHECK_OK(store_.Commit(batch));
  }

  DriverResult Apply() {
    const ActJob job{
        .apply = {ApplyAction{.key = kKey, .object = Digest::Of(form_), .sealed = true}}};
    return std::get<Acted>(Perform(job, tools_)).applied.at(0);
  }
  ListedObject Look(const Digest& expected) {
    const ListJob job{
        .looks = {agent::Look{
            .key = kKey, .expected = expected, .object = Digest::Of(form_), .sealed = true}}};
    return std::get<Listed>(Perform(job, tools_)).objects->at(0);
  }
  std::vector<Record> Stored() { return *store_.Scan(""); }

  const AgeIdentity identity_ = AgeIdentity::Generate();
  const Unsealer unsealer_{{identity_}, nullptr};
  MemoryStore store_;
  MemoryDriver driver_;
  NoFetcher fetcher_;
  Tools tools_{.driver = driver_, .store = store_, .fetcher = fetcher_, .unsealer = &unsealer_};
  std::string form_;
};

TEST_F(SealedObjects, TheClusterGetsWhatWasSealedAndTheStoreDoesNot) {
  const std::vector<Record> before = Stored();
  const DriverResult result = Apply();
  ASSERT_TRUE(result.status.ok()) << result.status;
  EXPECT_EQ(driver_.Objects().at(kKey), kPlain);
  EXPECT_EQ(result.digest, Digest::Of(kPlain));
  const std::vector<Record> after = Stored();
  ASSERT_EQ(after.size(), before.size());
  for (size_t i = 0; i < after.size(); ++i) EXPECT_EQ(after[i].value, before[i].value);
}

TEST_F(SealedObjects, WhileNobodyChangesItNothingIsOpened) {
  const Digest live = Apply().digest;
  tools_.unsealer = nullptr;
  EXPECT_TRUE(Look(live).changes.empty());
  EXPECT_EQ(driver_.calls().dry_runs, 0);
}

TEST_F(SealedObjects, IsComparedOpenedAndTellsNoValue) {
  const Digest live = Apply().digest;
  EXPECT_TRUE(Look(Digest()).changes.empty());  // written before a crash: it is as it should be
  driver_.Change(kKey, absl::StrReplaceAll(kPlain, {{"b3Blbi1zZXNhbWU=", "ZXZpbA=="}}), "bob");
  const ListedObject listed = Look(live);
  ASSERT_EQ(listed.changes.size(), 1u);
  EXPECT_EQ(listed.changes[0],
            (FieldChange{"/data/password", std::string(kHiddenValue), std::string(kHiddenValue)}));
}

TEST_F(SealedObjects, WithAnotherKeyNothingIsWrittenAndItIsSaid) {
  const Unsealer stranger({AgeIdentity::Generate()}, nullptr);
  tools_.unsealer = &stranger;
  const DriverResult result = Apply();
  EXPECT_TRUE(absl::IsFailedPrecondition(result.status)) << result.status;
  EXPECT_THAT(std::string(result.status.message()), HasSubstr(identity_.recipient().text()));
  EXPECT_EQ(driver_.calls().applied, 0);
  tools_.unsealer = nullptr;
  EXPECT_TRUE(absl::IsFailedPrecondition(Apply().status));
  EXPECT_EQ(driver_.calls().applied, 0);
}

TEST_F(SealedObjects, WhatTheClusterSaysOfItIsToldWithoutItsValues) {
  driver_.FailObject(kKey,
                     absl::InvalidArgumentError(
                         "data[password]: Invalid value: \"open-sesame\" (b3Blbi1zZXNhbWU=)"));
  const absl::Status status = Apply().status;
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_EQ(status.message(), "data[password]: Invalid value: \"(hidden)\" ((hidden))");
}

}  // namespace
}  // namespace muster::agent
