#include "agent/core/health.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "agent/core/diff.h"
#include "agent/core/drift.h"

namespace muster::agent {
namespace pb = muster::v1;
namespace {

void CountHealth(const Item& item, Counts& counts) {
  switch (item.health) {
    case HealthWord::kHealthy:
    case HealthWord::kMissing:
      break;
    case HealthWord::kSuspended:
      ++counts.suspended;
      break;
    case HealthWord::kProgressing:
      ++counts.progressing;
      break;
    case HealthWord::kUnknown:
      ++counts.unknown;
      break;
    case HealthWord::kDegraded:
      ++counts.degraded;
      break;
  }
}

void CountWanted(const PackageState& package, const Item& item, bool observe_only, Counts& counts) {
  if (observe_only) {
    counts.would_add += item.seen == Live::kMissing;
    counts.would_change += item.seen == Live::kDifferent;
    return;
  }
  const bool written = item.written == item.desired && !item.uid.empty() && !item.orphaned;
  counts.pending += !written && !item.contested;
  if (DriftModeOf(package) != pb::DRIFT_MODE_IGNORE) {
    counts.drifted += IsDrifted(item);
    counts.missing += item.seen == Live::kMissing;
  }
}

pb::HealthStatus HealthOfObjects(const PackageState& package, const Counts& counts,
                                 absl::Time now) {
  if (counts.degraded > 0) return pb::HEALTH_STATUS_DEGRADED;
  for (const auto& [key, ailment] : package.ailing) {
    const Item* item = package.Find(key);
    if (item != nullptr && item->is_desired() && IsLate(package, ailment, now)) {
      return pb::HEALTH_STATUS_DEGRADED;
    }
  }
  if (counts.unknown > 0) return pb::HEALTH_STATUS_UNKNOWN;
  if (counts.progressing > 0) return pb::HEALTH_STATUS_PROGRESSING;
  return counts.suspended > 0 ? pb::HEALTH_STATUS_SUSPENDED : pb::HEALTH_STATUS_HEALTHY;
}

bool AppliedIsDesired(const PackageState& package) {
  return package.record.has_applied() &&
         package.record.applied().bundle_digest() == package.desired->bundle_digest();
}

}  // namespace

Counts Count(const State& state, const PackageState& package, const AgentSettings& settings) {
  Counts counts;
  for (const Item& item : package.items) {
    if (item.in_inventory()) ++(item.orphaned ? counts.unmanaged : counts.objects);
    if (item.is_desired()) {
      CountHealth(item, counts);
      CountWanted(package, item, state.observe_only(), counts);
    } else if (IsLeftover(item)) {
      ++counts.leftover;
      counts.would_delete += state.observe_only();
      counts.held += !item.removed && !state.observe_only() &&
                     (!package.held_message.empty() || !ProtectedReason(item, settings).empty());
    }
  }
  for (const auto& [key, trouble] : package.troubles) counts.failed += !trouble.failure.ok();
  counts.failed += !package.namespace_failure.ok();
  counts.failed += !package.terms_failure.ok();
  return counts;
}

pb::SyncStatus SyncOf(const State& state, const PackageState& package, const Counts& counts) {
  if (package.removing()) {
    return counts.leftover == 0 ? pb::SYNC_STATUS_SYNCED : pb::SYNC_STATUS_OUT_OF_SYNC;
  }
  if (!package.looked || !package.targets_known()) return pb::SYNC_STATUS_UNKNOWN;
  if (state.observe_only()) {
    return counts.would() == 0 ? pb::SYNC_STATUS_SYNCED : pb::SYNC_STATUS_OUT_OF_SYNC;
  }
  const bool synced = AppliedIsDesired(package) && counts.pending == 0 && counts.drifted == 0 &&
                      counts.failed == 0 && counts.leftover == 0;
  return synced ? pb::SYNC_STATUS_SYNCED : pb::SYNC_STATUS_OUT_OF_SYNC;
}

pb::HealthStatus HealthOf(const State& state, const PackageState& package, const Counts& counts,
                          absl::Time now) {
  if (package.removing()) return pb::HEALTH_STATUS_HEALTHY;
  if (state.desired.suspended() || package.desired->suspended() ||
      !state.suspended_locally.empty()) {
    return pb::HEALTH_STATUS_SUSPENDED;
  }
  if (counts.failed > 0) return pb::HEALTH_STATUS_DEGRADED;
  if (!package.looked || !package.targets_known()) return pb::HEALTH_STATUS_UNKNOWN;
  if (state.observe_only()) {
    return counts.would_add > 0 ? pb::HEALTH_STATUS_MISSING : HealthOfObjects(package, counts, now);
  }
  if (counts.pending > 0) {
    const bool late =
        package.waiting_for.empty() && now - package.progress_since > HealthTimeoutOf(package);
    if (late || counts.degraded > 0) return pb::HEALTH_STATUS_DEGRADED;
    return pb::HEALTH_STATUS_PROGRESSING;
  }
  return std::max(HealthOfObjects(package, counts, now),
                  counts.missing > 0 ? pb::HEALTH_STATUS_MISSING : pb::HEALTH_STATUS_HEALTHY);
}

bool IsLate(const PackageState& package, const Ailment& ailment, absl::Time now) {
  if (ailment.health.word != HealthWord::kProgressing) return false;
  return now - std::max(ailment.seen, package.progress_since) > HealthTimeoutOf(package);
}

bool IsWhole(const PackageState& package, const Counts& counts) {
  return !package.removing() && package.targets_known() && package.looked && counts.pending == 0 &&
         counts.failed == 0 && counts.leftover == 0;
}

std::string WaitsFor(const State& state, const PackageState& package, const AgentSettings& settings,
                     absl::Time now) {
  std::string names;
  if (package.removing()) {  // What others needed goes after them.
    for (const auto& [name, other] : state.packages) {
      if (!other.removing() || &other == &package) continue;
      const auto& needs = other.record.removed().depends_on();
      const bool needed = std::find(needs.begin(), needs.end(), package.name) != needs.end();
      if (!needed || Count(state, other, settings).leftover == 0) continue;
      absl::StrAppend(&names, names.empty() ? "" : ", ", name);
    }
    return names;
  }
  for (const std::string& name : package.desired->depends_on()) {
    const auto found = state.packages.find(name);
    bool ready = false;
    if (found != state.packages.end() && !found->second.removing()) {
      const PackageState& other = found->second;
      const Counts counts = Count(state, other, settings);
      // An object that is suspended on purpose, a CronJob say, holds nobody up.
      ready = AppliedIsDesired(other) && !other.desired->suspended() &&
              HealthOf(state, other, counts, now) <= pb::HEALTH_STATUS_SUSPENDED;
    }
    if (!ready) absl::StrAppend(&names, names.empty() ? "" : ", ", name);
  }
  return names;
}

}  // namespace muster::agent
