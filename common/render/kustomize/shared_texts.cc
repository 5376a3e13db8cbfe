#include "common/render/kustomize/shared_texts.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"

namespace muster::kustomize {
namespace {

enum class AfterMerge { kGone, kKept, kSet };

// What a merge did to the field at `pointer`: kGone when it is not there, or not the same node.
AfterMerge StateOf(const std::string& pointer, const Value& patch, const Value& object) {
  const Value* of_patch = &patch;
  const Value* at = &object;
  for (const std::string& step : SplitPointer(pointer).value_or(std::vector<std::string>())) {
    const bool touched = of_patch != nullptr;
    if (touched && (at->is_list() || of_patch->Get("$patch") != nullptr)) return AfterMerge::kGone;
    at = at->is_list() ? at->Find("/" + step) : at->Get(step);
    if (at == nullptr) return AfterMerge::kGone;
    if (touched) of_patch = of_patch->Get(step);
  }
  if (at->is_map() || at->is_list()) return AfterMerge::kGone;
  return of_patch == nullptr || of_patch->is_null() ? AfterMerge::kKept : AfterMerge::kSet;
}

void SetAll(const std::vector<std::string>& pointers, const Value& text, Value& object) {
  for (const std::string& pointer : pointers) {
    if (Value* field = object.Find(pointer); field != nullptr && field != &text) *field = text;
  }
}

}  // namespace

void SharedTexts::Add(std::vector<std::string> pointers) {
  if (pointers.size() < 2) return;
  std::sort(pointers.begin(), pointers.end());
  groups_.push_back(std::move(pointers));
}

void SharedTexts::Spread(const Value& field, Value& object) const {
  for (const std::vector<std::string>& group : groups_) {
    for (const std::string& pointer : group) {
      if (object.Find(pointer) == &field) return SetAll(group, field, object);
    }
  }
}

void SharedTexts::SpreadMerged(const Value& patch, Value& object) {
  for (std::vector<std::string>& group : groups_) {
    std::vector<std::string> rest;
    std::string last;
    for (const std::string& pointer : group) {
      const AfterMerge state = StateOf(pointer, patch, object);
      if (state == AfterMerge::kGone) continue;
      if (state == AfterMerge::kSet) last = pointer;
      rest.push_back(pointer);
    }
    group = std::move(rest);
    if (!last.empty()) SetAll(group, *object.Find(last), object);
  }
  DropSmallGroups();
}

void SharedTexts::Forget(absl::string_view pointer) {
  for (std::vector<std::string>& group : groups_) {
    group.erase(
        std::remove_if(group.begin(), group.end(),
                       [pointer](const std::string& each) {
                         return absl::StartsWith(each, pointer) &&
                                (each.size() == pointer.size() || each[pointer.size()] == '/');
                       }),
        group.end());
  }
  DropSmallGroups();
}

void SharedTexts::DropSmallGroups() {
  groups_.erase(std::remove_if(groups_.begin(), groups_.end(),
                               [](const auto& group) { return group.size() < 2; }),
                groups_.end());
}

}  // namespace muster::kustomize
