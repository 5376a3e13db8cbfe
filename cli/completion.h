// Completion: what a shell offers when Tab is pressed, with the names that the hub knows. One
// thread.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/session.h"

namespace muster::cli {

// Where in the grammar somebody presses Tab.
struct CompletionPoint {
  std::string command;                  // "get", "token create"; empty at the start
  std::vector<std::string> operands;    // typed before, flags left out
  std::string flag;                     // whose value is being typed: "--cluster"; else empty
  std::string partial;                  // what is typed so far
  std::vector<std::string> candidates;  // commands or flags that fit, from the grammar alone
};

// The words that fit. Asks the hub for names where they are due; when it does not answer at once,
// there are none: completion never fails.
std::vector<std::string> Complete(Session& session, const CompletionPoint& point);

// The script for "bash", "zsh" or "fish", to be sourced. kInvalidArgument for another shell.
absl::StatusOr<std::string> CompletionScript(const std::string& shell);

}  // namespace muster::cli
