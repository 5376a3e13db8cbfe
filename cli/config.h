// Config: the hubs that a person knows, and which of them is meant: a file like kubeconfig.
//
//   apiVersion: muster.dev/v1alpha1
//   kind: Config
//   currentContext: prod
//   contexts:
//     - name: prod
//       hub: hub.example.com:8443
//       caFile: ca.pem               # or ca: inline PEM; files are relative to this file
//       certificateFile: operator.pem
//       keyFile: operator-key.pem    # mode 0600
//
// It stands at $MUSTER_CONFIG, else $XDG_CONFIG_HOME/muster/config.yaml, else
// ~/.config/muster/config.yaml, and may be read by its owner only. One thread.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cli/environment.h"
#include "cli/hub_client.h"

namespace muster::cli {

struct ConfigContext {
  std::string name;
  std::string hub;          // host:port of the operator listener
  std::string ca, ca_file;  // of each pair, one is set
  std::string certificate, certificate_file;
  std::string key, key_file;
};

struct Config {
  std::string path;
  std::string current;
  std::vector<ConfigContext> contexts;

  // Null when there is none.
  const ConfigContext* Find(absl::string_view name) const;
};

// Where the file stands, whether or not it is there.
std::string ConfigPath(const Environment& env);

// Reads the file's text. kInvalidArgument with line and reason: unknown fields are refused by name.
absl::StatusOr<Config> ParseConfig(absl::string_view text, absl::string_view path);

// The text that ParseConfig reads back.
std::string ConfigText(const Config& config);

// Reads the file; a file that is not there is an empty Config. kFailedPrecondition when others may
// read it.
absl::StatusOr<Config> LoadConfig(const Environment& env);

// Writes the file, mode 0600, and the folders above it.
absl::Status SaveConfig(const Config& config);

// The context called `asked`; when that is empty, MUSTER_CONTEXT's, then the current one. kNotFound
// says what to do.
absl::StatusOr<ConfigContext> ChooseContext(const Config& config, const Environment& env,
                                            const std::string& asked);

// Reads the files that `context` names, relative to the folder of `config_path`.
absl::StatusOr<HubAddress> LoadCredentials(const ConfigContext& context,
                                           const std::string& config_path);

// Adds `context`, or puts it in the place of the one with its name.
void PutContext(Config& config, ConfigContext context);

}  // namespace muster::cli
