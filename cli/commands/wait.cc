// muster wait: until clusters, packages or a commit have arrived.
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/commands/commands.h"
#include "cli/convergence.h"
#include "cli/problem.h"
#include "cli/subject.h"
#include "common/base/status_macros.h"

namespace muster::cli {
namespace {

constexpr absl::Duration kTimeout = absl::Minutes(5);
constexpr size_t kRevisionMin = 7;

absl::StatusOr<Goal> ParseGoal(const std::string& word) {
  if (word == "synced") return Goal::kSynced;
  if (word == "applied") return Goal::kApplied;
  if (word == "connected") return Goal::kConnected;
  return UsageProblem(absl::StrCat("--for '", word, "' is no goal",
                                   Suggestion(word, {"synced", "applied", "connected"})),
                      "one of: synced (applied and healthy), applied, connected");
}

absl::Status TakeSubjects(const std::vector<std::string>& words, ConvergenceOptions& goal) {
  if (words.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::vector<Subject> subjects,
                   ParseSubjects(words, {Kind::kCluster, Kind::kPackage, Kind::kCommit}));
  for (const Subject& subject : subjects) {
    if (subject.kind == Kind::kCluster) {
      goal.clusters.push_back(subject.name);
      continue;
    }
    if (subject.kind == Kind::kCommit) {
      goal.revisions.push_back({.repository = "", .id = subject.name});
      continue;
    }
    if (!goal.package.empty() && goal.package != subject.name) {
      return UsageProblem("wait looks at one package at a time", "run it once for each");
    }
    goal.package = subject.name;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ExitCode> Wait(Session& session, const WaitOptions& options) {
  ConvergenceOptions goal;
  ASSIGN_OR_RETURN(goal.goal, ParseGoal(options.goal));
  ASSIGN_OR_RETURN(goal.timeout, session.Timeout(kTimeout));
  goal.selector = options.selector;
  if (!options.revision.empty()) {
    goal.revisions.push_back({.repository = "", .id = options.revision});
  }
  goal.declared_too = options.all;
  goal.fail_fast = options.fail_fast;
  RETURN_IF_ERROR(TakeSubjects(options.words, goal));
  if (options.words.empty() && options.selector.empty() && options.revision.empty() &&
      !options.all) {
    return UsageProblem("wait for what?",
                        "muster wait cluster/NAME, package/NAME, commit/ID, -l env=prod, or --all");
  }
  if (options.all && !goal.clusters.empty()) {
    return UsageProblem("--all and clusters by name exclude each other", "leave one out");
  }
  for (const Revision& revision : goal.revisions) {
    if (revision.id.size() >= kRevisionMin) continue;
    return UsageProblem(absl::StrCat("'", revision.id, "' is too short for a commit"),
                        "give at least 7 digits");
  }
  ASSIGN_OR_RETURN(HubClient * hub, session.Hub());
  return AwaitConvergence(session, *hub, goal);
}

}  // namespace muster::cli
