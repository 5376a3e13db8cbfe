// AgentCore: what an agent decides. A desired state in, verified before it is parsed; work for the
// cluster and reports for the hub out.
//
//   AgentCore core(settings, random);
//   RETURN_IF_ERROR(core.Load(records, now));
//   Outbox outbox;
//   core.Handle(now, event, outbox);     // then commit, start jobs, send: see agent.h
//   ... core.NextWake() says when to hand it a Tick at the latest.
//
// Pure and single-threaded: the same events at the same times give the same outboxes. Promises,
// which the simulator checks by these numbers:
//   A1. Nothing of a push is parsed before its signature was verified.
//   A2. The accepted generation never falls, whatever is received, over restarts too.
//   A3. What was accepted has all of its blobs in the store: it is applied and healed without a
//   hub. A4. No object is removed but by an accepted state that has no place for it, within the
//   deletion
//       budget, never one of a protected kind, never one whose uid the inventory does not have.
//   A5. An inventory entry is durable before its object is written, and leaves only when the object
//       is seen to be gone.
//   A6. A cluster in observe mode and whatever is suspended is not written to.
//   A7. One object that cannot be written stops no other.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "agent/core/event.h"
#include "agent/core/outbox.h"
#include "agent/core/settings.h"
#include "common/base/random.h"
#include "common/store/store.h"
#include "proto/fleet.pb.h"

namespace muster::agent {

class AgentCore {
 public:
  // `random` spreads waits; it must outlive the core.
  AgentCore(AgentSettings settings, Random& random);
  ~AgentCore();

  // Takes over what the store has under kAgentRecordPrefixes, in any order, before the first event.
  // kDataLoss, naming the record, for one that cannot be read.
  absl::Status Load(const std::vector<Record>& records, absl::Time now);

  // Requires: `outbox` is empty or was filled by this core in the same turn. Between two turns its
  // batch must have become durable.
  void Handle(absl::Time now, Event event, Outbox& outbox);

  // When a Tick is wanted at the latest; absl::InfiniteFuture() when never.
  absl::Time NextWake() const;

  // What the agent would report now.
  const v1::ObservedState& observed() const;
  // Of its bytes.
  const Digest& observed_digest() const;

  // The accepted desired state; null before the first.
  const v1::DesiredState* desired() const;
  // Of its payload; empty before the first.
  Digest desired_digest() const;

  // Whether nothing is left to do but to wait: no job runs, none is due before the next resync.
  bool Idle() const;

 private:
  struct Rooms;
  std::unique_ptr<Rooms> rooms_;
};

// An AgentSignersRecord: written by the core, read by whoever makes its settings.
inline constexpr absl::string_view kSignersKey = "signers";

// The records that belong to the core; "blob/" does not, and is read by jobs only.
inline constexpr absl::string_view kAgentRecordPrefixes[] = {"accepted", "bundles", "inventory/",
                                                             "package/"};

}  // namespace muster::agent
