#include "common/render/kustomize/res_map.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"

namespace muster::kustomize {
namespace {

using TextPairs = std::vector<std::pair<std::string, std::string>>;

TextPairs PairsOf(const Value* map) {
  TextPairs pairs;
  if (map == nullptr || !map->is_map()) return pairs;
  for (const Member& member : map->map()) pairs.emplace_back(member.key, ScalarText(member.value));
  return pairs;
}

// The map at the pointer becomes `below` with `above` over it, all of it text; none when both are
// empty.
void SetMergedPairs(const char* pointer, const TextPairs& below, const TextPairs& above,
                    Value& object) {
  std::map<std::string, std::string> merged(below.begin(), below.end());
  for (const auto& [key, value] : above) merged[key] = value;
  object.Remove(pointer);
  if (merged.empty()) return;
  Value::Map map;
  for (auto& [key, value] : merged) map.Insert(key, Value(value));
  object.Set(pointer, Value(std::move(map)));
}

// What a resource that replaces or merges takes over from the one that was there: its name and
// history, and the labels and annotations that it does not set itself.
void TakeOver(const Resource& old, Resource& resource) {
  const TextPairs labels = resource.Labels(), annotations = resource.Annotations();
  const ResId old_id = old.CurrentId();
  Value& value = resource.Mutable();
  SetMergedPairs("/metadata/labels", old.Labels(), labels, value);
  SetMergedPairs("/metadata/annotations", old.Annotations(), annotations, value);
  value.Set("/metadata/name", Value(old_id.name));
  value.Remove("/metadata/namespace");
  if (!old_id.namespace_.empty()) value.Set("/metadata/namespace", Value(old_id.namespace_));
  resource.previous = old.previous;
  resource.prefixes = old.prefixes;
  resource.suffixes = old.suffixes;
  resource.behavior = old.behavior;
  resource.needs_hash = resource.needs_hash && old.needs_hash;
  resource.var_names = old.var_names;
  resource.transformations = old.transformations;
  if (!resource.origin.has_value()) resource.origin = old.origin;
}

}  // namespace

std::vector<Resource>& ResMap::Mutable() {
  indexed_ = false;
  return resources_;
}

std::string ResMap::KeyOf(const ResId& id) {
  const char separator = '\0';
  return absl::StrCat(id.gvk.kind, absl::string_view(&separator, 1), id.name,
                      absl::string_view(&separator, 1), id.gvk.group,
                      absl::string_view(&separator, 1), id.gvk.version,
                      absl::string_view(&separator, 1), id.EffectiveNamespace());
}

void ResMap::BuildIndex() const {
  if (indexed_) return;
  current_.clear();
  any_.clear();
  for (size_t i = 0; i < resources_.size(); ++i) IndexResource(i);
  indexed_ = true;
}

void ResMap::IndexResource(size_t position) const {
  const Resource& resource = resources_[position];
  const std::string key = KeyOf(resource.CurrentId());
  current_[key].push_back(position);
  any_[key].push_back(position);
  for (const ResId& id : resource.PreviousIds()) {
    std::vector<size_t>& positions = any_[KeyOf(id)];
    if (positions.empty() || positions.back() != position) positions.push_back(position);
  }
}

absl::Status ResMap::Append(Resource resource) {
  BuildIndex();
  const ResId id = resource.CurrentId();
  if (const auto taken = current_.find(KeyOf(id)); taken != current_.end()) {
    return absl::InvalidArgumentError(
        absl::StrCat(resource.place.text(), ": ", id.text(), " is there already, from ",
                     resources_[taken->second.front()].place.text(),
                     "; remove one of the two, or make one a patch of the other"));
  }
  resources_.push_back(std::move(resource));
  IndexResource(resources_.size() - 1);
  return absl::OkStatus();
}

absl::Status ResMap::AppendAll(ResMap other) {
  if (resources_.empty()) {
    *this = std::move(other);
    return absl::OkStatus();
  }
  for (Resource& resource : other.resources_) RETURN_IF_ERROR(Append(std::move(resource)));
  return absl::OkStatus();
}

absl::Status ResMap::Absorb(Resource resource) {
  const ResId id = resource.CurrentId();
  const std::vector<size_t> matches = FindByAnyId(id);
  const bool creates =
      resource.behavior == Behavior::kCreate || resource.behavior == Behavior::kUnspecified;
  if (matches.size() > 1) {
    return absl::InvalidArgumentError(absl::StrCat(resource.place.text(), ": ", matches.size(),
                                                   " resources could be what ", id.text(),
                                                   " merges with or replaces"));
  }
  if (matches.empty()) {
    if (creates) return Append(std::move(resource));
    return absl::InvalidArgumentError(
        absl::StrCat(resource.place.text(), ": there is no ", id.text(),
                     " to merge with or replace; use behavior: create"));
  }
  if (creates) {
    return absl::InvalidArgumentError(
        absl::StrCat(resource.place.text(), ": ", id.text(), " is there already, from ",
                     resources_[matches[0]].place.text(), "; use behavior: merge or replace"));
  }
  const Resource& old = resources_[matches[0]];
  const bool merges = resource.behavior == Behavior::kMerge;
  const std::optional<Origin> origin = old.origin;
  TakeOver(old, resource);
  if (merges) {
    const TextPairs data = PairsOf(resource.value().Get("data")),
                    binary = PairsOf(resource.value().Get("binaryData"));
    Value& value = resource.Mutable();
    SetMergedPairs("/data", PairsOf(old.value().Get("data")), data, value);
    SetMergedPairs("/binaryData", PairsOf(old.value().Get("binaryData")), binary, value);
    if (origin.has_value()) resource.origin = origin;
  }
  resources_[matches[0]] = std::move(resource);
  indexed_ = false;
  return absl::OkStatus();
}

std::vector<size_t> ResMap::FindByAnyId(const ResId& id) const {
  BuildIndex();
  const auto found = any_.find(KeyOf(id));
  if (found == any_.end()) return {};
  std::vector<size_t> positions = found->second;
  std::sort(positions.begin(), positions.end());
  return positions;
}

std::vector<size_t> ResMap::FindByCurrentId(const ResId& id) const {
  BuildIndex();
  const auto found = current_.find(KeyOf(id));
  return found == current_.end() ? std::vector<size_t>() : found->second;
}

void ResMap::RemoveDropped() {
  const auto first = std::find_if(resources_.begin(), resources_.end(),
                                  [](const Resource& resource) { return resource.dropped(); });
  if (first == resources_.end()) return;
  indexed_ = false;
  resources_.erase(std::remove_if(first, resources_.end(),
                                  [](const Resource& resource) { return resource.dropped(); }),
                   resources_.end());
}

}  // namespace muster::kustomize
