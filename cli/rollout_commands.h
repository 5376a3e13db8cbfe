// The commands that look at a change before it is made, and lead it through the fleet. A part of
// the command tree.
#pragma once

#include "cli/command_group.h"

namespace muster::cli {

void AddPlan(Group& looking);

}  // namespace muster::cli
