// agent: what a change costs a whole agent on Kubernetes: its core, its store on disk, its jobs,
// its driver and its word in the cluster; the hub alone is played, so that the clock begins with a
// signed state in hand and ends with the report that says Synced and Healthy.
//
//   bazel run -c opt //test/bench:agent -- [--objects 1000]
//   ... --kubeconfig FILE     an API server that runs already, instead of the stub
//
// Metrics: docs/performance.md. Memory and idle CPU are the real process's: see
// test/e2e/kubernetes/cost.py.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agent/agent.h"
#include "agent/agent_world.h"
#include "agent/kube/kube_driver.h"
#include "agent/kube/kubeconfig.h"
#include "agent/local_jobs.h"
#include "common/base/check.h"
#include "common/base/clock.h"
#include "common/base/mutex.h"
#include "common/base/random.h"
#include "common/manifest/bundle.h"
#include "common/manifest/json.h"
#include "common/store/rocksdb_store.h"
#include "test/bench/metric.h"
#include "test/bench/process.h"

namespace muster::bench {
namespace {

namespace pb = muster::v1;

using agent::EventLoop;

constexpr int kQuickChanges = 20;
constexpr int kCountedChanges = 3;
constexpr absl::Duration kPatience = absl::Minutes(2);
// After a change the agent tells its story; then nothing more is due.
constexpr unsigned kStorySeconds = 8;

struct Flags {
  int objects = 1000;
  std::string kubeconfig;
  std::string stub = "test/stub_api/serve";
};

void Print(absl::string_view metric, double value, absl::string_view unit) {
  PrintMetric("agent", metric, value, unit, "");
}

// The hub's end of the stream: hears reports and acknowledges them.
class Link final : public agent::HubLink {
 public:
  explicit Link(Inbox<agent::Event>& inbox) : inbox_(inbox) {}

  void Send(pb::AgentMessage message) override {
    if (!message.has_report()) return;
    inbox_.Post(agent::ReportAcked{message.report().number()});
    const pb::ObservedState& state = message.report().state();
    if (state.sync() != pb::SYNC_STATUS_SYNCED || state.health() != pb::HEALTH_STATUS_HEALTHY) {
      return;
    }
    MutexLock lock(mutex_);
    healthy_ = state.generation();
    heard_.SignalAll();
  }

  // Until the agent said that this generation is there, and well.
  void Await(uint64_t generation) {
    const absl::Time deadline = EventLoop::Now() + kPatience;
    MutexLock lock(mutex_);
    while (healthy_ < generation) {
      CHECK(EventLoop::Now() < deadline) << "generation " << generation << " was not reported";
      heard_.WaitFor(mutex_, absl::Seconds(1));
    }
  }

