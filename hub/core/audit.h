// Audit: what people did and what the trust of the fleet rests on, as lines of a hash chain that
// stand in the same batch as the deed itself: whoever is answered finds it on disk.
//
// The lines are kept for good. Unlike the journal of events they say who asked and what became of
// it, refusals too. Pure; the core's thread.
#pragma once

#include "absl/status/statusor.h"
#include "common/audit/chain.h"
#include "hub/core/event.h"
#include "hub/core/journal.h"
#include "hub/core/outbox.h"
#include "hub/core/state.h"

namespace muster::hub {

// What an operator asked and how it ended. Questions that change nothing leave no line.
void AuditDeed(Turn& turn, const OperatorAsked& asked,
               const absl::StatusOr<OperatorAnswer>& answer);

// What happened by itself, when it concerns who may do what or what rules.
void AuditHappening(Turn& turn, const Happening& happening);

// A cluster's newest signed word, by its digest; it names those before it.
void AuditReceipt(Turn& turn, const ClusterState& cluster);

}  // namespace muster::hub
