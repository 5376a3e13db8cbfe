#include "cli/import/fleet_targets.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/import/source_objects.h"
#include "common/base/status_macros.h"
#include "common/config/names.h"

namespace muster::cli {
namespace {

bool Selects(const Value& selector, const Value& object) {
  const Value::Map& labels = MapAt(object, "/metadata/labels");
  for (const Member& wanted : MapAt(selector, "/matchLabels")) {
    const Value* label = labels.Get(wanted.key);
    if (label == nullptr || !(*label == wanted.value)) return false;
  }
  return ListAt(selector, "/matchExpressions").empty();
}

void AddExpression(Value& selector, const std::string& key, const char* word, const Value& value) {
  Value* list = selector.Get("matchExpressions");
  if (list == nullptr) list = &selector.map().Set("matchExpressions", Value::List());
  list->list().push_back(
      Value::Map{{"key", key}, {"operator", word}, {"values", Value::List{value}}});
}

}  // namespace

void FleetTargets::AddGroup(const Value& object) {
  const Value* selector = object.Find("/spec/selector");
  Value group = object;
  if (selector == nullptr) group.Set("/spec/selector", Value::Map());
  groups_[NameOf(object)] = std::move(group);
}

std::string FleetTargets::AddCluster(const Value& object) {
  const std::string name = NameFrom(NameOf(object));
  auto& labels = fleet_.clusters[name];
  for (const Member& label : MapAt(object, "/metadata/labels")) {
    const std::string text = TextAt(label.value, "");
    if (CheckLabelKey(label.key).ok() && CheckLabelValue(text).ok()) labels[label.key] = text;
  }
  labels[std::string(kClusterLabel)] = name;
  return name;
}

absl::StatusOr<std::vector<Value>> FleetTargets::SelectorsOf(const Value& target) {
  const std::string cluster = TextAt(target, "/clusterName");
  const std::string group = TextAt(target, "/clusterGroup");
  const Value* selector = target.Find("/clusterSelector");
  const Value* group_selector = target.Find("/clusterGroupSelector");
  Value all = Value::Map();
  bool any = false;
  if (!cluster.empty()) {
    const std::string name = NameFrom(cluster);
    fleet_.clusters[name][std::string(kClusterLabel)] = name;
    all = BothSelectors(all, SelectClusters({name}));
    any = true;
  }
  if (selector != nullptr && selector->is_map()) {
    all = BothSelectors(all, *selector);
    any = true;
  }
  if (!group.empty()) {
    const auto found = groups_.find(group);
    if (found == groups_.end()) {
      return absl::NotFoundError(absl::StrCat("ClusterGroup ", group, " is not in the tree"));
    }
    all = BothSelectors(all, *found->second.Find("/spec/selector"));
    any = true;
  }
  if (group_selector == nullptr) {
    return any ? std::vector<Value>{std::move(all)} : std::vector<Value>{};
  }
  std::vector<Value> selectors;
  for (const auto& [name, each] : groups_) {
    if (!Selects(*group_selector, each)) continue;
    selectors.push_back(BothSelectors(all, *each.Find("/spec/selector")));
  }
  if (selectors.empty()) {
    return absl::NotFoundError("no ClusterGroup in the tree has these labels");
  }
  return selectors;
}

Value BothSelectors(const Value& a, const Value& b) {
  Value both = a;
  for (const Member& label : MapAt(b, "/matchLabels")) {
    Value* labels = both.Get("matchLabels");
    if (labels == nullptr) labels = &both.map().Set("matchLabels", Value::Map());
    if (!labels->map().Insert(label.key, label.value) &&
        !(*labels->Get(label.key) == label.value)) {
      AddExpression(both, label.key, "In", label.value);
    }
  }
  for (const Value& requirement : ListAt(b, "/matchExpressions")) {
    Value* list = both.Get("matchExpressions");
    if (list == nullptr) list = &both.map().Set("matchExpressions", Value::List());
    list->list().push_back(requirement);
  }
  return both;
}

absl::StatusOr<Value> WithoutSelected(const Value& selector, const Value& excluded) {
  const Value::Map& labels = MapAt(excluded, "/matchLabels");
  if (labels.size() != 1 || !ListAt(excluded, "/matchExpressions").empty()) {
    return absl::UnimplementedError("only a selector of one label can be left out of others");
  }
  Value rest = selector;
  AddExpression(rest, labels.begin()->key, "NotIn", labels.begin()->value);
  return rest;
}

}  // namespace muster::cli
