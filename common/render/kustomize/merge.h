// MergeStrategic: Kustomize's strategic merge, with its own order of lists and its own quirks.
//
// Not common/render/strategic_merge.h, which follows the API server. Here elements of a patch stand
// before what they do not name; `$patch` is known in maps and lists, the other directives of the
// API server are fields like any other; a null that the object spells out stays; kinds without a
// schema have lists that are replaced; a field of another shape is an error. Pure; any thread.
#pragma once

#include <optional>

#include "absl/status/statusor.h"
#include "common/manifest/value.h"
#include "common/render/kustomize/merge_schema.h"
#include "common/render/kustomize/resource.h"

namespace muster::kustomize {

// The object with the patch merged in; nullopt when the patch deletes it whole. kInvalidArgument,
// naming the field, when the two do not fit.
absl::StatusOr<std::optional<Value>> MergeStrategic(const Value& patch, const MergeSchema& schema,
                                                    Value object);

// Takes the nulls that were spelled as nothing out of a value, as a merge does: all but those in
// lists that are not merged.
void RemoveBareNulls(const std::vector<std::string>& pointers, const MergeSchema& schema,
                     Value& object);

}  // namespace muster::kustomize
