// The commands for those who look for the odd one out and who want proof. A part of the command
// tree.
#pragma once

#include "cli/command_group.h"

namespace muster::cli {

void AddReview(Group& looking);

}  // namespace muster::cli
