// ExitCode: what `muster` says to scripts. Documented in docs/cli.md; never renumbered.
#pragma once

namespace muster::cli {

enum class ExitCode {
  kOk = 0,
  kDiffers = 1,  // differs, not ready, not compliant
  kError = 2,    // usage, or any other error
  kTimeout = 3,
  kNotAllowed = 4,
  kUnreachable = 5,  // the hub
  kInterrupted = 130,
};

}  // namespace muster::cli
