// Replacements: a value copied from one field of one resource into fields of others. Pure.
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "common/render/kustomize/kustomization.h"
#include "common/render/kustomize/loader.h"
#include "common/render/kustomize/res_map.h"

namespace muster::kustomize {

// In order; each sees what the ones before it did. Those with a path are read from that file.
// kInvalidArgument, naming the place of the replacement, when the source is not exactly one
// resource, a field is not there, or a target cannot take the value.
absl::Status ApplyReplacements(const std::vector<Replacement>& replacements, const Loader& loader,
                               ResMap& map);

}  // namespace muster::kustomize
