#include "common/plan/field_diff.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace muster {
namespace {

// Where the walk is, in both spellings.
struct Place {
  std::string pointer;
  std::string path;
};

bool IsPlain(absl::string_view key) {
  return !key.empty() && key.find_first_of(".[]\"/ ") == absl::string_view::npos;
}

Place Member(const Place& place, const std::string& key) {
  Place next;
  next.pointer = JoinPointer(place.pointer, key);
  if (IsPlain(key)) {
    next.path = place.path.empty() ? key : absl::StrCat(place.path, ".", key);
  } else {
    next.path = absl::StrCat(place.path, "[\"", key, "\"]");
  }
  return next;
}

Place Element(const Place& place, size_t index, absl::string_view name) {
  return {absl::StrCat(place.pointer, "/", index), name.empty()
                                                       ? absl::StrCat(place.path, "[", index, "]")
                                                       : absl::StrCat(place.path, "[", name, "]")};
}

// The names of the elements, when each has one of its own.
std::optional<std::vector<std::string>> NamesOf(const ValueList& list) {
  std::vector<std::string> names;
  std::set<std::string> seen;
  for (const Value& element : list) {
    const Value* name = element.Get("name");
    if (name == nullptr || !name->is_string() || !seen.insert(name->string()).second) {
      return std::nullopt;
    }
    names.push_back(name->string());
  }
  return names;
}

class Walk {
 public:
  explicit Walk(std::vector<FieldDiff>& found) : found_(found) {}

  // Manifests are at most limits::kManifestDepthMax deep, which bounds the recursion.
  void Compare(const Place& place, const Value& before, const Value& after) {
    if (before == after) return;
    if (before.is_map() && after.is_map()) {
      Maps(place, before.map(), after.map());
    } else if (before.is_list() && after.is_list()) {
      Lists(place, before.list(), after.list());
    } else {
      found_.push_back({place.pointer, place.path, &before, &after});
    }
  }

 private:
  void Maps(const Place& place, const ValueMap& before, const ValueMap& after) {
    std::map<std::string, std::pair<const Value*, const Value*>> members;
    for (const muster::Member& member : before) members[member.key].first = &member.value;
    for (const muster::Member& member : after) members[member.key].second = &member.value;
    for (const auto& [key, sides] : members) Sides(Member(place, key), sides.first, sides.second);
  }

  void Lists(const Place& place, const ValueList& before, const ValueList& after) {
    const auto old_names = NamesOf(before);
    const auto new_names = NamesOf(after);
    if (old_names && new_names) {
      ByName(place, before, *old_names, after, *new_names);
      return;
    }
    for (size_t i = 0; i < std::max(before.size(), after.size()); ++i) {
      Sides(Element(place, i, ""), i < before.size() ? &before[i] : nullptr,
            i < after.size() ? &after[i] : nullptr);
    }
  }

  void ByName(const Place& place, const ValueList& before,
              const std::vector<std::string>& old_names, const ValueList& after,
              const std::vector<std::string>& new_names) {
    std::map<std::string, size_t> old_at;
    for (size_t i = 0; i < old_names.size(); ++i) old_at[old_names[i]] = i;
    const size_t first = found_.size();
    for (size_t i = 0; i < new_names.size(); ++i) {
      const auto was = old_at.find(new_names[i]);
      const Value* old = was == old_at.end() ? nullptr : &before[was->second];
      Sides(Element(place, i, new_names[i]), old, &after[i]);
      if (was != old_at.end()) old_at.erase(was);
    }
    for (size_t i = 0; i < old_names.size(); ++i) {
      if (old_at.contains(old_names[i])) {
        Sides(Element(place, i, old_names[i]), &before[i], nullptr);
      }
    }
    // Equal elements in another order: what differs is the list.
    if (found_.size() == first && !SameOrder(old_names, new_names)) {
      found_.push_back({place.pointer, absl::StrCat(place.path, " (order)"), nullptr, nullptr});
    }
  }

  static bool SameOrder(const std::vector<std::string>& a, const std::vector<std::string>& b) {
    return a == b;
  }

  void Sides(const Place& place, const Value* before, const Value* after) {
    if (before != nullptr && after != nullptr) {
      Compare(place, *before, *after);
    } else {
      found_.push_back({place.pointer, place.path, before, after});
    }
  }

  std::vector<FieldDiff>& found_;
};

}  // namespace

std::vector<FieldDiff> DiffFields(const Value& before, const Value& after) {
  std::vector<FieldDiff> found;
  Walk(found).Compare({}, before, after);
  return found;
}

}  // namespace muster
