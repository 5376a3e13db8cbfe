// Operators: what people and CI ask for. Each command is answered once, after it is durable.
//
// Pure; the core's thread.
#pragma once

#include "hub/core/state.h"

namespace muster::hub {

void OnOperatorAsked(Turn& turn, const OperatorAsked& event);

}  // namespace muster::hub
