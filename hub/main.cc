// muster-hub: flags -> objects -> run.
//
//   muster-hub init --data DIR --fleet-url URL     makes a hub
//   muster-hub --data DIR                          runs it until SIGTERM
#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <iterator>
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
#include "hub/keyring.h"

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

// And it starts anew when somebody rotated its signer.
constexpr absl::Duration kBetweenSignerLooks = absl::Seconds(2);

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
    const std::string signer = SignerMark(options.data_directory);
    Assembly hub(options);
    const absl::Status started = hub.Start();
    if (!started.ok()) return Fail(started);
    options.listen = hub.addresses();  // ports that were chosen stay
    const absl::Time anew = absl::Now() + kRunMax;
    do {
      stopped = stop.WaitFor(kBetweenSignerLooks);
    } while (!stopped && absl::Now() < anew && SignerMark(options.data_directory) == signer);
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

// The text of a file of allowed signers; empty for no file.
absl::StatusOr<std::string> ReadSigners(const std::string& path) {
  if (path.empty()) return std::string();
  std::ifstream file(path, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(file), {});
  if (file.bad() || !file.is_open() || text.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--signer: cannot read ", path,
                     "; it is a file of SSH's allowed_signers, with lines such as 'ada@example.com "
                     "ssh-ed25519 AAAA...'"));
  }
  return text;
}

int RunRotateSigner(const std::string& data_directory) {
  const absl::StatusOr<std::string> key = RotateSigner(data_directory, absl::Now());
  if (!key.ok()) return Fail(key.status());
  std::printf(
      "desired states are signed with the new key %s\n\n"
      "A running hub takes it over within seconds, and agents as they connect again: nothing is to "
      "be\ndone in any cluster.\n",
      key->substr(0, 12).c_str());
  return 0;
}

int RunFleetSigners(FleetSignersOptions options, const std::string& signers_path) {
  const absl::StatusOr<std::string> signers = ReadSigners(signers_path);
  if (!signers.ok()) return Fail(signers.status());
  options.fleet_signers = *signers;
  const absl::StatusOr<int> keys = PinFleetSigners(options);
  if (!keys.ok()) return Fail(keys.status());
  if (*keys == 0) {
    std::printf("the fleet repository's commits need no signature any more\n");
  } else {
    std::printf(
        "%d key%s may sign the fleet repository's commits; see them with 'muster describe "
        "repository .fleet'\n",
        *keys, *keys == 1 ? "" : "s");
  }
  return 0;
}

int RunInit(InitOptions options, const std::string& signers_path) {
  options.now = absl::Now();
  const absl::StatusOr<std::string> signers = ReadSigners(signers_path);
  if (!signers.ok()) return Fail(signers.status());
  options.fleet_signers = *signers;
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

void AddSignerFlags(CLI::App& command, std::string& path, bool& every_commit) {
  command.add_option("--signer", path,
                     "file of SSH's allowed_signers: who must have signed the fleet repository's "
                     "commits");
  command.add_flag("--every-commit", every_commit,
                   "with --signer: every new commit needs a signature, not only the newest");
}

CLI::App* AddFleetSigners(CLI::App& app, FleetSignersOptions& options, std::string& path,
                          bool& nobody) {
  CLI::App* const command = app.add_subcommand(
      "fleet-signers", "pin other signers of the fleet repository; while the hub does not run");
  command->add_option("--data", options.data_directory, "the hub's data directory")->required();
  AddSignerFlags(*command, path, options.fleet_every_commit);
  command->add_flag("--nobody", nobody, "its commits need no signature any more");
  return command;
}

CLI::App* AddInit(CLI::App& app, InitOptions& options, std::string& signers_path) {
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
  AddSignerFlags(*command, signers_path, options.fleet_every_commit);
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
  FleetSignersOptions fleet_signers;
  std::string signers_path;
  bool nobody = false;
  const CLI::App* const init_command = AddInit(app, init, signers_path);
  const CLI::App* const signers_command = AddFleetSigners(app, fleet_signers, signers_path, nobody);
  std::string rotated;
  CLI::App* const rotate_command = app.add_subcommand(
      "rotate-signer", "give the hub a new key for signing desired states; it may be running");
  rotate_command->add_option("--data", rotated, "the hub's data directory")->required();
  OperatorOptions new_operator;
  const CLI::App* const operator_command = AddOperatorCommand(app, new_operator);
  app.require_subcommand(0, 1);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (init_command->parsed()) return RunInit(std::move(init), signers_path);
  if (rotate_command->parsed()) return RunRotateSigner(rotated);
  if (signers_command->parsed()) {
    if (nobody == signers_path.empty()) return RunFleetSigners(fleet_signers, signers_path);
    return Fail(absl::InvalidArgumentError("fleet-signers: give either --signer FILE or --nobody"));
  }
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
