// Patches of a kustomization: patchesStrategicMerge, patches, patchesJson6902. Pure; one thread.
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "common/render/kustomize/kustomization.h"
#include "common/render/kustomize/loader.h"
#include "common/render/kustomize/merge_schema.h"
#include "common/render/kustomize/res_map.h"

namespace muster::kustomize {

// Each entry is a path or a document itself. A patch means the one resource whose current or former
// id it has.
absl::Status ApplyStrategicMergePatches(const std::vector<Entry>& patches, const Loader& loader,
                                        const MergeSchema& schema, ResMap& map);

// With a target: everything that it selects, which may be nothing. Without: as above.
absl::Status ApplyPatches(const std::vector<Patch>& patches, const Loader& loader,
                          const MergeSchema& schema, ResMap& map);

absl::Status ApplyJson6902Patches(const std::vector<Patch>& patches, const Loader& loader,
                                  ResMap& map);

}  // namespace muster::kustomize
