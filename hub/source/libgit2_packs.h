// JoinPacks: keeps the number of packs in a clone small. Each fetch adds one, and a commit a minute
// is half a million a year; every look-up asks each of them.
//
// For Libgit2Source, before a fetch; nobody else writes the clone meanwhile. Readers in another
// process are not disturbed: packs that were joined go away one call later.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace muster::hub::libgit2 {

// From this many small packs on they are made into one.
inline constexpr int kSmallPacksMax = 50;

// Nothing to do is OK, as is a clone that is not there yet. No object is ever lost: what is joined
// is what the packs hold, reachable or not. Errors: the disk's.
absl::Status JoinPacks(const std::string& clone);

}  // namespace muster::hub::libgit2
