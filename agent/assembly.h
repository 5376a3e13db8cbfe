// Assembly: a running agent: every concrete part, wired. What main.cc runs, and what integration
// tests and benches run, so that nothing is tested in another arrangement than the real one.
//
//   Assembly agent({.store = *store, .driver = *driver, .identity = identity});
//   RETURN_IF_ERROR(agent.Start());   // with the stored state, whether or not there is a hub
//   ...
//   agent.Stop();
//
// PrepareGrpc must have been called. One thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "agent/cluster/cluster_driver.h"
#include "agent/cluster/noticeboard.h"
#include "agent/secrets/unsealer.h"
#include "common/secrets/age.h"
#include "common/store/store.h"
#include "proto/storage.pb.h"

namespace muster::agent {

struct AgentOptions {
  Store& store;                        // outlives the agent
  ClusterDriver& driver;               // likewise
  Noticeboard* noticeboard = nullptr;  // likewise; null when the cluster has none
  v1::AgentIdentityRecord identity;
  // To open what is sealed for the cluster; the cluster's own first. Empty: nothing is opened.
  std::vector<AgeIdentity> age_identities;
  Unsealer::Further further_identities;  // likewise, and may come and go; may be null
  std::string gnupg_home;                // of gpg's keys, to open with too; empty for none
  std::string kubernetes_version;        // empty where the cluster is none, or did not say
  std::string hub_address;               // empty: the one that the hub named at enrolment
  std::string agent_namespace;           // the agent's own in the cluster; empty: it has none there
  bool observe = false;                  // write nothing, whatever the hub says
  absl::Duration resync_interval = absl::Seconds(60);
  // Between two attempts to reach the hub: full jitter below what doubles from first to max.
  absl::Duration backoff_first = absl::Seconds(1);
  absl::Duration backoff_max = absl::Seconds(30);
  // Called on a thread of the agent when it cannot go on, because a commit failed.
  std::function<void()> on_failure;
};

class Assembly {
 public:
  explicit Assembly(AgentOptions options);
  ~Assembly();  // stops

  absl::Status Start();

  // May be called again. Returns why the agent ended by itself, if it did.
  absl::Status Stop();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace muster::agent
