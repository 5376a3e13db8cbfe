// muster plan: what a commit, or a working tree, would change in the fleet.
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/commands/commands.h"
#include "cli/local_plan.h"
#include "cli/output/document.h"
#include "cli/output/plan_text.h"
#include "cli/problem.h"
#include "common/base/status_macros.h"
#include "common/plan/fleet_plan.h"

namespace muster::cli {
namespace {

// A fetch, and a fleet that was never rendered.
constexpr absl::Duration kTimeout = absl::Minutes(5);

absl::StatusOr<pb::FleetPlan> MakePlan(Session& session, const PlanOptions& options) {
  ASSIGN_OR_RETURN(HubClient * hub, session.Hub());
  const std::string attempt = absl::StrCat("plan repository/", options.repository);
  if (options.local.empty()) {
    ASSIGN_OR_RETURN(const absl::Duration timeout, session.Timeout(kTimeout));
    pb::PlanRequest request;
    request.set_repository(options.repository);
    request.set_revision(options.revision);
    return Tried(attempt, hub->Plan(request, timeout));
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<HelmDoor> helm,
                   Tried(attempt, FindHelm(options.helm, session.env().Variable("PATH"))));
  return Tried(attempt, PlanWorkingTree(*hub, options.repository, options.local, helm.get()));
}

}  // namespace

absl::StatusOr<ExitCode> Plan(Session& session, const PlanOptions& options) {
  if (options.revision.empty() == options.local.empty()) {
    return UsageProblem("say either --revision or --local",
                        "muster plan --repository apps --revision my-branch");
  }
  if (session.format() == Format::kName || session.format() == Format::kCsv) {
    return UsageProblem(absl::StrCat("-o ", session.flags().format, " is for lists"),
                        "a plan comes as table, wide, json, yaml, jsonpath or markdown");
  }
  ASSIGN_OR_RETURN(const pb::FleetPlan plan, MakePlan(session, options));
  if (IsDocument(session.format())) {
    session.PrintDocument(Typed("FleetPlan", DocumentOf(plan)));
  } else if (session.format() == Format::kMarkdown) {
    session.Print(PlanMarkdown(plan));
  } else {
    session.Print(PlanText(plan, session.style(), session.format() == Format::kWide));
  }
  if (plan.failed() > 0) return ExitCode::kError;
  return Changes(plan) ? ExitCode::kDiffers : ExitCode::kOk;
}

}  // namespace muster::cli
