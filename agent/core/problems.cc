#include "agent/core/problems.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agent/core/diff.h"
#include "agent/core/drift.h"
#include "agent/core/health.h"
#include "common/base/limits.h"

namespace muster::agent {
namespace pb = muster::v1;
namespace {

constexpr size_t kMessageBytesMax = 500;

// At most so many bytes of a text, cut between characters.
std::string CutTo(size_t most, absl::string_view text) {
  if (text.size() <= most) return std::string(text);
  size_t end = most;
  while (end > 0 && (text[end] & 0xC0) == 0x80) --end;
  return absl::StrCat(text.substr(0, end), "...");
}

pb::HealthStatus Word(HealthWord word) {
  switch (word) {
    case HealthWord::kHealthy:
      return pb::HEALTH_STATUS_HEALTHY;
    case HealthWord::kSuspended:
      return pb::HEALTH_STATUS_SUSPENDED;
    case HealthWord::kProgressing:
      return pb::HEALTH_STATUS_PROGRESSING;
    case HealthWord::kUnknown:
      return pb::HEALTH_STATUS_UNKNOWN;
    case HealthWord::kMissing:
      return pb::HEALTH_STATUS_MISSING;
    case HealthWord::kDegraded:
      return pb::HEALTH_STATUS_DEGRADED;
  }
  return pb::HEALTH_STATUS_UNKNOWN;
}

pb::ObjectProblem::What WhatIsWrong(const State& state, const PackageState& package,
                                    const Item& item, const Trouble* trouble) {
  if (state.observe_only()) {
    if (IsLeftover(item)) return pb::ObjectProblem::WHAT_WOULD_DELETE;
    if (!item.is_desired()) return pb::ObjectProblem::WHAT_UNSPECIFIED;
    if (item.seen == Live::kMissing) return pb::ObjectProblem::WHAT_WOULD_ADD;
    if (item.seen == Live::kDifferent) return pb::ObjectProblem::WHAT_WOULD_CHANGE;
    return pb::ObjectProblem::WHAT_UNSPECIFIED;
  }
  if (trouble != nullptr && !trouble->failure.ok()) return pb::ObjectProblem::WHAT_FAILED;
  if (IsLeftover(item)) {
    // What goes, but is kept by a finalizer, says so.
    if (item.removed) {
      return item.terminating ? pb::ObjectProblem::WHAT_UNHEALTHY
                              : pb::ObjectProblem::WHAT_UNSPECIFIED;
    }
    return pb::ObjectProblem::WHAT_HELD;
  }
  if (!item.is_desired()) {
    return item.orphaned ? pb::ObjectProblem::WHAT_UNMANAGED : pb::ObjectProblem::WHAT_UNSPECIFIED;
  }
  if (DriftModeOf(package) == pb::DRIFT_MODE_IGNORE || !IsDrifted(item)) {
    const bool ails = item.health != HealthWord::kHealthy && item.health != HealthWord::kSuspended;
    return ails ? pb::ObjectProblem::WHAT_UNHEALTHY : pb::ObjectProblem::WHAT_UNSPECIFIED;
  }
  return item.seen == Live::kMissing ? pb::ObjectProblem::WHAT_MISSING
                                     : pb::ObjectProblem::WHAT_DRIFTED;
}

// Worst first; the numbers of the enum are no order.
int Badness(pb::ObjectProblem::What what) {
  switch (what) {
    case pb::ObjectProblem::WHAT_FAILED:
      return 0;
    case pb::ObjectProblem::WHAT_UNHEALTHY:
      return 1;
    case pb::ObjectProblem::WHAT_HELD:
      return 2;
    case pb::ObjectProblem::WHAT_MISSING:
      return 3;
    case pb::ObjectProblem::WHAT_DRIFTED:
      return 4;
    case pb::ObjectProblem::WHAT_WOULD_DELETE:
      return 5;
    case pb::ObjectProblem::WHAT_WOULD_CHANGE:
      return 6;
    case pb::ObjectProblem::WHAT_WOULD_ADD:
      return 7;
    default:
      return 8;
  }
}

// How the item ails. What has not got there in time is degraded, whatever it says of itself.
void TellHealth(const PackageState& package, const Item& item, absl::Time now,
                pb::ObjectProblem& problem) {
  problem.set_health(Word(item.health));
  const auto found = package.ailing.find(item.key);
  if (found == package.ailing.end()) return;
  const Ailment& ailment = found->second;
  const absl::Time since =
      ailment.health.since == absl::InfinitePast() ? ailment.seen : ailment.health.since;
  problem.set_since_ms(absl::ToUnixMillis(since));
  problem.set_message(Shortened(ailment.health.message));
  if (!IsLate(package, ailment, now)) return;
  problem.set_health(pb::HEALTH_STATUS_DEGRADED);
  problem.set_message(
      Shortened(absl::StrCat("not ready within ", absl::FormatDuration(HealthTimeoutOf(package)),
                             ailment.health.message.empty() ? "" : ": ", ailment.health.message)));
}

void TellDrift(const Trouble& trouble, absl::Time now, pb::ObjectProblem& problem) {
  for (const FieldChange& change : trouble.changes) {
    if (problem.fields_size() == limits::kFieldsPerProblemMax) break;
    problem.add_fields(Shortened(change.pointer));
    pb::FieldDifference& difference = *problem.add_differences();
    difference.set_pointer(Shortened(change.pointer));
    difference.set_live(change.live);
    difference.set_desired(change.desired);
  }
  problem.set_changed_by(trouble.changed_by);
  if (trouble.changed_at != absl::InfinitePast()) {
    problem.set_changed_ms(absl::ToUnixMillis(trouble.changed_at));
  }
  problem.set_recurring(IsRecurring(trouble, now));
}

pb::ObjectProblem Problem(const PackageState& package, const Item& item, const Trouble* trouble,
                          pb::ObjectProblem::What what, const AgentSettings& settings,
                          absl::Time now) {
  pb::ObjectProblem problem;
  problem.set_api_version(item.key.api_version);
  problem.set_kind(item.key.kind);
  problem.set_namespace_(item.key.namespace_);
  problem.set_name(item.key.name);
  problem.set_what(what);
  if (what == pb::ObjectProblem::WHAT_HELD) {
    const std::string reason = ProtectedReason(item, settings);
    problem.set_message(reason.empty() ? package.held_message : reason);
  }
  if (what == pb::ObjectProblem::WHAT_UNHEALTHY) TellHealth(package, item, now, problem);
  if (trouble == nullptr) return problem;
  if (what == pb::ObjectProblem::WHAT_FAILED) {
    problem.set_message(Shortened(trouble->failure.message()));
    for (const FieldConflict& conflict : trouble->conflicts) {
      if (problem.conflicts_size() == limits::kFieldsPerProblemMax) break;
      pb::FieldConflict& one = *problem.add_conflicts();
      one.set_manager(Shortened(conflict.manager));
      one.set_pointer(Shortened(conflict.pointer));
    }
  }
  TellDrift(*trouble, now, problem);
  if (what != pb::ObjectProblem::WHAT_UNHEALTHY && trouble->since != absl::Time())
    problem.set_since_ms(absl::ToUnixMillis(trouble->since));
  return problem;
}

// What is left of a problem when there are very many.
void Abridge(pb::ObjectProblem& problem) {
  constexpr int kFields = 1;
  constexpr size_t kBytes = 60;
  problem.clear_differences();
  problem.clear_conflicts();
  while (problem.fields_size() > kFields) problem.mutable_fields()->RemoveLast();
  for (std::string& field : *problem.mutable_fields()) field = CutTo(kBytes, field);
  problem.set_message(CutTo(kBytes, problem.message()));
  problem.set_changed_by(CutTo(kBytes, problem.changed_by()));
}

}  // namespace

std::string Shortened(absl::string_view text) { return CutTo(kMessageBytesMax, text); }

void AddProblems(const State& state, const PackageState& package, const AgentSettings& settings,
                 absl::Time now, ReportRoom& room, pb::ObservedPackage& out) {
  struct Found {
    const Item* item;
    const Trouble* trouble;
    pb::ObjectProblem::What what;
  };
  std::vector<Found> found;
  for (const Item& item : package.items) {
    const auto at =
        package.troubles.empty() ? package.troubles.end() : package.troubles.find(item.key);
    const Trouble* trouble = at == package.troubles.end() ? nullptr : &at->second;
    const pb::ObjectProblem::What what = WhatIsWrong(state, package, item, trouble);
    // A leftover that is merely about to go is no problem.
    if (what == pb::ObjectProblem::WHAT_UNSPECIFIED) continue;
    if (what == pb::ObjectProblem::WHAT_HELD && package.held_message.empty() &&
        ProtectedReason(item, settings).empty()) {
      continue;
    }
    found.push_back({&item, trouble, what});
  }
  std::stable_sort(found.begin(), found.end(), [](const Found& a, const Found& b) {
    return Badness(a.what) < Badness(b.what);
  });
  const int most = std::min(limits::kProblemObjectsPerPackageMax, room.problems);
  if (found.size() > static_cast<size_t>(most)) found.resize(most);
  room.problems -= static_cast<int>(found.size());
  for (const Found& one : found) {
    pb::ObjectProblem& problem = *out.add_problems();
    problem = Problem(package, *one.item, one.trouble, one.what, settings, now);
    const size_t bytes = problem.ByteSizeLong();
    if (bytes <= room.detail_bytes) {
      room.detail_bytes -= bytes;
    } else {
      room.detail_bytes = 0;
      Abridge(problem);
    }
  }
}

}  // namespace muster::agent
