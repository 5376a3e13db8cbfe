// Grammar: what may be typed after `muster`, and what it means. The only place that knows CLI11.
//
// Parsing has no effect: it gives the command to run, so that a typing mistake is found before
// anything is asked of a hub. One thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/completion.h"
#include "cli/exit_code.h"
#include "cli/session.h"

namespace muster::cli {

// A command with its options, ready to run.
using Command = std::function<absl::StatusOr<ExitCode>(Session&)>;

struct CommandTree;

class Grammar {
 public:
  Grammar();
  ~Grammar();
  Grammar(const Grammar&) = delete;
  Grammar& operator=(const Grammar&) = delete;

  // Reads `arguments` (without the program's name). Asking for help is a command too. Returns
  // kInvalidArgument for what makes no sense, with a suggestion where there is one. Call once; the
  // grammar must outlive the command.
  absl::StatusOr<Command> Parse(const std::vector<std::string>& arguments);

  // The flags of every command, once parsed.
  const GlobalFlags& flags() const;

  // What the last of `words`, which is being typed, may become.
  CompletionPoint PointOf(const std::vector<std::string>& words) const;

  // Every command as it is typed, hidden ones left out: "get", "token create", ...
  std::vector<std::string> Commands() const;

 private:
  std::unique_ptr<CommandTree> tree_;
};

}  // namespace muster::cli
