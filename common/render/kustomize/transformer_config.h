// TransformerConfig: which fields of which kinds the transformers touch.
//
// Kustomize's built-in tables (default_config.cc), to which `configurations` and `crds` of any
// kustomization below add. Shared and immutable: nearly every build uses the built-in one alone.
// Pure; any thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/render/kustomize/res_id.h"

namespace muster::kustomize {

// A field of the kinds that `gvk` selects. `path` has its steps between '/', "\/" for a slash in
// one, "[]" behind a step that is a list. Lists on the way are passed through, all elements.
struct FieldSpec {
  Gvk gvk;
  std::string path;
  bool create = false;
  std::vector<std::string> steps;  // SplitFieldPath(path)
};

std::vector<std::string> SplitFieldPath(absl::string_view path);
FieldSpec MakeFieldSpec(Gvk gvk, absl::string_view path, bool create);

using FieldSpecs = std::vector<FieldSpec>;

// Adds those that are not there. kInvalidArgument when one is there with another `create`.
absl::Status MergeFieldSpecs(const FieldSpecs& more, FieldSpecs& specs);

// Fields of `referrers` that hold names of resources of the kind `gvk`.
struct NameReference {
  Gvk gvk;
  FieldSpecs referrers;
};

struct TransformerConfig {
  FieldSpecs name_prefix, name_suffix, namespace_, common_labels, labels, template_labels,
      common_annotations, var_reference, images, replicas;
  std::vector<NameReference> name_reference;
};

using SharedConfig = std::shared_ptr<const TransformerConfig>;

SharedConfig DefaultConfig();

// Both together, sorted as Kustomize sorts them; one of the two itself where that is enough.
absl::StatusOr<SharedConfig> MergeConfigs(const SharedConfig& a, const SharedConfig& b);

}  // namespace muster::kustomize
