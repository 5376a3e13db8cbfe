#include "common/render/kustomize/patches.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status_macros.h"
#include "common/manifest/yaml.h"
#include "common/render/kustomize/json6902.h"
#include "common/render/kustomize/merge.h"
#include "common/render/kustomize/selector.h"

namespace muster::kustomize {
namespace {

// A patch as it was read: resources to merge, or a list of operations.
struct LoadedPatch {
  std::vector<Resource> merges;
  SharedDocuments documents;  // keeps `operations`
  const Value* operations = nullptr;
  std::string name;  // for messages
};

absl::Status At(const Place& place, const absl::Status& status) {
  return Annotate(status, place.text());
}

absl::StatusOr<LoadedPatch> MakePatch(SharedDocuments documents,
                                      const std::shared_ptr<const std::string>& file,
                                      absl::string_view bytes, std::string name) {
  LoadedPatch patch{{}, documents, nullptr, std::move(name)};
  if (documents->empty()) {
    return absl::InvalidArgumentError(absl::StrCat(patch.name, ": the patch is empty"));
  }
  if (documents->front().value.is_list()) {
    patch.operations = &documents->front().value;
    return patch;
  }
  ASSIGN_OR_RETURN(patch.merges, ResourcesOf(documents, file, bytes));
  if (patch.merges.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(patch.name, ": the patch is empty"));
  }
  return patch;
}

absl::StatusOr<LoadedPatch> LoadFile(const std::string& path, const Place& place,
                                     const Loader& loader) {
  const absl::StatusOr<Loader::File> file = loader.Load(path);
  if (!file.ok()) return At(place, Annotate(file.status(), "patch"));
  ASSIGN_OR_RETURN(const SharedDocuments documents, loader.files().Read(file->path, *file->bytes));
  return MakePatch(documents, std::make_shared<const std::string>(file->path), *file->bytes,
                   absl::StrCat(file->path, ":1"));
}

absl::StatusOr<LoadedPatch> ReadInline(const std::string& text, const Place& place) {
  const std::string name = absl::StrCat(place.text(), " (inline patch)");
  ASSIGN_OR_RETURN(Documents documents, ParseYaml(text, name));
  absl::StatusOr<LoadedPatch> patch =
      MakePatch(std::make_shared<Documents>(std::move(documents)), place.file, text, place.text());
  if (!patch.ok()) return patch.status();
  for (Resource& resource : patch->merges) resource.place = place;
  return patch;
}

absl::StatusOr<LoadedPatch> LoadPatch(const Patch& patch, const Loader& loader) {
  if (patch.path.empty() == patch.patch.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(patch.place.text(), ": a patch needs either 'path' or 'patch', and has ",
                     patch.path.empty() ? "neither" : "both"));
  }
  if (!patch.path.empty()) return LoadFile(patch.path, patch.place, loader);
  return ReadInline(patch.patch, patch.place);
}

// Labels and annotations of a patch become texts when Kustomize copies the patch, null included.
void MakeTexts(const std::vector<std::string>& bare_nulls, absl::string_view field, Value& patch) {
  Value* metadata = patch.Get("metadata");
  Value* map = metadata == nullptr ? nullptr : metadata->Get(field);
  if (map == nullptr) return;
  if (!map->is_map() || map->map().empty()) {
    metadata->map().Erase(field);
    return;
  }
  for (const auto& [key, value] : map->map()) {
    if (!value.is_null()) {
      value = Value(ScalarText(value));
      continue;
    }
    const std::string pointer = JoinPointer(absl::StrCat("/metadata/", field), key);
    const bool bare = std::find(bare_nulls.begin(), bare_nulls.end(), pointer) != bare_nulls.end();
    value = Value(bare ? "" : "null");
  }
}

const std::vector<std::string>& BareNullsOf(const Resource& resource) {
  static const std::vector<std::string>* const none = new std::vector<std::string>();
  return resource.bare_nulls == nullptr ? *none : *resource.bare_nulls;
}

Value CopyForTarget(const Resource& patch) {
  const std::vector<std::string>& bare = BareNullsOf(patch);
  Value copy = patch.value();
  MakeTexts(bare, "labels", copy);
  MakeTexts(bare, "annotations", copy);
  return copy;
}

