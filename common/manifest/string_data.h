// A Secret's `stringData`, made `data` as an API server does it: it keeps `data` only, so that
// whoever owns `stringData` owns nothing there, and would not see it change. Pure; any thread.
#pragma once

#include "absl/status/status.h"
#include "common/manifest/value.h"

namespace muster {

// Moves `stringData` of a core v1 Secret into its `data`, where it wins; anything else stays as it
// is. kInvalidArgument, with `object` changed in part, for what no API server would take.
absl::Status FoldStringData(Value& object);

}  // namespace muster
