// muster diff: what is not as it should be in a cluster, down to the fields.
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "cli/commands/commands.h"
#include "cli/fetch.h"
#include "cli/output/document.h"
#include "cli/output/text.h"
#include "cli/output/words.h"
#include "cli/problem.h"
#include "common/base/status_macros.h"

namespace muster::cli {
namespace {

// Whether a package is not wholly what it should be.
bool Differs(const pb::ClusterPackageView& package) {
  return package.sync() != pb::SYNC_STATUS_SYNCED || !package.problems().empty() ||
         package.drifted() > 0 || package.held() > 0 ||
         package.desired_bundle() != package.applied_bundle();
}

bool Differs(const pb::ClusterView& view) {
  if (view.sync() != pb::SYNC_STATUS_SYNCED) return true;
  if (view.applied_generation() != view.desired_generation()) return true;
  for (const pb::ClusterPackageView& package : view.packages()) {
    if (Differs(package)) return true;
  }
  return false;
}

Tone ToneOf(char sign) {
  switch (sign) {
    case '+':
      return Tone::kGood;
    case '~':
      return Tone::kUnknown;
    default:
      return Tone::kBad;
  }
}

// "package/web: 0f0f0f0 -> 1a2b3c4" and a line for each object.
std::string PackageText(const pb::ClusterPackageView& package, absl::Time now, const Style& style) {
  std::string head = absl::StrCat("package/", SafeText(package.name()), ": ");
  if (package.applied_bundle() == package.desired_bundle()) {
    absl::StrAppend(&head, ShortCommit(package.desired_commit()));
  } else {
    absl::StrAppend(&head, ShortCommit(package.applied_commit()), " -> ",
                    ShortCommit(package.desired_commit()));
  }
  if (!package.message().empty()) absl::StrAppend(&head, " (", SafeText(package.message()), ")");
  std::string out = absl::StrCat(head, "\n");
  for (const pb::ObjectProblem& problem : package.problems()) {
    const char sign = ProblemSign(problem.what());
    absl::StrAppend(&out, "  ", style.Paint(ToneOf(sign), std::string(1, sign)), " ",
                    SafeText(ObjectText(problem.kind(), problem.namespace_(), problem.name())),
                    ": ", ProblemLine(problem, now), "\n");
    for (const std::string& line : ProblemDetails(problem)) {
      absl::StrAppend(&out, "      ", line, "\n");
    }
  }
  return out;
}

std::string ClusterText(const pb::ClusterView& view, absl::Time now, const Style& style) {
  std::string out =
      absl::StrCat("cluster/", SafeText(view.name()), ": generation ", view.desired_generation(),
                   " desired, ", view.applied_generation(), " applied");
  if (view.connection() != pb::CONNECTION_STATUS_CONNECTED) {
    // What an unreachable cluster said last may no longer be so.
    absl::StrAppend(
        &out, view.last_seen_ms() == 0
                  ? "; never seen"
                  : absl::StrCat("; as last reported ", AgeOf(view.last_seen_ms(), now), " ago"));
  }
  if (!view.message().empty()) absl::StrAppend(&out, " (", SafeText(view.message()), ")");
  absl::StrAppend(&out, "\n");
  int objects = 0;
  int packages = 0;
  for (const pb::ClusterPackageView& package : view.packages()) {
    if (!Differs(package)) continue;
    ++packages;
    objects += package.problems_size();
    absl::StrAppend(&out, PackageText(package, now, style));
  }
  absl::StrAppend(&out, Count(objects, "object"), objects == 1 ? " differs" : " differ", " in ",
                  Count(packages, "package"), "\n");
  return out;
}

Value::Map DiffDocument(const pb::ClusterView& view) {
  Value::List packages;
  for (const pb::ClusterPackageView& package : view.packages()) {
    if (Differs(package)) packages.push_back(DocumentOf(package));
  }
  const Value::Map all = DocumentOf(view);
  Value::Map body;
  body.Set("cluster", view.name());
  body.Set("differs", Differs(view));
  for (absl::string_view key : {"connection", "lastSeenAt", "sync", "health", "desiredGeneration",
                                "appliedGeneration", "message"}) {
    body.Set(std::string(key), *all.Get(key));
  }
  body.Set("packages", std::move(packages));
  return body;
}

absl::StatusOr<std::vector<pb::ClusterView>> ClustersOf(HubClient& hub,
                                                        const DiffOptions& options) {
  pb::ListRequest request;
  request.set_detail(true);
  request.set_selector(options.selector);
  if (options.clusters.empty()) {
    ASSIGN_OR_RETURN(Fetched<pb::ClusterView> all, Fetch<pb::ClusterView>(hub, request));
    return std::move(all.items);
  }
  std::vector<pb::ClusterView> views;
  for (const std::string& word : options.clusters) {
    request.set_name(std::string(absl::StripPrefix(word, "cluster/")));
    ASSIGN_OR_RETURN(pb::ClusterView view, FetchOne<pb::ClusterView>(hub, request));
    views.push_back(std::move(view));
  }
  return views;
}

void PrintDocuments(Session& session, const DiffOptions& options,
                    const std::vector<pb::ClusterView>& views) {
  if (options.clusters.size() == 1) {
    session.PrintDocument(Typed("ClusterDiff", DiffDocument(views.front())));
    return;
  }
  std::vector<Value> items;
  for (const pb::ClusterView& view : views) items.push_back(DiffDocument(view));
  session.PrintDocument(ListDocument("ClusterDiff", std::move(items), ""));
}

}  // namespace

absl::StatusOr<ExitCode> Diff(Session& session, const DiffOptions& options) {
  if (options.clusters.empty() && options.selector.empty() && !options.all) {
    return UsageProblem("of which cluster?",
                        "muster diff NAME, muster diff -l env=prod, or "
                        "muster diff --all");
  }
  ASSIGN_OR_RETURN(HubClient * hub, session.Hub());
  ASSIGN_OR_RETURN(const std::vector<pb::ClusterView> views, ClustersOf(*hub, options));
  int differing = 0;
  for (const pb::ClusterView& view : views) differing += Differs(view);
  const ExitCode code = differing == 0 ? ExitCode::kOk : ExitCode::kDiffers;
  if (IsDocument(session.format())) {
    PrintDocuments(session, options, views);
    return code;
  }
  for (const pb::ClusterView& view : views) {
    if (!Differs(view)) continue;
    if (session.format() == Format::kName) {
      session.Print(absl::StrCat("cluster/", SafeText(view.name()), "\n"));
    } else {
      session.Print(ClusterText(view, session.now(), session.style()));
    }
  }
  session.Tell(absl::StrCat(differing, " of ", Count(static_cast<int64_t>(views.size()), "cluster"),
                            differing == 1 ? " differs" : " differ"));
  return code;
}

}  // namespace muster::cli
