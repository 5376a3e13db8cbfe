// What people decide about rollouts, and what the journal hears of it.
#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "hub/core/journal.h"
#include "hub/core/rollouts.h"

namespace muster::hub {
namespace pb = muster::v1;
namespace {

constexpr size_t kReasonBytesMax = 1'024;

// A rollout about which somebody decides something.
struct Case {
  const pb::RolloutDecision& decision;
  const std::string& actor;
  int64_t now_ms = 0;
  Rollout& rollout;
};

struct Action {
  absl::string_view word;
  absl::string_view done;
  // It lets something move, which nothing can do without a plan.
  bool moves = false;
  absl::Status (*take)(const Case&);
};

constexpr Action kActions[] = {
    {"approve", "approved", true,
     [](const Case& one) {
       return Approve({one.decision.wave(), false, one.actor, one.now_ms, one.decision.reason()},
                      one.rollout);
     }},
    {"pause", "paused", false,
     [](const Case& one) { return Pause(one.actor, one.decision.reason(), one.rollout); }},
    {"resume", "resumed", true, [](const Case& one) { return Resume(one.rollout); }},
    {"abort", "aborted", false,
     [](const Case& one) {
       return Abort(one.actor, one.decision.reason(), one.now_ms, one.rollout);
     }},
    {"retry", "begun anew", true, [](const Case& one) { return Retry(one.now_ms, one.rollout); }},
    {"rollback", "rolled back", true,
     [](const Case& one) {
       return RollBack(one.actor, one.decision.reason(), one.now_ms, one.rollout);
     }},
};

// The first digits of a digest are no name: whoever can push can look for another release that
// begins with them.
absl::Status CheckRelease(const pb::RolloutDecision& decision, const std::string& release) {
  const std::string& action = decision.action();
  if (decision.release().empty()) {
    if (action != "approve") return absl::OkStatus();
    return absl::InvalidArgumentError(
        "approve: name the release that you looked at, with all of its digits");
  }
  if (decision.release().size() != release.size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        action, ": '", decision.release(), "' is no release: it has ", decision.release().size(),
        " of ", release.size(), " digits; see 'muster describe rollout ", decision.package(), "'"));
  }
  if (decision.release() == release) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(action, ": the release on its way is ", release,
                                                    ", not ", decision.release(),
                                                    "; look at it first"));
}

}  // namespace

absl::StatusOr<pb::RolloutAnswer> DecideRollout(Turn& turn, const pb::RolloutDecision& decision,
                                                const std::string& actor) {
  State& state = turn.state;
  const PackageName name(decision.package());
  const auto found = state.rollouts.find(name);
  const auto package = state.packages.find(name);
  if (found == state.rollouts.end() || package == state.packages.end()) {
    return absl::NotFoundError(absl::StrCat("there is no rollout of a package '",
                                            decision.package(), "'; see 'muster get rollouts'"));
  }
  const auto action =
      std::find_if(std::begin(kActions), std::end(kActions),
                   [&](const Action& one) { return one.word == decision.action(); });
  if (action == std::end(kActions)) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", decision.action(), "' is nothing to decide"));
  }
  if (decision.reason().size() > kReasonBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat(action->word, ": the reason has ",
                                                   decision.reason().size(), " of at most ",
                                                   kReasonBytesMax, " bytes; say it shorter"));
  }
  Rollout& rollout = found->second.rollout;
  const std::string release = rollout.release.hex();
  if (absl::Status status = CheckRelease(decision, release); !status.ok()) return status;
  const std::string& plan = package->second.record.spec().rollout();
  if (action->moves && PlanOf(state, plan) == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat(action->word, ": RolloutPlan '", plan,
                     "' is not declared, and without it nobody is moved; declare it first"));
  }
  const absl::Status status = action->take({decision, actor, state.now_ms(), rollout});
  if (!status.ok()) return status;
  const std::string digits = release.substr(0, 12);
  Note(turn, {.reason = "RolloutDecided",
              .subject = absl::StrCat("package/", decision.package()),
              .message = absl::StrCat("rollout ", rollout.number, " (", digits, ") ", action->done,
                                      decision.reason().empty() ? "" : ": ", decision.reason()),
              .actor = actor});
  state.marks.rollouts.insert(name);
  pb::RolloutAnswer answer;
  answer.set_message(
      absl::StrCat("rollout/", decision.package(), " ", action->done, " (", digits, ")"));
  return answer;
}

}  // namespace muster::hub
