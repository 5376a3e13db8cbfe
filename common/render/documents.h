// Substitution in files of several YAML documents, of which some opt out.
//
// A document whose object carries the annotation `muster.dev/substitute: disabled` (or Flux's
// `kustomize.toolkit.fluxcd.io/substitute: disabled`) keeps its text as it is, scripts and all. The
// annotation is looked for before substitution, so such a document must be YAML by itself; items of
// a `kind: List` cannot opt out one by one. A SOPS document keeps its text always: its MAC covers
// it. Pure; any thread.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/render/variables.h"

namespace muster {

// A part of a file that holds one document, with the "---" before it.
struct TextDocument {
  absl::string_view text;
  int line = 1;  // of its first line
};

// Cuts a file at its document markers ("---" at the start of a line), which YAML allows nowhere
// else. Together the parts are the file.
std::vector<TextDocument> SplitDocuments(absl::string_view text);

// The file with the variables of all documents substituted that do not opt out; lines stay where
// they were unless a value holds several. What is read from the text must be asked `put_off.Check`.
// Errors as of Substitute and ParseYaml.
absl::StatusOr<std::string> SubstituteDocuments(absl::string_view text, const VariableScope& scope,
                                                const std::string& file, PutOff& put_off);

// Adds the cluster variables that these documents mention; see CollectClusterVariables.
absl::Status CollectFromDocuments(absl::string_view text, const std::string& file,
                                  std::set<std::string>& uses);

}  // namespace muster
