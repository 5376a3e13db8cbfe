// LocalPlan: a plan of a working tree, rendered here by the code that the hub runs, and compared
// with what the hub has.
//
// Blocks: reads the tree, and asks the hub for what is compared. One thread.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "cli/hub_client.h"
#include "common/render/helm/helm_door.h"

namespace muster::cli {

// `directory` is in a working tree of `repository`; the tree's root counts. `helm` may be null.
// Kustomizations with bases in other repositories cannot be rendered here: only the hub has those.
absl::StatusOr<pb::FleetPlan> PlanWorkingTree(HubClient& hub, const std::string& repository,
                                              const std::string& directory, HelmDoor* helm);

}  // namespace muster::cli
