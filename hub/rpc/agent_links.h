// AgentLinks: the open streams to agents, seen from the hub's turn.
//
// Real: gRPC streams (AgentService). Twin: SimLinks in test/sim. Called on the core's thread only;
// never waits. Newest wins: when an agent reads slowly, a desired state that was not sent yet is
// replaced by the next one. Arrivals go to the hub's inbox as events.
#pragma once

#include "hub/core/outbox.h"

namespace muster::hub {

class AgentLinks {
 public:
  virtual ~AgentLinks() = default;

  // Queues a message. A link that is gone is no error: its AgentDisconnected is on the way.
  virtual void Post(Send send) = 0;

  // Ends the stream with `reason` and, if asked, the connection under it.
  virtual void Close(const CloseLink& close) = 0;
};

}  // namespace muster::hub
