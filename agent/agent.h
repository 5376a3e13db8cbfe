// Agent: the shell around AgentCore. It takes turns, and knows interfaces only.
//
//   Agent agent({.store = store, .jobs = jobs, .link = link, .signer = signer, .inbox = inbox},
//               settings, random);
//   CHECK_OK(agent.Load(now));
//   Production: agent.Run(clock) on one thread, until the inbox is closed.
//   Simulation: the event queue calls agent.Turn(now) itself, at NextWake and after each post.
//
// A turn: drain the inbox -> core.Handle for each event -> ONE durable commit, or die -> start jobs
// -> send messages. One thread for all calls.
#pragma once

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "agent/core/agent_core.h"
#include "agent/diary.h"
#include "agent/jobs.h"
#include "agent/rpc/hub_link.h"
#include "common/base/clock.h"
#include "common/base/random.h"
#include "common/loop/inbox.h"
#include "common/store/store.h"
#include "common/trust/envelope.h"

namespace muster::agent {

// What an agent is made of; each must outlive it.
struct AgentParts {
  Store& store;
  Jobs& jobs;
  HubLink& link;
  const Signer& signer;  // of receipts: the identity key
  Inbox<Event>& inbox;
  Diary* diary = nullptr;  // null: nothing is logged of what happens
};

class Agent {
 public:
  Agent(AgentParts parts, AgentSettings settings, Random& random);

  // Reads what the store has. Once, before the first turn.
  absl::Status Load(absl::Time now);

  // One turn over what waits in the inbox, and a Tick when the time has come. An error means that
  // the commit failed: nothing was started or sent, and the process must end, because memory is
  // ahead of the disk.
  absl::Status Turn(absl::Time now);

  // When Turn wants to be called again, if nothing is posted before.
  absl::Time NextWake() const { return core_.NextWake(); }

  // Turns until the inbox is closed. Returns OK then, or the error of the turn that failed.
  absl::Status Run(const Clock& clock);

  const AgentCore& core() const { return core_; }

 private:
  absl::Status TakeTurn(absl::Time now, std::vector<Event> events);
  void Send(const HubSend& send);

  AgentParts parts_;
  AgentCore core_;
};

}  // namespace muster::agent
