// HubLink: the agent's one stream to its hub, seen from the agent's turn.
//
// Real: GrpcHubLink, which dials, redials with full-jitter backoff and posts LinkUp, LinkDown and
// what arrives to the agent's inbox. Twin: SimLink in test/sim. Called on the core's thread only;
// never waits.
#pragma once

#include "proto/agent_service.pb.h"

namespace muster::agent {

class HubLink {
 public:
  virtual ~HubLink() = default;

  // Queues a message on the open stream; dropped when there is none, because whoever needs it
  // knows from LinkDown to send again.
  virtual void Send(v1::AgentMessage message) = 0;
};

}  // namespace muster::agent