 private:
  Inbox<agent::Event>& inbox_;
  Mutex mutex_;
  CondVar heard_;
  uint64_t healthy_ GUARDED_BY(mutex_) = 0;
};

class WholeAgent {
 public:
  WholeAgent(const std::string& kubeconfig, const std::string& folder)
      : store_(*OpenRocksdbStore({.directory = folder + "/store", .free_bytes_min = 0})),
        driver_({.client = {.endpoint = *agent::LoadKubeconfig({.path = kubeconfig},
                                                               agent::ProcessEnvironment())}},
                random_),
        jobs_({.driver = driver_,
               .store = *store_,
               .fetcher = hub,
               .noticeboard = &driver_.noticeboard()},
              inbox_),
        agent_({.store = *store_, .jobs = jobs_, .link = link, .signer = signer_, .inbox = inbox_},
               Settings(), random_) {
    CHECK_OK(agent_.Load(clock_.Now()));
    driver_.Watch([this] { inbox_.Post(agent::ClusterChanged{}); });
    inbox_.Post(agent::LinkUp{});
    pb::Welcome welcome;
    welcome.set_heartbeat_interval_ms(30'000);
    inbox_.Post(agent::Welcomed{.welcome = welcome});
    turns_ = std::thread([this] { CHECK_OK(agent_.Run(clock_)); });
  }
  ~WholeAgent() {
    inbox_.Close();
    turns_.join();
  }

  void Push(pb::Push push) { inbox_.Post(agent::Pushed{.push = std::move(push)}); }
  uint64_t requests() { return driver_.requests_sent(); }

  agent::TestHub hub;

 private:
  agent::AgentSettings Settings() const {
    agent::AgentSettings settings;
    settings.hub_id = std::string(agent::kTestHub);
    settings.cluster_id = std::string(agent::kTestCluster);
    settings.agent_version = "bench";
    settings.driver = "kubernetes";
    settings.has_noticeboard = true;
    settings.verifier = hub.verifier();
    return settings;
  }

  const RealClock clock_;
  SystemRandom random_;
  Inbox<agent::Event> inbox_{"agent", 10'000};
  const std::unique_ptr<Store> store_;
  const Ed25519Signer signer_{Ed25519PrivateKey::FromSeed(std::string(32, 'i'))};
  agent::KubeDriver driver_;

 public:
  Link link{inbox_};

 private:
  agent::LocalJobs jobs_;
  agent::Agent agent_;
  std::thread turns_;
};

// ConfigMaps of half a kilobyte; the first `changed` of them have been changed.
std::vector<Object> Objects(const Flags& flags, const std::string& space, int changed) {
  std::vector<Object> objects;
  for (int i = 0; i < flags.objects; ++i) {
    Value::Map data;
    for (int j = 0; j < 8; ++j) {
      data.Set(absl::StrCat("key", j), Value("a setting that is as long as settings are "));
    }
    data.Set("value", Value(i < changed ? "2" : "1"));
    Object object = agent::TestObject(absl::StrCat("settings-", i), "", "ConfigMap", space);
    object.value.Set("/data", Value(std::move(data)));
    objects.push_back(*MakeObject(std::move(object.value)));
  }
  return objects;
}

// A state with this package, as the hub pushes it to an agent that has the bundle `base`: with what
// led from there.
pb::Push MakePush(agent::TestHub& hub, pb::DesiredPackage package, const std::string& base,
                  const std::string& space, const std::string& changed, uint64_t& generation) {
  package.set_namespace_(space);
  const Digest target = *Digest::FromBytes(package.bundle_digest());
  const pb::DesiredState state = hub.State({std::move(package)}, absl::Now());
  generation = state.generation();
  pb::Push push = hub.Sign(state);
  if (base.empty()) return push;
  auto delta = MakeManifestDelta(hub.blob(*Digest::FromBytes(base)), hub.blob(target));
  CHECK_OK(delta);
  *push.add_manifests() = *std::move(delta);
  hub.Inline(Digest::Of(changed), push);
  return push;
}

int Main(int argc, char** argv) {
  CLI::App app("What a change costs a whole agent.", "agent");
  Flags flags;
  app.add_option("--objects", flags.objects);
  app.add_option("--kubeconfig", flags.kubeconfig);
  app.add_option("--stub", flags.stub);
  CLI11_PARSE(app, argc, argv);
  char folder[] = "/tmp/muster-bench-XXXXXX";
  CHECK(mkdtemp(folder) != nullptr);
  std::string kubeconfig = flags.kubeconfig;
  std::unique_ptr<Process> stub;
  if (kubeconfig.empty()) {
    kubeconfig = absl::StrCat(folder, "/kubeconfig");
    auto started =
        Process::Start({flags.stub, kubeconfig}, absl::StrCat(folder, "/stub.log"), true);
    CHECK_OK(started);
    stub = std::make_unique<Process>(*std::move(started));
    CHECK_OK(stub->Hear());
  }
  const std::string space = absl::StrCat("bench-", getpid());
  WholeAgent agent(kubeconfig, folder);
  uint64_t generation = 0;
  std::string base;
  const auto change = [&](int changed) {
    std::vector<Object> objects = Objects(flags, space, changed);
    const std::string json =
        changed == 0 ? "" : CanonicalJson(objects[static_cast<size_t>(changed - 1)].value);
    pb::DesiredPackage package = agent.hub.Package("bench", std::move(objects));
    const std::string bundle = package.bundle_digest();
    pb::Push push = MakePush(agent.hub, std::move(package), base, space, json, generation);
    base = bundle;
    const absl::Time begin = EventLoop::Now();
    agent.Push(std::move(push));
    agent.link.Await(generation);
    return absl::ToDoubleMilliseconds(EventLoop::Now() - begin);
  };

  Print("cold_ms", change(0), "ms");
  std::vector<double> latencies;
  for (int i = 1; i <= kQuickChanges; ++i) latencies.push_back(change(i));
  std::sort(latencies.begin(), latencies.end());
  Print("change_to_healthy_ms_p50", latencies[latencies.size() / 2], "ms");
  Print("change_to_healthy_ms_max", latencies.back(), "ms");
  sleep(kStorySeconds);
  const uint64_t before = agent.requests();
  for (int i = 1; i <= kCountedChanges; ++i) {
    change(kQuickChanges + i);
    sleep(kStorySeconds);
  }
  Print("requests_per_change", static_cast<double>(agent.requests() - before) / kCountedChanges,
        "");
  const uint64_t idle = agent.requests();
  sleep(kStorySeconds);
  Print("requests_while_idle", static_cast<double>(agent.requests() - idle), "");
  return 0;
}

}  // namespace
}  // namespace muster::bench

int main(int argc, char** argv) { return muster::bench::Main(argc, argv); }
