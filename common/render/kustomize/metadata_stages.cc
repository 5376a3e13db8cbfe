// The stages that write metadata: namespaces, names, labels and annotations.
#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/base/status_macros.h"
#include "common/render/kustomize/content_hash.h"
#include "common/render/kustomize/field_specs.h"
#include "common/render/kustomize/stages.h"

namespace muster::kustomize {
namespace {

bool IsRoleBinding(absl::string_view kind) {
  return kind == "RoleBinding" || kind == "ClusterRoleBinding";
}

// Prefixes and suffixes leave these alone.
bool KeepsItsName(const Gvk& gvk) {
  return gvk.kind == "CustomResourceDefinition" || gvk.kind == "Namespace" ||
         (gvk.kind == "APIService" && gvk.group == "apiregistration.k8s.io");
}

bool HasText(const Value& subject, absl::string_view field, absl::string_view text) {
  const Value* value = subject.Get(field);
  return value != nullptr && ScalarText(*value) == text;
}

class NamespaceSetter {
 public:
  explicit NamespaceSetter(const NamespaceEdit& edit) : edit_(edit) {}

  absl::Status Apply(Resource& resource) const {
    const Gvk gvk = Gvk::OfObject(resource.value());
    const auto set = [this](Value& value) { return Set(value); };
    if (!IsCertainlyClusterScoped(gvk)) {
      static const FieldSpec* const own =
          new FieldSpec(MakeFieldSpec(Gvk(), "metadata/namespace", /*create=*/true));
      RETURN_IF_ERROR(EditFields(*own, CreateAs::kText, resource, set));
    }
    const bool is_binding = IsRoleBinding(gvk.kind);
    if (is_binding) RETURN_IF_ERROR(SetSubjects(resource));
    for (const FieldSpec& spec : edit_.fields) {
      if (spec.path == "metadata/namespace") continue;
      if (spec.path == "metadata/name" && gvk.api_version() != "v1") continue;
      if (is_binding && IsRoleBinding(spec.gvk.kind) && spec.path == "subjects/namespace") continue;
      RETURN_IF_ERROR(EditFields(spec, CreateAs::kText, resource, set));
    }
    return absl::OkStatus();
  }

 private:
  absl::Status Set(Value& value) const {
    if (value.is_map() || value.is_list()) {
      return absl::InvalidArgumentError(
          absl::StrCat("a namespace is a text, and there is a ", KindName(value.kind())));
    }
    if (edit_.unset_only && !ScalarText(value).empty()) return absl::OkStatus();
    value = Value(edit_.namespace_);
    return absl::OkStatus();
  }

  bool IsMeant(const Value& subject) const {
    if (edit_.subjects == SubjectMode::kAllServiceAccounts) {
      return HasText(subject, "kind", "ServiceAccount");
    }
    return HasText(subject, "name", "default");
  }

  absl::Status SetSubjects(Resource& resource) const {
    if (edit_.subjects == SubjectMode::kNone) return absl::OkStatus();
    const Value* subjects = resource.value().Get("subjects");
    if (subjects == nullptr || subjects->is_null()) return absl::OkStatus();
    if (!subjects->is_list()) {
      return absl::InvalidArgumentError(
          absl::StrCat(resource.place.text(), ": subjects of ", resource.CurrentId().text(),
                       " must be a list, this is a ", KindName(subjects->kind())));
    }
    for (size_t i = 0; i < subjects->list().size(); ++i) {
      if (!IsMeant(subjects->list()[i])) continue;
      Value& subject = resource.Mutable().Get("subjects")->list()[i];
      subjects = resource.value().Get("subjects");
      Value* space = subject.Get("namespace");
      if (space == nullptr) space = &subject.map().Set("namespace", Value(""));
      RETURN_IF_ERROR(Set(*space));
    }
    return absl::OkStatus();
  }

