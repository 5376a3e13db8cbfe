// AdmittedMark: what a hub sends at once, in the headers of a Connect stream, to an agent that it
// has let in. It has nothing else to send before Hello. A constant; any thread.
#pragma once

#include "absl/strings/string_view.h"

namespace muster {

inline constexpr absl::string_view kAdmittedMark = "muster-admitted";

}  // namespace muster
