// Vars: $(NAME) in the fields that varReference lists, from a field of some resource. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/render/kustomize/kustomization.h"
#include "common/render/kustomize/res_map.h"
#include "common/render/kustomize/transformer_config.h"

namespace muster::kustomize {

using VarSet = std::map<std::string, Var>;

// Notes in the resources which vars read from them, and adds the vars. kInvalidArgument for a name
// that is taken, and for a var that means several resources.
absl::Status MatchVars(const std::vector<Var>& vars, ResMap& map, VarSet& all);

// Adds the vars of a base. kInvalidArgument for a name that is taken.
absl::Status MergeVars(const VarSet& more, VarSet& all);

// Puts the values in. kInvalidArgument for a var whose resource or field is not there.
absl::Status ResolveVars(const VarSet& vars, const FieldSpecs& var_reference, ResMap& map);

}  // namespace muster::kustomize
