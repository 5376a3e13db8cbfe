// apply: how fast and at what cost the Kubernetes driver writes and watches, beside kubectl on the
// same API server with the same objects, in turns.
//
//   bazel run -c opt //test/bench:apply -- [--objects 1000] [--rounds 5] [--kubectl PATH]
//   ... --kubeconfig FILE     an API server that runs already, instead of the stub
//
// Metrics, each the median of the rounds: docs/performance.md.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agent/kube/kube_driver.h"
#include "agent/kube/kubeconfig.h"
#include "common/base/check.h"
#include "common/base/mutex.h"
#include "common/base/random.h"
#include "test/bench/metric.h"
#include "test/bench/process.h"

namespace muster::bench {
namespace {

using agent::ApplyRequest;
using agent::EventLoop;
using agent::KubeDriver;
using agent::Query;

struct Flags {
  int objects = 1000;
  int rounds = 5;
  int idle_seconds = 10;
  std::string kubectl = "kubectl";
  std::string kubeconfig;
  std::string stub = "test/stub_api/serve";
};

double Seconds(const timeval& time) { return time.tv_sec + time.tv_usec * 1e-6; }

double OwnCpu() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return Seconds(usage.ru_utime) + Seconds(usage.ru_stime);
}

double OwnRssMegabytes() {
  int64_t size = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> size >> resident;
  return static_cast<double>(resident * sysconf(_SC_PAGESIZE)) / (1 << 20);
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[values.size() / 2];
}

void Print(absl::string_view metric, double value, absl::string_view unit) {
  PrintMetric("apply", metric, value, unit, "");
}

ObjectKey Key(const std::string& space, int i) {
  return {.api_version = "v1",
          .kind = "ConfigMap",
          .namespace_ = space,
          .name = absl::StrCat("settings-", i)};
}

// A ConfigMap of half a kilobyte.
std::string Json(const ObjectKey& key, absl::string_view value) {
  std::string data;
  for (int i = 0; i < 8; ++i) {
    absl::StrAppend(&data, R"("key)", i, R"(":"a setting that is as long as settings are ")", ",");
  }
  return absl::StrCat(R"({"apiVersion":"v1","data":{)", data, R"("value":")", value,
                      R"("},"kind":"ConfigMap","metadata":{"labels":{"app":"bench"},"name":")",
                      key.name, R"(","namespace":")", key.namespace_, R"("}})");
}

std::unique_ptr<KubeDriver> MakeDriver(const std::string& kubeconfig, Random& random) {
  auto api = agent::LoadKubeconfig({.path = kubeconfig}, agent::ProcessEnvironment());
  CHECK_OK(api);
  return std::make_unique<KubeDriver>(
      agent::KubeDriverOptions{.client = {.endpoint = *std::move(api)}}, random);
}

struct Cost {
  double wall = 0;
  double cpu = 0;
};

// Everything that is needed from nothing to the last object written.
Cost Cold(KubeDriver& driver, const std::string& space, int objects) {
  std::vector<Query> queries;
  std::vector<ApplyRequest> requests;
  for (int i = 0; i < objects; ++i) {
    const ObjectKey key = Key(space, i);
    queries.emplace_back(key);
    requests.push_back({.key = key, .json = Json(key, "1")});
  }
  const absl::Time begin = EventLoop::Now();
  const double cpu = OwnCpu();
  CHECK_OK(driver.List(queries, false));
  for (const agent::DriverResult& result : driver.Apply(requests)) CHECK_OK(result.status);
  return {absl::ToDoubleSeconds(EventLoop::Now() - begin), OwnCpu() - cpu};
}

Cost Kubectl(const Flags& flags, const std::string& kubeconfig, const std::string& file) {
  const std::string log = file + ".log";
  const absl::Time begin = EventLoop::Now();
  const pid_t child = fork();
  if (child == 0) {
    const int out = open("/dev/null", O_WRONLY);
    dup2(out, 1);
    dup2(open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), 2);
    execlp(flags.kubectl.c_str(), "kubectl", "--kubeconfig", kubeconfig.c_str(), "apply",
           "--server-side", "--validate=false", "-f", file.c_str(), nullptr);
    _exit(127);
  }
  int status = 0;
  rusage usage;
  CHECK(wait4(child, &status, 0, &usage) == child);
  CHECK(status == 0) << flags.kubectl << " failed, see " << log;
  return {absl::ToDoubleSeconds(EventLoop::Now() - begin),
          Seconds(usage.ru_utime) + Seconds(usage.ru_stime)};
}

void WriteManifest(const std::string& file, const std::string& space, int objects) {
  std::ofstream out(file);
  for (int i = 0; i < objects; ++i) out << "---\n" << Json(Key(space, i), "1") << "\n";
}

void MakeNamespace(KubeDriver& driver, const std::string& name) {
  const ObjectKey key{.api_version = "v1", .kind = "Namespace", .name = name};
  const ApplyRequest request{
      .key = key,
      .json = absl::StrCat(R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":")", name,
                           "\"}}")};
  CHECK_OK(driver.Apply({request})[0].status);
}

