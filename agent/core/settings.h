// AgentSettings: what an agent's core is told once, at its start.
//
// A plain value; immutable afterwards.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/plan/rails.h"
#include "common/trust/envelope.h"

namespace muster::agent {

struct AgentSettings {
  std::string hub_id;      // what a desired state must name
  std::string cluster_id;  // likewise
  std::string
      cluster_spki;  // digest of the certificate's key; a state that names another is refused
  std::string agent_version;
  std::string driver;                        // ClusterDriver::Name()
  std::string kubernetes_version;            // empty for other drivers
  std::string recipient;                     // to which this cluster's secrets are sealed
  std::shared_ptr<const Verifier> verifier;  // keys that may sign desired states; never null
  std::string signers;  // the record that `verifier` was made of; empty: of the identity
  absl::Duration resync_interval = absl::Seconds(60);  // between looks at the whole inventory
  bool has_noticeboard = false;  // the cluster has a place where the agent tells its story
  absl::Duration count_interval = absl::Minutes(10);  // between counts of what nobody manages
  bool observe = false;                               // nothing is written, whatever the hub says
  // Receipts leave within this time after an apply, at a random moment and not in its first
  // quarter.
  absl::Duration receipt_spread = absl::Seconds(30);
  // Namespaces of which nothing is ever deleted; the agent's own is added to them.
  std::vector<std::string> protected_namespaces = ProtectedNamespaces();
};

}  // namespace muster::agent
