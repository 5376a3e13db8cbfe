// ApiEndpoint: where an API server is and what it takes to speak with it.
//
// A plain value, made by LoadKubeconfig or InClusterEndpoint (kubeconfig.h). Secrets that live in
// files are kept as paths and read again at each use, because they rotate.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace muster::agent {

// Text that stands here or in a file. At most one of the two is set; none means that there is none.
struct TextSource {
  std::string text;
  std::string file;

  bool empty() const { return text.empty() && file.empty(); }

  // The text, now. Names the file when it cannot be read.
  absl::StatusOr<std::string> Read() const;
};

struct ApiEndpoint {
  std::string host;  // a name or an address, without brackets
  int port = 443;
  std::string base_path;    // before every path: "" or "/k8s/clusters/c1"
  std::string server_name;  // that the certificate must carry; empty: host
  TextSource ca;            // PEM; none: the system's roots
  bool insecure = false;    // the certificate is not checked: only where somebody asked for it
  TextSource client_certificate, client_key;  // PEM
  TextSource token;                           // bearer
  std::string proxy;       // "http://[user:password@]host:port"; empty: a direct connection
  std::string namespace_;  // of the context, or the one that the agent runs in

  // "https://host:port/base", for people.
  std::string Url() const;
};

}  // namespace muster::agent
