// Jobs: work of an agent that takes long or touches the world. The result comes back as an event in
// the agent's inbox.
//
// Real: one worker thread and the hub's FetchBlobs. Twin: SimAgentJobs in test/sim. Called on the
// core's thread only; returns at once.
#pragma once

#include "agent/core/outbox.h"

namespace muster::agent {

class Jobs {
 public:
  virtual ~Jobs() = default;

  // Starts `job`; exactly one event answers it, sooner or later, whatever goes wrong.
  virtual void Start(Job job) = 0;
};

}  // namespace muster::agent
