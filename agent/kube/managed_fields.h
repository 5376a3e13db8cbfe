// Managed fields: what of a live object is ours, read from metadata.managedFields.
//
// The API server notes for each manager which fields it has said something about (FieldsV1: a tree
// of "f:key" for members, "k:{...}" for elements of a list by their keys, "v:..." for elements of a
// set, "." for the thing itself). What we applied and nobody took from us is what is under our name
// there. Pure; any thread.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/manifest/value.h"

namespace muster::agent {

// Our name as a manager of fields.
inline constexpr absl::string_view kFieldManager = "muster";

// The tree of the fields that `manager` applied; null when there are none.
const Value* AppliedFields(const Value& object, absl::string_view manager);

// What `fields` covers of `object`, with what names the object (apiVersion, kind, metadata.name and
// namespace) around it. A leaf covers all that is below it.
Value Project(const Value& object, const Value& fields);

// The same for the fields of `manager` and those that people's tools (IsHandTool) own.
Value ProjectWithHandEdits(const Value& object, absl::string_view manager);

// Whether the tree covers the JSON pointer; only of maps, so that a pointer into a list is covered
// when the list as a whole is.
bool Covers(const Value& fields, absl::string_view pointer);

// Both trees in one.
Value UnionOfFields(const Value& a, const Value& b);

struct LastChange {
  std::string manager;  // empty: nobody else wrote to it
  absl::Time time = absl::InfinitePast();
};

// Who wrote last to anything but the status, besides `manager`.
LastChange LastChangeOf(const Value& object, absl::string_view manager);

// Whether both hold the same but for what each write changes of itself: the managers' list, the
// version, times.
bool EqualButForWriting(const Value& a, const Value& b);

}  // namespace muster::agent
