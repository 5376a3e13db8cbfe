// Folder: files below one root, by relative path, without ever following a symbolic link.
//
// What DirectoryDriver is made of. Writes replace a file as a whole: whoever reads sees the old
// content or the new one, also after a power cut. Blocks; one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace muster::agent {

// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.Release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor() { Reset(); }

  int get() const { return fd_; }
  bool ok() const { return fd_ >= 0; }
  int Release();
  void Reset(int fd = -1);

 private:
  int fd_;
};

// What tells one version of a file from another without reading it.
struct FileStamp {
  bool exists = false;
  bool is_file = false;  // a regular one, in real directories; not a link, a folder, a device
  uint64_t inode = 0;
  int64_t size = 0;
  int64_t modified_ns = 0;
  int64_t changed_ns = 0;  // of the inode
  uint32_t owner = 0;

  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

// The stamp of whatever is at a full path; the last part is not followed if it is a link. Any
// thread.
FileStamp StampOfPath(const std::string& path);

class Folder {
 public:
  // Makes the root if its parent exists, and locks it. kFailedPrecondition: it is locked already.
  static absl::StatusOr<std::unique_ptr<Folder>> Open(const std::string& root);

  // Forgets what was opened before: somebody may have moved it. At the start of each operation.
  void Refresh() { directory_.Reset(); }

  absl::StatusOr<FileStamp> Stamp(const std::string& path);

  // The content of a regular file, and the stamp of what was read. kNotFound when it is not there.
  struct Content {
    std::string text;
    FileStamp stamp;
  };
  absl::StatusOr<Content> Read(const std::string& path);

  // Replaces the file, making directories on the way. Durable after Sync.
  absl::Status Write(const std::string& path, absl::string_view text);

  // Removes the file, and directories that become empty. A file that is gone is fine.
  absl::Status Remove(const std::string& path);

  absl::Status Sync();

  const std::string& root() const { return root_; }

 private:
  Folder(std::string root, Descriptor root_fd, Descriptor lock)
      : root_(std::move(root)), root_fd_(std::move(root_fd)), lock_(std::move(lock)) {}

  // The open directory of `path`; kept, because the next path is most often beside it.
  absl::StatusOr<int> DirectoryOf(const std::string& path, bool make);
  absl::Status Failure(absl::string_view what, const std::string& path, int error) const;

  const std::string root_;
  const Descriptor root_fd_;
  const Descriptor lock_;
  Descriptor directory_;  // of directory_path_
  std::string directory_path_;
  std::set<std::string> dirty_;  // directories with changes that were not synced
};

}  // namespace muster::agent
