#include "agent/core/report.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agent/core/diff.h"
#include "agent/core/drift.h"
#include "agent/core/health.h"
#include "agent/core/problems.h"
#include "common/base/limits.h"

namespace muster::agent {
namespace pb = muster::v1;
namespace {

constexpr absl::Duration kProgressDelay = absl::Seconds(1);
constexpr absl::Duration kDetailPause = absl::Seconds(5);
constexpr absl::Duration kResendAfter = absl::Seconds(30);

// Of receipts in one message.
constexpr size_t kReceiptBytesMax = 256u << 10;

pb::Condition MakeCondition(absl::string_view type, pb::ConditionStatus status,
                            absl::string_view reason, absl::string_view message) {
  pb::Condition condition;
  condition.set_type(std::string(type));
  condition.set_status(status);
  condition.set_reason(std::string(reason));
  condition.set_message(Shortened(message));
  return condition;
}

// Sorts, and keeps the time of those whose status did not change.
template <typename Repeated>
void SetConditions(std::vector<pb::Condition> conditions, const Repeated* before, absl::Time now,
                   Repeated* out) {
  std::sort(conditions.begin(), conditions.end(),
            [](const auto& a, const auto& b) { return a.type() < b.type(); });
  for (pb::Condition& condition : conditions) {
    condition.set_since_ms(absl::ToUnixMillis(now));
    if (before != nullptr) {
      for (const pb::Condition& old : *before) {
        if (old.type() == condition.type() && old.status() == condition.status()) {
          condition.set_since_ms(old.since_ms());
        }
      }
    }
    *out->Add() = std::move(condition);
  }
}

// ---------------------------------------------------------------- packages

// The first object that is degraded or took too long, with what it says; empty when there is none.
std::string WorstOf(const PackageState& package, absl::Time now) {
  for (const auto& [key, ailment] : package.ailing) {
    const bool late = IsLate(package, ailment, now);
    if (!late && ailment.health.word != HealthWord::kDegraded) continue;
    return absl::StrCat(Describe(key), late ? " did not get ready in time" : "",
                        ailment.health.message.empty() ? "" : ": ", ailment.health.message);
  }
  return "";
}

// The first object of which nothing is known, likewise: it may not or cannot be read.
std::string UnknownOf(const PackageState& package) {
  for (const auto& [key, ailment] : package.ailing) {
    if (ailment.health.word != HealthWord::kUnknown) continue;
    return absl::StrCat(Describe(key), ": ", ailment.health.message);
  }
  return "";
}

std::vector<pb::Condition> PackageConditions(const PackageState& package, const Counts& counts,
                                             absl::Time now) {
  std::vector<pb::Condition> conditions;
  std::string fight;
  std::string failure;
  for (const auto& [key, trouble] : package.troubles) {
    if (fight.empty() && IsRecurring(trouble, now)) fight = Describe(key);
    if (failure.empty() && !trouble.failure.ok()) {
      failure = absl::StrCat(Describe(key), ": ", trouble.failure.message());
    }
  }
  if (failure.empty()) failure = std::string(package.namespace_failure.message());
  if (failure.empty()) failure = std::string(package.terms_failure.message());
  const auto is = [&](absl::string_view type, absl::string_view reason, absl::string_view message) {
    conditions.push_back(MakeCondition(type, pb::CONDITION_STATUS_TRUE, reason, message));
  };
  if (!fight.empty()) {
    is("DriftDetected", "RecurringDrift",
       absl::StrCat(fight, " was changed ", kDriftRecurs,
                    " times or more within the hour: find who else writes it; ",
                    package.last_healed));
  } else if (counts.drifted > 0) {
    is("DriftDetected", "Drifted",
       absl::StrCat(counts.drifted, " objects were changed or deleted by somebody"));
  } else if (!package.last_healed.empty()) {
    conditions.push_back(
        MakeCondition("DriftDetected", pb::CONDITION_STATUS_FALSE, "Healed", package.last_healed));
  }
  if (!failure.empty()) {
    is("Failed", "ObjectsFailed", absl::StrCat(counts.failed, " failed; ", failure));
  }
  if (counts.held > 0) {
    is("Held", package.held_message.empty() ? "ProtectedKind" : "DeletionBudget",
       package.held_message.empty()
           ? absl::StrCat(counts.held, " objects of protected kinds are left in place")
           : package.held_message);
  }
  if (!package.removing() && package.desired->suspended()) {
    is("Suspended", "PackageSuspended", "left exactly as it is until it is resumed");
  }
  if (!package.waiting_for.empty()) {
    is("Waiting", "DependencyNotReady", absl::StrCat("waits for ", package.waiting_for));
  } else if (!package.waiting_objects.empty()) {
    is("Waiting", "ObjectNotReady", package.waiting_objects);
  }
  if (const std::string worst = WorstOf(package, now); !worst.empty()) {
    is("Unhealthy", "ObjectsDegraded", worst);
  }
  if (const std::string unknown = UnknownOf(package); !unknown.empty()) {
    is("HealthUnknown", "ObjectsUnknown", absl::StrCat(counts.unknown, " unknown; ", unknown));
  }
  return conditions;
}

// Those that were never ours; orphans are listed with their packages.
void AddUnmanaged(const State& state, pb::ObservedState& out) {
  out.set_unmanaged(out.unmanaged() + static_cast<uint32_t>(state.unmanaged.count));
  for (const ObjectKey& key : state.unmanaged.keys) {
    pb::UnmanagedObject& one = *out.add_unmanaged_objects();
    one.set_api_version(key.api_version);
    one.set_kind(key.kind);
    one.set_namespace_(key.namespace_);
    one.set_name(key.name);
  }
}

// All but its conditions.
void ObservePackage(const State& state, const PackageState& package, const Counts& counts,
                    const AgentSettings& settings, absl::Time now, ReportRoom& room,
                    pb::ObservedPackage& one) {
  one.set_name(package.name);
  one.set_bundle_digest(package.record.applied().bundle_digest());
  const bool current = !package.removing() &&
                       package.record.applied().bundle_digest() == package.desired->bundle_digest();
  if (!current) one.set_commit(package.record.applied().source().commit());
  if (!package.removing()) one.set_attempted_digest(package.desired->bundle_digest());
  one.set_sync(SyncOf(state, package, counts));
  one.set_health(HealthOf(state, package, counts, now));
  one.set_objects(counts.objects);
  one.set_drifted(counts.drifted);
  one.set_failed(counts.failed);
  one.set_held(counts.held);
  one.set_unhealthy(counts.unhealthy());
  one.set_drift_healed(package.record.drift_healed());
  one.set_applied_ms(package.record.applied_ms());
  if (counts.failed + counts.held + counts.missing + counts.drifted + counts.would() +
          counts.unmanaged + counts.unhealthy() + counts.leftover >
      0) {
    AddProblems(state, package, settings, now, room, one);
  }
}

const pb::ObservedPackage* Find(const pb::ObservedState& state, const std::string& name) {
  for (const pb::ObservedPackage& package : state.packages()) {
    if (package.name() == name) return &package;
  }
  return nullptr;
}

}  // namespace

pb::ObservedState Observe(const State& state, const AgentSettings& settings,
                          const Situation& situation, const pb::ObservedState& before,
                          absl::Time now) {
  pb::ObservedState out;
  out.set_recovery(state.accepted.recovery());
  out.set_generation(state.accepted.generation());
  out.set_desired_digest(state.accepted.payload_digest());
  out.set_mode(state.observe_only() ? pb::CLUSTER_MODE_OBSERVE : pb::CLUSTER_MODE_ENFORCE);
  pb::SyncStatus sync = state.has_accepted() ? pb::SYNC_STATUS_SYNCED : pb::SYNC_STATUS_UNKNOWN;
  pb::HealthStatus health =
      state.has_accepted() ? pb::HEALTH_STATUS_HEALTHY : pb::HEALTH_STATUS_UNKNOWN;
  ReportRoom room;
  for (const auto& [name, package] : state.packages) {
    const Counts counts = Count(state, package, settings);
    pb::ObservedPackage& one = *out.add_packages();
    ObservePackage(state, package, counts, settings, now, room, one);
    const pb::ObservedPackage* old = Find(before, name);
    SetConditions(PackageConditions(package, counts, now),
                  old == nullptr ? nullptr : &old->conditions(), now, one.mutable_conditions());
    out.set_unmanaged(out.unmanaged() + counts.unmanaged);
    sync = std::max(sync, one.sync());
    health = std::max(health, one.health());
  }
  std::vector<pb::Condition> conditions;
  if (!situation.accepted.type().empty()) {
    conditions.push_back(situation.accepted);
    conditions.back().set_message(Shortened(situation.accepted.message()));
    // A refused replay of something older changes nothing about what should be here.
    const std::string& reason = situation.accepted.reason();
    if (situation.accepted.status() == pb::CONDITION_STATUS_FALSE &&
        reason != kReasonOlderGeneration && reason != kReasonOlderRecovery) {
      sync = pb::SYNC_STATUS_OUT_OF_SYNC;
    }
  }
  if (!situation.look_failure.ok()) {
    conditions.push_back(MakeCondition("ClusterReachable", pb::CONDITION_STATUS_FALSE, "ListFailed",
                                       situation.look_failure.message()));
    sync = std::max(sync, pb::SYNC_STATUS_UNKNOWN);
    health = std::max(health, pb::HEALTH_STATUS_UNKNOWN);
  }
  if (state.desired.suspended()) {
    conditions.push_back(MakeCondition("Suspended", pb::CONDITION_STATUS_TRUE, "ClusterSuspended",
                                       "left exactly as it is until it is resumed"));
    health = std::max(health, pb::HEALTH_STATUS_SUSPENDED);
  }
  if (!state.suspended_locally.empty()) {
    out.set_suspended_locally(Shortened(state.suspended_locally));
    conditions.push_back(
        MakeCondition("SuspendedLocally", pb::CONDITION_STATUS_TRUE, "Annotated",
                      absl::StrCat("suspended in the cluster itself: ", state.suspended_locally,
                                   "; take the annotation off to resume")));
    health = std::max(health, pb::HEALTH_STATUS_SUSPENDED);
  }
  AddUnmanaged(state, out);
  SetConditions(std::move(conditions), &before.conditions(), now, out.mutable_conditions());
  out.set_sync(sync);
  out.set_health(health);
  return out;
}

std::string MakeReceipt(const State& state, absl::Time now) {
  pb::ApplyReceipt receipt;
  receipt.set_hub_id(state.desired.hub_id());
  receipt.set_cluster_id(state.desired.cluster_id());
  receipt.set_recovery(state.accepted.recovery());
  receipt.set_generation(state.accepted.generation());
  receipt.set_desired_digest(state.accepted.payload_digest());
  for (const pb::DesiredPackage& package : state.desired.packages()) {
    pb::ReceiptPackage& one = *receipt.add_packages();
    one.set_name(package.name());
    one.set_bundle_digest(package.bundle_digest());
    one.set_commit(package.source().commit());
  }
  receipt.set_applied_ms(absl::ToUnixMillis(now));
  receipt.set_previous_digest(state.accepted.last_receipt_digest());
  return receipt.SerializeAsString();
}

// ---------------------------------------------------------------- sending

void Reporter::OnLinkUp(Outbox& outbox) {
  OnLinkDown();
  pb::Hello hello;
  hello.set_agent_version(settings_.agent_version);
  hello.set_driver(settings_.driver);
  hello.set_recovery(state_.accepted.recovery());
  hello.set_generation(state_.accepted.generation());
  hello.set_desired_digest(state_.accepted.payload_digest());
  if (!acked_.empty()) hello.set_observed_digest(acked_.bytes());
  hello.set_kubernetes_version(settings_.kubernetes_version);
  hello.set_recipient(settings_.recipient);
  outbox.sends.emplace_back(std::move(hello));
}

void Reporter::OnLinkDown() {
  welcomed_ = false;
  wanted_ = false;
  receipts_due_ = absl::InfiniteFuture();
  // What was acknowledged need not be said again; what was only sent may be lost.
  sent_ = acked_;
  sent_gist_ = Digest();
  next_heartbeat_ = absl::InfiniteFuture();
}

void Reporter::OnWelcomed(const pb::Welcome& welcome, absl::Time now) {
  welcomed_ = true;
  heartbeat_interval_ =
      std::max(absl::Milliseconds(welcome.heartbeat_interval_ms()), absl::Milliseconds(100));
  if (welcome.heartbeat_interval_ms() == 0) heartbeat_interval_ = limits::kHeartbeatInterval;
  next_heartbeat_ = now + heartbeat_interval_;
  if (!state_.accepted.pending_receipts().empty()) OnReceipt(now);
}

void Reporter::OnAcked(const ReportAcked& event, absl::Time now) {
  if (event.number != 0 && event.number >= sent_number_) acked_ = sent_;
  if (event.receipt.empty()) return;
  auto& pending = *state_.accepted.mutable_pending_receipts();
  for (int i = 0; i < pending.size(); ++i) {
    if (Digest::Of(pending[i]).view() != event.receipt) continue;
    // Gone from the disk with the next write of the record; sent twice, they do no harm.
    pending.DeleteSubrange(0, i + 1);
    receipts_due_ = pending.empty() ? absl::InfiniteFuture() : now;
    return;
  }
}

void Reporter::OnReceipt(absl::Time now) {
  const int64_t spread_ms = absl::ToInt64Milliseconds(settings_.receipt_spread);
  const absl::Duration wait =
      absl::Milliseconds(spread_ms / 4 + random_.Below(std::max<int64_t>(spread_ms * 3 / 4, 1)));
  receipts_due_ = std::min(receipts_due_, now + wait);
}

void Reporter::Touch(absl::Time now) { touched_at_ = std::min(touched_at_, now); }

void Reporter::Refresh(bool settled, const Situation& situation, absl::Time now) {
  if (touched_at_ == absl::InfiniteFuture()) return;
  if (!settled && !wanted_ && now < touched_at_ + kProgressDelay) return;
  const absl::Time touched = std::exchange(touched_at_, absl::InfiniteFuture());
  pb::ObservedState fresh = Observe(state_, settings_, situation, observed_, now);
  const Digest content = Digest::Of(fresh.SerializeAsString());
  if (content == content_) return;
  content_ = content;
  fresh.set_observed_ms(absl::ToUnixMillis(now));
  observed_ = fresh;
  const bool told = digest_ == sent_;
  digest_ = Digest::Of(observed_.SerializeAsString());
  for (pb::ObservedPackage& package : *fresh.mutable_packages()) {
    for (pb::ObjectProblem& problem : *package.mutable_problems()) problem.clear_message();
    for (pb::Condition& condition : *package.mutable_conditions()) condition.clear_message();
    package.clear_unhealthy();
  }
  fresh.clear_observed_ms();
  const Digest gist = Digest::Of(fresh.SerializeAsString());
  // Of many details in a row, the time of the first that was not told counts.
  if (gist != gist_ || told) changed_at_ = touched;
  gist_ = gist;
}

bool Reporter::SendDue(bool settled, absl::Time now) const {
  if (!welcomed_ || digest_.empty()) return false;
  if (wanted_) return true;
  if (digest_ != sent_) {
    if (gist_ == sent_gist_) return now >= changed_at_ + kDetailPause;
    return settled || now >= changed_at_ + kProgressDelay;
  }
  return sent_ != acked_ && now >= sent_at_ + kResendAfter;
}

void Reporter::Send(absl::Time now, Outbox& outbox) {
  pb::Report report;
  report.set_number(++sent_number_);
  *report.mutable_state() = observed_;
  outbox.sends.emplace_back(std::move(report));
  wanted_ = false;
  sent_ = digest_;
  sent_gist_ = gist_;
  sent_at_ = now;
}

void Reporter::SendReceiptsIfDue(absl::Time now, Outbox& outbox) {
  if (!welcomed_ || now < receipts_due_) return;
  receipts_due_ = now + kResendAfter;
  SendReceipts send;
  size_t bytes = 0;
  for (const std::string& payload : state_.accepted.pending_receipts()) {
    bytes += payload.size();
    if (!send.payloads.empty() && bytes > kReceiptBytesMax) break;  // the rest after these
    send.payloads.push_back(payload);
  }
  if (!send.payloads.empty()) outbox.sends.emplace_back(std::move(send));
}

void Reporter::Advance(bool settled, absl::Time now, Outbox& outbox) {
  settled_ = settled;
  if (SendDue(settled, now)) {
    Send(now, outbox);
    // A report is a sign of life.
    next_heartbeat_ = now + heartbeat_interval_;
  }
  SendReceiptsIfDue(now, outbox);
  if (welcomed_ && now >= next_heartbeat_) {
    pb::Heartbeat heartbeat;
    heartbeat.set_generation(state_.accepted.generation());
    heartbeat.set_observed_digest(digest_.bytes());
    outbox.sends.emplace_back(std::move(heartbeat));
    next_heartbeat_ = now + heartbeat_interval_;
  }
}

absl::Time Reporter::NextWake() const {
  const absl::Time look = touched_at_ + kProgressDelay;
  if (!welcomed_) return look;
  absl::Time wake = std::min({look, next_heartbeat_, receipts_due_});
  if (digest_ != sent_) {
    wake = std::min(wake, changed_at_ + (gist_ == sent_gist_ ? kDetailPause : kProgressDelay));
  }
  if (sent_ != acked_) wake = std::min(wake, sent_at_ + kResendAfter);
  return wake;
}

}  // namespace muster::agent
