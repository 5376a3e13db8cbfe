// The transformers of a kustomization, one function each, in the order in which accumulate.cc calls
// them (build.h). The same functions serve `transformers` files of the builtin kinds
// (builtin_plugins.h). Each changes the resources of the map in place; errors name the place of the
// entry at fault. Pure; one thread.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/render/kustomize/kustomization.h"
#include "common/render/kustomize/loader.h"
#include "common/render/kustomize/res_map.h"
#include "common/render/kustomize/transformer_config.h"

namespace muster::kustomize {

// patches.h has patches of all three fields.

enum class SubjectMode { kDefaultOnly, kAllServiceAccounts, kNone };

struct NamespaceEdit {
  std::string namespace_;
  FieldSpecs fields;
  bool unset_only = false;
  SubjectMode subjects = SubjectMode::kDefaultOnly;
};
absl::Status ApplyNamespace(const NamespaceEdit& edit, const Place& place, ResMap& map);

absl::Status ApplyPrefix(const std::string& prefix, const FieldSpecs& fields, ResMap& map);
absl::Status ApplySuffix(const std::string& suffix, const FieldSpecs& fields, ResMap& map);

// Labels and annotations alike: sets every pair in every map that the fields lead to.
absl::Status ApplyPairs(const TextMap& pairs, const FieldSpecs& fields, ResMap& map);

// The fields that one entry of `labels` means.
absl::StatusOr<FieldSpecs> FieldsOfLabels(const LabelEdit& edit, const TransformerConfig& config);

absl::Status ApplyReplicas(const ReplicaEdit& edit, const FieldSpecs& fields, ResMap& map);
absl::Status ApplyImage(const ImageEdit& edit, const FieldSpecs& fields, ResMap& map);

// Content hashes go to the end of the names that need one.
absl::Status ApplyHashes(ResMap& map);

// The order of the final output.
absl::Status SortResources(const SortOptions& options, ResMap& map);

}  // namespace muster::kustomize
