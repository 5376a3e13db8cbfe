// Liveness: which agents are heard from. Soft: after a restart every cluster is Stale until it is
// heard, and Offline when that takes too long.
//
// Pure; the core's thread.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "hub/core/state.h"

namespace muster::hub {

// Once, in the first turn.
void StartLiveness(Turn& turn);

// A stream opened. It is closed again unless its key is that of an enrolled cluster; of two streams
// of one cluster the newer stays.
void OnAgentConnected(Turn& turn, const AgentConnected& event);
void OnAgentDisconnected(Turn& turn, const AgentDisconnected& event);
void OnAgentHeartbeat(Turn& turn, const AgentHeartbeat& event);

// What an agent says of itself, fit to be kept and shown: printable ASCII, and not much of it.
std::string AgentText(absl::string_view text);

// A sign of life.
void Heard(Turn& turn, ClusterState& cluster);

// Looks whether the cluster has been silent for too long.
void CheckLiveness(Turn& turn, const std::string& cluster_id);

// The cluster at the other end of an open stream; null when the stream is not of this hub's.
ClusterState* ClusterOfLink(State& state, LinkId link);

}  // namespace muster::hub
