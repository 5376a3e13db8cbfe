// Fields: where two objects differ, as JSON pointers, and how values that a package leaves to
// others are kept.
//
// Pure; any thread (jobs call it on theirs).
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "common/manifest/value.h"

namespace muster::agent {

// The deepest pointers at which `live` differs from `desired`, sorted; at most
// limits::kFieldsPerProblemMax. What stands at or below a pointer of `ignore` does not count. Lists
// of different length differ as a whole. Empty means: equal but for what is ignored.
std::vector<std::string> DifferentFields(const Value& desired, const Value& live,
                                         absl::Span<const std::string> ignore);

// `desired`, with the values of `live` at the pointers of `keep` where `live` has any.
Value KeepFields(Value desired, const Value& live, absl::Span<const std::string> keep);

}  // namespace muster::agent
