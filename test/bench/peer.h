// Peer: the reference tool, run as people run it, timed from outside. Blocks; one thread.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/render/file_tree.h"

namespace muster::bench {

struct Taken {
  absl::Duration wall, cpu;

  Taken& operator+=(const Taken& other) {
    wall += other.wall;
    cpu += other.cpu;
    return *this;
  }
};

// What `command` takes from start to end, its output thrown away. kInternal when it fails.
absl::StatusOr<Taken> TimeCommand(const std::vector<std::string>& command);

// The first line that `command` prints. kUnavailable, with the last line of its errors, when it
// fails.
absl::StatusOr<std::string> FirstLineOf(const std::string& command);

// Files on disk for as long as this lives.
class FolderOnDisk {
 public:
  explicit FolderOnDisk(const FileTree& files);
  ~FolderOnDisk();
  FolderOnDisk(const FolderOnDisk&) = delete;
  FolderOnDisk& operator=(const FolderOnDisk&) = delete;

  std::string At(const std::string& path) const { return root_ + "/" + path; }

 private:
  std::string root_;
};

}  // namespace muster::bench
