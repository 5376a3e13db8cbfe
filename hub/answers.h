// Answers: where the hub's turn hands over what waiting RPCs asked for, once it is durable.
//
// Real: Replies in hub/rpc. Twin: the simulation's. Called on the hub's thread; never waits. An
// answer that nobody waits for any more is no error.
#pragma once

#include "hub/core/outbox.h"

namespace muster::hub {

class Answers {
 public:
  virtual ~Answers() = default;
  virtual void Answer(EnrollReply reply) = 0;
  virtual void Answer(RenewReply reply) = 0;
  virtual void Answer(OperatorReply reply) = 0;
};

}  // namespace muster::hub
