#include "agent/core/state.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "agent/health/rules.h"
#include "common/base/check.h"
#include "common/base/status_macros.h"

namespace muster::agent {
namespace pb = muster::v1;
namespace {

constexpr absl::string_view kAcceptedKey = "accepted";
constexpr absl::string_view kBundlesKey = "bundles";
constexpr absl::string_view kPackagePrefix = "package/";
constexpr absl::string_view kInventoryPrefix = "inventory/";

std::string PackageKey(const PackageState& package) {
  return absl::StrCat(kPackagePrefix, package.name);
}

std::string ItemKey(const PackageState& package, const Item& item) {
  return absl::StrCat(kInventoryPrefix, package.name, "/", item.key.text());
}

absl::Status Unreadable(absl::string_view key, absl::string_view why) {
  return absl::DataLossError(absl::StrCat("read record '", key, "' of the agent's store: ", why));
}

absl::StatusOr<Digest> DigestIn(const std::string& key, absl::string_view bytes) {
  absl::StatusOr<Digest> digest = Digest::FromBytes(bytes);
  if (!digest.ok()) return Unreadable(key, "a digest is not 32 bytes long");
  return digest;
}

absl::Status LoadItem(const Record& record, State& state) {
  absl::string_view rest = absl::StripPrefix(record.key, kInventoryPrefix);
  const size_t slash = rest.find('/');
  pb::InventoryEntry entry;
  if (slash == absl::string_view::npos || !entry.ParseFromString(record.value)) {
    return Unreadable(record.key, "not an inventory entry");
  }
  Item item;
  item.key = KeyOf(entry.entry());
  ASSIGN_OR_RETURN(item.written, DigestIn(record.key, entry.entry().digest()));
  item.live = item.written;
  if (!entry.live_digest().empty()) {
    ASSIGN_OR_RETURN(item.live, DigestIn(record.key, entry.live_digest()));
  }
  item.uid = entry.uid();
  item.size = entry.entry().size();
  item.wave = entry.entry().wave();
  item.keep = entry.entry().keep();
  item.sealed = entry.entry().sealed();
  item.orphaned = entry.orphaned();
  PackageState& package = state.packages[std::string(rest.substr(0, slash))];
  package.items.push_back(std::move(item));
  return absl::OkStatus();
}

absl::Status LoadRecord(const Record& record, State& state) {
  if (absl::StartsWith(record.key, kInventoryPrefix)) return LoadItem(record, state);
  if (absl::StartsWith(record.key, kPackagePrefix)) {
    const std::string name(absl::StripPrefix(record.key, kPackagePrefix));
    if (!state.packages[name].record.ParseFromString(record.value)) {
      return Unreadable(record.key, "not a package record");
    }
    return absl::OkStatus();
  }
  if (record.key == kAcceptedKey) {
    if (!state.accepted.ParseFromString(record.value) ||
        !state.desired.ParseFromString(state.accepted.envelope().payload())) {
      return Unreadable(record.key, "not an accepted desired state");
    }
    return absl::OkStatus();
  }
  if (record.key == kBundlesKey) {
    pb::AgentBundlesRecord bundles;
    if (!bundles.ParseFromString(record.value)) return Unreadable(record.key, "not a bundle list");
    for (const std::string& bytes : bundles.digests()) {
      ASSIGN_OR_RETURN(const Digest digest, DigestIn(record.key, bytes));
      state.bundles.push_back(digest);
    }
    return absl::OkStatus();
  }
  return Unreadable(record.key, "unknown record");
}

// After a restart: a package whose bundle was wholly applied has exactly its inventory, so that its
// manifest need not be read again. Requires: the accepted state was wholly applied; a package alone
// may have gone on to another bundle and come halfway back.
void RestoreTarget(PackageState& package) {
  const pb::DesiredPackage& desired = *package.desired;
  if (package.record.applied().bundle_digest() != desired.bundle_digest()) return;
  size_t managed = 0;
  for (const Item& item : package.items) managed += !item.orphaned;
  const absl::StatusOr<Digest> bundle = Digest::FromBytes(desired.bundle_digest());
  if (!bundle.ok() || managed != desired.object_count()) return;
  package.target = *bundle;
  for (Item& item : package.items) {
    if (!item.orphaned) item.desired = item.written;
  }
}

constexpr absl::Duration kHealthTimeout = absl::Minutes(5);

// What the package says of its objects, in the form that drivers take.
void MakeTerms(PackageState& package) {
  static const pb::DesiredPackage kNothing;
  const pb::DesiredPackage& says = !package.removing()            ? *package.desired
                                   : package.record.has_removed() ? package.record.removed()
                                                                  : kNothing;
  auto terms = std::make_shared<Terms>();
  terms->service_account = says.service_account();
  package.terms_failure = absl::OkStatus();
  if (says.health_rules_size() > 0) {
    const std::vector<pb::HealthRule> rules(says.health_rules().begin(), says.health_rules().end());
    absl::StatusOr<HealthRules> made = HealthRules::Make(rules);
    package.terms_failure = made.status();
    if (made.ok()) terms->health = std::make_shared<const HealthRules>(*std::move(made));
  }
  package.terms = std::move(terms);
}

bool SaysTheSame(const pb::DesiredPackage& a, const pb::DesiredPackage& b) {
  return a.service_account() == b.service_account() &&
         std::equal(a.health_rules().begin(), a.health_rules().end(), b.health_rules().begin(),
                    b.health_rules().end(), [](const pb::HealthRule& x, const pb::HealthRule& y) {
                      return x.SerializeAsString() == y.SerializeAsString();
                    });
}

}  // namespace

bool NoteHealth(PackageState& package, Item& item, const ObjectHealth& health, absl::Time now) {
  const HealthWord before = std::exchange(item.health, health.word);
  if (health.word == HealthWord::kHealthy) {
    if (before != health.word) package.ailing.erase(item.key);
    return before != health.word;
  }
  Ailment& known = package.ailing[item.key];
  if (before != health.word) known.seen = now;
  known.health = health;
  return before != health.word;
}

void Revive(Item& item) {
  if (!item.removed) return;
  item.removed = false;
  item.uid.clear();
}

Item* PackageState::Find(const ObjectKey& key) {
  const auto found =
      std::lower_bound(items.begin(), items.end(), key,
                       [](const Item& item, const ObjectKey& k) { return item.key < k; });
  return found != items.end() && found->key == key ? &*found : nullptr;
}

const Item* PackageState::Find(const ObjectKey& key) const {
  return const_cast<PackageState*>(this)->Find(key);
}

absl::Time EffectiveTime(const State& state, absl::Time now) {
  return std::max(now, absl::FromUnixMillis(state.accepted.time_high_ms()));
}

pb::DriftMode DriftModeOf(const PackageState& package) {
  if (package.removing()) return pb::DRIFT_MODE_IGNORE;
  const pb::DriftMode mode = package.desired->sync().drift();
  return mode == pb::DRIFT_MODE_UNSPECIFIED ? pb::DRIFT_MODE_CORRECT : mode;
}

std::vector<std::string> IgnoredPaths(const PackageState& package, const ObjectKey& key) {
  std::vector<std::string> paths;
  if (package.removing()) return paths;
  for (const pb::IgnoreRule& rule : package.desired->sync().ignore()) {
    if (!rule.kind().empty() && rule.kind() != key.kind) continue;
    if (!rule.name().empty() && rule.name() != key.name) continue;
    paths.insert(paths.end(), rule.paths().begin(), rule.paths().end());
  }
  return paths;
}

absl::Duration HealthTimeoutOf(const PackageState& package) {
  const int64_t ms = package.removing() ? package.record.removed().health_timeout_ms()
                                        : package.desired->health_timeout_ms();
  return ms > 0 ? absl::Milliseconds(ms) : kHealthTimeout;
}

AdoptRule AdoptRuleOf(const PackageState& package) {
  if (package.removing()) return AdoptRule::kNever;
  switch (package.desired->sync().adopt()) {
    case pb::ADOPT_MODE_NEVER:
      return AdoptRule::kNever;
    case pb::ADOPT_MODE_ALWAYS:
      return AdoptRule::kAlways;
    default:
      return AdoptRule::kIfEqual;
  }
}

ObjectKey NamespaceKey(const std::string& name) {
  return ObjectKey{.api_version = "v1", .kind = "Namespace", .namespace_ = "", .name = name};
}

absl::StatusOr<State> LoadState(const std::vector<Record>& records) {
  State state;
  for (const Record& record : records) RETURN_IF_ERROR(LoadRecord(record, state));
  for (auto& [name, package] : state.packages) {
    package.name = name;
    std::sort(package.items.begin(), package.items.end(),
              [](const Item& a, const Item& b) { return a.key < b.key; });
  }
  Batch unused;  // What the records say of removal was written when the state was accepted.
  AssignPackages(state, unused);
  for (auto& [name, package] : state.packages) {
    if (package.removing()) MakeTerms(package);
    if (!package.removing() && state.accepted.applied()) RestoreTarget(package);
  }
  return state;
}

void AssignPackages(State& state, Batch& batch) {
  std::map<std::string, const pb::DesiredPackage*> wanted;
  for (const pb::DesiredPackage& desired : state.desired.packages()) {
    wanted[desired.name()] = &desired;
  }
  for (auto& [name, package] : state.packages) {
    if (wanted.contains(name)) continue;
    package.plan_due = true;
    if (package.removing()) continue;
    *package.record.mutable_removed() = *package.desired;
    package.record.set_removing(true);
    package.desired.reset();
    package.target = Digest();
    for (Item& item : package.items) item.desired = Digest();
    // What was never written has nothing to be removed.
    std::erase_if(package.items, [](const Item& item) { return !item.in_inventory(); });
    package.troubles.clear();
    package.ailing.clear();
    MakeTerms(package);
    PutPackage(package, batch);
  }
  for (const auto& [name, desired] : wanted) {
    PackageState& package = state.packages[name];
    package.name = name;
    if (package.record.removing()) {
      package.record.set_removing(false);
      package.record.clear_removed();
      PutPackage(package, batch);
    }
    const bool new_terms = package.removing() || !SaysTheSame(*package.desired, *desired);
    // What was compared under other rules is compared again.
    if (package.removing() ||
        package.desired->sync().SerializeAsString() != desired->sync().SerializeAsString()) {
      for (Item& item : package.items) item.compared = 0;
    }
    package.desired = *desired;
    if (new_terms) MakeTerms(package);
    package.plan_due = true;
  }
}

void PutAccepted(const State& state, Batch& batch) {
  batch.MarkEssential();
  batch.Put(kAcceptedKey, state.accepted.SerializeAsString());
}

void PutBundles(const State& state, Batch& batch) {
  pb::AgentBundlesRecord record;
  for (const Digest& digest : state.bundles) record.add_digests(digest.bytes());
  batch.MarkEssential();
  batch.Put(kBundlesKey, record.SerializeAsString());
}

void PutPackage(const PackageState& package, Batch& batch) {
  batch.MarkEssential();
  batch.Put(PackageKey(package), package.record.SerializeAsString());
}

void DropPackage(const PackageState& package, Batch& batch) {
  batch.MarkEssential();
  batch.Delete(PackageKey(package));
}

void PutItem(const PackageState& package, const Item& item, Batch& batch) {
  CHECK(item.in_inventory()) << item.key.text();
  pb::InventoryEntry record;
  pb::ManifestEntry& entry = *record.mutable_entry();
  entry.set_api_version(item.key.api_version);
  entry.set_kind(item.key.kind);
  entry.set_namespace_(item.key.namespace_);
  entry.set_name(item.key.name);
  entry.set_digest(item.written.bytes());
  entry.set_size(item.size);
  entry.set_wave(item.wave);
  entry.set_keep(item.keep);
  entry.set_sealed(item.sealed);
  record.set_uid(item.uid);
  record.set_orphaned(item.orphaned);
  if (item.live != item.written) record.set_live_digest(item.live.bytes());
  batch.MarkEssential();
  batch.Put(ItemKey(package, item), record.SerializeAsString());
}

void DropItem(const PackageState& package, const Item& item, Batch& batch) {
  batch.MarkEssential();
  batch.Delete(ItemKey(package, item));
}

}  // namespace muster::agent
