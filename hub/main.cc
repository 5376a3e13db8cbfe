// muster-hub: flags -> objects -> run.
//
//   muster-hub init --data DIR --fleet-url URL     makes a hub
//   muster-hub --data DIR                          runs it until SIGTERM
#include <CLI/CLI.hpp>
#include <cstdio>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/limits.h"
#include "common/base/log.h"
#include "common/base/version.h"
#include "common/helm/helm_program.h"
#include "common/loop/stop_signal.h"
#include "common/net/grpc_log.h"
#include "common/net/tls.h"
#include "hub/assembly.h"
#include "hub/child/child_process.h"
#include "hub/child/fetch_child.h"
#include "hub/init.h"
#include "hub/join/join_child.h"

namespace muster::hub {
namespace {

// Durations as they stand on the command line.
struct DurationFlags {
  std::string heartbeat = "30s";
  std::string fleet_interval = "1m";
  std::string certificate_lifetime = "720h";
};

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "muster-hub: %s\n", std::string(status.message()).c_str());
  return absl::IsInvalidArgument(status) ? 2 : 1;
}

absl::Status TakeDurations(const DurationFlags& flags, HubOptions& options) {
  for (const auto& [name, text, value] :
       {std::tuple("--heartbeat", flags.heartbeat, &options.heartbeat),
        std::tuple("--fleet-interval", flags.fleet_interval, &options.fleet_interval),
        std::tuple("--certificate-lifetime", flags.certificate_lifetime,
                   &options.certificate_lifetime)}) {
    if (!absl::ParseDuration(text, value) || *value < absl::Seconds(1)) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, " '", text, "' is no duration of a second or more, such as 30s"));
    }
  }
  return absl::OkStatus();
}

// The certificates of the hub's servers and of its signer are made when it starts, so a hub that
// runs for long starts anew, far sooner than they end. Agents do not mind.
constexpr absl::Duration kRunMax = absl::Hours(24 * 40);

absl::Status TakeConsole(HubOptions& options) {
  if (options.listen.console == "off") options.listen.console.clear();
  if (options.console_certificate.empty() == options.console_key.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "--console-certificate and --console-key belong together; one of them is missing");
}

absl::Status CheckHelm(const HubOptions& options) {
  if (options.helm_program.empty() && options.helm_digest.empty()) return absl::OkStatus();
  if (options.helm_program.empty()) {
    return absl::InvalidArgumentError("--helm-digest says which Helm, and --helm PATH is missing");
  }
  if (IsProgramDigest(options.helm_digest)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("--helm needs --helm-digest sha256:... with the 64 digits that `sha256sum ",
                   options.helm_program, "` prints"));
}

int RunHub(HubOptions options) {
  StopSignal stop;
  PrepareGrpc();
  RouteGrpcLog();
  bool stopped = false;
  while (!stopped) {
    Assembly hub(options);
    const absl::Status started = hub.Start();
    if (!started.ok()) return Fail(started);
    options.listen = hub.addresses();  // ports that were chosen stay
    stopped = stop.WaitFor(kRunMax);
    log::Info(stopped ? "hub stops" : "hub starts anew, with new certificates");
    hub.Stop();
  }
  return 0;
}

int RunOperator(OperatorOptions options) {
  options.now = absl::Now();
  const absl::StatusOr<std::string> config = AddOperator(options);
  if (!config.ok()) return Fail(config.status());
  std::printf(
      "operator '%s': their certificate, key and contexts are in %s\n\n"
      "Give them the whole directory, over a way that nobody reads. They use it with\n"
      "  export MUSTER_CONFIG=%s\n",
      options.name.c_str(), options.output.c_str(), config->c_str());
  return 0;
}

int RunInit(InitOptions options) {
  options.now = absl::Now();
  const absl::StatusOr<InitResult> result = InitHub(options);
  if (!result.ok()) return Fail(result.status());
  const char* const data = options.data_directory.c_str();
  if (result->was_there) {
    std::printf("hub %s is in %s already\n", result->hub_id.substr(0, 12).c_str(), data);
    return 0;
  }
  std::printf(
      "hub %s is in %s\n\n"
      "Its root key, %s/keys/root.key, is the hub: back it up, and let nobody read it.\n\n"
      "Next:\n"
      "  muster-hub --data %s\n"
      "  export MUSTER_CONFIG=%s\n"
      "  muster get clusters\n",
      result->hub_id.substr(0, 12).c_str(), data, data, data, result->config_path.c_str());
  return 0;
}

// A flag that takes bytes, as "512MiB".
void AddSize(CLI::App& app, const std::string& name, uint64_t& bytes, const std::string& help) {
  app.add_option(name, bytes, help)
      ->transform(CLI::AsSizeValue(/*kb_is_1000=*/false))
      ->type_name("SIZE")
      ->default_str(absl::StrCat(bytes >> 20, "MiB"));
}

