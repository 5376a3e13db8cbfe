#include "common/render/kustomize/replacements.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/base/status_macros.h"
#include "common/manifest/yaml_scalar.h"
#include "common/render/kustomize/dotted_path.h"
#include "common/render/kustomize/selector.h"

namespace muster::kustomize {
namespace {

constexpr char kDefaultPath[] = "metadata.name";

bool IsScalar(const Value& value) { return !value.is_map() && !value.is_list(); }

bool IsEmpty(const Value& value) {
  return value.is_null() || (value.is_map() && value.map().empty()) ||
         (value.is_list() && value.list().empty());
}

// Whether the id has what the selector gives.
bool IsSelected(const ResId& id, const ResId& selector) {
  return (selector.name.empty() || selector.name == id.name) && id.gvk.IsSelectedBy(selector.gvk) &&
         (selector.namespace_.empty() || selector.EffectiveNamespace() == id.EffectiveNamespace());
}

// Whether one of the ids that the resource has or had is meant.
bool IsAnySelected(const Resource& resource, const ResId& selector) {
  if (IsSelected(resource.CurrentId(), selector)) return true;
  for (const ResId& id : resource.PreviousIds()) {
    if (IsSelected(id, selector)) return true;
  }
  return false;
}

ResId IdOf(const Selector& selector) { return {selector.gvk, selector.name, selector.namespace_}; }

bool HasId(const Selector& selector) {
  return !selector.gvk.empty() || !selector.name.empty() || !selector.namespace_.empty();
}

absl::StatusOr<const Resource*> FindSource(const ReplacementSource& source, const ResMap& map) {
  const Resource* found = nullptr;
  for (const Resource& resource : map.resources()) {
    if (!IsAnySelected(resource, source.id)) continue;
    if (found != nullptr) {
      return absl::InvalidArgumentError(absl::StrCat(
          "source ", source.id.text(), " means several resources, among them the ones in ",
          found->place.text(), " and ", resource.place.text(),
          "; add what tells them apart (group, kind, name, namespace)"));
    }
    found = &resource;
  }
  if (found == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("source ", source.id.text(), " means no resource of this kustomization"));
  }
  return found;
}

// The value that is copied.
absl::StatusOr<Value> ReadSource(const ReplacementSource& source, const ResMap& map) {
  ASSIGN_OR_RETURN(const Resource* resource, FindSource(source, map));
  const std::string path = source.field_path.empty() ? kDefaultPath : source.field_path;
  const auto in_source = [&] {
    return absl::StrCat("field '", path, "' of source ", source.id.text(), " (",
                        resource->place.text(), ")");
  };
  const absl::StatusOr<const Value*> found = LookUpPath(SplitDottedPath(path), resource->value());
  if (!found.ok()) return Annotate(found.status(), in_source());
  if (*found == nullptr || IsEmpty(**found)) {
    return absl::InvalidArgumentError(absl::StrCat(in_source(), " is not there, or empty"));
  }
  if (!source.options.has_value() || source.options->delimiter.empty()) return **found;
  if (!IsScalar(**found)) {
    return absl::InvalidArgumentError(absl::StrCat(
        in_source(), " is a ", KindName((*found)->kind()), "; a delimiter takes apart text only"));
  }
  const std::vector<std::string> parts =
      absl::StrSplit(ScalarText(**found), source.options->delimiter);
  const int index = source.options->index;
  if (index < 0 || index >= static_cast<int>(parts.size())) {
    return absl::InvalidArgumentError(
        absl::StrCat(in_source(), " has ", parts.size(), " parts; there is no index ", index));
  }
  return parts[index];
}

// Labels and annotations of `select` fit, and those of no entry of `reject` do.
absl::StatusOr<bool> FitsLabels(const ReplacementTarget& target, const Resource& resource) {
  const auto fits = [&](const Selector& selector) -> absl::StatusOr<bool> {
    Selector labels_only;
    labels_only.label_selector = selector.label_selector;
    labels_only.annotation_selector = selector.annotation_selector;
    labels_only.place = selector.place;
    ASSIGN_OR_RETURN(const SelectorMatcher matcher, SelectorMatcher::Make(labels_only));
    return matcher.MatchesLabels(resource);
  };
  const auto asks = [](const Selector& selector) {
    return !selector.label_selector.empty() || !selector.annotation_selector.empty();
  };
  if (asks(*target.select)) {
    ASSIGN_OR_RETURN(const bool selected, fits(*target.select));
    if (!selected) return false;
  }
  for (const Selector& selector : target.reject) {
    if (!asks(selector)) continue;
    ASSIGN_OR_RETURN(const bool rejected, fits(selector));
    if (rejected) return false;
  }
  return true;
}

absl::StatusOr<bool> IsTarget(const ReplacementTarget& target, const Resource& resource) {
  if (!IsAnySelected(resource, IdOf(*target.select))) return false;
  for (const Selector& selector : target.reject) {
    if (HasId(selector) && IsAnySelected(resource, IdOf(selector))) return false;
  }
  return FitsLabels(target, resource);
}

// The text of a scalar field with one of its parts replaced, or one more before or after them.
std::string Join(const FieldOptions& options, const Value& field, const std::string& part) {
  std::vector<std::string> parts = absl::StrSplit(ScalarText(field), options.delimiter);
  if (options.index < 0) {
    parts.insert(parts.begin(), part);
  } else if (options.index >= static_cast<int>(parts.size())) {
    parts.push_back(part);
  } else {
    parts[options.index] = part;
  }
  return absl::StrJoin(parts, options.delimiter);
}

// Text that takes the place of a scalar stays of the type of that scalar.
absl::StatusOr<Value> Retype(const std::string& text, const Value& field) {
  if (field.is_string()) return Value(text);
  ASSIGN_OR_RETURN(Value value, ResolvePlainScalar(text));
  if (value.kind() == field.kind()) return value;
  return absl::InvalidArgumentError(absl::StrCat("holds a ", KindName(field.kind()),
                                                 ", and the source a ", KindName(value.kind()),
                                                 "; give the field a value of that type"));
}

absl::Status SetField(const std::optional<FieldOptions>& options, const Value& value,
                      const PathMatch& match) {
  Value& field = *match.value;
  const bool joins = options.has_value() && !options->delimiter.empty();
  if (joins && !IsScalar(field)) {
    return absl::InvalidArgumentError(
        absl::StrCat("is a ", KindName(field.kind()), "; a delimiter takes apart text only"));
  }
  if (!IsScalar(field) || (match.created && !IsScalar(value))) {
    field = value;
    return absl::OkStatus();
  }
  const std::string text = joins ? Join(*options, field, ScalarText(value)) : ScalarText(value);
  if (match.created) {
    // A new field is what its text says when it stands there unquoted.
    ASSIGN_OR_RETURN(field, ResolvePlainScalar(text));
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(field, Retype(text, field));
  return absl::OkStatus();
}

CreateEnd CreateEndFor(const std::optional<FieldOptions>& options, const Value& value) {
  if (!options.has_value() || !options->create) return CreateEnd::kNothing;
  return value.is_map() ? CreateEnd::kMap : value.is_list() ? CreateEnd::kList : CreateEnd::kScalar;
}

absl::Status WriteField(const std::string& path, const std::optional<FieldOptions>& options,
                        const Value& value, Resource& resource) {
  ASSIGN_OR_RETURN(
      const std::vector<PathMatch> matches,
      MatchPath(SplitDottedPath(path), CreateEndFor(options, value), resource.Mutable()));
  if (matches.empty()) {
    return absl::InvalidArgumentError(
        "is not there; correct the path, or set `options: {create: true}`");
  }
  for (const PathMatch& match : matches) {
    RETURN_IF_ERROR(SetField(options, value, match));
    if (IsScalar(*match.value)) resource.SpreadText(*match.value);
  }
  return absl::OkStatus();
}

absl::Status WriteTarget(const ReplacementTarget& target, const Value& value, ResMap& map) {
  if (!target.select.has_value()) {
    return absl::InvalidArgumentError("a target needs `select` to say which resources it means");
  }
  const std::vector<std::string> default_paths = {kDefaultPath};
  const std::vector<std::string>& paths =
      target.field_paths.empty() ? default_paths : target.field_paths;
  for (size_t i = 0; i < map.size(); ++i) {
    ASSIGN_OR_RETURN(const bool is_target, IsTarget(target, map.resources()[i]));
    if (!is_target) continue;
    Resource& resource = map.Mutable()[i];
    for (const std::string& path : paths) {
      RETURN_IF_ERROR(
          Annotate(WriteField(path, target.options, value, resource),
                   absl::StrCat("field '", path, "' of target ", resource.CurrentId().text(), " (",
                                resource.place.text(), ")")));
    }
  }
  return absl::OkStatus();
}

absl::Status Apply(const Replacement& replacement, ResMap& map) {
  if (!replacement.source.has_value() || replacement.targets.empty()) {
    return absl::InvalidArgumentError("a replacement needs a source and at least one target");
  }
  ASSIGN_OR_RETURN(const Value value, ReadSource(*replacement.source, map));
  for (const ReplacementTarget& target : replacement.targets) {
    RETURN_IF_ERROR(WriteTarget(target, value, map));
  }
  return absl::OkStatus();
}

// The replacements of a file, which holds one or a list of them.
absl::StatusOr<std::vector<Replacement>> ReadFile(const std::string& path, const Loader& loader) {
  ASSIGN_OR_RETURN(const Loader::File file, loader.Load(path));
  ASSIGN_OR_RETURN(const SharedDocuments documents, loader.files().Read(file.path, *file.bytes));
  if (documents->size() != 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        file.path, ": a file of replacements holds one document, not ", documents->size()));
  }
  return ReadReplacements(documents->front(), "");
}

absl::Status ApplyEntry(const Replacement& replacement, const Loader& loader, ResMap& map) {
  if (replacement.path.empty()) return Apply(replacement, map);
  if (replacement.source.has_value() || !replacement.targets.empty()) {
    return absl::InvalidArgumentError(
        "a replacement is either a `path` or `source` and `targets`, not both");
  }
  ASSIGN_OR_RETURN(const std::vector<Replacement> replacements, ReadFile(replacement.path, loader));
  for (const Replacement& each : replacements) {
    RETURN_IF_ERROR(Annotate(Apply(each, map), each.place.text()));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ApplyReplacements(const std::vector<Replacement>& replacements, const Loader& loader,
                               ResMap& map) {
  for (const Replacement& replacement : replacements) {
    RETURN_IF_ERROR(Annotate(ApplyEntry(replacement, loader, map),
                             absl::StrCat(replacement.place.text(), ": replacements")));
  }
  return absl::OkStatus();
}

}  // namespace muster::kustomize
