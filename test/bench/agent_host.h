// AgentHost: many real agents in one process: each with its own key, certificate, connection, core
// and cluster in memory; what they share is the thread that takes their turns.
//
// Everything that an agent does for its security is done: mutual TLS, Ed25519, SHA-256 of each
// blob. Only the cluster and the disk are in memory. One thread calls; the agents run on their own.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/base/mutex.h"
#include "common/base/random.h"
#include "common/loop/workers.h"
#include "common/store/memory_store.h"
#include "proto/storage.pb.h"

namespace muster::bench {

class AgentHost {
 public:
  AgentHost();
  ~AgentHost();

  struct Join {
    std::string name;
    std::string token;
  };

  // Enrols all of `joins`, some at a time. Returns how long that took.
  absl::StatusOr<absl::Duration> Enrol(const std::vector<Join>& joins,
                                       const std::string& join_address);

  // Starts the agents that were enrolled and not started yet.
  void StartAgents();

  int agents() const { return static_cast<int>(agents_.size()); }

 private:
  class OneAgent;
  friend class OneAgent;
  struct Pending {
    std::unique_ptr<MemoryStore> store;
    v1::AgentIdentityRecord identity;
  };

  void Ready(int agent);
  void Run();
  void TakeTurn(int agent);

  Workers downloads_;
  std::vector<Pending> pending_;  // what each agent is made of
  std::vector<std::unique_ptr<OneAgent>> agents_;
  size_t started_ = 0;

  Mutex mutex_;
  CondVar woken_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::set<int> ready_ GUARDED_BY(mutex_);
  std::set<std::pair<absl::Time, int>> wakes_ GUARDED_BY(mutex_);
  std::map<int, absl::Time> wake_of_ GUARDED_BY(mutex_);

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace muster::bench
