// Hub: the shell around HubCore. It takes turns: drains the inbox, lets the core decide, commits
// once, publishes the view, and only then acts. It knows interfaces only.
//
// Post: any thread. Turn and Run: one thread. Promise: nothing is sent, started, answered or
// published before the batch that it rests on is durable. While the disk is nearly full the hub
// holds what it has decided, tells those who ask that it cannot, and goes on showing its last view;
// after any other failure of a commit the process dies: the restart path is the tested path.
#pragma once

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/loop/inbox.h"
#include "common/loop/published.h"
#include "common/store/store.h"
#include "hub/answers.h"
#include "hub/core/event.h"
#include "hub/core/fleet_view.h"
#include "hub/core/hub_core.h"
#include "hub/core/outbox.h"
#include "hub/jobs.h"
#include "hub/rpc/agent_links.h"

namespace muster::hub {

// Feeds every record that the core needs from `store`, and finishes the load.
absl::Status LoadCore(const Store& store, HubCore& core);

class Hub {
 public:
  // All must outlive the hub. Requires: `core` is loaded.
  struct Parts {
    HubCore& core;
    Store& store;
    Jobs& jobs;
    AgentLinks& links;
    Answers& answers;
  };

  explicit Hub(Parts parts);

  // Any thread; never waits. Dropped after Stop.
  void Post(Event event);

  // One turn with everything that is in the inbox: returns whether anything was handled.
  bool Turn(absl::Time now);

  // When Turn is next due if nothing is posted before.
  absl::Time NextWake() const { return parts_.core.NextWake(); }

  // Takes turns until Stop. Production only; a simulation calls Turn.
  void Run(const Clock& clock);

  // Ends Run after the turn that it is in. Any thread.
  void Stop() { inbox_.Close(); }

  // What readers look at.
  const Published<FleetView>& view() const { return view_; }

  // OK, or why what was decided cannot be kept at present: kResourceExhausted.
  const Published<absl::Status>& obstacle() const { return obstacle_; }

 private:
  bool TakeTurn(absl::Time now, std::vector<Event> events);
  void Act(Outbox outbox);
  // What was decided waits for `obstacle` to go; whoever waits for an answer is told.
  void Hold(const absl::Status& obstacle);
  // Whether what was decided still waits for room on the disk.
  bool IsHeld() const { return !waiting_.batch.empty(); }

  Parts parts_;
  Inbox<Event> inbox_;
  Outbox waiting_;  // decided, not committed yet
  Published<FleetView> view_;
  Published<absl::Status> obstacle_;
};

}  // namespace muster::hub
