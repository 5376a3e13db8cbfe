// FieldDiff: where two states of one object differ, for people who read a plan.
//
// Elements of a list are matched by their "name" when every one has one of its own, so that a
// container put before another is one addition and not a change of both. Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "common/manifest/value.h"

namespace muster {

struct FieldDiff {
  std::string pointer;  // JSON pointer: into `after`, or into `before` for what is removed
  std::string path;     // "spec.template.spec.containers[web].image"
  const Value* before = nullptr;  // null: absent
  const Value* after = nullptr;
};

// The deepest differences, in the order of `after`'s members sorted by key, removed members among
// them. Points into both values.
std::vector<FieldDiff> DiffFields(const Value& before, const Value& after);

}  // namespace muster
