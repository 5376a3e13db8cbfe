// Jobs: work that takes long or touches the world. The core asks for it, the result comes back as
// an event in the hub's inbox.
//
// Real: worker threads and the fetch child. Twin: SimWorkers in test/sim. Called on the core's
// thread only; returns at once.
#pragma once

#include "hub/core/outbox.h"

namespace muster::hub {

class Jobs {
 public:
  virtual ~Jobs() = default;

  // Starts `job`; exactly one event answers it, sooner or later, whatever goes wrong.
  virtual void Start(Job job) = 0;
};

}  // namespace muster::hub
