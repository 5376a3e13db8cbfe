// Fields: where two objects differ, with both values, and how values that a package leaves to
// others are kept.
//
// For drivers, which know what is there and what an apply would make of it. Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "absl/types/span.h"
#include "agent/cluster/cluster_driver.h"
#include "common/manifest/object.h"
#include "common/manifest/value.h"

namespace muster::agent {

// What stands for a value that nobody is told.
inline constexpr absl::string_view kHiddenValue = "\"(hidden)\"";

// The deepest fields at which `live` differs from `desired`, sorted by pointer; at most
// limits::kFieldsPerProblemMax. What stands at or below a pointer of `ignore` does not count. Lists
// of different length differ as a whole. Empty means: equal but for what is ignored. Values are
// shortened for people, and those of a Secret are hidden.
std::vector<FieldChange> DifferentFields(const ObjectKey& key, const Value& desired,
                                         const Value& live, absl::Span<const std::string> ignore);

// The change that stands for the whole object, when nothing finer can be told.
FieldChange WholeObject();

// `desired`, with the values of `live` at the pointers of `keep` where `live` has any.
Value KeepFields(Value desired, const Value& live, absl::Span<const std::string> keep);

}  // namespace muster::agent
