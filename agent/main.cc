// muster-agent: flags -> objects -> run.
//
//   muster-agent --data DIR --token-file FILE --join HOST:PORT --directory PATH   the first time
//   muster-agent --data DIR --directory PATH                                      from then on
//   muster-agent --data DIR --driver kubernetes [--kubeconfig FILE]               a real cluster
//
// Works without a hub: starts with the stored state and goes on healing.
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "agent/assembly.h"
#include "agent/cluster/cluster_driver.h"
#include "agent/cluster/directory_driver.h"
#include "agent/cluster/memory_driver.h"
#include "agent/idle_memory.h"
#include "agent/kube/kube_driver.h"
#include "agent/kube/kubeconfig.h"
#include "agent/rpc/enroller.h"
#include "agent/secrets/keys.h"
#include "common/base/clock.h"
#include "common/base/limits.h"
#include "common/base/log.h"
#include "common/base/random.h"
#include "common/base/status_macros.h"
#include "common/base/version.h"
#include "common/loop/stop_signal.h"
#include "common/net/grpc_log.h"
#include "common/net/tls.h"
#include "common/store/rocksdb_store.h"
#include "common/trust/join_token.h"

namespace muster::agent {
namespace {

namespace pb = muster::v1;

constexpr size_t kStoreBufferBytes = 2u << 20;
constexpr absl::Duration kBetweenIdleLooks = absl::Minutes(1);
constexpr absl::Duration kVersionPatience = absl::Seconds(5);

struct Flags {
  std::string data;
  std::string token;
  std::string token_file;
  std::string join;
  std::string name;
  std::string hub_address;  // instead of the one that the hub named
  std::string driver = "directory";
  std::string directory;
  std::string layout = "tree";
  std::string kubeconfig;
  std::string kube_context;
  bool kube_insecure = false;
  int kube_concurrency = 64;
  int kube_requests_per_second = 0;
  std::vector<std::string> age_identities;
  std::string gnupg_home;
  bool observe = false;
  std::string resync = "60s";
  uint64_t disk_reserve_bytes = limits::kAgentDiskReserveBytes;
  std::string log_level = "info";
};

// A driver, and what version of Kubernetes it found, if any.
struct Driver {
  std::unique_ptr<ClusterDriver> driver;
  Noticeboard* noticeboard = nullptr;  // the driver's, where it has one
  std::string agent_namespace;         // where in the cluster the agent itself runs
  std::string kubernetes_version;
};

absl::StatusOr<Driver> MakeKubeDriver(const Flags& flags, Random& random) {
  const Environment environment = ProcessEnvironment();
  absl::StatusOr<ApiEndpoint> api = flags.kubeconfig.empty()
                                        ? InClusterEndpoint(environment)
                                        : LoadKubeconfig({.path = flags.kubeconfig,
                                                          .context = flags.kube_context,
                                                          .allow_insecure = flags.kube_insecure},
                                                         environment);
  RETURN_IF_ERROR(Annotate(api.status(), "--driver kubernetes"));
  KubeDriverOptions options;
  options.client.endpoint = *std::move(api);
  options.client.user_agent = absl::StrCat("muster-agent/", kVersion);
  options.client.window.max = flags.kube_concurrency;
  options.client.window.per_second = flags.kube_requests_per_second;
  if (const char* const own = std::getenv("MUSTER_NAMESPACE"); own != nullptr && *own != '\0') {
    options.agent_namespace = own;
  } else if (!options.client.endpoint.namespace_.empty() && flags.kubeconfig.empty()) {
    options.agent_namespace = options.client.endpoint.namespace_;
  }
  const std::string agent_namespace = options.agent_namespace;
  const std::string url = options.client.endpoint.Url();
  auto driver = std::make_unique<KubeDriver>(std::move(options), random);
  // An agent starts without its API server as it starts without its hub; it only says so.
  const absl::StatusOr<std::string> version = driver->ServerVersion(kVersionPatience);
  if (version.ok()) {
    log::Info("found the API server", {{"url", url}, {"version", *version}});
  } else {
    log::Warning("the API server does not answer yet",
                 {{"reason", std::string(version.status().message())}});
  }
  Noticeboard& noticeboard = driver->noticeboard();
  return Driver{.driver = std::move(driver),
                .noticeboard = &noticeboard,
                .agent_namespace = agent_namespace,
                .kubernetes_version = version.value_or("")};
}

// `random` must outlive the driver.
absl::StatusOr<Driver> MakeDriver(const Flags& flags, Random& random) {
  if (flags.driver == "memory") return Driver{.driver = std::make_unique<MemoryDriver>()};
  if (flags.driver == "kubernetes") return MakeKubeDriver(flags, random);
  if (flags.driver != "directory") {
    return absl::InvalidArgumentError(
        absl::StrCat("--driver '", flags.driver, "' is none of kubernetes, directory, memory"));
  }
  DirectoryOptions options;
  options.root = flags.directory;
  if (options.root.empty()) {
    return absl::InvalidArgumentError(
        "--driver directory needs --directory PATH, the folder to keep in step");
  }
  if (flags.layout == "flat") {
    options.layout = DirectoryLayout::kFlat;
  } else if (flags.layout != "tree") {
    return absl::InvalidArgumentError(
        absl::StrCat("--layout '", flags.layout, "' is none of tree, flat"));
  }
  ASSIGN_OR_RETURN(std::unique_ptr<ClusterDriver> driver,
                   OpenDirectoryDriver(std::move(options), random));
  return Driver{.driver = std::move(driver)};
}

absl::StatusOr<std::unique_ptr<Store>> OpenStore(const Flags& flags) {
  const std::string& data = flags.data;
  if (mkdir(data.c_str(), 0700) != 0 && errno != EEXIST) {
    return absl::UnavailableError(absl::StrCat("create ", data, ": ", std::strerror(errno)));
  }
  RocksdbStoreOptions options;
  options.directory = absl::StrCat(data, "/store");
  options.free_bytes_min = flags.disk_reserve_bytes;
  options.write_buffer_bytes = kStoreBufferBytes;
  options.block_cache_bytes = kStoreBufferBytes;
  return OpenRocksdbStore(std::move(options));
}

absl::StatusOr<JoinToken> ReadToken(const Flags& flags) {
  std::string text = flags.token;
  if (!flags.token_file.empty()) {
    std::ifstream file(flags.token_file);
    std::ostringstream contents;
    contents << file.rdbuf();
    if (!file) {
      return absl::NotFoundError(absl::StrCat("--token-file ", flags.token_file,
                                              " cannot be read: ", std::strerror(errno)));
    }
    text = contents.str();
  }
  if (text.empty() || flags.join.empty()) {
    return absl::InvalidArgumentError(
        "this agent has not joined a hub yet; make a token with 'muster token create' and give "
        "--token-file FILE and --join HOST:PORT");
  }
  return JoinToken::Parse(text);
}

// The proxy on the way to `address`, host:port, as the environment says.
std::string ProxyTo(const std::string& address) {
  const size_t colon = address.rfind(':');
  int port = 0;
  if (colon == std::string::npos || !absl::SimpleAtoi(address.substr(colon + 1), &port)) return "";
  return ProxyFor(address.substr(0, colon), port, ProcessEnvironment());
}

// gRPC looks for the small names only.
void PassProxyOn() {
  for (const auto& [upper, lower] :
       {std::pair("HTTPS_PROXY", "https_proxy"), std::pair("NO_PROXY", "no_proxy")}) {
    const char* const value = std::getenv(upper);
    if (value != nullptr) setenv(lower, value, /*overwrite=*/0);
  }
}

// Without it gRPC looks after connections that nobody waits on, every few seconds; ours all have
// somebody who does.
void DropBackupPolling() {
  setenv("GRPC_CLIENT_CHANNEL_BACKUP_POLL_INTERVAL_MS", "0", /*overwrite=*/0);
}

// The identity that is stored, or a new one by the join token.
absl::StatusOr<pb::AgentIdentityRecord> Identify(const Flags& flags, Store& store,
                                                 const Clock& clock, StopSignal& stop) {
  absl::StatusOr<pb::AgentIdentityRecord> identity = LoadIdentity(store);
  if (!absl::IsNotFound(identity.status())) return identity;
  ASSIGN_OR_RETURN(const JoinToken token, ReadToken(flags));
  SystemRandom random;
  ASSIGN_OR_RETURN(
      pb::AgentIdentityRecord joined,
      Enroll({.token = token,
              .join_address = flags.join,
              .proxy = ProxyTo(flags.join),
              .cluster_name = flags.name,
              .agent_version = std::string(kVersion),
              .store = store,
              .clock = clock,
              .random = random,
              .on_pending =
                  [](const std::string& words) {
                    std::printf(
                        "waiting for a person to accept this cluster: compare these words\n"
                        "  %s\n"
                        "with those of 'muster get clusters', then: muster accept CLUSTER\n",
                        words.c_str());
                    std::fflush(stdout);
                  },
              .pause = [&stop](absl::Duration wait) { return !stop.WaitFor(wait); }}));
  log::Info("joined the hub",
            {{"cluster", joined.cluster_name()}, {"hub", joined.hub_id().substr(0, 12)}});
  return joined;
}

absl::Status Run(const Flags& flags, StopSignal& stop) {
  const RealClock clock;
  absl::Duration resync;
  if (!absl::ParseDuration(flags.resync, &resync) || resync < absl::Seconds(1)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--resync '", flags.resync, "' is no duration of a second or more, such as 60s"));
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<Store> store, OpenStore(flags));
  SystemRandom random;
  ASSIGN_OR_RETURN(const Driver cluster, MakeDriver(flags, random));
  ASSIGN_OR_RETURN(pb::AgentIdentityRecord identity, Identify(flags, *store, clock, stop));
  const KeyPlaces keys{.data_directory = flags.data,
                       .age_identities = flags.age_identities,
                       .gnupg_home = flags.gnupg_home};
  ASSIGN_OR_RETURN(std::vector<AgeIdentity> age_identities, LoadAgeIdentities(keys));
  Assembly agent({.store = *store,
                  .driver = *cluster.driver,
                  .noticeboard = cluster.noticeboard,
                  .identity = std::move(identity),
                  .age_identities = std::move(age_identities),
                  .further_identities = FurtherIdentities(keys),
                  .gnupg_home = flags.gnupg_home,
                  .kubernetes_version = cluster.kubernetes_version,
                  .hub_address = flags.hub_address,
                  .agent_namespace = cluster.agent_namespace,
                  .observe = flags.observe,
                  .resync_interval = resync,
                  .on_failure = [&stop] { stop.Raise(); }});
  RETURN_IF_ERROR(agent.Start());
  // An agent is at rest most of its life, beside many others on its node.
  IdleMemory memory;
  while (!stop.WaitFor(kBetweenIdleLooks)) memory.Look();
  log::Info("agent stops");
  return agent.Stop();
}

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "muster-agent: %s\n", std::string(status.message()).c_str());
  if (absl::IsInvalidArgument(status)) return 2;
  return absl::IsPermissionDenied(status) || absl::IsUnauthenticated(status) ? 4 : 1;
}

