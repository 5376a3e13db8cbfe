// Files that a command reads by name. Blocks; one thread.
#pragma once

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"

namespace muster::cli {

// The whole file. kNotFound, kPermissionDenied, kResourceExhausted past `bytes_max`, or
// kInvalidArgument for what is no regular file; each names the path.
absl::StatusOr<std::string> ReadFile(const std::string& path, size_t bytes_max);

}  // namespace muster::cli
