// Observed: what agents say that they run: kept durably, then acknowledged; with the history of
// every bundle that came or left. Pure; the core's thread.
#pragma once

#include "hub/core/state.h"

namespace muster::hub {

void OnAgentReport(Turn& turn, const AgentReport& event);

}  // namespace muster::hub
