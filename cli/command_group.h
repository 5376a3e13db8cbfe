// CommandGroup: how commands get into the tree. For the files that make the tree (command_tree.cc,
// rollout_commands.cc); one thread.
#pragma once

#include <memory>
#include <string>

#include "cli/command_tree.h"

namespace muster::cli {

// Adds the commands of one group to the tree.
class Group {
 public:
  Group(CommandTree& tree, CLI::App& parent, const char* name)
      : tree_(tree), parent_(parent), name_(name) {}

  // A command that, when typed, runs `run(session, *options)`.
  template <typename Options, typename Run>
  CLI::App* Add(const std::string& name, const std::string& what, const std::string& example,
                const std::shared_ptr<Options>& options, Run run) {
    CLI::App* command = parent_.add_subcommand(name, what);
    command->group(name_);
    command->footer("Example:\n  " + example + "\n\nFlags of every command: muster --help");
    command->callback([&tree = tree_, options, run] {
      tree.chosen = [options, run](Session& session) { return run(session, *options); };
    });
    return command;
  }

 private:
  CommandTree& tree_;
  CLI::App& parent_;
  const char* name_;
};

inline CLI::App* AddParent(CommandTree& tree, const char* group, const std::string& name,
                           const std::string& what) {
  CLI::App* parent = tree.app.add_subcommand(name, what);
  parent->group(group);
  parent->require_subcommand(1);
  return parent;
}

}  // namespace muster::cli
