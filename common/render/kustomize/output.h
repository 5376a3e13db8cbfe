// Output: objects as `kustomize build` prints them, byte for byte. Pure.
#pragma once

#include <string>
#include <vector>

#include "common/render/kustomize/build.h"

namespace muster::kustomize {

// Documents with "---" between them, keys sorted, in go-yaml's style.
std::string WriteKustomizeYaml(const std::vector<BuiltObject>& objects);

}  // namespace muster::kustomize
