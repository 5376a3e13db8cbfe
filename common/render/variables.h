// Variables: ${...} in the text of manifests, patches and paths.
//
// The syntax is that of envsubst as Flux's users know it, and on top of it the cluster's own facts:
//   ${var}                      the value; undefined is an error with file and line
//   ${var:-text} ${var:=text}   text when var is undefined or empty; text may hold ${...} again
//   ${var-text} ${var=text}     text when var is undefined
//   ${var:2} ${var:2:3} ${var: -3}   a part, counted in characters; negative counts from the end
//   ${var/old/new} ${var//old/new}   the first, or every, occurrence of a literal text replaced
//   ${var^} ${var^^} ${var,} ${var,,}   first or all letters (ASCII) in upper or lower case
//   ${#var}                     how many characters
//   ${cluster.name} ${cluster.labels.env} ${cluster.labels["topology.kubernetes.io/region"]}
//   ${path.basename}            the last part of the package's path
// $${var} gives ${var}; $var without braces is left alone. An expression ends on its own line.
//
// Substitution is of text, before YAML is read: a value of 3 is a number unless the manifest quotes
// it ("${replicas}"), and a value never gets quotes of its own. What a value holds is not looked
// at again, so a value cannot bring in another variable.
//
// In comments of YAML nothing has to be right: see PutOff.
//
// Pure; any thread. Promises: the output is at most kYamlFileBytesMax and nesting at most
// kVariableDepthMax; the work is linear in the sizes of text and output.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/manifest/value.h"

namespace muster {

// What the names in a text mean.
struct VariableScope {
  std::map<std::string, std::string, std::less<>> variables;  // of package and target
  std::string cluster_name;
  std::map<std::string, std::string, std::less<>> labels;  // of the cluster
  std::string path_basename;
};

// Where a text stands, for messages.
struct TextPosition {
  std::string file;
  int line = 1;  // of the text's first line
};

// Whether `name` can be a variable's: a letter or '_', then letters, digits and '_'.
bool IsVariableName(absl::string_view name);

// Errors in what may be a comment. Whether a '#' starts one only a YAML parser can tell, so a wrong
// expression after a '#' becomes a mark, and its error is put off until the text was parsed: in a
// comment the mark is gone, and anywhere else it brings the error back.
struct PutOff {
  std::vector<absl::Status> errors;

  // The error of the first mark in `value`.
  absl::Status Check(const Value& value) const;
};

// `text` with every expression replaced. With `put_off`, errors after a '#' go there. Returns
// kInvalidArgument ("apps/web.yaml:12: ...") for an undefined variable without a default and for a
// malformed expression, kResourceExhausted for a limit.
absl::StatusOr<std::string> Substitute(absl::string_view text, const VariableScope& scope,
                                       const TextPosition& position, PutOff* put_off = nullptr);

// Adds to `uses` the cluster variables that `text` mentions, as "cluster.name" and
// "cluster.labels.KEY", whether or not a default makes them matter: texts that mention none are
// alike for every cluster. Errors as above, but for what is undefined, and for what is malformed
// after a '#'.
absl::Status CollectClusterVariables(absl::string_view text, const TextPosition& position,
                                     std::set<std::string>& uses);

}  // namespace muster
