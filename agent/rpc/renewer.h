// Renewer: keeps the agent's certificate fresh: a new key and a new certificate when a third of the
// old one's life is over, long before it ends.
//
// The new key is durable before the hub is asked for its certificate, so that a lost answer is
// asked for again with the same key and gets the same certificate. The identity changes in one
// commit, and then the link is dialled anew. Start and Stop: one thread; works on one of its own.
#pragma once

#include <functional>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "agent/rpc/hub_channel.h"
#include "common/base/clock.h"
#include "common/base/mutex.h"
#include "common/base/random.h"
#include "common/store/store.h"
#include "proto/storage.pb.h"

namespace muster::agent {

class Renewer {
 public:
  struct Options {
    HubChannel& channel;
    Store& store;
    const Clock& clock;
    Random& random;  // used by the renewer's thread only
    // Called after the new identity is durable and the channel will use it.
    std::function<void()> on_renewed;
  };

  Renewer(Options options, v1::AgentIdentityRecord identity);
  ~Renewer();

  void Start();
  void Stop();

  // When the certificate that is in use should be renewed.
  absl::Time Due() const;

  // Renews now. Start's thread does it by itself; for tests otherwise.
  absl::Status Renew();

 private:
  void Run();
  bool Pause(absl::Duration wait);

  const Options options_;
  v1::AgentIdentityRecord identity_;  // the renewer's thread only
  std::thread thread_;

  Mutex mutex_;
  CondVar changed_;
  bool stopping_ GUARDED_BY(mutex_) = false;
};

// The certificate and key of `identity`, for a channel.
TlsKeyPair ClientKeyPair(const v1::AgentIdentityRecord& identity);

}  // namespace muster::agent
