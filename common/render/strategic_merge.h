// Strategic merge patch: a patch that looks like the part of the object it changes.
//
//   metadata: {name: web}
//   spec: {template: {spec: {containers: [{name: web, image: "web:2"}]}}}
//
// Maps merge member by member; null removes a member. In the built-in kinds some lists merge by a
// key (containers by name, see merge_keys.h), in the order that the API server gives them
// (merge_list.h); every other list is replaced. Kinds that are not built in merge as JSON (RFC
// 7386). Directives, in every kind:
//   $patch: delete | replace | merge       of a map, or of an element of a list that merges
//   - $patch: replace                      as an element: the list is replaced by the other
//   elements $deleteFromPrimitiveList/FIELD: [...]  takes scalars out of the list FIELD
//   $retainKeys: [...]                     members that are not named are removed first
//   $setElementOrder/FIELD                 is ignored
// Pure; any thread.
#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/manifest/value.h"

namespace muster {

enum class MergeResult {
  kMerged,
  kDeleted,  // the patch says `$patch: delete` of the whole object
};

// Merges `patch` into `object`, whose group and kind decide how its lists merge. The patch's own
// apiVersion, kind, metadata.name and metadata.namespace are not looked at. On an error,
// kInvalidArgument naming the field of the patch, `object` is as it was.
absl::StatusOr<MergeResult> MergeStrategically(const Value& patch, absl::string_view group,
                                               absl::string_view kind, Value& object);

}  // namespace muster
