// Problem: an error as people and scripts see it, carried through the program inside an
// absl::Status, so that RETURN_IF_ERROR and ASSIGN_OR_RETURN work everywhere.
//
//   error: cannot list clusters
//     where: hub 127.0.0.1:8443 (context default)
//     why: connection refused
//     hint: is the hub running? see: muster doctor
//
// The status' code decides the exit code. Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cli/exit_code.h"

namespace muster::cli {

struct Problem {
  std::string what;   // what failed: "cannot list clusters"
  std::string where;  // on what, or where the text at fault stands; may be empty
  std::string why;    // the cause; may be empty when `what` says it
  std::string hint;   // a command or an action; may be empty
};

// A status that carries `problem`.
absl::Status ProblemStatus(absl::StatusCode code, const Problem& problem);

// A mistake in what was typed. Exit code 2.
absl::Status UsageProblem(absl::string_view what, absl::string_view hint);

// What `status` carries. A plain status' message becomes `what`.
Problem ProblemOf(const absl::Status& status);

// Says what was attempted ("list clusters") when `status` is a plain error: its message becomes
// the cause. A status that carries a problem already stays as it is.
absl::Status Tried(absl::string_view attempt, const absl::Status& status);

template <typename T>
absl::StatusOr<T> Tried(absl::string_view attempt, absl::StatusOr<T> result) {
  if (result.ok()) return result;
  return Tried(attempt, result.status());
}

// Fills `where` or `hint` when it is empty.
absl::Status WithWhere(const absl::Status& status, absl::string_view where);
absl::Status WithHint(const absl::Status& status, absl::string_view hint);

template <typename T>
absl::StatusOr<T> WithHint(absl::StatusOr<T> result, absl::string_view hint) {
  if (result.ok()) return result;
  return WithHint(result.status(), hint);
}

// "; did you mean 'get'?", or nothing when none of the known words is near.
std::string Suggestion(absl::string_view typed, const std::vector<std::string>& known);

// Requires: !status.ok().
ExitCode ExitCodeOf(const absl::Status& status);

// The lines above, with what came from outside made harmless for a terminal.
std::string ProblemText(const absl::Status& status);

// The same as one JSON document: {"apiVersion", "kind": "Error", "code", "what", ...}.
std::string ProblemJson(const absl::Status& status);

}  // namespace muster::cli
