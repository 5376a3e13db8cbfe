// ImportFleet: the Muster declarations for the bundles that Fleet makes of a tree: directories with
// a fleet.yaml, and those that a GitRepo in the tree names. Pure; one thread.
#pragma once

#include "absl/status/statusor.h"
#include "cli/import/planned_fleet.h"

namespace muster::cli {

// kNotFound when the tree holds nothing of Fleet.
absl::StatusOr<ImportResult> ImportFleet(const ImportRequest& request);

}  // namespace muster::cli
