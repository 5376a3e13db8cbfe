// muster snowflakes: clusters that should be equal and are not, the oddest first.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/commands/commands.h"
#include "cli/output/document.h"
#include "cli/output/text.h"
#include "cli/problem.h"
#include "common/base/status_macros.h"

namespace muster::cli {
namespace {

constexpr int kClustersShown = 5;
constexpr int kDifferencesShown = 10;

std::string ClustersText(const pb::Snowflake& snowflake, bool wide) {
  std::vector<std::string> names;
  for (const pb::SnowflakeCluster& cluster : snowflake.clusters()) {
    if (!wide && static_cast<int>(names.size()) == kClustersShown) break;
    const bool heard = cluster.connection() == pb::CONNECTION_STATUS_CONNECTED;
    names.push_back(absl::StrCat(SafeText(cluster.name()), heard ? "" : " (not heard now)"));
  }
  const int more = snowflake.clusters_total() - static_cast<int>(names.size());
  return absl::StrCat(absl::StrJoin(names, ", "),
                      more > 0 ? absl::StrCat(" and ", more, " more") : "");
}

std::string ObjectText(const pb::LiveDifference& difference) {
  return SafeText(absl::StrCat(difference.kind(), " ", difference.namespace_(),
                               difference.namespace_().empty() ? "" : "/", difference.name()));
}

// "7 instead of 3"; values of Secrets are not told.
std::string ValuesText(const pb::LiveDifference& difference) {
  if (difference.here().empty() && difference.usual().empty()) return "";
  const auto text = [](const std::string& value) {
    return value.empty() ? std::string("nothing") : SafeText(value);
  };
  return absl::StrCat(": ", text(difference.here()), " instead of ", text(difference.usual()));
}

std::string WhatText(const pb::LiveDifference& difference) {
  const std::string peers = difference.here_is_git() ? " at most peers, against Git" : "";
  switch (difference.what()) {
    case pb::LiveDifference::WHAT_VERSION: {
      const auto commit = [](const std::string& text) {
        return text.empty() ? std::string("nothing") : SafeText(ShortCommit(text));
      };
      return absl::StrCat("runs ", commit(difference.here()), " instead of ",
                          commit(difference.usual()));
    }
    case pb::LiveDifference::WHAT_MISSING:
      return absl::StrCat(ObjectText(difference), "  is missing", peers);
    case pb::LiveDifference::WHAT_EXTRA:
      return absl::StrCat(ObjectText(difference), "  is not in Git, and there", peers);
    case pb::LiveDifference::WHAT_FAILED:
      return absl::StrCat(ObjectText(difference), "  could not be applied", peers);
    case pb::LiveDifference::WHAT_MORE:
      return absl::StrCat("more than is named one by one", ValuesText(difference));
    default:
      return absl::StrCat(
          ObjectText(difference), "  ",
          difference.pointer().empty() ? "the whole object" : SafeText(difference.pointer()),
          ValuesText(difference));
  }
}

// "  (kubectl-edit, 3m ago, again and again)".
std::string WhoText(const pb::LiveDifference& difference, absl::Time now) {
  std::vector<std::string> parts;
  if (!difference.changed_by().empty()) parts.push_back(SafeText(difference.changed_by()));
  const int64_t when =
      difference.changed_ms() != 0 ? difference.changed_ms() : difference.since_ms();
  if (when != 0) parts.push_back(absl::StrCat(AgeOf(when, now), " ago"));
  if (difference.recurring()) parts.push_back("again and again");
  return parts.empty() ? "" : absl::StrCat("  (", absl::StrJoin(parts, ", "), ")");
}

std::string ReasonText(const pb::Snowflake& snowflake, const Style& style) {
  switch (snowflake.reason()) {
    case pb::Snowflake::REASON_CHANGED:
      return style.Mark(Tone::kBad, "Changed");
    case pb::Snowflake::REASON_BEHIND:
      return style.Mark(Tone::kWorking, "Behind");
    default:
      return style.Mark(Tone::kPaused, "Staged");
  }
}

std::string SnowflakeText(Session& session, const pb::Snowflake& snowflake, bool wide) {
  const Style& style = session.style();
  std::string text =
      absl::StrCat("\n", ReasonText(snowflake, style), "  ", ClustersText(snowflake, wide), ": ",
                   snowflake.clusters_total(), " of ", Count(snowflake.peers(), "cluster"),
                   " with ", SafeText(snowflake.group()), "; ", snowflake.usual(), " are alike\n");
  std::string package;
  int shown = 0;
  for (const pb::LiveDifference& difference : snowflake.differences()) {
    if (!wide && shown == kDifferencesShown) break;
    ++shown;
    const std::string of = difference.package().empty() ? "no package" : difference.package();
    if (of != package) absl::StrAppend(&text, "  ", SafeText(of), "\n");
    package = of;
    absl::StrAppend(&text, "    ", WhatText(difference), WhoText(difference, session.now()), "\n");
  }
  const int more = snowflake.differences_total() - shown;
  if (more > 0) absl::StrAppend(&text, "    and ", Count(more, "more difference"), "\n");
  return text;
}

std::string SummaryText(const pb::Snowflakes& found) {
  std::string text = absl::StrCat(Count(found.clusters(), "cluster"), " compared: ", found.alike(),
                                  " as their peers, ", found.differing(), " not");
  if (found.alone() > 0) absl::StrAppend(&text, ", ", found.alone(), " without a peer");
  if (found.unheard() > 0) absl::StrAppend(&text, "; ", found.unheard(), " never reported");
  return absl::StrCat(text, "\n");
}

}  // namespace

absl::StatusOr<ExitCode> Snowflakes(Session& session, const SnowflakesOptions& options) {
  if (session.format() == Format::kName || session.format() == Format::kCsv) {
    return UsageProblem(absl::StrCat("-o ", session.flags().format, " is for lists"),
                        "snowflakes come as table, wide, json, yaml or jsonpath");
  }
  ASSIGN_OR_RETURN(HubClient * hub, session.Hub());
  pb::SnowflakesRequest request;
  request.set_selector(options.selector);
  for (const std::string& key : options.by) request.add_by(key);
  request.set_limit(options.limit);
  ASSIGN_OR_RETURN(const pb::Snowflakes found,
                   Tried("look for snowflakes", hub->GetSnowflakes(request)));
  if (IsDocument(session.format())) {
    session.PrintDocument(Typed("Snowflakes", DocumentOf(found)));
  } else {
    std::string text = SummaryText(found);
    for (const pb::Snowflake& snowflake : found.snowflakes()) {
      absl::StrAppend(&text, SnowflakeText(session, snowflake, session.format() == Format::kWide));
    }
    session.Print(text);
    const int more = found.total() - found.snowflakes_size();
    if (more > 0) session.Tell(absl::StrCat("and ", Count(more, "more snowflake")));
    if (found.snowflakes_size() > 0) {
      session.TellNext(absl::StrCat("muster describe cluster ",
                                    SafeText(found.snowflakes(0).clusters(0).name())));
    }
  }
  return found.differing() > 0 ? ExitCode::kDiffers : ExitCode::kOk;
}

}  // namespace muster::cli
