// muster sync: look at Git now instead of at the next poll.
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "cli/commands/commands.h"
#include "cli/convergence.h"
#include "cli/fetch.h"
#include "cli/follow.h"
#include "cli/output/text.h"
#include "cli/output/words.h"
#include "cli/problem.h"
#include "common/base/status_macros.h"

namespace muster::cli {
namespace {

constexpr absl::Duration kTimeout = absl::Minutes(5);

absl::StatusOr<std::map<std::string, pb::RepositoryView>> Repositories(HubClient& hub,
                                                                       const std::string& name) {
  pb::ListRequest request;
  request.set_name(name);
  ASSIGN_OR_RETURN(const Fetched<pb::RepositoryView> found,
                   Fetch<pb::RepositoryView>(hub, request));
  std::map<std::string, pb::RepositoryView> by_name;
  for (const pb::RepositoryView& view : found.items) by_name[view.name()] = view;
  return by_name;
}

// The newest commit that the hub recorded; empty when there is none.
absl::StatusOr<std::string> NewestCommit(HubClient& hub, const std::string& repository) {
  pb::ListRequest request;
  request.set_repository(repository);
  request.set_limit(1);
  ASSIGN_OR_RETURN(const Fetched<pb::CommitView> found, Fetch<pb::CommitView>(hub, request));
  return found.items.empty() ? "" : found.items.front().commit().id();
}

absl::Status PollProblem(const pb::RepositoryView& view) {
  const std::string subject = absl::StrCat("repository/", view.name());
  if (view.frozen()) {
    return ProblemStatus(
        absl::StatusCode::kFailedPrecondition,
        {.what = absl::StrCat(subject, " is frozen: its history was rewritten"),
         .why = view.message(),
         .hint = absl::StrCat("muster accept-rewrite ", view.name(), " ", view.seen_commit())});
  }
  if (const pb::Condition* refusal = RefusalOf(view)) {
    return ProblemStatus(absl::StatusCode::kFailedPrecondition,
                         {.what = absl::StrCat(subject, " does not take its newest commit"),
                          .why = refusal->message(),
                          .hint = absl::StrCat("muster describe repository ", view.name())});
  }
  return ProblemStatus(absl::StatusCode::kFailedPrecondition,
                       {.what = absl::StrCat(subject, " could not be polled"),
                        .where = view.url(),
                        .why = view.message(),
                        .hint = absl::StrCat("muster describe repository ", view.name())});
}

// Waits until each repository was polled anew. The problem of the first that could not be is in
// `problem`.
absl::Status AwaitPolls(Session& session, HubClient& hub, const std::string& name,
                        const std::map<std::string, pb::RepositoryView>& before,
                        absl::Time deadline, absl::Status& problem) {
  std::string waited_for;
  const absl::Status status = Follow(session, hub, deadline, [&]() -> absl::StatusOr<bool> {
    ASSIGN_OR_RETURN(const auto now, Repositories(hub, name));
    waited_for.clear();
    for (const auto& [key, view] : now) {
      const auto old = before.find(key);
      if (old == before.end() || view.suspended()) continue;  // polls by itself, or not at all
      if (view.frozen() || view.failures() > old->second.failures()) {
        problem = PollProblem(view);
        return true;
      }
      if (view.polled_ms() <= old->second.polled_ms()) {
        waited_for = key;
      } else if (RefusalOf(view) != nullptr) {
        problem = PollProblem(view);
        return true;
      }
    }
    return waited_for.empty();
  });
  if (!absl::IsDeadlineExceeded(status)) return status;
  return ProblemStatus(absl::StatusCode::kDeadlineExceeded,
                       {.what = absl::StrCat("repository/", waited_for, " was not polled in time"),
                        .hint = absl::StrCat("muster describe repository ", waited_for)});
}

}  // namespace

absl::StatusOr<ExitCode> Sync(Session& session, const SyncOptions& options) {
  ASSIGN_OR_RETURN(const absl::Duration timeout, session.Timeout(kTimeout));
  ASSIGN_OR_RETURN(HubClient * hub, session.Hub());
  const absl::Time deadline = session.now() + timeout;
  const std::string name(absl::StripPrefix(options.repository, "repository/"));
  const std::string attempt = name.empty() ? "sync" : absl::StrCat("sync repository/", name);

  std::map<std::string, pb::RepositoryView> before;
  if (options.wait) {
    ASSIGN_OR_RETURN(before, Repositories(*hub, name));
  }
  pb::NameRequest request;
  request.set_name(name);
  ASSIGN_OR_RETURN(const pb::DoneResponse done,
                   WithHint(Tried(attempt, hub->Sync(request)), "muster get repositories"));
  if (!options.wait) {
    session.PrintDone(done.message(), "muster wait --all");
    return ExitCode::kOk;
  }
  if (!session.flags().quiet) session.Tell(SafeText(done.message()));
  absl::Status problem;
  RETURN_IF_ERROR(AwaitPolls(session, *hub, name, before, deadline, problem));
  if (!problem.ok()) {
    session.TellProblem(problem);
    return ExitCode::kDiffers;
  }
  ConvergenceOptions goal;
  goal.timeout = deadline - session.now();
  for (const auto& [repository, view] : before) {
    ASSIGN_OR_RETURN(const std::string newest, NewestCommit(*hub, repository));
    if (!newest.empty()) goal.revisions.push_back({.repository = repository, .id = newest});
  }
  return AwaitConvergence(session, *hub, goal);
}

}  // namespace muster::cli
