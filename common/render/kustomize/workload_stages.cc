// The stages that write into workloads: replicas and images; and the order of the output.
#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/render/kustomize/field_specs.h"
#include "common/render/kustomize/stages.h"
#include "re2/re2.h"

namespace muster::kustomize {
namespace {

// An image reference taken apart, as Kustomize does it.
struct Image {
  absl::string_view name, tag, digest;
};

Image SplitImage(absl::string_view text) {
  size_t from = text.find('/');
  if (from == text.npos || from == 0) from = 0;
  const size_t at = text.find('@', from), colon = text.find(':', from);
  if (at == text.npos && colon == text.npos) return {text, "", ""};
  if (at != text.npos && (colon == text.npos || at < colon)) {
    return {text.substr(0, at), "", text.substr(at + 1)};
  }
  if (at != text.npos) {
    return {text.substr(0, colon), text.substr(colon + 1, at - colon - 1), text.substr(at + 1)};
  }
  return {text.substr(0, colon), text.substr(colon + 1), ""};
}

class ImageEditor {
 public:
  explicit ImageEditor(const ImageEdit& edit)
      : edit_(edit),
        // The name is an expression itself, not closed off: Kustomize's own meaning.
        pattern_(absl::StrCat("^", edit.name, "(:[a-zA-Z0-9_.{}-]*)?(@sha256:[a-zA-Z0-9_.{}-]*)?$"),
                 RE2::Quiet) {}

  absl::Status status() const {
    if (pattern_.ok()) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat(edit_.place.text(), ": image name '", edit_.name,
                     "' is no regular expression: ", pattern_.error()));
  }

  bool Matches(const Value& image) const {
    const std::string text = ScalarText(image);
    return absl::StrContains(text, plain_part()) && RE2::PartialMatch(text, pattern_);
  }

  absl::Status Edit(Value& image) const {
    if (image.is_map() || image.is_list()) {
      return absl::InvalidArgumentError(
          absl::StrCat("an image is a text, and there is a ", KindName(image.kind())));
    }
    if (!Matches(image)) return absl::OkStatus();
    const std::string text = ScalarText(image);
    Image parts = SplitImage(text);
    if (!edit_.new_name.empty()) parts.name = edit_.new_name;
    std::string tag(parts.tag);
    if (!edit_.new_tag.empty() || !edit_.digest.empty()) {
      tag = edit_.new_tag;
      parts.digest = edit_.digest;
    } else if (!edit_.tag_suffix.empty()) {
      absl::StrAppend(&tag, edit_.tag_suffix);
      parts.digest = "";
    }
    image = Value(absl::StrCat(parts.name, tag.empty() ? "" : ":", tag,
                               parts.digest.empty() ? "" : "@", parts.digest));
    return absl::OkStatus();
  }

  // The images of lists called containers or initContainers, wherever they stand.
  absl::Status EditContainers(Value& value) const {
    if (value.is_list()) {
      for (Value& element : value.list()) RETURN_IF_ERROR(EditContainers(element));
    } else if (value.is_map()) {
      for (const auto& [key, member] : value.map()) {
        RETURN_IF_ERROR(EditContainers(member));
        if (!IsContainers(key, member)) continue;
        for (Value& container : member.list()) {
          if (Value* image = container.Get("image"); image != nullptr) {
            RETURN_IF_ERROR(Edit(*image));
          }
        }
      }
    }
    return absl::OkStatus();
  }

  // Whether EditContainers has something to do, or to complain about.
  absl::StatusOr<bool> FindsContainers(const Value& value) const {
    if (value.is_list()) {
      for (const Value& element : value.list()) {
        ASSIGN_OR_RETURN(const bool found, FindsContainers(element));
        if (found) return true;
      }
    } else if (value.is_map()) {
      for (const Member& member : value.map()) {
        ASSIGN_OR_RETURN(const bool found, FindsContainers(member.value));
        if (found) return true;
        if (!IsContainers(member.key, member.value)) continue;
        for (const Value& container : member.value.list()) {
          if (container.is_null()) continue;
          if (!container.is_map()) {
            return absl::InvalidArgumentError(absl::StrCat("elements of '", member.key,
                                                           "' must be maps for 'images', one is a ",
                                                           KindName(container.kind())));
          }
          const Value* image = container.Get("image");
          if (image != nullptr && (image->is_map() || image->is_list() || Matches(*image))) {
            return true;
          }
        }
      }
    }
    return false;
  }

 private:
  static bool IsContainers(absl::string_view key, const Value& value) {
    return (key == "containers" || key == "initContainers") && value.is_list();
  }

