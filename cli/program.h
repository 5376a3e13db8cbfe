// Program: runs another program and keeps what it prints. For kubectl, which knows every way to log
// in to a cluster, so that we need to know none.
//
// Blocks; any thread.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace muster::cli {

struct ProgramResult {
  int code = 0;  // of its exit; 128 + the signal that ended it
  std::string out;
  std::string err;
};

// Runs `words`, the first of which is looked for on PATH, with `input` on its stdin. kNotFound when
// there is no such program; kResourceExhausted when it prints more than is sane.
absl::StatusOr<ProgramResult> CaptureProgram(const std::vector<std::string>& words,
                                             const std::string& input);

}  // namespace muster::cli