// In turns, so that what else the machine does falls on both.
void CompareCold(const Flags& flags, const std::string& kubeconfig, const std::string& folder,
                 Random& random) {
  std::vector<double> ours, ours_cpu, theirs, theirs_cpu, faster, cheaper;
  for (int round = 0; round < flags.rounds; ++round) {
    const std::string a = absl::StrCat("bench-a", getpid(), "-", round);
    const std::string b = absl::StrCat("bench-b", getpid(), "-", round);
    {
      const auto names = MakeDriver(kubeconfig, random);
      MakeNamespace(*names, a);
      MakeNamespace(*names, b);
    }
    const std::string file = absl::StrCat(folder, "/manifest.yaml");
    WriteManifest(file, b, flags.objects);
    const auto driver = MakeDriver(kubeconfig, random);
    const Cost muster = Cold(*driver, a, flags.objects);
    const Cost kubectl = Kubectl(flags, kubeconfig, file);
    ours.push_back(flags.objects / muster.wall);
    ours_cpu.push_back(muster.cpu / flags.objects * 1e6);
    theirs.push_back(flags.objects / kubectl.wall);
    theirs_cpu.push_back(kubectl.cpu / flags.objects * 1e6);
    faster.push_back(kubectl.wall / muster.wall);
    cheaper.push_back(kubectl.cpu / muster.cpu);
  }
  Print("cold_objects_per_second", Median(ours), "1/s");
  Print("cold_cpu_per_object", Median(ours_cpu), "us");
  Print("kubectl_objects_per_second", Median(theirs), "1/s");
  Print("kubectl_cpu_per_object", Median(theirs_cpu), "us");
  Print("times_as_fast_as_kubectl", Median(faster), "x");
  Print("times_as_cheap_as_kubectl", Median(cheaper), "x");
}

void MeasureWarm(const Flags& flags, const std::string& kubeconfig, Process* stub, Random& random) {
  const auto driver = MakeDriver(kubeconfig, random);
  const std::string space = absl::StrCat("bench-w", getpid());
  MakeNamespace(*driver, space);
  Mutex mutex;
  CondVar hinted;
  int hints = 0;
  driver->Watch([&] {
    MutexLock lock(mutex);
    ++hints;
    hinted.SignalAll();
  });
  Cold(*driver, space, flags.objects);
  std::vector<Query> queries;
  for (int i = 0; i < flags.objects; ++i) queries.emplace_back(Key(space, i));
  CHECK_OK(driver->List(queries, false));

  uint64_t sent = driver->requests_sent();
  absl::Time begin = EventLoop::Now();
  CHECK(driver->List(queries, false)->size() == queries.size());
  Print("nothing_changed_requests", static_cast<double>(driver->requests_sent() - sent), "");
  Print("nothing_changed_ms", absl::ToDoubleMilliseconds(EventLoop::Now() - begin), "ms");

  std::vector<double> latencies;
  sent = driver->requests_sent();
  for (int round = 0; round < 20; ++round) {
    const ObjectKey key = Key(space, round);
    begin = EventLoop::Now();
    CHECK_OK(driver->Apply({{.key = key, .json = Json(key, "2"), .ours = true}})[0].status);
    CHECK_OK(driver->List(queries, false));
    latencies.push_back(absl::ToDoubleMilliseconds(EventLoop::Now() - begin));
  }
  Print("one_changed_requests", static_cast<double>(driver->requests_sent() - sent) / 20, "");
  Print("one_changed_ms", Median(latencies), "ms");

  if (stub != nullptr) {
    latencies.clear();
    for (int round = 0; round < 20; ++round) {
      const ObjectKey key = Key(space, 100 + round);
      const Digest before = driver->List({key}, false)->at(0).digest;
      begin = EventLoop::Now();
      stub->Say(absl::StrCat("edit /api/v1/namespaces/", space, "/configmaps/", key.name, " ",
                             Json(key, "edited")));
      while (driver->List({key}, false)->at(0).digest == before) {
        MutexLock lock(mutex);
        const int seen = hints;
        if (hints == seen) hinted.WaitFor(mutex, absl::Milliseconds(20));
      }
      CHECK_OK(driver->Apply({{.key = key, .json = Json(key, "1"), .ours = true}})[0].status);
      latencies.push_back(absl::ToDoubleMilliseconds(EventLoop::Now() - begin));
    }
    CHECK_OK(driver->List(queries, false));
    Print("drift_corrected_ms", Median(latencies), "ms");
  }
  const double cpu = OwnCpu();
  sleep(static_cast<unsigned>(flags.idle_seconds));
  Print("idle_millicores", (OwnCpu() - cpu) / flags.idle_seconds * 1000, "mcore");
  Print("driver_process_rss", OwnRssMegabytes(), "MB");
}

int Main(int argc, char** argv) {
  CLI::App app("The Kubernetes driver beside kubectl.", "apply");
  Flags flags;
  app.add_option("--objects", flags.objects);
  app.add_option("--rounds", flags.rounds);
  app.add_option("--idle-seconds", flags.idle_seconds);
  app.add_option("--kubectl", flags.kubectl);
  app.add_option("--kubeconfig", flags.kubeconfig);
  app.add_option("--stub", flags.stub);
  CLI11_PARSE(app, argc, argv);
  char folder[] = "/tmp/muster-bench-XXXXXX";
  CHECK(mkdtemp(folder) != nullptr);
  SeededRandom random(1);
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
  // First, while this process is as small as an agent.
  MeasureWarm(flags, kubeconfig, stub.get(), random);
  if (flags.rounds > 0) CompareCold(flags, kubeconfig, folder, random);
  return 0;
}

}  // namespace
}  // namespace muster::bench

int main(int argc, char** argv) { return muster::bench::Main(argc, argv); }