void AddFlags(CLI::App& app, Flags& flags) {
  app.add_option("--data", flags.data, "the agent's data directory; made if absent")->required();
  app.add_option("--token", flags.token, "join token; --token-file does not show it to others");
  app.add_option("--token-file", flags.token_file, "file with the join token");
  app.add_option("--join", flags.join, "host:port of the hub's join listener");
  app.add_option("--name", flags.name, "name of this cluster, when the token leaves it open");
  app.add_option("--hub-address", flags.hub_address,
                 "host:port of the hub's agent listener, instead of the one the hub named");
  app.add_option("--driver", flags.driver, "kubernetes, directory or memory")
      ->capture_default_str();
  app.add_option("--directory", flags.directory, "the folder that is the cluster");
  app.add_option("--layout", flags.layout, "of the files in it: tree or flat")
      ->capture_default_str();
  app.add_option(
      "--age-identity", flags.age_identities,
      "file with further age keys that open secrets, or a folder of such files, which may "
      "change; may be given again");
  app.add_option("--gnupg-home", flags.gnupg_home,
                 "folder of gpg with OpenPGP keys that open secrets");
  app.add_flag("--observe", flags.observe,
               "write nothing and report what would be done, whatever the hub says");
  app.add_option("--resync", flags.resync, "between looks at the whole cluster")
      ->capture_default_str();
  app.add_option("--disk-reserve", flags.disk_reserve_bytes,
                 "free space on the disk below which the agent downloads nothing")
      ->transform(CLI::AsSizeValue(/*kb_is_1000=*/false))
      ->type_name("SIZE")
      ->default_str(absl::StrCat(flags.disk_reserve_bytes >> 20, "MiB"));
  app.add_option("--log-level", flags.log_level, "debug, info, warning or error")
      ->capture_default_str();
}

