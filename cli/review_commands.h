// The commands for those who look for the odd one out and who want proof. A part of the command
// tree.
#pragma once

#include "cli/command_group.h"

namespace muster::cli {

// "snowflakes".
void AddReview(Group& looking);

// "audit" and what belongs to it.
void AddAudit(CommandTree& tree, const char* group);

}  // namespace muster::cli
