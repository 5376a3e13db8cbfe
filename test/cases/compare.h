// Compare: what Muster built against what the reference printed, object by object. Pure.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/render/kustomize/build.h"

namespace muster::cases {

// What is different first, for people: an object that is missing, or too many, or a field of one
// with both values. Empty when both hold the same objects; neither order nor form counts.
std::string FirstDifference(absl::string_view expected,
                            const std::vector<kustomize::BuiltObject>& built);

}  // namespace muster::cases
