// ContentHash: the suffix that a generated name gets, so that new content is a new object. Pure.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "common/manifest/value.h"

namespace muster::kustomize {

// Ten characters, the same as Kustomize's: of ConfigMaps and Secrets what counts is kind, type,
// name, data, stringData and binaryData; of any other object everything.
absl::StatusOr<std::string> ContentHash(const Value& object);

}  // namespace muster::kustomize
