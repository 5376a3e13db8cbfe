// GrpcHubLink: the agent's stream to its hub over gRPC. Dials, and dials again with full-jitter
// backoff for as long as it lives; posts LinkUp, LinkDown and what arrives to the agent's inbox.
//
// Send: any thread, never waits. Start and Stop: one thread. Arrivals are posted by the link's
// own thread; LinkUp and LinkDown always alternate. An idle link wakes nobody.
#pragma once

#include <functional>
#include <memory>
#include <thread>

#include "absl/time/time.h"
#include "agent/core/event.h"
#include "agent/rpc/hub_channel.h"
#include "agent/rpc/hub_link.h"
#include "common/base/backoff.h"
#include "common/base/mutex.h"
#include "common/base/random.h"
#include "common/loop/inbox.h"

namespace muster::agent {

class GrpcHubLink final : public HubLink {
 public:
  struct Options {
    HubChannel& channel;
    Inbox<Event>& inbox;
    Random& random;  // for backoff; used by the link's thread only
    // Makes a verifier of the signers that a Welcome names, or null when none of them counts;
    // called by the link's thread. Without it, the keys known at the start stay.
    std::function<std::shared_ptr<const Verifier>(const v1::Welcome&)> verifier_of = nullptr;
    absl::Duration backoff_first = absl::Seconds(1);
    absl::Duration backoff_max = absl::Seconds(30);
  };

  // What `options` refers to must outlive the link.
  explicit GrpcHubLink(Options options);
  ~GrpcHubLink() override;

  void Start();
  // Ends the stream. May be called again.
  void Stop();

  void Send(v1::AgentMessage message) override;

  // Ends the stream and dials anew without waiting: with a new certificate. Any thread.
  void Redial();

 private:
  class Stream;

  void Dial();
  // One connection from the first byte to the last; returns whether the hub welcomed us.
  bool Connect();
  // Logs how a connection, or an attempt at one, ended.
  void Tell(bool was_up, const absl::Status& status);
  // Waits before the next attempt; returns false when the link stops.
  bool Pause(absl::Duration wait);

  const Options options_;
  Backoff backoff_;
  std::thread thread_;

  Mutex mutex_;
  CondVar changed_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  bool redial_ GUARDED_BY(mutex_) = false;
  std::shared_ptr<Stream> stream_ GUARDED_BY(mutex_);  // null between two attempts
};

}  // namespace muster::agent
