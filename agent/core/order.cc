#include "agent/core/order.h"

#include "absl/strings/str_cat.h"
#include "agent/core/drift.h"

namespace muster::agent {
namespace {

bool IsNamespace(const ObjectKey& key) { return key.kind == "Namespace" && key.group().empty(); }

// Whether an earlier wave is done with the item.
bool IsReady(const Item& item) {
  if (item.written != item.desired || item.uid.empty()) return false;
  return item.health == HealthWord::kHealthy || item.health == HealthWord::kSuspended;
}

std::string Why(const PackageState& package, const Item& item) {
  const auto trouble = package.troubles.find(item.key);
  if (trouble != package.troubles.end() && !trouble->second.failure.ok()) {
    return absl::StrCat(Describe(item.key), ", which failed");
  }
  const auto ails = package.ailing.find(item.key);
  if (ails == package.ailing.end() || ails->second.health.message.empty()) {
    return Describe(item.key);
  }
  return absl::StrCat(Describe(item.key), ": ", ails->second.health.message);
}

// Whether the package is about to write the definition, and nothing hinders it.
bool IsAboutToBeMade(const PackageState& package, const Item& item) {
  if (!item.is_desired() || item.contested || !item.uid.empty()) return false;
  const auto trouble = package.troubles.find(item.key);
  return trouble == package.troubles.end() || trouble->second.failure.ok();
}

}  // namespace

bool IsDefinition(const ObjectKey& key) {
  return key.kind == "CustomResourceDefinition" && key.group() == "apiextensions.k8s.io";
}

absl::string_view GroupOfDefinition(const ObjectKey& key) {
  const absl::string_view name = key.name;
  const size_t dot = name.find('.');
  return dot == absl::string_view::npos ? absl::string_view() : name.substr(dot + 1);
}

Order::Order(const State& state) {
  for (const auto& [name, package] : state.packages) {
    for (const Item& item : package.items) {
      if (IsDefinition(item.key) && item.health == HealthWord::kProgressing) {
        definitions_[std::string(GroupOfDefinition(item.key))] = Why(package, item);
      } else if (IsDefinition(item.key) && IsAboutToBeMade(package, item)) {
        coming_[name][std::string(GroupOfDefinition(item.key))] = Describe(item.key);
      } else if (IsNamespace(item.key) && item.terminating) {
        namespaces_[item.key.name] = Why(package, item);
      }
    }
  }
}

Order::Waves Order::WavesOf(const PackageState& package, absl::Time now) {
  Waves waves;
  waves.until = package.progress_since + HealthTimeoutOf(package);
  if (now >= waves.until) return Waves();
  const Item* holder = nullptr;
  bool many = false;
  const Item* first = nullptr;
  for (const Item& item : package.items) {
    if (!item.is_desired() || item.contested) continue;
    if (first == nullptr) first = &item;
    many = many || item.wave != first->wave;
    if (IsReady(item) || (holder != nullptr && holder->wave <= item.wave)) continue;
    holder = &item;
  }
  if (!many || holder == nullptr) return Waves();
  waves.open = holder->wave;
  waves.waits_for =
      absl::StrCat("the waves after ", holder->wave, " wait for ", Why(package, *holder));
  return waves;
}

std::string Order::Obstacle(const PackageState& package, const Item& item,
                            const Waves& waves) const {
  if (item.wave > waves.open) return waves.waits_for;
  const auto of_namespace = namespaces_.find(item.key.namespace_);
  if (!item.key.namespace_.empty() && of_namespace != namespaces_.end()) {
    return absl::StrCat("waits for ", of_namespace->second);
  }
  if (IsDefinition(item.key)) return "";
  const absl::string_view group = item.key.group();
  if (group.empty()) return "";
  const auto definition = definitions_.find(group);
  if (definition != definitions_.end()) return absl::StrCat("waits for ", definition->second);
  const auto coming = coming_.find(package.name);
  if (coming == coming_.end()) return "";
  const auto found = coming->second.find(group);
  return found == coming->second.end() ? "" : absl::StrCat("waits for ", found->second);
}

}  // namespace muster::agent