  // What every match contains: for names without an expression the name.
  absl::string_view plain_part() const {
    return edit_.name.find_first_of("\\^$.|?*+()[]{}") == std::string::npos
               ? absl::string_view(edit_.name)
               : absl::string_view();
  }

  const ImageEdit& edit_;
  const RE2 pattern_;
};

// What the legacy order compares, made once for each resource.
struct SortKey {
  int rank;
  bool is_namespace;
  bool is_core;
  std::string gvk;  // group, version, kind
  std::string id;
  size_t position;
};

absl::string_view Or(absl::string_view text, absl::string_view otherwise) {
  return text.empty() ? otherwise : text;
}

bool SortsBefore(const SortKey& a, const SortKey& b) {
  if (a.rank != b.rank) return a.rank < b.rank;
  if (a.gvk != b.gvk) {
    if (a.is_namespace && b.is_namespace && (a.is_core || b.is_core)) return a.gvk > b.gvk;
    return a.gvk < b.gvk;
  }
  return a.id < b.id;
}

int RankOf(const std::string& kind, const SortOptions& options) {
  if (!options.has_legacy_options) return LegacyRankOf(kind);
  const std::vector<std::string>& before = options.order_first;
  const std::vector<std::string>& behind = options.order_last;
  // A kind in both lists counts by the second one; twice in one by its last place.
  for (size_t i = behind.size(); i-- > 0;) {
    if (behind[i] == kind) return static_cast<int>(i) + 1;
  }
  for (size_t i = before.size(); i-- > 0;) {
    if (before[i] == kind) return static_cast<int>(i) - static_cast<int>(before.size());
  }
  return 0;
}

}  // namespace

absl::Status ApplyReplicas(const ReplicaEdit& edit, const FieldSpecs& fields, ResMap& map) {
  bool found = false;
  for (const FieldSpec& spec : fields) {
    for (Resource& resource : map.Mutable()) {
      const ResId id = resource.CurrentId();
      bool is_meant = id.name == edit.name && id.gvk.IsSelectedBy(spec.gvk);
      if (!is_meant && !resource.previous.empty()) {
        for (const ResId& previous : resource.PreviousIds()) {
          is_meant =
              is_meant || (previous.name == edit.name && previous.gvk.IsSelectedBy(spec.gvk));
        }
      }
      if (!is_meant) continue;
      found = true;
      RETURN_IF_ERROR(EditFields(spec, CreateAs::kText, resource, [&edit](Value& value) {
        if (value.is_map() || value.is_list()) {
          return absl::InvalidArgumentError("a number of replicas is expected there");
        }
        value = Value::Number(edit.count);
        return absl::OkStatus();
      }));
    }
  }
  if (found) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      edit.place.text(), ": replicas of '", edit.name,
      "': there is no Deployment, StatefulSet, ReplicaSet or ReplicationController of that name"));
}

absl::Status ApplyImage(const ImageEdit& edit, const FieldSpecs& fields, ResMap& map) {
  const ImageEditor editor(edit);
  RETURN_IF_ERROR(editor.status());
  for (Resource& resource : map.Mutable()) {
    if (resource.kind() == "CustomResourceDefinition") continue;
    const absl::StatusOr<bool> found = editor.FindsContainers(resource.value());
    const auto where = [&resource] {
      return absl::StrCat(resource.place.text(), ": ", resource.CurrentId().text());
    };
    if (!found.ok()) return Annotate(found.status(), where());
    if (*found) RETURN_IF_ERROR(Annotate(editor.EditContainers(resource.Mutable()), where()));
    RETURN_IF_ERROR(
        EditFields(fields, CreateAs::kNothing, resource,
                   [&editor](Value& value, const std::string&) { return editor.Edit(value); }));
  }
  return absl::OkStatus();
}

absl::Status SortResources(const SortOptions& options, ResMap& map) {
  if (!options.legacy) return absl::OkStatus();
  std::vector<SortKey> keys;
  keys.reserve(map.size());
  for (const Resource& resource : map.resources()) {
    const ResId id = resource.CurrentId();
    keys.push_back(
        {RankOf(id.gvk.kind, options), id.gvk.kind == "Namespace", id.gvk.group.empty(),
         LegacyTextOf(id.gvk),
         absl::StrCat(id.gvk.text(), "|", Or(id.namespace_, "~X"), "|", Or(id.name, "~N")),
         keys.size()});
  }
  std::stable_sort(keys.begin(), keys.end(), SortsBefore);
  std::vector<Resource> sorted;
  sorted.reserve(keys.size());
  std::vector<Resource>& resources = map.Mutable();
  for (const SortKey& key : keys) sorted.push_back(std::move(resources[key.position]));
  resources = std::move(sorted);
  return absl::OkStatus();
}

}  // namespace muster::kustomize
