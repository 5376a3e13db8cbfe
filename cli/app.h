// One run of `muster`: words in, exit code out. One thread.
#pragma once

#include <string>
#include <vector>

#include "cli/environment.h"

namespace muster::cli {

// Runs the command that `arguments` (without the program's name) ask for. Everything that it says
// goes through `env`; an error is told before this returns.
int RunMuster(Environment& env, const std::vector<std::string>& arguments);

}  // namespace muster::cli
