// FluxPackage: what one Flux Kustomization builds, and the simplest form in which Muster renders
// the same: the directory as it is, or a kustomization around it. Pure; one thread.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/import/flux_kustomization.h"
#include "cli/import/flux_sources.h"
#include "cli/import/planned_fleet.h"
#include "common/render/render.h"

namespace muster::cli {

// A directory of Flux's own controllers.
bool HoldsFluxItself(const FileTree& files, const std::string& directory);

// What Flux applies: built with the changes made in place, variables substituted (those that nobody
// defines are empty, and join `kustomization`), common metadata set.
absl::StatusOr<Rendering> BuildAsFlux(const ImportRequest& request, const FluxSource& source,
                                      FluxKustomization& kustomization);

// Chooses the form for what `built` holds but for objects that `became` says are declarations now:
// sets path or kustomization of `instance`, and the check of `item`. Returns false when nothing is
// left to deliver.
bool ChooseForm(const ImportRequest& request, const FluxSource& source,
                const FluxKustomization& kustomization, const Rendering& built,
                const std::function<bool(const RenderedObject&)>& became, PackageInstance& instance,
                ImportItem& item);

}  // namespace muster::cli
