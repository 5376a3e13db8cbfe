// Landlock (Linux 5.13 and later): which files a process may still touch. Raw system calls, because
// Debian 12 has no library for it. For sandbox.cc.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace muster {

struct LandlockRules {
  std::vector<std::string> readable;
  std::vector<std::string> writable;
  std::vector<std::string> executable;  // files that may be run; must exist
  bool may_listen = false;
};

// Returns the version that the kernel enforces; zero when it has none and nothing is enforced.
// Requires: no new privileges (prctl) was set.
absl::StatusOr<int> EnforceLandlock(const LandlockRules& rules);

}  // namespace muster