absl::Status MergeInto(const Value& patch, bool allow_name_change, bool allow_kind_change,
                       const MergeSchema& schema, Resource& resource) {
  const ResId before = resource.CurrentId();
  if (allow_name_change || allow_kind_change) resource.StorePreviousId();
  // Of the whole object it does nothing: Kustomize makes the new one, and forgets to take it.
  const Value* directive = patch.Get("$patch");
  if (directive != nullptr && ScalarText(*directive) == "replace") return absl::OkStatus();
  Value object = resource.value();
  if (resource.bare_nulls != nullptr) {
    RemoveBareNulls(*resource.bare_nulls, schema, object);
    resource.bare_nulls = nullptr;
  }
  absl::StatusOr<std::optional<Value>> merged = MergeStrategic(patch, schema, std::move(object));
  if (!merged.ok()) {
    return Annotate(merged.status(),
                    absl::StrCat("does not fit ", before.text(), " from ", resource.place.text()));
  }
  if (!merged->has_value() || (*merged)->is_null() ||
      ((*merged)->is_map() && (*merged)->map().empty())) {
    resource.Drop();
    return absl::OkStatus();
  }
  Value& value = **merged;
  if (resource.shared_texts() != nullptr) {
    SharedTexts texts = *resource.shared_texts();
    texts.SpreadMerged(patch, value);
    resource.SetSharedTexts(std::move(texts));
  }
  if (!allow_kind_change) value.Set("/kind", Value(before.gvk.kind));
  if (!allow_name_change) value.Set("/metadata/name", Value(before.name));
  value.Remove("/metadata/namespace");
  if (!before.namespace_.empty()) value.Set("/metadata/namespace", Value(before.namespace_));
  resource.Replace(std::move(value));
  return absl::OkStatus();
}

// The one resource that a patch without a target means.
absl::StatusOr<size_t> FindMeant(const Resource& patch, const ResMap& map) {
  const ResId id = patch.CurrentId();
  const std::vector<size_t> found = map.FindByAnyId(id);
  if (found.size() == 1) return found[0];
  if (!found.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        patch.place.text(), ": the patch could mean ", found.size(), " resources that are or were ",
        id.text(), ", from ", map.resources()[found[0]].place.text(), " and ",
        map.resources()[found[1]].place.text(), "; give it a target"));
  }
  std::vector<std::string> near;
  for (const Resource& resource : map.resources()) {
    const ResId other = resource.CurrentId();
    if (other.name == id.name || (other.gvk.kind == id.gvk.kind && near.size() < 3)) {
      near.push_back(other.text());
    }
  }
  return absl::InvalidArgumentError(absl::StrCat(
      patch.place.text(), ": there is no ", id.text(), " to patch",
      near.empty() ? std::string() : absl::StrCat("; there is ", absl::StrJoin(near, ", ")),
      "; apiVersion, kind, name and namespace must be those of the resource"));
}

// Refuses two resources of one id, which a patch can make by changing names.
absl::Status RefuseDuplicates(const std::string& name, const ResMap& map) {
  for (const Resource& resource : map.resources()) {
    const std::vector<size_t> same = map.FindByCurrentId(resource.CurrentId());
    if (same.size() < 2) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": after the patch there are two ", resource.CurrentId().text()));
  }
  return absl::OkStatus();
}

absl::Status MergeIntoTargets(const Resource& patch, const LoadedPatch& loaded, bool allow_name,
                              bool allow_kind, const std::vector<size_t>& targets,
                              const MergeSchema& schema, ResMap& map) {
  Value copy = CopyForTarget(patch);
  for (const size_t target : targets) {
    Resource& resource = map.Mutable()[target];
    const Gvk gvk = Gvk::OfObject(resource.value());
    copy.map().Set("apiVersion", Value(gvk.api_version()));
    RETURN_IF_ERROR(
        Annotate(MergeInto(copy, allow_name, allow_kind, schema, resource), loaded.name));
  }
  map.RemoveDropped();
  return allow_name || allow_kind ? RefuseDuplicates(loaded.name, map) : absl::OkStatus();
}

// Whether Kustomize keeps notes of its own among the annotations: a patch finds them there then.
bool HasNotes(const Resource& resource) {
  return !resource.previous.empty() || resource.needs_hash || resource.origin.has_value() ||
         resource.behavior != Behavior::kUnspecified;
}

absl::Status Operate(const Value& operations, Resource& resource) {
  Value* metadata = HasNotes(resource) ? resource.Mutable().Get("metadata") : nullptr;
  if (metadata != nullptr && metadata->is_map()) {
    const Value* annotations = metadata->Get("annotations");
    if (annotations == nullptr || annotations->is_null()) {
      metadata->map().Set("annotations", Value(Value::Map()));
    }
  }
  RETURN_IF_ERROR(ApplyJson6902(operations, resource.Mutable()));
  metadata = resource.Mutable().Get("metadata");
  const Value* annotations = metadata == nullptr ? nullptr : metadata->Get("annotations");
  if (annotations != nullptr && annotations->is_map() && annotations->map().empty()) {
    metadata->map().Erase("annotations");
  }
  return absl::OkStatus();
}

