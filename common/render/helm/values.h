// Values: what a chart gets on top of its own defaults, and in which order. Pure; one thread.
//
// Weakest first: the package's values files in order, its values, the target's values files, its
// values. Helm merges them; here they are found, their variables substituted and what must not be
// among them refused.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/render/kustomize/file_source.h"
#include "common/render/variables.h"
#include "proto/child.pb.h"

namespace muster {

// One text with values and what messages call it.
struct ValuesText {
  std::string name;  // "apps/web/values-prod.yaml", "values of the package"
  std::string text;
};

// The texts as they stand, weakest first. kNotFound, naming the file, for one that is not there.
absl::StatusOr<std::vector<ValuesText>> FindValues(kustomize::FileSource& files,
                                                   const v1::RenderInput& input);

// With variables substituted where the input asks for it. kInvalidArgument for what is undefined
// and what is no mapping, with file and line; kFailedPrecondition for a file that SOPS encrypted.
absl::StatusOr<std::vector<ValuesText>> ResolveValues(std::vector<ValuesText> texts,
                                                      const VariableScope& scope, bool substitute);

// The values, and texts below keys that speak of secrets, that messages must not repeat; longest
// first.
std::vector<std::string> SecretTexts(const std::vector<ValuesText>& texts);

}  // namespace muster
