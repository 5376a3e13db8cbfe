// Kubeconfig: how an API server is reached, read from a kubeconfig file or from what a pod finds in
// itself.
//
//   ASSIGN_OR_RETURN(ApiEndpoint api, LoadKubeconfig({.path = "~/.kube/config", .context =
//   "edge"}));
//
// Reads certificate-authority(-data), client-certificate(-data), client-key(-data), token,
// tokenFile, tls-server-name, proxy-url and namespace. What would run a program or send a password
// (exec and auth-provider plugins, basic authentication), act as somebody else, or leave the server
// unchecked is refused by name. Any thread; reads files, talks to nobody.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "agent/kube/endpoint.h"

namespace muster::agent {

struct KubeconfigOptions {
  std::string path;     // several, separated by ':', are merged: the first that names a thing wins
  std::string context;  // empty: the file's current-context
  bool allow_insecure = false;  // take insecure-skip-tls-verify: true
};

// Of an environment variable; nullopt when it is not set.
using Environment = std::function<std::optional<std::string>(const char* name)>;
Environment ProcessEnvironment();

// kInvalidArgument, with the file and the entry, for what is wrong or refused; kNotFound when there
// is no such file or context.
absl::StatusOr<ApiEndpoint> LoadKubeconfig(const KubeconfigOptions& options,
                                           const Environment& environment);

// From KUBERNETES_SERVICE_HOST and the service account's files in `directory`. kNotFound outside of
// a pod.
absl::StatusOr<ApiEndpoint> InClusterEndpoint(
    const Environment& environment,
    const std::string& directory = "/var/run/secrets/kubernetes.io/serviceaccount");

// The proxy for `host`, by HTTPS_PROXY and NO_PROXY (upper case or lower): empty for a direct
// connection. NO_PROXY lists names (which cover their subdomains), addresses, CIDR ranges and "*",
// each with a port if wanted.
std::string ProxyFor(absl::string_view host, int port, const Environment& environment);

}  // namespace muster::agent
