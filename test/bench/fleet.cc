// The fleet bench: N real agents against one real hub on RocksDB, on this machine.
//
//   bazel run -c opt //test/bench:fleet -- --agents 1000
//
// Agents have their own socket, key, certificate and core, verify Ed25519 and SHA-256 for real, and
// hold their cluster in memory; some hundred share a process. What a changed field costs in a large
// bundle is measured with a few agents of their own. Prints JSON Lines; what each metric means is
// said in docs/performance.md.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "cli/hub_client.h"
#include "common/base/check.h"
#include "common/base/status_macros.h"
#include "common/net/tls.h"
#include "test/bench/agent_host.h"
#include "test/bench/metric.h"
#include "test/bench/process.h"

namespace muster::bench {
namespace {

namespace fs = std::filesystem;

// How often the hub is asked whether something has come to pass: the resolution of what is
// measured, and a small part of its work.
constexpr absl::Duration kPollInterval = absl::Milliseconds(10);

// In this time a hub that became quiet has given back what it needs no more.
constexpr absl::Duration kCalm = absl::Seconds(6);

// Between two commits. Receipts of former ones come in all the while.
constexpr absl::Duration kPause = absl::Seconds(1);

// All receipts are sent and taken in by then, so that bytes and CPU time hold them.
constexpr absl::Duration kReceiptsTake = absl::Seconds(31);

// The large bundle, and how many agents get it.
constexpr int kLargeObjects = 1'000;
constexpr int kLargeAgents = 20;

struct Options {
  int agents = 1'000;
  int processes = 2;
  int commits = 20;
  int objects = 50;
  std::string hub = "hub/muster-hub";
  bool worker = false;
  std::string join_address;
};

// ---------------------------------------------------------------- a worker

// Speaks lines: "join NAME TOKEN", "enrol", "start", "bytes", "quit".
int Work(const Options& options) {
  AgentHost host;
  std::vector<AgentHost::Join> joins;
  for (std::string line; std::getline(std::cin, line);) {
    const std::vector<std::string> words = absl::StrSplit(line, ' ');
    if (words[0] == "join") {
      joins.push_back({words[1], words[2]});
    } else if (words[0] == "enrol") {
      const absl::StatusOr<absl::Duration> took = host.Enrol(joins, options.join_address);
      CHECK_OK(took);
      joins.clear();
      std::cout << "enrolled " << absl::ToDoubleSeconds(*took) << std::endl;
    } else if (words[0] == "start") {
      host.StartAgents();
      std::cout << "started" << std::endl;
    } else if (words[0] == "bytes") {
      std::cout << OwnTcpBytes() << std::endl;
    } else {
      break;
    }
  }
  _exit(0);  // hundreds of agents need no farewell
}

// ---------------------------------------------------------------- the fleet

class Fleet {
 public:
  explicit Fleet(Options options) : options_(std::move(options)) {}
  ~Fleet() {
    hub_.reset();
    workers_.clear();
    std::error_code ignored;
    fs::remove_all(directory_, ignored);
  }

  absl::Status Run() {
    RETURN_IF_ERROR(Prepare());
    RETURN_IF_ERROR(StartHub());
    StartWorkers();
    const int half = options_.agents / 2;
    RETURN_IF_ERROR(AddAgents(0, half));
    const int64_t rss_half = CalmRssBytes();
    RETURN_IF_ERROR(AddAgents(half, options_.agents));
    const int64_t rss_all = CalmRssBytes();
    Print("joins_per_second", options_.agents / join_seconds_, "1/s");
    ASSIGN_OR_RETURN(const double bytes, MeasureCommits());
    Print("wire_bytes_per_change_small", bytes, "B");
    Print("hub_rss_per_agent", static_cast<double>(rss_all - rss_half) / (options_.agents - half),
          "B");
    Print("hub_rss", static_cast<double>(RssBytes(hub_->pid())), "B");
    return MeasureReconnect();
  }

  // What a changed field costs.
  absl::Status RunWire() {
    RETURN_IF_ERROR(Prepare());
    heartbeat_ = "10m";  // what agents say when nothing goes on is no part of a change
    RETURN_IF_ERROR(StartHub());
    StartWorkers();
    RETURN_IF_ERROR(AddAgents(0, options_.agents));
    ASSIGN_OR_RETURN(const double bytes, Changes());
    Print("wire_bytes_per_change", bytes, "B");
    return absl::OkStatus();
  }

