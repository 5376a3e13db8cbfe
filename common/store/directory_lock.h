// DirectoryLock: one process owns a data directory. The kernel gives the lock back when the process
// ends, however it ends, so no stale lock needs a person. Any thread.
#pragma once

#include <string>
#include <utility>

#include "absl/status/statusor.h"

namespace muster {

class DirectoryLock {
 public:
  // Locks `directory`, which exists, by its file "lock". kFailedPrecondition when another process,
  // which the message names, holds it.
  static absl::StatusOr<DirectoryLock> Take(const std::string& directory);

  ~DirectoryLock();
  DirectoryLock(DirectoryLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
  DirectoryLock& operator=(DirectoryLock&&) = delete;

 private:
  explicit DirectoryLock(int file) : file_(file) {}
  int file_;
};

}  // namespace muster
