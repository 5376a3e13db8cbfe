// RolloutPlan: the declaration, read. As declarations.h, of which it is a part. Pure; any thread.
#pragma once

#include "common/config/findings.h"
#include "proto/fleet.pb.h"

namespace muster {

// Requires: CheckStructure found nothing. Adds what is wrong with the values: no waves, two of one
// name, shares that are none.
v1::RolloutPlan ReadRolloutPlan(Findings& findings);

}  // namespace muster