 private:
  void Print(absl::string_view metric, double value, absl::string_view unit) {
    PrintMetric("fleet", metric, value, unit,
                absl::StrCat("\"agents\":", options_.agents, ",\"objects\":", options_.objects));
  }

  std::string Path(absl::string_view name) const { return absl::StrCat(directory_, "/", name); }

  std::string Text(absl::string_view name) const {
    std::ifstream file(Path(name));
    return {std::istreambuf_iterator<char>(file), {}};
  }

  // ------------------------------------------------------------ Git

  void WriteApps(int changed) {
    // A hundred objects a file, none like the other, so that compression has to work for it.
    for (int file = 0; file * 100 < options_.objects; ++file) {
      std::ofstream out(Path(absl::StrCat("git/apps/objects-", file, ".yaml")));
      for (int i = file * 100; i < std::min(options_.objects, (file + 1) * 100); ++i) {
        out << "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings-" << i
            << "\n  namespace: bench\ndata:\n  endpoint: https://service-" << (i * 7919) % 10007
            << ".example.com:8443/v1\n  shard: \"" << (i * 104729) % 65537 << "\"\n  revision: \""
            << (i == 0 ? changed : 0) << "\"\n";
      }
    }
  }

  absl::Status Git(std::vector<std::string> words) {
    words.insert(words.begin(), {"git", "-C", Path("git"), "-c", "user.name=Bench", "-c",
                                 "user.email=bench@example.com"});
    return RunCommand(words);
  }

  absl::Status Prepare() {
    directory_ =
        fs::temp_directory_path() / absl::StrCat("muster-bench-", getpid(), "-", options_.objects);
    fs::create_directories(Path("git/apps"));
    fs::create_directories(Path("git/fleet"));
    RETURN_IF_ERROR(Git({"init", "-q", "-b", "main"}));
    std::ofstream(Path("git/fleet/fleet.yaml"))
        << "apiVersion: muster.dev/v1alpha1\nkind: Repository\nmetadata: {name: apps}\nspec:\n"
        << "  project: default\n  type: git\n  url: file://" << Path("git")
        << "\n  ref: {branch: main}\n  interval: 1h\n---\napiVersion: muster.dev/v1alpha1\n"
        << "kind: Package\nmetadata: {name: bench}\nspec:\n  project: default\n"
        << "  repository: apps\n  path: apps\n  targets:\n    - clusterSelector: {}\n";
    WriteApps(0);
    RETURN_IF_ERROR(Git({"add", "-A"}));
    return Git({"commit", "-q", "-m", "first"});
  }

  absl::StatusOr<std::string> Commit(int revision) {
    WriteApps(revision);
    RETURN_IF_ERROR(Git({"commit", "-q", "-a", "-m", absl::StrCat("revision ", revision)}));
    std::ifstream head(Path("git/.git/refs/heads/main"));
    std::string id;
    head >> id;
    return id;
  }

  // ------------------------------------------------------------ hub

  absl::Status StartHub() {
    if (!fs::exists(Path("hub"))) {
      RETURN_IF_ERROR(RunCommand({options_.hub, "init", "--data", Path("hub"), "--fleet-url",
                                  absl::StrCat("file://", Path("git")), "--fleet-path", "fleet"}));
    }
    absl::StatusOr<Process> hub =
        Process::Start({options_.hub, "--data", Path("hub"), "--allow-file-urls", "--agent-listen",
                        absl::StrCat("127.0.0.1:", agent_port_), "--operator-listen",
                        absl::StrCat("127.0.0.1:", operator_port_), "--join-listen",
                        absl::StrCat("127.0.0.1:", join_port_), "--console-listen", "off",
                        "--heartbeat", heartbeat_},
                       Path("hub.log"), /*talk=*/false);
    RETURN_IF_ERROR(hub.status());
    hub_ = std::make_unique<Process>(*std::move(hub));
    return Dial();
  }