void AddKubernetesFlags(CLI::App& app, Flags& flags) {
  app.add_option("--kubeconfig", flags.kubeconfig,
                 "how to reach the API server; without it, as the pod's service account");
  app.add_option("--kube-context", flags.kube_context,
                 "context of the kubeconfig, instead of its current one");
  app.add_flag("--kube-insecure", flags.kube_insecure,
               "take a kubeconfig that does not check the server's certificate");
  app.add_option("--kube-concurrency", flags.kube_concurrency,
                 "requests under way at once, at most; fewer when the server is busy")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  app.add_option("--kube-requests-per-second", flags.kube_requests_per_second,
                 "at most; 0: as many as the server takes")
      ->capture_default_str()
      ->check(CLI::Range(0, 100'000));
}

int Main(int argc, char** argv) {
  CLI::App app("Muster's agent: keeps one cluster as its hub's signed word says.", "muster-agent");
  app.set_version_flag("--version", std::string(kVersion));
  Flags flags;
  AddFlags(app, flags);
  AddKubernetesFlags(app, flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  log::Level level = log::Level::kInfo;
  if (!log::ParseLevel(flags.log_level, &level)) {
    return Fail(absl::InvalidArgumentError(absl::StrCat(
        "--log-level '", flags.log_level, "' is none of debug, info, warning, error")));
  }
  log::SetLevel(level);
  StopSignal stop;
  PassProxyOn();
  DropBackupPolling();
  PrepareGrpc();
  RouteGrpcLog();
  const absl::Status status = Run(flags, stop);
  if (status.ok() || absl::IsCancelled(status)) return 0;
  return Fail(status);
}

}  // namespace
}  // namespace muster::agent

int main(int argc, char** argv) { return muster::agent::Main(argc, argv); }
