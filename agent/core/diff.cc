#include "agent/core/diff.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/manifest/annotations.h"
#include "common/plan/rails.h"

namespace muster::agent {
namespace pb = muster::v1;
namespace {

// Of whom a cluster has one, whatever the version of the API.
using Identity = std::tuple<std::string, std::string, std::string, std::string>;

Identity IdentityOf(const ObjectKey& key) {
  return {std::string(key.group()), key.kind, key.namespace_, key.name};
}

const pb::SyncPolicy& SyncOf(const PackageState& package) {
  return package.removing() ? package.record.removed().sync() : package.desired->sync();
}

// Whether what loses its place in this package stays in the cluster, unmanaged.
bool LeavesOrphans(const PackageState& package) {
  if (!package.removing()) return package.desired->sync().no_prune();
  // Without a word on its removal nothing is deleted.
  return !package.record.has_removed() ||
         package.record.removed().on_removal() == pb::ON_REMOVAL_ORPHAN;
}

int Managed(const PackageState& package) {
  return std::count_if(package.items.begin(), package.items.end(),
                       [](const Item& item) { return item.in_inventory() && !item.orphaned; });
}

// The wave and the order of kinds, then the key, so that it is the same everywhere.
bool Earlier(const Item* a, const Item* b) {
  if (a->wave != b->wave) return a->wave < b->wave;
  return AppliesBefore(a->key, b->key);
}

bool HasOwnNamespaceObject(const PackageState& package) {
  return package.Find(NamespaceKey(package.desired->namespace_())) != nullptr;
}

void MoveItem(PackageState& from, Item& source, PackageState& to, Item& target, Batch& batch) {
  DropItem(from, source, batch);
  Revive(source);
  target.written = source.written;
  target.live = source.live;
  target.uid = source.uid;
  target.seen = source.seen;
  target.health = source.health;
  if (const auto ails = from.ailing.find(source.key); ails != from.ailing.end()) {
    to.ailing[target.key] = ails->second;
    from.ailing.erase(ails);
  }
  source.written = Digest();
  PutItem(to, target, batch);
  // Written, perhaps, by a process that died before it knew the uid: only a look can tell.
  if (target.uid.empty()) to.looked = false;
  from.plan_due = to.plan_due = true;
}

// Whether a package before or beside `package` has the better claim on `key`.
const PackageState* BetterClaim(const State& state, const PackageState& package,
                                const ObjectKey& key) {
  for (const auto& [name, other] : state.packages) {
    if (&other == &package) continue;
    const Item* item = other.Find(key);
    if (item == nullptr || !item->is_desired()) continue;
    if (item->in_inventory() || name < package.name) return &other;
  }
  return nullptr;
}

void Contest(PackageState& package, Item& item, const PackageState* owner) {
  item.contested = owner != nullptr;
  if (owner == nullptr) return;
  package.troubles[item.key].failure = absl::AlreadyExistsError(
      absl::StrCat("package '", owner->name, "' has this object too: take it out of one of them"));
}

// Splits what lost its place into what may go and what stays for now.
void PlanRemovals(PackageState& package, const AgentSettings& settings, absl::Time now,
                  Plan& plan) {
  std::vector<Item*> removable;
  int wanted = 0;
  for (Item& item : package.items) {
    wanted += item.is_desired();
    if (!IsLeftover(item) || item.removed) continue;
    if (item.uid.empty()) continue;  // The next look gives it its uid, or takes it off the list.
    if (LeavesOrphans(package) || item.keep) {
      plan.orphan.push_back(&item);
    } else if (!ProtectedReason(item, settings).empty()) {
      ++plan.held;
    } else {
      removable.push_back(&item);
    }
  }
  if (removable.empty()) return;
  const int budget = DeletionBudget(package);
  const int count = static_cast<int>(removable.size());
  if (!package.removing() && wanted == 0) {
    plan.held_message =
        absl::StrCat("the new bundle is empty, ", count,
                     " objects would be deleted: delete them in smaller steps, or delete the "
                     "package, with onRemoval: orphan if they are to stay");
  } else if (count > budget) {
    plan.held_message = absl::StrCat(
        count, " of ", Managed(package), " objects would be deleted, the budget is ", budget,
        ": delete them in smaller steps, or leave them with prune: false or onRemoval: orphan");
  }
  if (!plan.held_message.empty()) {
    plan.held += count;
    return;
  }
  for (Item* item : removable) {
    const auto trouble = package.troubles.find(item->key);
    if (trouble != package.troubles.end() && trouble->second.next_try > now) {
      plan.next_try = std::min(plan.next_try, trouble->second.next_try);
    } else {
      plan.remove.push_back(item);
    }
  }
  std::sort(plan.remove.begin(), plan.remove.end(),
            [](const Item* a, const Item* b) { return Earlier(b, a); });
}

}  // namespace

void Retarget(PackageState& package, const Digest& bundle, const pb::Manifest& manifest,
              absl::Time now) {
  std::vector<Item> items;
  items.reserve(manifest.entries_size() + 8);
  auto old = package.items.begin();
  const auto keep = [&](Item item) {
    item.desired = Digest();
    item.contested = false;
    if (item.in_inventory()) items.push_back(std::move(item));
  };
  for (const pb::ManifestEntry& entry : manifest.entries()) {
    ObjectKey key = KeyOf(entry);
    while (old != package.items.end() && old->key < key) keep(std::move(*old++));
    Item item;
    if (old != package.items.end() && old->key == key) {
      item = std::move(*old++);
      Revive(item);
    } else {
      item.key = std::move(key);
    }
    const Digest desired = *Digest::FromBytes(entry.digest());
    if (desired != item.desired) {
      package.troubles.erase(item.key);
      item.compared = 0;
    }
    item.desired = desired;
    item.size = entry.size();
    item.wave = entry.wave();
    item.keep = entry.keep();
    item.sealed = entry.sealed();
    items.push_back(std::move(item));
  }
  while (old != package.items.end()) keep(std::move(*old++));
  package.looked = package.looked || package.items.empty();
  package.items = std::move(items);
  std::erase_if(package.troubles,
                [&](const auto& entry) { return package.Find(entry.first) == nullptr; });
  std::erase_if(package.ailing,
                [&](const auto& entry) { return package.Find(entry.first) == nullptr; });
  package.target = bundle;
  package.progress_since = now;
  package.plan_due = true;
}

void SettleOwners(State& state, Batch& batch) {
  std::map<Identity, std::pair<PackageState*, Item*>> leaving;
  bool arriving = false;
  for (auto& [name, package] : state.packages) {
    for (Item& item : package.items) {
      if (item.in_inventory() && !item.is_desired())
        leaving[IdentityOf(item.key)] = {&package, &item};
      arriving = arriving || (item.is_desired() && !item.in_inventory());
    }
  }
  if (!arriving) return;
  std::set<PackageState*> left;
  for (auto& [name, package] : state.packages) {
    for (Item& item : package.items) {
      if (!item.is_desired() || item.in_inventory()) continue;
      if (item.contested) package.troubles.erase(item.key);
      const auto found = leaving.find(IdentityOf(item.key));
      if (found != leaving.end()) {
        const auto [from, source] = found->second;
        MoveItem(*from, *source, package, item, batch);
        item.contested = false;
        left.insert(from);
        leaving.erase(found);
      } else {
        Contest(package, item, BetterClaim(state, package, item.key));
      }
    }
  }
  for (PackageState* package : left) {
    std::erase_if(package->items,
                  [](const Item& item) { return !item.is_desired() && !item.in_inventory(); });
  }
}

bool NeedsApply(const PackageState& package, const Item& item) {
  if (!item.is_desired() || item.contested) return false;
  if (item.written != item.desired || item.uid.empty() || item.orphaned) return true;
  return DriftModeOf(package) == pb::DRIFT_MODE_CORRECT &&
         (item.seen == Live::kMissing || item.seen == Live::kDifferent);
}

bool IsLeftover(const Item& item) {
  return item.in_inventory() && !item.is_desired() && !item.orphaned;
}

std::string ProtectedReason(const Item& item, const AgentSettings& settings) {
  const ObjectKey& key = item.key;
  if (IsProtectedKind(key.kind)) {
    return absl::StrCat("objects of kind ", key.kind,
                        " are never deleted by Muster: delete it by hand, or put it back");
  }
  const auto& kept = settings.protected_namespaces;
  if (std::find(kept.begin(), kept.end(), key.namespace_) != kept.end()) {
    return absl::StrCat("nothing in namespace ", key.namespace_,
                        " is ever deleted by Muster: delete it by hand, or put it back");
  }
  if (item.kept_live) {
    return absl::StrCat("it is annotated ", kPruneAnnotation,
                        ": never in the cluster: delete it by hand, or take the annotation off");
  }
  return "";
}

int DeletionBudget(const PackageState& package) {
  return muster::DeletionBudget(SyncOf(package), Managed(package));
}

Plan MakePlan(PackageState& package, const AgentSettings& settings, const Order& order, bool ready,
              absl::Time now) {
  Plan plan;
  const Order::Waves waves = Order::WavesOf(package, now);
  for (Item& item : package.items) {
    if (!NeedsApply(package, item)) continue;
    const bool is_new = item.written != item.desired || item.uid.empty();
    if (is_new && !ready) continue;
    if (is_new) {
      std::string obstacle = order.Obstacle(package, item, waves);
      if (!obstacle.empty()) {
        if (item.wave > waves.open) plan.next_try = std::min(plan.next_try, waves.until);
        if (plan.waiting.empty()) plan.waiting = std::move(obstacle);
        continue;
      }
    }
    const auto trouble = package.troubles.find(item.key);
    if (trouble != package.troubles.end() && trouble->second.next_try > now) {
      plan.next_try = std::min(plan.next_try, trouble->second.next_try);
      continue;
    }
    plan.apply.push_back(&item);
  }
  std::sort(plan.apply.begin(), plan.apply.end(), Earlier);
  if (ready) PlanRemovals(package, settings, now, plan);
  if (!package.removing()) {
    const std::string& name = package.desired->namespace_();
    const bool missing = package.namespace_seen == NamespaceSeen::kAbsent &&
                         DriftModeOf(package) == pb::DRIFT_MODE_CORRECT;
    const bool needed = package.namespace_seen != NamespaceSeen::kPresent && !plan.apply.empty();
    plan.create_namespace = (missing || needed) && ready && !name.empty() && name != "default" &&
                            !HasOwnNamespaceObject(package);
  }
  return plan;
}

}  // namespace muster::agent
