// CommandTree: the commands and their flags as CLI11 has them. Built by command_tree.cc, read by
// grammar.cc; nothing else includes it. One thread.
#pragma once

#include <map>
#include <string>

#include "CLI/App.hpp"
#include "CLI/Config.hpp"
#include "CLI/Formatter.hpp"
#include "cli/grammar.h"

namespace muster::cli {

struct CommandTree {
  CommandTree();

  CLI::App app;
  GlobalFlags flags;
  Command chosen;  // set by parsing
};

}  // namespace muster::cli
