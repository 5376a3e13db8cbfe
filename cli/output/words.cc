#include "cli/output/words.h"

#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/output/document.h"
#include "cli/output/text.h"

namespace muster::cli {

Cell SyncCell(v1::SyncStatus sync) {
  const std::string word = EnumWord(*v1::SyncStatus_descriptor(), sync);
  switch (sync) {
    case v1::SYNC_STATUS_SYNCED:
      return {word, Tone::kGood};
    case v1::SYNC_STATUS_OUT_OF_SYNC:
      return {word, Tone::kBad};
    default:
      return {word, Tone::kUnknown};
  }
}

Cell HealthCell(v1::HealthStatus health) {
  const std::string word = EnumWord(*v1::HealthStatus_descriptor(), health);
  switch (health) {
    case v1::HEALTH_STATUS_HEALTHY:
      return {word, Tone::kGood};
    case v1::HEALTH_STATUS_SUSPENDED:
      return {word, Tone::kPaused};
    case v1::HEALTH_STATUS_PROGRESSING:
      return {word, Tone::kWorking};
    case v1::HEALTH_STATUS_MISSING:
    case v1::HEALTH_STATUS_DEGRADED:
      return {word, Tone::kBad};
    default:
      return {word, Tone::kUnknown};
  }
}

Cell ConnectionCell(v1::ConnectionStatus connection) {
  const std::string word = EnumWord(*v1::ConnectionStatus_descriptor(), connection);
  switch (connection) {
    case v1::CONNECTION_STATUS_CONNECTED:
      return {word, Tone::kGood};
    case v1::CONNECTION_STATUS_OFFLINE:
      return {word, Tone::kBad};
    default:
      return {word, Tone::kUnknown};
  }
}

Cell ConditionCell(v1::ConditionStatus status) {
  return {EnumWord(*v1::ConditionStatus_descriptor(), status)};
}

std::string ModeWord(v1::ClusterMode mode) {
  return mode == v1::CLUSTER_MODE_OBSERVE ? "Observe" : "Enforce";
}

std::string LabelsText(const google::protobuf::RepeatedPtrField<v1::Label>& labels) {
  if (labels.empty()) return "<none>";
  return absl::StrJoin(labels, ",", [](std::string* out, const v1::Label& label) {
    absl::StrAppend(out, label.key(), "=", label.value());
  });
}

std::string ObjectText(absl::string_view kind, absl::string_view name_space,
                       absl::string_view name) {
  return absl::StrCat(kind, " ", name_space, name_space.empty() ? "" : "/", name);
}

std::string ObjectName(absl::string_view api_version, absl::string_view kind,
                       absl::string_view name_space, absl::string_view name) {
  const size_t slash = api_version.find('/');
  const absl::string_view group =
      slash == absl::string_view::npos ? absl::string_view() : api_version.substr(0, slash);
  return absl::StrCat(kind, group.empty() ? "" : ".", group, "/", name_space,
                      name_space.empty() ? "" : "/", name);
}

char ProblemSign(v1::ObjectProblem::What what) {
  switch (what) {
    case v1::ObjectProblem::WHAT_MISSING:
    case v1::ObjectProblem::WHAT_WOULD_ADD:
      return '+';
    case v1::ObjectProblem::WHAT_DRIFTED:
    case v1::ObjectProblem::WHAT_WOULD_CHANGE:
      return '~';
    case v1::ObjectProblem::WHAT_WOULD_DELETE:
      return '-';
    case v1::ObjectProblem::WHAT_FAILED:
    case v1::ObjectProblem::WHAT_HELD:
    case v1::ObjectProblem::WHAT_UNHEALTHY:
      return '!';
    default:
      return '?';
  }
}

std::string ProblemWord(v1::ObjectProblem::What what) {
  switch (what) {
    case v1::ObjectProblem::WHAT_MISSING:
      return "missing";
    case v1::ObjectProblem::WHAT_DRIFTED:
      return "drifted";
    case v1::ObjectProblem::WHAT_FAILED:
      return "failed";
    case v1::ObjectProblem::WHAT_UNHEALTHY:
      return "unhealthy";
    case v1::ObjectProblem::WHAT_WOULD_ADD:
      return "would be added";
    case v1::ObjectProblem::WHAT_WOULD_CHANGE:
      return "would be changed";
    case v1::ObjectProblem::WHAT_WOULD_DELETE:
      return "would be deleted";
    case v1::ObjectProblem::WHAT_HELD:
      return "held";
    case v1::ObjectProblem::WHAT_UNMANAGED:
      return "unmanaged";
    default:
      return "unknown";
  }
}

std::string ProblemLine(const v1::ObjectProblem& problem, absl::Time now) {
  std::string out = ProblemWord(problem.what());
  if (problem.what() == v1::ObjectProblem::WHAT_UNHEALTHY &&
      problem.health() != v1::HEALTH_STATUS_UNSPECIFIED) {
    out = absl::AsciiStrToLower(HealthCell(problem.health()).text);
  }
  if (!problem.fields().empty()) {
    absl::StrAppend(&out, ": ", absl::StrJoin(problem.fields(), ", "));
  }
  std::vector<std::string> notes;
  if (!problem.changed_by().empty()) {
    notes.push_back(absl::StrCat(
        "changed by ", problem.changed_by(),
        problem.changed_ms() == 0 ? ""
                                  : absl::StrCat(" ", AgeOf(problem.changed_ms(), now), " ago")));
  }
  if (problem.recurring()) notes.push_back("again and again");
  if (problem.since_ms() != 0 && problem.changed_ms() == 0)
    notes.push_back(AgeOf(problem.since_ms(), now) + " ago");
  if (!notes.empty()) absl::StrAppend(&out, " (", absl::StrJoin(notes, ", "), ")");
  if (!problem.message().empty()) absl::StrAppend(&out, ": ", problem.message());
  return SafeText(out);
}

std::vector<std::string> ProblemDetails(const v1::ObjectProblem& problem) {
  std::vector<std::string> lines;
  const auto value = [](const std::string& json) { return json.empty() ? "absent" : json; };
  for (const v1::FieldDifference& difference : problem.differences()) {
    if (difference.pointer().empty()) continue;  // the whole: said already
    lines.push_back(SafeText(absl::StrCat(difference.pointer(), ": ", value(difference.live()),
                                          ", should be ", value(difference.desired()))));
  }
  for (const v1::FieldConflict& conflict : problem.conflicts()) {
    lines.push_back(SafeText(absl::StrCat(conflict.pointer(), ": owned by ", conflict.manager())));
  }
  return lines;
}

const v1::Condition* RefusalOf(const v1::RepositoryView& view) {
  for (const v1::Condition& condition : view.conditions()) {
    const bool refused = condition.status() == v1::CONDITION_STATUS_FALSE;
    if (condition.type() == "Verified" && refused) return &condition;
  }
  return nullptr;
}

}  // namespace muster::cli
