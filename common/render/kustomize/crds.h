// `crds`: OpenAPI definitions of custom kinds, whose marked fields join the tables. Pure.
#pragma once

#include "absl/status/statusor.h"
#include "common/manifest/yaml.h"
#include "common/render/kustomize/transformer_config.h"

namespace muster::kustomize {

// The fields of a file under `crds`: a map from type names to {Schema: ...}. kInvalidArgument for
// anything else, CustomResourceDefinitions among it, which have no such marks.
absl::StatusOr<SharedConfig> ReadCrds(const Document& document);

}  // namespace muster::kustomize
