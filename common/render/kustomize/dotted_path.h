// Paths of replacements and vars: "spec.template.spec.containers.[name=web].image".
//
// Steps stand between dots; "\." is a dot within one, and so is any in brackets ("[a.b/c]" is a
// key). A step is a key, an index, "-" for the last element, "[key=value]" or "[=value]" for
// elements of a list, or "*" for all of them. Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/manifest/value.h"

namespace muster::kustomize {

std::vector<std::string> SplitDottedPath(absl::string_view path);

// The one value that the steps lead to; "[key=value]" means the first element that has exactly that
// value. Null when something on the way is not there or null. kInvalidArgument for a step that does
// not fit what it meets, and for "*".
absl::StatusOr<const Value*> LookUpPath(const std::vector<std::string>& steps, const Value& root);

// What a missing end of a path is made as.
enum class CreateEnd { kNothing, kScalar, kMap, kList };

struct PathMatch {
  Value* value;
  bool created;  // just now, and still null or empty
};

// All places that the steps lead to; "[key=value]" means all elements whose value contains a match
// of the regular expression (RE2). Unless `create` is kNothing, what is missing is made, all but
// list elements far past the end. The pointers live until `root` is changed otherwise.
// kInvalidArgument for a step that does not fit what it meets, or an index past the end.
absl::StatusOr<std::vector<PathMatch>> MatchPath(const std::vector<std::string>& steps,
                                                 CreateEnd create, Value& root);

}  // namespace muster::kustomize
