// What people decide about a rollout.
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "hub/core/rollout/rollout.h"

namespace muster::hub {
namespace {

std::string Because(const std::string& what, const std::string& reason) {
  return reason.empty() ? what : absl::StrCat(what, ": ", reason);
}

absl::Status Unfit(absl::string_view attempt, const Rollout& rollout, absl::string_view instead) {
  return absl::FailedPreconditionError(
      absl::StrCat(attempt, ": the rollout is ", PhaseWord(rollout.phase), "; ", instead));
}

}  // namespace

absl::Status Pause(const std::string& actor, const std::string& reason, Rollout& rollout) {
  if (rollout.phase != RolloutPhase::kProgressing) {
    return Unfit("pause", rollout, "there is nothing to pause");
  }
  rollout.phase = RolloutPhase::kPaused;
  rollout.actor = actor;
  rollout.waits_for.clear();
  rollout.healthy_ms = 0;  // nobody watches the soak
  rollout.message = Because("paused", reason);
  return absl::OkStatus();
}

absl::Status Resume(Rollout& rollout) {
  if (rollout.phase != RolloutPhase::kPaused) {
    return Unfit("resume", rollout, "to begin the same release anew, run 'muster rollout retry'");
  }
  rollout.phase = RolloutPhase::kProgressing;
  rollout.actor.clear();
  rollout.healthy_ms = 0;
  rollout.message = "resumed";
  for (auto& [id, member] : rollout.members) member.excused = member.excused || member.failed;
  return absl::OkStatus();
}

absl::Status Abort(const std::string& actor, const std::string& reason, int64_t now_ms,
                   Rollout& rollout) {
  if (rollout.phase != RolloutPhase::kProgressing && rollout.phase != RolloutPhase::kPaused) {
    return Unfit("abort", rollout, "it has ended");
  }
  rollout.phase = RolloutPhase::kAborted;
  rollout.actor = actor;
  rollout.ended_ms = now_ms;
  rollout.waits_for.clear();
  rollout.message = Because("aborted", reason);
  return absl::OkStatus();
}

absl::Status RollBack(const std::string& actor, const std::string& reason, int64_t now_ms,
                      Rollout& rollout) {
  if (rollout.phase == RolloutPhase::kRolledBack) {
    return Unfit("rollback", rollout, "what was moved went back already");
  }
  bool any = false;
  for (const auto& [id, member] : rollout.members) {
    any = any || (!member.to.empty() && !member.from.empty());
  }
  if (!any) {
    return Unfit(
        "rollback", rollout,
        "it moved no cluster that had the package before; 'muster rollout abort' stops it");
  }
  rollout.phase = RolloutPhase::kRolledBack;
  rollout.actor = actor;
  rollout.ended_ms = now_ms;
  rollout.waits_for.clear();
  rollout.message = Because("rolled back", reason);
  return absl::OkStatus();
}

absl::Status Retry(int64_t now_ms, Rollout& rollout) {
  if (rollout.phase == RolloutPhase::kProgressing || rollout.phase == RolloutPhase::kComplete) {
    return Unfit("retry", rollout, "there is nothing to begin anew");
  }
  const uint64_t number = rollout.number;
  rollout = StartRollout(rollout, rollout.release, now_ms);
  rollout.number = number;
  return absl::OkStatus();
}

absl::Status Approve(RolloutApproval approval, Rollout& rollout) {
  if (rollout.phase != RolloutPhase::kProgressing || rollout.waits_for != "approval") {
    return Unfit("approve", rollout, "it waits for no approval");
  }
  if (!approval.wave.empty() && approval.wave != rollout.open) {
    return absl::FailedPreconditionError(absl::StrCat(
        "approve: the wave that waits is '", rollout.open, "', not '", approval.wave, "'"));
  }
  approval.wave = rollout.open;
  approval.after = rollout.waits_after;
  rollout.approvals.push_back(std::move(approval));
  // Until the next look finds the next gate: one approval opens one.
  rollout.waits_for.clear();
  return absl::OkStatus();
}

}  // namespace muster::hub
