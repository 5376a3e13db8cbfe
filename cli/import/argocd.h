// ImportArgocd: the Muster declarations for the Applications of a tree, and for those that its
// ApplicationSets generate. Pure; one thread.
#pragma once

#include "absl/status/statusor.h"
#include "cli/import/planned_fleet.h"

namespace muster::cli {

// kNotFound when the tree holds nothing of Argo CD.
absl::StatusOr<ImportResult> ImportArgocd(const ImportRequest& request);

}  // namespace muster::cli
