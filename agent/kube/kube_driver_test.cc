#include "agent/kube/kube_driver.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "agent/cluster/driver_conformance.h"
#include "common/base/check.h"
#include "common/base/random.h"
#include "test/stub_api/stub_server.h"

namespace muster::agent {
namespace {

std::string PathOf(const ObjectKey& key) {
  return absl::StrCat("/api/v1/", key.namespace_.empty() ? "" : "namespaces/", key.namespace_,
                      key.namespace_.empty() ? "" : "/", absl::AsciiStrToLower(key.kind), "s/",
                      key.name);
}

// A driver over a stub server, and people with kubectl beside it.
class KubeHarness final : public DriverHarness {
 public:
  KubeHarness() { Restart(); }

  ClusterDriver& driver() override { return *driver_; }

  void Edit(const ObjectKey& key, const std::string& json) override {
    std::string uid;
    uint64_t version = 0;
    server_.Do([&](StubCluster& cluster) {
      cluster.Update(PathOf(key), json, "kubectl-edit");
      version = cluster.version();
    });
    // The watch is a moment behind the world; a story goes on when it has told.
    AwaitWatch(
        [&](const std::vector<LiveObject>& live) {
          return live.size() == 1 && live[0].version >= version;
        },
        key);
  }

  void Delete(const ObjectKey& key) override {
    server_.Do([&](StubCluster& cluster) { cluster.Delete(PathOf(key)); });
    AwaitWatch([](const std::vector<LiveObject>& live) { return live.empty(); }, key);
  }

  void Restart() override {
    driver_.reset();
    KubeDriverOptions options;
    options.client.endpoint = server_.endpoint();
    options.client.backoff_first = absl::Milliseconds(5);
    options.client.backoff_max = absl::Milliseconds(50);
    options.client.try_timeout = absl::Minutes(4);
    options.list_patience = options.batch_patience = absl::Minutes(4);
    driver_ = std::make_unique<KubeDriver>(options, random_);
  }

 private:
  template <typename Condition>
  void AwaitWatch(Condition condition, const ObjectKey& key) {
    // For as long as the test may last.
    while (true) {
      auto live = driver_->List({key}, false);
      CHECK_OK(live);
      if (condition(*live)) return;
    }
  }

  SeededRandom random_{1};
  StubServer server_;
  std::unique_ptr<KubeDriver> driver_;
};

std::unique_ptr<DriverHarness> MakeHarness() { return std::make_unique<KubeHarness>(); }

INSTANTIATE_TEST_SUITE_P(Kubernetes, DriverConformance, testing::Values(&MakeHarness));

}  // namespace
}  // namespace muster::agent
