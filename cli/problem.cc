#include "cli/problem.h"

#include <string>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "cli/output/document.h"
#include "cli/output/text.h"
#include "common/base/check.h"
#include "common/base/suggest.h"

namespace muster::cli {
namespace {

constexpr absl::string_view kPayload = "muster.dev/problem";
constexpr char kSeparator = '\x1f';

std::string WithoutSeparator(absl::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c == kSeparator) c = ' ';
  }
  return result;
}

// "  why: first\n       second": further lines stand below the first.
void AppendLine(absl::string_view label, absl::string_view text, std::string& out) {
  if (text.empty()) return;
  const std::string indent(label.size() + 4, ' ');
  std::vector<std::string> lines;
  for (absl::string_view line : absl::StrSplit(text, '\n')) lines.push_back(SafeText(line));
  absl::StrAppend(&out, "  ", label, ": ", absl::StrJoin(lines, absl::StrCat("\n", indent)), "\n");
}

}  // namespace

absl::Status ProblemStatus(absl::StatusCode code, const Problem& problem) {
  CHECK(code != absl::StatusCode::kOk);
  absl::Status status(
      code, problem.why.empty() ? problem.what : absl::StrCat(problem.what, ": ", problem.why));
  status.SetPayload(kPayload, absl::Cord(absl::StrJoin(
                                  {WithoutSeparator(problem.what), WithoutSeparator(problem.where),
                                   WithoutSeparator(problem.why), WithoutSeparator(problem.hint)},
                                  std::string(1, kSeparator))));
  return status;
}

absl::Status UsageProblem(absl::string_view what, absl::string_view hint) {
  return ProblemStatus(absl::StatusCode::kInvalidArgument,
                       {.what = std::string(what), .hint = std::string(hint)});
}

Problem ProblemOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kPayload);
  if (!payload.has_value()) return {.what = std::string(status.message())};
  const std::vector<std::string> fields = absl::StrSplit(std::string(*payload), kSeparator);
  CHECK_EQ(fields.size(), 4u);
  return {.what = fields[0], .where = fields[1], .why = fields[2], .hint = fields[3]};
}

absl::Status Tried(absl::string_view attempt, const absl::Status& status) {
  if (status.ok() || status.GetPayload(kPayload).has_value()) return status;
  return ProblemStatus(status.code(), {.what = absl::StrCat("cannot ", attempt),
                                       .why = std::string(status.message())});
}

absl::Status WithWhere(const absl::Status& status, absl::string_view where) {
  if (status.ok()) return status;
  Problem problem = ProblemOf(status);
  if (problem.where.empty()) problem.where = std::string(where);
  return ProblemStatus(status.code(), problem);
}

absl::Status WithHint(const absl::Status& status, absl::string_view hint) {
  if (status.ok()) return status;
  Problem problem = ProblemOf(status);
  if (problem.hint.empty()) problem.hint = std::string(hint);
  return ProblemStatus(status.code(), problem);
}

std::string Suggestion(absl::string_view typed, const std::vector<std::string>& known) {
  return DidYouMean(typed, std::vector<absl::string_view>(known.begin(), known.end()));
}

ExitCode ExitCodeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return ExitCode::kOk;
    case absl::StatusCode::kDeadlineExceeded:
      return ExitCode::kTimeout;
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
      return ExitCode::kNotAllowed;
    case absl::StatusCode::kUnavailable:
      return ExitCode::kUnreachable;
    case absl::StatusCode::kCancelled:
      return ExitCode::kInterrupted;
    default:
      return ExitCode::kError;
  }
}

std::string ProblemText(const absl::Status& status) {
  const Problem problem = ProblemOf(status);
  std::string out = absl::StrCat("error: ", SafeText(problem.what), "\n");
  AppendLine("where", problem.where, out);
  AppendLine("why", problem.why, out);
  AppendLine("hint", problem.hint, out);
  return out;
}

std::string ProblemJson(const absl::Status& status) {
  const Problem problem = ProblemOf(status);
  Value::Map error;
  error.Set("exitCode", static_cast<int>(ExitCodeOf(status)));
  error.Set("code", absl::StatusCodeToString(status.code()));
  error.Set("what", problem.what);
  error.Set("where", problem.where);
  error.Set("why", problem.why);
  error.Set("hint", problem.hint);
  return JsonText(Typed("Error", std::move(error)));
}

}  // namespace muster::cli
