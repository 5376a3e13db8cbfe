// The commands that look at a change before it is made, and lead it through the fleet. A part of
// the command tree.
#pragma once

#include "cli/command_group.h"

namespace muster::cli {

void AddPlan(Group& looking);

// "rollout" and what belongs to it, and "rollback".
void AddRollout(CommandTree& tree, Group& changing, const char* group);

}  // namespace muster::cli
