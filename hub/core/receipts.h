// Receipts: what clusters signed that they applied, kept for good, one chain for each cluster.
//
// Each receipt names the one before it, so of several in a message only the newest needs a
// signature: whoever signed it has signed all that it leads back to. A receipt that stands in the
// store without a signature is proved by the one that follows it. Pure; the core's thread.
#pragma once

#include "hub/core/state.h"

namespace muster::hub {

// Keeps those that are proved, in their order, and acknowledges the message; refuses the others
// and shows it on the cluster.
void OnAgentReceipts(Turn& turn, const AgentReceipts& event);

}  // namespace muster::hub
