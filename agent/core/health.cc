#include "agent/core/health.h"

#include "absl/strings/str_cat.h"
#include "agent/core/diff.h"
#include "agent/core/drift.h"

namespace muster::agent {
namespace pb = muster::v1;
namespace {

constexpr absl::Duration kHealthTimeout = absl::Minutes(5);

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
      CountWanted(package, item, state.observe_only(), counts);
    } else if (IsLeftover(item)) {
      ++counts.leftover;
      counts.would_delete += state.observe_only();
      counts.held +=
          !item.removed && !state.observe_only() &&
          (!package.held_message.empty() || !ProtectedReason(item.key, settings).empty());
    }
  }
  for (const auto& [key, trouble] : package.troubles) counts.failed += !trouble.failure.ok();
  counts.failed += !package.namespace_failure.ok();
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
  if (state.desired.suspended() || package.desired->suspended()) return pb::HEALTH_STATUS_SUSPENDED;
  if (counts.failed > 0) return pb::HEALTH_STATUS_DEGRADED;
  if (!package.looked || !package.targets_known()) return pb::HEALTH_STATUS_UNKNOWN;
  if (state.observe_only()) {
    return counts.would_add > 0 ? pb::HEALTH_STATUS_MISSING : pb::HEALTH_STATUS_HEALTHY;
  }
  if (counts.pending > 0) {
    const absl::Duration timeout = package.desired->health_timeout_ms() > 0
                                       ? absl::Milliseconds(package.desired->health_timeout_ms())
                                       : kHealthTimeout;
    const bool late = package.waiting_for.empty() && now - package.progress_since > timeout;
    return late ? pb::HEALTH_STATUS_DEGRADED : pb::HEALTH_STATUS_PROGRESSING;
  }
  return counts.missing > 0 ? pb::HEALTH_STATUS_MISSING : pb::HEALTH_STATUS_HEALTHY;
}

bool IsWhole(const PackageState& package, const Counts& counts) {
  return !package.removing() && package.targets_known() && package.looked && counts.pending == 0 &&
         counts.failed == 0 && counts.leftover == 0;
}

std::string WaitsFor(const State& state, const PackageState& package, const AgentSettings& settings,
                     absl::Time now) {
  std::string names;
  if (package.removing()) return names;
  for (const std::string& name : package.desired->depends_on()) {
    const auto found = state.packages.find(name);
    bool ready = false;
    if (found != state.packages.end() && !found->second.removing()) {
      const PackageState& other = found->second;
      const Counts counts = Count(state, other, settings);
      ready = AppliedIsDesired(other) &&
              HealthOf(state, other, counts, now) == pb::HEALTH_STATUS_HEALTHY;
    }
    if (!ready) absl::StrAppend(&names, names.empty() ? "" : ", ", name);
  }
  return names;
}

}  // namespace muster::agent