  // Connects the operator's client, once the hub has said where it listens.
  absl::Status Dial() {
    RETURN_IF_ERROR(Until(absl::Seconds(30), "the hub says where it listens",
                          [this] { return fs::exists(Path("hub/addresses")); }));
    std::ifstream addresses(Path("hub/addresses"));
    for (std::string line; std::getline(addresses, line);) {
      const std::vector<std::string> sides = absl::StrSplit(line, absl::MaxSplits('=', 1));
      if (sides.size() != 2) continue;
      const std::string port = sides[1].substr(sides[1].rfind(':') + 1);
      if (sides[0] == "agent") agent_port_ = port;
      if (sides[0] == "operator") operator_port_ = port;
      if (sides[0] == "join") join_port_ = port;
    }
    const cli::HubAddress address = {.address = absl::StrCat("127.0.0.1:", operator_port_),
                                     .ca_pem = Text("hub/admin/root.pem"),
                                     .certificate_pem = Text("hub/admin/operator.pem"),
                                     .key_pem = Text("hub/admin/operator-key.pem")};
    ASSIGN_OR_RETURN(client_, cli::ConnectHub(address, absl::Seconds(10)));
    return Until(absl::Seconds(30), "the hub answers", [this] { return client_->GetHub().ok(); });
  }

  absl::Status Until(absl::Duration limit, absl::string_view what,
                     const std::function<bool()>& reached) {
    const absl::Time end = absl::Now() + limit;
    while (!reached()) {
      if (absl::Now() > end) {
        return absl::DeadlineExceededError(
            absl::StrCat("not seen in ", absl::FormatDuration(limit), ": ", what));
      }
      absl::SleepFor(kPollInterval);
    }
    return absl::OkStatus();
  }

  absl::Status UntilConverged(int agents) {
    return Until(absl::Minutes(5), absl::StrCat(agents, " agents have converged"), [&] {
      const auto view = client_->GetHub();
      return view.ok() && view->connected() == agents && view->converged() == agents;
    });
  }

  // ------------------------------------------------------------ agents

  void StartWorkers() {
    for (int i = 0; i < options_.processes; ++i) {
      absl::StatusOr<Process> worker = Process::Start(
          {"/proc/self/exe", "--worker", "--join-address", absl::StrCat("127.0.0.1:", join_port_)},
          Path("worker.log"), /*talk=*/true);
      CHECK_OK(worker);
      workers_.push_back(*std::move(worker));
    }
  }

  absl::Status AddAgents(int first, int end) {
    for (int i = first; i < end; ++i) {
      v1::CreateTokenRequest request;
      request.set_cluster_name(absl::StrCat("cluster-", i));
      ASSIGN_OR_RETURN(const v1::CreateTokenResponse token, client_->CreateToken(request));
      workers_[i % workers_.size()].Say(
          absl::StrCat("join ", request.cluster_name(), " ", token.token()));
    }
    const absl::Time start = absl::Now();
    for (Process& worker : workers_) worker.Say("enrol");
    for (Process& worker : workers_) RETURN_IF_ERROR(worker.Hear().status());
    join_seconds_ += absl::ToDoubleSeconds(absl::Now() - start);
    for (Process& worker : workers_) worker.Say("start");
    for (Process& worker : workers_) RETURN_IF_ERROR(worker.Hear().status());
    return UntilConverged(end);
  }

  int64_t CalmRssBytes() const {
    absl::SleepFor(kCalm);
    return RssBytes(hub_->pid());
  }

  double AgentsCpuSeconds() const {
    double seconds = 0;
    for (const Process& worker : workers_) seconds += CpuSeconds(worker.pid());
    return seconds;
  }

  absl::StatusOr<int64_t> WireBytes() {
    int64_t bytes = 0;
    for (Process& worker : workers_) {
      worker.Say("bytes");
      ASSIGN_OR_RETURN(const std::string line, worker.Hear());
      int64_t its = 0;
      CHECK(absl::SimpleAtoi(line, &its)) << line;
      bytes += its;
    }
    return bytes;
  }

  // ------------------------------------------------------------ what is measured

