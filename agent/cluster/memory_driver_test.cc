#include "agent/cluster/memory_driver.h"

#include <memory>

#include "agent/cluster/driver_conformance.h"

namespace muster::agent {
namespace {

class MemoryHarness final : public DriverHarness {
 public:
  ClusterDriver& driver() override { return driver_; }
  void Edit(const ObjectKey& key, const std::string& json) override {
    driver_.Change(key, json, "somebody");
  }
  void Delete(const ObjectKey& key) override { driver_.Delete(key); }

 private:
  MemoryDriver driver_;
};

std::unique_ptr<DriverHarness> MakeHarness() { return std::make_unique<MemoryHarness>(); }

INSTANTIATE_TEST_SUITE_P(Memory, DriverConformance, testing::Values(&MakeHarness));

const ObjectKey kKey{.api_version = "v1", .kind = "ConfigMap", .namespace_ = "web", .name = "a"};

TEST(MemoryDriver, FailsWhatItIsToldTo) {
  MemoryDriver driver;
  driver.FailObject(kKey, absl::PermissionDeniedError("no"));
  EXPECT_EQ(driver.Apply({{.key = kKey, .json = "{}"}})[0].status,
            absl::PermissionDeniedError("no"));
  driver.FailObject(kKey, absl::OkStatus());
  EXPECT_TRUE(driver.Apply({{.key = kKey, .json = "{}"}})[0].status.ok());
  driver.FailLists(1, absl::UnavailableError("away"));
  EXPECT_FALSE(driver.List({kKey}, false).ok());
  EXPECT_TRUE(driver.List({kKey}, false).ok());
}

TEST(MemoryDriver, CountsWhatWasReallyDone) {
  MemoryDriver driver;
  driver.Apply({{.key = kKey, .json = "{}"}});
  driver.Apply({{.key = kKey, .json = "{}"}});
  driver.Remove({{kKey, "another"}});
  EXPECT_EQ(driver.calls().applied, 1);
  EXPECT_EQ(driver.calls().removed, 0);
}

TEST(MemoryDriver, KnowsDigestsWithoutContents) {
  MemoryDriver driver(/*keep_json=*/false);
  driver.Apply({{.key = kKey, .json = "{}"}});
  const auto listed = driver.List({kKey}, true);
  ASSERT_TRUE(listed.ok());
  EXPECT_EQ((*listed)[0].digest, Digest::Of("{}"));
  EXPECT_EQ((*listed)[0].json, "");
}

}  // namespace
}  // namespace muster::agent
