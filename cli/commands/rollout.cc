// muster rollout: how a release goes through its waves, and what people decide about it.
#include "cli/commands/rollout.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "cli/commands/commands.h"
#include "cli/commands/printing.h"
#include "cli/fetch.h"
#include "cli/follow.h"
#include "cli/output/text.h"
#include "cli/problem.h"
#include "common/base/status_macros.h"

namespace muster::cli {
namespace {

constexpr int kNamesShown = 20;

template <typename Names>
std::string NamesText(const Names& names) {
  std::vector<std::string> shown;
  for (const std::string& name : names) {
    if (static_cast<int>(shown.size()) == kNamesShown) break;
    shown.push_back(SafeText(name));
  }
  const int more = static_cast<int>(names.size()) - static_cast<int>(shown.size());
  return absl::StrCat(absl::StrJoin(shown, ", "),
                      more > 0 ? absl::StrCat(" and ", more, " more") : "");
}

std::string NextOf(const pb::RolloutView& view) {
  if (view.waits_for() == "approval") {
    // All digits: others may begin with the same.
    return absl::StrCat("muster rollout approve ", view.package(), " --release ",
                        absl::BytesToHexString(view.release()));
  }
  if (view.phase() == "Paused") return absl::StrCat("muster rollout resume ", view.package());
  if (view.phase() == "Aborted" || view.phase() == "RolledBack") {
    return absl::StrCat("muster rollout retry ", view.package());
  }
  return "";
}

std::string Text(Session& session, const pb::RolloutView& view) {
  std::string text;
  const auto line = [&](absl::string_view label, absl::string_view value) {
    absl::StrAppendFormat(&text, "%-14s %s\n", absl::StrCat(label, ":"), SafeText(value));
  };
  line("Package", view.package());
  line("Plan", view.plan());
  line("Rollout", absl::StrCat(view.number()));
  line("Release", view.release().empty() ? "<none>" : absl::BytesToHexString(view.release()));
  line("Commit", absl::StrCat(view.repository(), "@", ShortCommit(view.commit())));
  line("Phase",
       view.actor().empty() ? view.phase() : absl::StrCat(view.phase(), ", by ", view.actor()));
  line("Message", OrNone(view.message()));
  if (!view.waits_for().empty()) line("Waits for", view.waits_for());
  line("Started", absl::StrCat(AgeOf(view.started_ms(), session.now()), " ago"));
  if (view.ended_ms() > 0)
    line("Ended", absl::StrCat(AgeOf(view.ended_ms(), session.now()), " ago"));
  if (view.queued()) line("Queued", "a newer release waits until this one has ended");
  if (view.failed_size() > 0) line("Failed", NamesText(view.failed()));
  if (view.in_no_wave_size() > 0) {
    line("In no wave", absl::StrCat(NamesText(view.in_no_wave()), "; never moved"));
  }
  for (const pb::RolloutApprovalRecord& approval : view.approvals()) {
    line("Approved",
         absl::StrCat(approval.after() ? "behind '" : "'", approval.wave(), "' by ", approval.by(),
                      " ", AgeOf(approval.at_ms(), session.now()), " ago",
                      approval.reason().empty() ? "" : ": ", approval.reason()));
  }
  const std::vector<pb::RolloutWaveView> waves(view.waves().begin(), view.waves().end());
  if (!waves.empty()) {
    absl::StrAppend(
        &text, "Waves:\n",
        TableText(TableOf(waves, session.now()), {.wide = true, .indent = 2}, session.style()));
  }
  return text;
}

absl::StatusOr<pb::RolloutView> FetchRollout(HubClient& hub, const std::string& package) {
  pb::ListRequest request;
  request.set_name(package);
  return FetchOne<pb::RolloutView>(hub, request);
}

void Show(Session& session, const pb::RolloutView& view) {
  if (IsDocument(session.format())) {
    PrintOne(session, view);
  } else {
    session.Print(Text(session, view));
  }
}

}  // namespace

absl::StatusOr<pb::RolloutView> DescribeRollout(Session& session, HubClient& hub,
                                                const std::string& package) {
  ASSIGN_OR_RETURN(pb::RolloutView view, FetchRollout(hub, package));
  Show(session, view);
  if (!IsDocument(session.format())) session.TellNext(NextOf(view));
  return view;
}

absl::StatusOr<ExitCode> RolloutStatus(Session& session, const RolloutStatusOptions& options) {
  ASSIGN_OR_RETURN(HubClient * hub, session.Hub());
  if (!options.watch) {
    ASSIGN_OR_RETURN(const pb::RolloutView view, DescribeRollout(session, *hub, options.package));
    return view.phase() == "Complete" ? ExitCode::kOk : ExitCode::kDiffers;
  }
  absl::Time deadline = absl::InfiniteFuture();
  if (!session.flags().timeout.empty()) {
    ASSIGN_OR_RETURN(const absl::Duration timeout, session.Timeout(absl::InfiniteDuration()));
    deadline = session.now() + timeout;
  }
  std::string shown;
  pb::RolloutView last;
  RETURN_IF_ERROR(Follow(session, *hub, deadline, [&]() -> absl::StatusOr<bool> {
    ASSIGN_OR_RETURN(last, FetchRollout(*hub, options.package));
    const std::string content = last.SerializeAsString();
    if (content != shown) Show(session, last);
    shown = content;
    // It goes on by itself only while it progresses.
    return last.phase() != "Progressing";
  }));
  return last.phase() == "Complete" ? ExitCode::kOk : ExitCode::kDiffers;
}

absl::StatusOr<ExitCode> DecideRollout(Session& session, const RolloutDecisionOptions& options) {
  ASSIGN_OR_RETURN(HubClient * hub, session.Hub());
  pb::RolloutDecision decision;
  decision.set_package(options.package);
  decision.set_action(options.action);
  decision.set_release(options.release);
  decision.set_wave(options.wave);
  decision.set_reason(options.reason);
  const std::string attempt = absl::StrCat(options.action, " rollout/", options.package);
  if (options.action == "approve" && options.release.empty()) {
    // What is approved is what stands there now; should it be another by then, the hub refuses.
    ASSIGN_OR_RETURN(const pb::RolloutView view, FetchRollout(*hub, options.package));
    decision.set_release(absl::BytesToHexString(view.release()));
  }
  ASSIGN_OR_RETURN(const pb::RolloutAnswer answer, Tried(attempt, hub->DecideRollout(decision)));
  session.PrintDone(answer.message(), absl::StrCat("muster rollout status ", options.package));
  return ExitCode::kOk;
}

}  // namespace muster::cli
