// Kustomize's built-in tables of fields, as they are before sorting. Pure.
#pragma once

#include <vector>

#include "common/render/kustomize/transformer_config.h"

namespace muster::kustomize {

TransformerConfig MakeDefaultConfig();

// The two large ones (default_name_references.cc, default_var_references.cc).
std::vector<NameReference> DefaultNameReferences();
FieldSpecs DefaultVarReferences();

}  // namespace muster::kustomize
