// FleetConfig: what the fleet repository declares, taken over into the state.
//
// A file with errors keeps its former declarations, and a declaration goes only when its absence is
// proven. Nothing at all is never intent. Pure; the core's thread.
#pragma once

#include <vector>

#include "hub/core/state.h"

namespace muster::hub {

// Takes over `config`, read at the commit that rules `fleet`.
void ApplyConfig(Turn& turn, RepositoryState& fleet, const v1::FleetConfig& config);

// The labels that decide what a cluster gets: those of its declaration, else of its join token.
const google::protobuf::RepeatedPtrField<v1::Label>& LabelsInForce(const State& state,
                                                                   const ClusterState& cluster);

// Drops the declaration of a cluster that is no longer there, if it was held for its sake.
void ReleaseDeclaration(Turn& turn, const ClusterName& name);

}  // namespace muster::hub
