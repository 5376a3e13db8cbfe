// Merge keys: how lists inside the built-in kinds are merged by a strategic merge patch.
//
// A small graph of types: `PodSpec` has a field `containers`, whose elements are `Container`s and
// are told apart by `name`. Only fields that lead to a merged list stand in it; all other maps
// merge member by member and all other lists are replaced whole. Pure; any thread.
#pragma once

#include "absl/strings/string_view.h"

namespace muster {

enum class ListMerge {
  kAtomic,  // the patch's list takes the other's place
  kByKey,   // maps, told apart by `key`
  kSet,     // scalars, each once
};

// A field of a type. The type "" knows no field.
struct MergeField {
  absl::string_view type;  // of the map, or of the list's elements
  ListMerge list = ListMerge::kAtomic;
  absl::string_view key;         // for kByKey
  absl::string_view second_key;  // also tells elements apart; may be absent, then `assumed`
  absl::string_view assumed;
  bool whole = false;  // a map that is replaced and not merged
};

// The type of the objects of a kind; "" when the kind is not built in (its lists are all atomic).
absl::string_view MergeTypeOf(absl::string_view group, absl::string_view kind);

// What is known of `field` in maps of `type`.
MergeField MergeFieldOf(absl::string_view type, absl::string_view field);

}  // namespace muster
