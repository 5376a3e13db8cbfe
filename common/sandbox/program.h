// RunProgram: runs one program to its end, in a sandbox of its own, and takes what it prints.
//
// For programs that work on input from outside. Such a one sees nothing of ours: no open file but
// its output, no environment but the one given, no network, and of the files only those that the
// sandbox names. It ends at its limits, and with us.
//
// Blocks. Any thread, which must live as long as the call. Requires: the caller's own sandbox lets
// it start programs (Programs::kStart), if it has one.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/sandbox/sandbox.h"

namespace muster {

struct ProgramCall {
  int program = -1;                      // an open file: what was checked is what runs
  std::vector<std::string> arguments;    // the first is its name
  std::vector<std::string> environment;  // "NAME=value"
  std::string directory;                 // that it starts in
  SandboxOptions sandbox;                // `programs` and `network` count as none; the program
                                         // must be among `executables`
  absl::Duration time_max = absl::Seconds(10);
  absl::Duration cpu_max = absl::Seconds(10);
  size_t output_bytes_max = 1u << 20;
  size_t errors_bytes_max = 64u << 10;  // more is dropped
};

struct ProgramEnd {
  enum class Cause {
    kExit,    // by itself, with `code`
    kSignal,  // killed by signal `code`; SIGKILL is what a limit of the kernel gives
    kTime,    // we ended it: it took too long
    kOutput,  // we ended it: it printed too much
  };
  Cause cause = Cause::kExit;
  int code = 0;
  std::string output;
  std::string errors;
};

// kUnavailable when it cannot be started.
absl::StatusOr<ProgramEnd> RunProgram(const ProgramCall& call);

}  // namespace muster
