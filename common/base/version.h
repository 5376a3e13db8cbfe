// The version of this build of hub, agent and command line, which are released together. Any
// thread.
#pragma once

#include "absl/strings/string_view.h"

namespace muster {

inline constexpr absl::string_view kVersion = "0.1.0";

}  // namespace muster