void AddRunFlags(CLI::App& app, HubOptions& options, DurationFlags& durations) {
  app.add_option("--data", options.data_directory, "the hub's data directory");
  app.add_option("--agent-listen", options.listen.agent, "address for agents")
      ->capture_default_str();
  app.add_option("--operator-listen", options.listen.operators, "address for people and CI")
      ->capture_default_str();
  app.add_option("--join-listen", options.listen.join, "address for new clusters")
      ->capture_default_str();
  app.add_option("--console-listen", options.listen.console,
                 "address for browsers and Prometheus, over HTTPS; 'off' for none")
      ->capture_default_str();
  app.add_option("--console-address", options.console_address,
                 "host:port at which browsers reach the console, when it is another one");
  app.add_option("--console-certificate", options.console_certificate,
                 "file with a certificate that browsers know (PEM, whole chain), for the console")
      ->type_name("FILE");
  app.add_option("--console-key", options.console_key, "file with its key (PEM)")
      ->type_name("FILE");
  app.add_option("--agent-address", options.agent_address,
                 "host:port at which agents reach the agent listener, when it is another one");
  app.add_option("--join-address", options.join_address,
                 "host:port at which new agents reach the join listener, when it is another one");
  app.add_option("--heartbeat", durations.heartbeat, "interval of the agents' heartbeats")
      ->capture_default_str();
  app.add_option("--fleet-interval", durations.fleet_interval,
                 "between polls of the fleet repository")
      ->capture_default_str();
  app.add_option("--certificate-lifetime", durations.certificate_lifetime,
                 "of clusters' certificates")
      ->capture_default_str();
  AddSize(app, "--disk-reserve", options.disk_reserve_bytes,
          "free space on the disk below which the hub takes no change");
  app.add_option("--helm", options.helm_program,
                 "Helm's program, for packages that are charts; without it they are refused");
  app.add_option("--helm-digest", options.helm_digest,
                 "that program's digest, sha256:... (see sha256sum); no other one is run");
  app.add_flag("--allow-file-urls", options.allow_file_urls,
               "let repositories be directories of this machine");
}

CLI::App* AddInit(CLI::App& app, InitOptions& options) {
  CLI::App* const command = app.add_subcommand("init", "make the data directory of a new hub");
  command->add_option("--data", options.data_directory, "the directory; must not exist yet")
      ->required();
  command->add_option("--fleet-url", options.fleet_url, "Git repository that declares the fleet")
      ->required();
  command->add_option("--fleet-branch", options.fleet_branch, "branch of it")
      ->capture_default_str();
  command->add_option("--fleet-path", options.fleet_path, "directory in it")->capture_default_str();
  command->add_option("--fleet-credentials", options.fleet_credentials,
                      "name of the credential for it");
  command->add_flag("--if-absent", options.if_absent,
                    "leave a hub that is there already as it is, and say so");
  command->add_option("--operator", options.operator_name, "name of the first operator")
      ->capture_default_str();
  command
      ->add_option("--operator-address", options.operator_address,
                   "host:port of the operator listener, for the first context")
      ->capture_default_str();
  return command;
}

CLI::App* AddOperatorCommand(CLI::App& app, OperatorOptions& options) {
  CLI::App* const command =
      app.add_subcommand("operator", "make a certificate for a person or program, for a year");
  command->add_option("--data", options.data_directory, "the hub's data directory")->required();
  command->add_option("--name", options.name, "of the person or program, for the events")
      ->required();
  command->add_option("--output", options.output, "directory to make; must not exist")->required();
  command
      ->add_option("--operator-address", options.operator_address,
                   "host:port of the operator listener, for the context")
      ->capture_default_str();
  return command;
}

int Main(int argc, char** argv) {
  CLI::App app("Muster's hub: keeps a fleet of clusters in step with Git.", "muster-hub");
  app.set_version_flag("--version", std::string(kVersion));
  HubOptions options;
  DurationFlags durations;
  std::string log_level = "info";
  AddRunFlags(app, options, durations);
  app.add_option("--log-level", log_level, "debug, info, warning or error")->capture_default_str();
  InitOptions init;
  const CLI::App* const init_command = AddInit(app, init);
  OperatorOptions new_operator;
  const CLI::App* const operator_command = AddOperatorCommand(app, new_operator);
  app.require_subcommand(0, 1);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (init_command->parsed()) return RunInit(std::move(init));
  if (operator_command->parsed()) return RunOperator(std::move(new_operator));
  log::Level level = log::Level::kInfo;
  if (!log::ParseLevel(log_level, &level)) {
    return Fail(absl::InvalidArgumentError(
        absl::StrCat("--log-level '", log_level, "' is none of debug, info, warning, error")));
  }
  log::SetLevel(level);
  if (options.data_directory.empty()) {
    return Fail(absl::InvalidArgumentError("no data directory; give --data DIR"));
  }
  if (const absl::Status console = TakeConsole(options); !console.ok()) return Fail(console);
  if (const absl::Status helm = CheckHelm(options); !helm.ok()) return Fail(helm);
  const absl::Status taken = TakeDurations(durations, options);
  return taken.ok() ? RunHub(std::move(options)) : Fail(taken);
}

}  // namespace
}  // namespace muster::hub

int main(int argc, char** argv) {
  using namespace muster::hub;
  const std::optional<int> child = RunAsChild(
      argc, argv,
      {{"fetch", &FetchChildMain}, {"render", &RenderChildMain}, {kJoinChildName, &JoinChildMain}});
  return child.has_value() ? *child : Main(argc, argv);
}
