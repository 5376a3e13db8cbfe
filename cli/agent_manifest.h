// AgentManifest: the Kubernetes objects that are Muster's agent in a cluster. The one place that
// knows them: `muster bootstrap` applies them, `muster agent manifest` prints them, and the
// kustomize base and the Helm chart in deploy/ are tested against them.
//
//   std::string yaml = WriteYamlStream(AgentManifest({.cluster = "prod-1", ...}));
//
// Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/manifest/value.h"

namespace muster::cli {

// What the agent may do in its cluster.
enum class AgentRights {
  kClusterAdmin,  // everything
  kNamespaced,    // `kinds` in `namespaces`, and `cluster_kinds`; nothing else
};

struct AgentManifestOptions {
  std::string name_space = "muster-system";
  std::string image;           // with its registry and tag or digest
  std::string cluster;         // its name at the hub; empty: as the token says
  std::string hub_id;          // empty when nobody knows it yet
  std::string join_address;    // host:port
  std::string hub_address;     // host:port, instead of the one that the hub names; mostly empty
  std::string token;           // empty: no Secret; somebody else makes "muster-agent-join"
  std::string age_identities;  // age's private keys, as its files have them; empty: no Secret
  bool observe = false;        // the agent writes nothing, whatever the hub says
  std::string version;         // of Muster, for labels

  AgentRights rights = AgentRights::kClusterAdmin;
  std::vector<std::string> namespaces;     // of kNamespaced
  std::vector<std::string> kinds;          // "deployments.apps", "configmaps"; none: see below
  std::vector<std::string> cluster_kinds;  // likewise, of kinds without namespace

  std::string https_proxy;  // empty: none
  std::string no_proxy;     // besides the API server and names of the cluster

  // Where the agent keeps its identity, the last verified state and the inventory: a volume claim
  // of this class (empty: the cluster's default), or a folder of the node.
  std::string storage_class;
  std::string host_path;

  std::string log_level = "info";
};

// The kinds that kNamespaced grants when none are listed. Neither Roles nor RoleBindings: who may
// write them may become anybody.
const std::vector<std::string>& DefaultKinds();

// kInvalidArgument, naming the flag, for what cannot make a manifest.
absl::Status CheckAgentManifest(const AgentManifestOptions& options);

// The objects, in the order in which they have to be applied. Requires: CheckAgentManifest is OK.
std::vector<Value> AgentManifest(const AgentManifestOptions& options);

}  // namespace muster::cli
