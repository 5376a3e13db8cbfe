// Files that a command reads by name. Blocks; one thread.
#pragma once

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "common/render/file_tree.h"

namespace muster::cli {

// The whole file. kNotFound, kResourceExhausted past `bytes_max`, or kInvalidArgument for what
// cannot be read; each names the path.
absl::StatusOr<std::string> ReadFile(const std::string& path, size_t bytes_max);

// The files at and below `path` in the working tree `root`, named from `root`; as the hub reads
// them from a commit: without .git, and without following symbolic links. kNotFound when `root` is
// no directory; a `path` that is not there gives an empty tree. kResourceExhausted for a limit.
absl::StatusOr<FileTree> ReadTree(const std::string& root, const std::string& path);

}  // namespace muster::cli
