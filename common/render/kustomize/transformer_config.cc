#include "common/render/kustomize/transformer_config.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/status_macros.h"
#include "common/render/kustomize/default_config.h"

namespace muster::kustomize {
namespace {

void Sort(FieldSpecs& specs) {
  std::stable_sort(specs.begin(), specs.end(), [](const FieldSpec& a, const FieldSpec& b) {
    return KindsBefore(a.gvk, b.gvk);
  });
}

absl::Status MergeNameReferences(const std::vector<NameReference>& more,
                                 std::vector<NameReference>& all) {
  for (const NameReference& reference : more) {
    bool found = false;
    for (NameReference& known : all) {
      if (!(known.gvk == reference.gvk)) continue;
      RETURN_IF_ERROR(MergeFieldSpecs(reference.referrers, known.referrers));
      found = true;
    }
    if (!found) all.push_back(reference);
  }
  return absl::OkStatus();
}

void SortAll(TransformerConfig& config) {
  for (FieldSpecs* specs :
       {&config.name_prefix, &config.name_suffix, &config.namespace_, &config.common_labels,
        &config.labels, &config.template_labels, &config.common_annotations, &config.var_reference,
        &config.images, &config.replicas}) {
    Sort(*specs);
  }
  std::stable_sort(
      config.name_reference.begin(), config.name_reference.end(),
      [](const NameReference& a, const NameReference& b) { return KindsBefore(a.gvk, b.gvk); });
}

}  // namespace

std::vector<std::string> SplitFieldPath(absl::string_view path) {
  std::vector<std::string> steps;
  if (path.size() > 1 && path[0] == '/') path.remove_prefix(1);
  bool join = false;
  for (const absl::string_view part : absl::StrSplit(path, '/')) {
    if (join) {
      steps.back().back() = '/';
      absl::StrAppend(&steps.back(), part);
    } else {
      steps.emplace_back(part);
    }
    join = absl::EndsWith(steps.back(), "\\");
  }
  return steps;
}

FieldSpec MakeFieldSpec(Gvk gvk, absl::string_view path, bool create) {
  return {std::move(gvk), std::string(path), create, SplitFieldPath(path)};
}

absl::Status MergeFieldSpecs(const FieldSpecs& more, FieldSpecs& specs) {
  for (const FieldSpec& spec : more) {
    const auto known = std::find_if(specs.begin(), specs.end(), [&spec](const FieldSpec& other) {
      return other.path == spec.path && other.gvk.IsSelectedBy(spec.gvk);
    });
    if (known == specs.end()) {
      specs.push_back(spec);
    } else if (known->create != spec.create) {
      return absl::InvalidArgumentError(
          absl::StrCat("field '", spec.path, "' of ", spec.gvk.text(),
                       " is given both with and without create: true"));
    }
  }
  return absl::OkStatus();
}

SharedConfig DefaultConfig() {
  static const SharedConfig* const config = [] {
    auto made = std::make_shared<TransformerConfig>(MakeDefaultConfig());
    SortAll(*made);
    return new SharedConfig(std::move(made));
  }();
  return *config;
}

absl::StatusOr<SharedConfig> MergeConfigs(const SharedConfig& a, const SharedConfig& b) {
  if (b == nullptr || a == b) return a;
  if (a == nullptr && b == DefaultConfig()) return b;
  // Merging with nothing is more than copying: a field that others include is dropped by the order
  // in which they come, which is how a configuration narrows a built-in field that is for all
  // kinds.
  auto merged = a == nullptr ? std::make_shared<TransformerConfig>()
                             : std::make_shared<TransformerConfig>(*a);
  const auto merge = [](absl::string_view what, const FieldSpecs& more, FieldSpecs& specs) {
    return Annotate(MergeFieldSpecs(more, specs), what);
  };
  RETURN_IF_ERROR(merge("namePrefix", b->name_prefix, merged->name_prefix));
  RETURN_IF_ERROR(merge("nameSuffix", b->name_suffix, merged->name_suffix));
  RETURN_IF_ERROR(merge("namespace", b->namespace_, merged->namespace_));
  RETURN_IF_ERROR(merge("commonLabels", b->common_labels, merged->common_labels));
  RETURN_IF_ERROR(merge("labels", b->labels, merged->labels));
  RETURN_IF_ERROR(merge("templateLabels", b->template_labels, merged->template_labels));
  RETURN_IF_ERROR(merge("commonAnnotations", b->common_annotations, merged->common_annotations));
  RETURN_IF_ERROR(merge("varReference", b->var_reference, merged->var_reference));
  RETURN_IF_ERROR(merge("images", b->images, merged->images));
  RETURN_IF_ERROR(merge("replicas", b->replicas, merged->replicas));
  RETURN_IF_ERROR(
      Annotate(MergeNameReferences(b->name_reference, merged->name_reference), "nameReference"));
  SortAll(*merged);
  return SharedConfig(std::move(merged));
}

}  // namespace muster::kustomize
