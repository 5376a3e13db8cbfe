// The names of what goes into a rendering, so that equal inputs render once. Pure; any thread.
//
// Two inputs have one digest exactly when files, path, parameters and those cluster variables that
// the files mention are equal. Nothing else of the cluster counts.
#pragma once

#include <set>
#include <string>

#include "absl/strings/string_view.h"
#include "common/base/digest.h"
#include "proto/child.pb.h"

namespace muster {

// Of the parameters: variables, patches, namespace, and the cluster variables in `uses` (render.h,
// UsedClusterVariables) with their values. The package's name is not one.
Digest ParamsDigest(const v1::RenderInput& input, const std::set<std::string>& uses);

// Of everything: engine and its version, the Git ids of the trees that count, the path, and the
// parameters.
Digest InputDigest(absl::string_view engine, absl::string_view engine_version,
                   absl::string_view tree_id, const v1::RenderInput& input,
                   const std::set<std::string>& uses);

}  // namespace muster