absl::Status ApplyOperations(const LoadedPatch& loaded, bool stores_ids, const Selector& target,
                             ResMap& map) {
  const absl::StatusOr<SelectorMatcher> matcher = SelectorMatcher::Make(target);
  if (!matcher.ok()) return At(target.place, matcher.status());
  for (const size_t i : matcher->FindIn(map)) {
    Resource& resource = map.Mutable()[i];
    if (stores_ids) resource.StorePreviousId();
    const absl::Status status = Operate(*loaded.operations, resource);
    if (!status.ok()) {
      return Annotate(status,
                      absl::StrCat(loaded.name, ": does not fit ", resource.CurrentId().text(),
                                   " from ", resource.place.text()));
    }
    // Kustomize writes the object anew, so that nulls are spelled out from here on.
    resource.bare_nulls = nullptr;
    resource.SetSharedTexts({});
  }
  return absl::OkStatus();
}

absl::Status ApplyMerges(const Patch& patch, const LoadedPatch& loaded, const MergeSchema& schema,
                         ResMap& map) {
  if (!patch.target.has_value()) {
    for (const Resource& merge : loaded.merges) {
      ASSIGN_OR_RETURN(const size_t target, FindMeant(merge, map));
      Value value = merge.value();
      // Kustomize notes the option among the patch's annotations, which makes texts of them.
      if (patch.allow_name_change || patch.allow_kind_change) {
        MakeTexts(BareNullsOf(merge), "annotations", value);
      }
      RETURN_IF_ERROR(Annotate(MergeInto(value, patch.allow_name_change, patch.allow_kind_change,
                                         schema, map.Mutable()[target]),
                               merge.place.text()));
    }
    map.RemoveDropped();
    return absl::OkStatus();
  }
  if (loaded.merges.size() > 1) {
    return absl::InvalidArgumentError(
        absl::StrCat(loaded.name, ": holds ", loaded.merges.size(),
                     " documents, and a patch with a target has one; make an entry of each"));
  }
  const absl::StatusOr<SelectorMatcher> matcher = SelectorMatcher::Make(*patch.target);
  if (!matcher.ok()) return At(patch.target->place, matcher.status());
  return MergeIntoTargets(loaded.merges[0], loaded, patch.allow_name_change,
                          patch.allow_kind_change, matcher->FindIn(map), schema, map);
}

// Whether an entry of patchesStrategicMerge is a document itself and not a path.
bool IsDocument(const std::string& text) {
  return text.find('\n') != std::string::npos || text.find(": ") != std::string::npos;
}

}  // namespace

absl::Status ApplyStrategicMergePatches(const std::vector<Entry>& patches, const Loader& loader,
                                        const MergeSchema& schema, ResMap& map) {
  std::vector<LoadedPatch> all;
  for (const Entry& entry : patches) {
    ASSIGN_OR_RETURN(LoadedPatch loaded, IsDocument(entry.text)
                                             ? ReadInline(entry.text, entry.place)
                                             : LoadFile(entry.text, entry.place, loader));
    if (loaded.operations != nullptr) {
      return absl::InvalidArgumentError(absl::StrCat(
          loaded.name, ": this is a JSON patch; put it under 'patches', with a target"));
    }
    all.push_back(std::move(loaded));
  }
  for (const LoadedPatch& loaded : all) {
    for (const Resource& merge : loaded.merges) {
      ASSIGN_OR_RETURN(const size_t target, FindMeant(merge, map));
      RETURN_IF_ERROR(MergeIntoTargets(merge, loaded, false, false, {target}, schema, map));
    }
  }
  return absl::OkStatus();
}

absl::Status ApplyPatches(const std::vector<Patch>& patches, const Loader& loader,
                          const MergeSchema& schema, ResMap& map) {
  for (const Patch& patch : patches) {
    ASSIGN_OR_RETURN(const LoadedPatch loaded, LoadPatch(patch, loader));
    if (loaded.operations == nullptr) {
      RETURN_IF_ERROR(ApplyMerges(patch, loaded, schema, map));
      continue;
    }
    if (!patch.target.has_value()) {
      return absl::InvalidArgumentError(absl::StrCat(
          patch.place.text(), ": a JSON patch needs a target; give at least its kind and name"));
    }
    RETURN_IF_ERROR(ApplyOperations(loaded, /*stores_ids=*/true, *patch.target, map));
  }
  return absl::OkStatus();
}

absl::Status ApplyJson6902Patches(const std::vector<Patch>& patches, const Loader& loader,
                                  ResMap& map) {
  for (const Patch& patch : patches) {
    if (!patch.target.has_value() || patch.target->name.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat(patch.place.text(), ": an entry of patchesJson6902 needs target.name"));
    }
    ASSIGN_OR_RETURN(const LoadedPatch loaded, LoadPatch(patch, loader));
    if (loaded.operations == nullptr || loaded.operations->list().empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat(loaded.name, ": a JSON patch is a list of operations, and this is none"));
    }
    RETURN_IF_ERROR(ApplyOperations(loaded, /*stores_ids=*/false, *patch.target, map));
  }
  return absl::OkStatus();
}

}  // namespace muster::kustomize
