// JoinGate: the hub's side of the join child. Starts it, hands its requests to the core as events,
// sends the answers back, and starts it again when it died; the hub goes on meanwhile.
//
// Start, Stop: one thread. The gate works on threads of its own.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/mutex.h"
#include "common/base/random.h"
#include "common/loop/workers.h"
#include "common/net/tls.h"
#include "hub/child/child_process.h"
#include "hub/core/event.h"
#include "hub/rpc/replies.h"

namespace muster::hub {

struct JoinGateOptions {
  std::string address;  // host:port to listen on
  TlsKeyPair server;    // the chain carries the root

  // What every accepted agent is told, besides what the core answers.
  std::string root_der;
  std::string signer_der;
  std::string agent_address;

  std::function<void(Event event)> post;  // to the hub's inbox; any thread
  Replies* replies = nullptr;
  Random* random = nullptr;  // used by the gate's thread only
};

class JoinGate {
 public:
  // What `options` points to must outlive the gate.
  explicit JoinGate(JoinGateOptions options);
  ~JoinGate();

  // Waits until the child listens, and returns its address with the real port.
  absl::StatusOr<std::string> Start();

  // Kills the child. May be called again.
  void Stop();

 private:
  class Connection;

  void Run();
  // One life of the child; returns how it ended.
  absl::Status Live();
  absl::Status Greet(Connection& connection);
  void Handle(const std::shared_ptr<Connection>& connection, v1::JoinChildRequest message);
  v1::JoinChildResponse Complete(uint64_t id, absl::StatusOr<v1::EnrollResponse> answer) const;
  bool Pause(absl::Duration wait);

  const JoinGateOptions options_;
  Workers sender_;
  std::thread thread_;

  Mutex mutex_;
  CondVar changed_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::string address_ GUARDED_BY(mutex_);  // with the real port, once it is known
  absl::Status first_failure_ GUARDED_BY(mutex_);
  pid_t child_ GUARDED_BY(mutex_) = 0;
};

}  // namespace muster::hub
