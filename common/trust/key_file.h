// Key files: secrets on disk that only their owner may read.
//
// For PEM keys and for whatever else must not leak: written with mode 0600 in one step, and refused
// on reading when anybody else could have read them. Blocks; any thread.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace muster {

// kNotFound when there is no such file; kFailedPrecondition when it is no regular file, belongs to
// another user, or others may read or write it, with the command that mends it.
absl::StatusOr<std::string> ReadKeyFile(const std::string& path);

// As ReadKeyFile, for what a container has mounted: it may belong to root, and the group may read
// it. That is how Kubernetes shows a Secret to a pod that is not root.
absl::StatusOr<std::string> ReadMountedKeyFile(const std::string& path);

// Replaces `path` as a whole; durable on return.
absl::Status WriteKeyFile(const std::string& path, absl::string_view contents);

}  // namespace muster