  const NamespaceEdit& edit_;
};

enum class Side { kPrefix, kSuffix };

absl::Status ApplyAffix(Side side, const std::string& affix, const FieldSpecs& fields,
                        ResMap& map) {
  if (affix.empty()) return absl::OkStatus();
  for (Resource& resource : map.Mutable()) {
    const ResId original = resource.OriginalId();
    if (KeepsItsName(original.gvk)) continue;
    for (const FieldSpec& spec : fields) {
      if (!original.gvk.IsSelectedBy(spec.gvk)) continue;
      if (spec.path == "metadata/name") {
        (side == Side::kPrefix ? resource.prefixes : resource.suffixes).push_back(affix);
        resource.StorePreviousId();
      }
      RETURN_IF_ERROR(EditFields(spec, CreateAs::kText, resource, [&](Value& value) {
        if (value.is_map() || value.is_list()) {
          return absl::InvalidArgumentError("a name is a text");
        }
        const std::string old = ScalarText(value);
        value = Value(side == Side::kPrefix ? absl::StrCat(affix, old) : absl::StrCat(old, affix));
        return absl::OkStatus();
      }));
    }
  }
  return absl::OkStatus();
}

// What was added to several fields at once is one text from now on.
void ShareTexts(const std::map<absl::string_view, std::vector<std::string>>& added,
                Resource& resource) {
  const bool any = std::any_of(added.begin(), added.end(),
                               [](const auto& entry) { return entry.second.size() > 1; });
  if (!any) return;
  SharedTexts texts;
  if (resource.shared_texts() != nullptr) texts = *resource.shared_texts();
  for (const auto& [key, pointers] : added) texts.Add(pointers);
  resource.SetSharedTexts(std::move(texts));
}

}  // namespace

absl::Status ApplyNamespace(const NamespaceEdit& edit, const Place& place, ResMap& map) {
  if (edit.namespace_.empty()) return absl::OkStatus();
  const NamespaceSetter setter(edit);
  for (Resource& resource : map.Mutable()) {
    resource.StorePreviousId();
    RETURN_IF_ERROR(setter.Apply(resource));
  }
  for (const Resource& resource : map.resources()) {
    const std::vector<size_t> same = map.FindByCurrentId(resource.CurrentId());
    if (same.size() == 1) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        place.text(), ": in namespace '", edit.namespace_, "' there would be several ",
        resource.CurrentId().text(), ": from ", map.resources()[same[0]].place.text(), " and ",
        map.resources()[same[1]].place.text(), "; remove or rename one of them"));
  }
  return absl::OkStatus();
}

absl::Status ApplyPrefix(const std::string& prefix, const FieldSpecs& fields, ResMap& map) {
  return ApplyAffix(Side::kPrefix, prefix, fields, map);
}

absl::Status ApplySuffix(const std::string& suffix, const FieldSpecs& fields, ResMap& map) {
  return ApplyAffix(Side::kSuffix, suffix, fields, map);
}

absl::Status ApplyPairs(const TextMap& pairs, const FieldSpecs& fields, ResMap& map) {
  if (pairs.empty()) return absl::OkStatus();
  for (Resource& resource : map.Mutable()) {
    std::map<absl::string_view, std::vector<std::string>> added;  // pointers, by key
    const auto set = [&](Value& value, const std::string& pointer) {
      if (value.is_null()) return absl::OkStatus();
      if (!value.is_map()) {
        return absl::InvalidArgumentError(
            absl::StrCat("a map is expected, and there is a ", KindName(value.kind())));
      }
      for (const auto& [key, text] : pairs) {
        if (Value* there = value.Get(key); there != nullptr) {
          *there = Value(text);
          resource.SpreadText(*there);
        } else {
          value.map().Set(key, Value(text));
          added[key].push_back(JoinPointer(pointer, key));
        }
      }
      return absl::OkStatus();
    };
    RETURN_IF_ERROR(EditFields(fields, CreateAs::kMap, resource, set));
    ShareTexts(added, resource);
  }
  return absl::OkStatus();
}

absl::Status ApplyHashes(ResMap& map) {
  bool any = false;
  for (const Resource& resource : map.resources()) any = any || resource.needs_hash;
  if (!any) return absl::OkStatus();
  for (Resource& resource : map.Mutable()) {
    if (!resource.needs_hash) continue;
    const absl::StatusOr<std::string> hash = ContentHash(resource.value());
    if (!hash.ok()) return Annotate(hash.status(), resource.place.text());
    resource.StorePreviousId();
    const std::string name = absl::StrCat(resource.name(), "-", *hash);
    resource.Mutable().Set("/metadata/name", Value(name));
  }
  return absl::OkStatus();
}

absl::StatusOr<FieldSpecs> FieldsOfLabels(const LabelEdit& edit, const TransformerConfig& config) {
  FieldSpecs fields = edit.fields;
  RETURN_IF_ERROR(MergeFieldSpecs(config.labels, fields));
  if (edit.include_selectors) {
    RETURN_IF_ERROR(MergeFieldSpecs(config.common_labels, fields));
    return fields;
  }
  if (edit.include_templates) RETURN_IF_ERROR(MergeFieldSpecs(config.template_labels, fields));
  RETURN_IF_ERROR(
      MergeFieldSpecs({MakeFieldSpec(Gvk(), "metadata/labels", /*create=*/true)}, fields));
  return fields;
}

}  // namespace muster::kustomize
