// ImportFlux: the Muster declarations for what Flux does with a tree.
//
// Follows Flux as it works: a cluster is a folder with `flux-system` in it (or the whole tree, when
// there is none); what its Kustomizations build is built, the Kustomizations found in it are
// followed in turn, and those with a kubeConfig belong to the cluster of that Secret. Each becomes
// a package that renders what Flux would apply, but for the objects of Flux that became
// declarations. Pure; one thread.
#pragma once

#include "absl/status/statusor.h"
#include "cli/import/planned_fleet.h"

namespace muster::cli {

// kNotFound when the tree holds nothing of Flux.
absl::StatusOr<ImportResult> ImportFlux(const ImportRequest& request);

}  // namespace muster::cli