  absl::StatusOr<double> OneCommit(int revision) {
    ASSIGN_OR_RETURN(const std::string id, Commit(revision));
    v1::NameRequest sync;
    sync.set_name("apps");
    v1::ListRequest newest;
    newest.set_repository("apps");
    newest.set_limit(1);
    const absl::Time start = absl::Now();
    RETURN_IF_ERROR(client_->Sync(sync).status());
    RETURN_IF_ERROR(
        Until(absl::Minutes(2), absl::StrCat("revision ", revision, " is everywhere"), [&] {
          const auto commits = client_->ListCommits(newest);
          return commits.ok() && commits->commits_size() == 1 &&
                 commits->commits(0).commit().id() == id &&
                 commits->commits(0).clusters_applied() == options_.agents;
        }));
    return absl::ToDoubleSeconds(absl::Now() - start);
  }

  // Makes the commits; the bytes that each cost an agent.
  absl::StatusOr<double> Changes() {
    RETURN_IF_ERROR(OneCommit(1).status());  // warms caches
    ASSIGN_OR_RETURN(const int64_t bytes_before, WireBytes());
    seconds_.clear();
    for (int i = 0; i < options_.commits; ++i) {
      absl::SleepFor(kPause);
      ASSIGN_OR_RETURN(const double took, OneCommit(i + 2));
      seconds_.push_back(took);
    }
    absl::SleepFor(kReceiptsTake);
    ASSIGN_OR_RETURN(const int64_t bytes_after, WireBytes());
    return static_cast<double>(bytes_after - bytes_before) / options_.commits / options_.agents;
  }

  absl::StatusOr<double> MeasureCommits() {
    const double cpu_before = CpuSeconds(hub_->pid());
    const double agents_cpu_before = AgentsCpuSeconds();
    ASSIGN_OR_RETURN(const double bytes, Changes());
    const double changes = static_cast<double>(options_.commits + 1) * options_.agents;
    Print("hub_cpu_per_agent_per_commit", (CpuSeconds(hub_->pid()) - cpu_before) * 1e6 / changes,
          "us");
    Print("agent_cpu_per_commit", (AgentsCpuSeconds() - agents_cpu_before) * 1e6 / changes, "us");
    std::sort(seconds_.begin(), seconds_.end());
    Print("push_to_converged_p50", seconds_[seconds_.size() / 2], "s");
    Print("push_to_converged_p99",
          seconds_[static_cast<size_t>(std::ceil(0.99 * seconds_.size())) - 1], "s");
    return bytes;
  }

  absl::Status MeasureReconnect() {
    const absl::Time killed = absl::Now();
    hub_->Kill();
    fs::remove(Path("hub/addresses"));
    RETURN_IF_ERROR(StartHub());
    Print("hub_ready_after_kill", absl::ToDoubleSeconds(absl::Now() - killed), "s");
    RETURN_IF_ERROR(UntilConverged(options_.agents));
    Print("reconnect_all", absl::ToDoubleSeconds(absl::Now() - killed), "s");
    return absl::OkStatus();
  }

  const Options options_;
  std::string directory_;
  std::string heartbeat_ = "30s";
  std::string agent_port_ = "0", operator_port_ = "0", join_port_ = "0";
  std::unique_ptr<Process> hub_;
  std::unique_ptr<cli::HubClient> client_;
  std::vector<Process> workers_;
  double join_seconds_ = 0;
  std::vector<double> seconds_;  // that each commit took
};

int Main(int argc, char** argv) {
  Options options;
  CLI::App app("N real agents against one real hub");
  app.add_option("--agents", options.agents)->check(CLI::Range(2, 100'000));
  app.add_option("--processes", options.processes, "that the agents share");
  app.add_option("--commits", options.commits)->check(CLI::Range(1, 10'000));
  app.add_option("--objects", options.objects, "of the package");
  app.add_option("--hub", options.hub, "muster-hub's path");
  app.add_flag("--worker", options.worker)->group("");
  app.add_option("--join-address", options.join_address)->group("");
  CLI11_PARSE(app, argc, argv);
  PrepareGrpc();
  if (options.worker) return Work(options);
  absl::Status status = Fleet(options).Run();
  if (status.ok()) {
    options.agents = std::min(options.agents, kLargeAgents);
    options.objects = kLargeObjects;
    status = Fleet(options).RunWire();
  }
  if (status.ok()) return 0;
  std::cerr << "error: " << status << "\n";
  return 2;
}

}  // namespace
}  // namespace muster::bench

int main(int argc, char** argv) { return muster::bench::Main(argc, argv); }
