#include "cli/verdict.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "cli/output/words.h"

namespace muster::cli {
namespace {

Verdict Reached() { return {Verdict::State::kReached, ""}; }
Verdict Waiting(std::string reason) { return {Verdict::State::kWaiting, std::move(reason)}; }
Verdict Failed(std::string reason) { return {Verdict::State::kFailed, std::move(reason)}; }

// "OutOfSync, Progressing, generation 3 of 4: the cause".
std::string Summary(v1::SyncStatus sync, v1::HealthStatus health, absl::string_view rest,
                    absl::string_view message) {
  return absl::StrCat(SyncCell(sync).text, ", ", HealthCell(health).text, rest,
                      message.empty() ? "" : ": ", message);
}

// Suspended workloads are as healthy as they were meant to be.
bool IsWell(v1::HealthStatus health) {
  return health == v1::HEALTH_STATUS_HEALTHY || health == v1::HEALTH_STATUS_SUSPENDED;
}

bool IsFatal(v1::ObjectProblem::What what) {
  return what == v1::ObjectProblem::WHAT_FAILED || what == v1::ObjectProblem::WHAT_HELD;
}

// Whether the package's problems speak of the bundle that is desired now.
bool SpeaksOfDesired(const v1::ClusterPackageView& package) {
  const std::string& spoken =
      package.attempted_bundle().empty() ? package.applied_bundle() : package.attempted_bundle();
  return spoken == package.desired_bundle();
}

// Why the package will not get there by itself; empty when it may.
std::string FailureOf(const v1::ClusterPackageView& package) {
  if (package.suspended() && package.sync() != v1::SYNC_STATUS_SYNCED) {
    return absl::StrCat("package/", package.name(), " is suspended: muster resume package ",
                        package.name());
  }
  if (!SpeaksOfDesired(package)) return "";
  for (const v1::ObjectProblem& problem : package.problems()) {
    if (!IsFatal(problem.what())) continue;
    return absl::StrCat("package/", package.name(), ": ",
                        ObjectText(problem.kind(), problem.namespace_(), problem.name()), " ",
                        ProblemWord(problem.what()), problem.message().empty() ? "" : ": ",
                        problem.message());
  }
  if (package.health() == v1::HEALTH_STATUS_DEGRADED) {
    return absl::StrCat("package/", package.name(), " is Degraded",
                        package.message().empty() ? "" : ": ", package.message());
  }
  return "";
}

// Why the cluster's state of membership decides already; kReached when it does not.
Verdict JudgeMembership(const v1::ClusterView& view) {
  if (view.state() == "Revoked") return Failed("it is revoked");
  if (view.state() == "Pending") {
    return Waiting(absl::StrCat("it waits for: muster accept ", view.name()));
  }
  if (view.state() == "Declared") return Waiting("it has not joined");
  return Reached();
}

// Refusals that the agent reports for the cluster as a whole.
std::string RefusalOf(const v1::ClusterView& view) {
  for (const v1::Condition& condition : view.conditions()) {
    if (condition.type() == "Accepted" && condition.status() == v1::CONDITION_STATUS_FALSE) {
      return absl::StrCat("the agent refuses the desired state: ", condition.message());
    }
  }
  return "";
}

// What is suspended stays as it is, however long one waits for it; kReached when it is not
// suspended.
Verdict JudgeSuspension(const v1::ClusterView& view) {
  if (view.suspended()) {
    return Failed(absl::StrCat("it is suspended: muster resume cluster ", view.name()));
  }
  if (!view.suspended_locally().empty()) {
    return Failed(
        absl::StrCat("it is suspended in the cluster itself: ", view.suspended_locally()));
  }
  return Reached();
}

Verdict JudgeConnection(const v1::ClusterView& view) {
  if (view.connection() == v1::CONNECTION_STATUS_CONNECTED) return Reached();
  return Waiting(absl::StrCat("it is ", ConnectionCell(view.connection()).text));
}

}  // namespace

Verdict JudgeCluster(const v1::ClusterView& view, Goal goal) {
  const Verdict membership = JudgeMembership(view);
  if (membership.state != Verdict::State::kReached) return membership;
  if (goal == Goal::kConnected) return JudgeConnection(view);
  const bool applied = view.applied_generation() == view.desired_generation();
  const bool synced = applied && view.sync() == v1::SYNC_STATUS_SYNCED;
  if (applied && goal == Goal::kApplied) return Reached();
  const Verdict suspension = JudgeSuspension(view);
  if (suspension.state != Verdict::State::kReached) return suspension;
  if (synced && IsWell(view.health())) return Reached();
  const std::string refusal = RefusalOf(view);
  if (!refusal.empty()) return Failed(refusal);
  for (const v1::ClusterPackageView& package : view.packages()) {
    const std::string failure = FailureOf(package);
    if (!failure.empty()) return Failed(failure);
  }
  const std::string generations = applied ? ""
                                          : absl::StrCat(", generation ", view.applied_generation(),
                                                         " of ", view.desired_generation());
  const std::string offline = view.connection() == v1::CONNECTION_STATUS_CONNECTED
                                  ? ""
                                  : absl::StrCat(", ", ConnectionCell(view.connection()).text);
  return Waiting(
      Summary(view.sync(), view.health(), absl::StrCat(generations, offline), view.message()));
}

Verdict JudgePackage(const v1::ClusterView& view, absl::string_view name, Goal goal) {
  const Verdict membership = JudgeMembership(view);
  if (membership.state != Verdict::State::kReached) return membership;
  if (goal == Goal::kConnected) return JudgeConnection(view);
  for (const v1::ClusterPackageView& package : view.packages()) {
    if (package.name() != name) continue;
    const bool applied = package.applied_bundle() == package.desired_bundle();
    if (applied && goal == Goal::kApplied) return Reached();
    const Verdict suspension = JudgeSuspension(view);
    if (suspension.state != Verdict::State::kReached) return suspension;
    if (package.suspended()) {
      return Failed(absl::StrCat("it is suspended: muster resume package ", name));
    }
    const bool synced = applied && package.sync() == v1::SYNC_STATUS_SYNCED;
    if (synced && IsWell(package.health())) return Reached();
    const std::string failure = FailureOf(package);
    if (!failure.empty()) return Failed(failure);
    return Waiting(Summary(package.sync(), package.health(), "", package.message()));
  }
  return Waiting(absl::StrCat("it has no package '", name, "'"));
}

}  // namespace muster::cli
