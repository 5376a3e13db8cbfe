#include "agent/cluster/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/limits.h"
#include "common/base/status_macros.h"

namespace muster::agent {
namespace {

constexpr int kDirectoryFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

// Hidden, so that no reader of the folder takes them for objects.
constexpr char kTemporary[] = ".muster.tmp";
constexpr char kLock[] = ".muster.lock";

absl::string_view DirectoryPart(absl::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == absl::string_view::npos ? "" : path.substr(0, slash);
}

const char* NamePart(const std::string& path) {
  const size_t slash = path.rfind('/');
  return path.c_str() + (slash == std::string::npos ? 0 : slash + 1);
}

FileStamp StampOf(const struct stat& status) {
  constexpr int64_t kSecond = 1'000'000'000;
  return FileStamp{.exists = true,
                   .is_file = S_ISREG(status.st_mode),
                   .inode = status.st_ino,
                   .size = status.st_size,
                   .modified_ns = status.st_mtim.tv_sec * kSecond + status.st_mtim.tv_nsec,
                   .changed_ns = status.st_ctim.tv_sec * kSecond + status.st_ctim.tv_nsec,
                   .owner = status.st_uid};
}

int WriteAll(int fd, absl::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    text.remove_prefix(written);
  }
  return fsync(fd) == 0 ? 0 : errno;
}

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  Reset(other.Release());
  return *this;
}

int Descriptor::Release() { return std::exchange(fd_, -1); }

void Descriptor::Reset(int fd) {
  if (fd_ >= 0) close(fd_);
  fd_ = fd;
}

FileStamp StampOfPath(const std::string& path) {
  struct stat status;
  return lstat(path.c_str(), &status) == 0 ? StampOf(status) : FileStamp();
}

absl::StatusOr<std::unique_ptr<Folder>> Folder::Open(const std::string& root) {
  const auto failed = [&](absl::string_view what) {
    return absl::ErrnoToStatus(errno, absl::StrCat(what, " cluster folder ", root));
  };
  if (mkdir(root.c_str(), 0755) != 0 && errno != EEXIST) return failed("make");
  Descriptor root_fd(open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root_fd.ok()) return failed("open");
  Descriptor lock(openat(root_fd.get(), kLock, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!lock.ok()) return failed("lock");
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("lock cluster folder ", root,
                     ": another agent uses it; give each agent a folder of its own"));
  }
  return std::unique_ptr<Folder>(new Folder(root, std::move(root_fd), std::move(lock)));
}

absl::Status Folder::Failure(absl::string_view what, const std::string& path, int error) const {
  const std::string message = absl::StrCat(what, " ", root_, "/", path);
  if (error == ELOOP || error == ENOTDIR) {
    return absl::FailedPreconditionError(absl::StrCat(
        message, ": a symbolic link or a file stands where a folder should: remove it"));
  }
  return absl::ErrnoToStatus(error, message);
}

absl::StatusOr<int> Folder::DirectoryOf(const std::string& path, bool make) {
  const absl::string_view wanted = DirectoryPart(path);
  if (wanted.empty()) return root_fd_.get();
  if (directory_.ok() && directory_path_ == wanted) return directory_.get();
  Descriptor current;
  std::string so_far;
  for (const absl::string_view part : absl::StrSplit(wanted, '/')) {
    const int above = current.ok() ? current.get() : root_fd_.get();
    const std::string name(part);
    if (make && mkdirat(above, name.c_str(), 0755) == 0) dirty_.insert(so_far);
    Descriptor next(openat(above, name.c_str(), kDirectoryFlags));
    if (!next.ok()) return Failure("open folder of", path, errno);
    absl::StrAppend(&so_far, so_far.empty() ? "" : "/", name);
    current = std::move(next);
  }
  directory_ = std::move(current);
  directory_path_ = std::string(wanted);
  return directory_.get();
}

absl::StatusOr<FileStamp> Folder::Stamp(const std::string& path) {
  const absl::StatusOr<int> directory = DirectoryOf(path, /*make=*/false);
  if (absl::IsNotFound(directory.status())) return FileStamp();
  if (absl::IsFailedPrecondition(directory.status())) return FileStamp{.exists = true};
  RETURN_IF_ERROR(directory.status());
  struct stat status;
  if (fstatat(*directory, NamePart(path), &status, AT_SYMLINK_NOFOLLOW) == 0) {
    return StampOf(status);
  }
  if (errno == ENOENT) return FileStamp();
  return Failure("look at", path, errno);
}

absl::StatusOr<Folder::Content> Folder::Read(const std::string& path) {
  ASSIGN_OR_RETURN(const int directory, DirectoryOf(path, /*make=*/false));
  // Without O_NONBLOCK a named pipe would hold us for ever.
  const Descriptor file(
      openat(directory, NamePart(path), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file.ok()) return Failure("read", path, errno);
  struct stat status;
  if (fstat(file.get(), &status) != 0) return Failure("read", path, errno);
  Content content{.stamp = StampOf(status)};
  if (!content.stamp.is_file) return Failure("read", path, ELOOP);
  char buffer[16 << 10];
  while (content.text.size() <= limits::kYamlFileBytesMax) {
    const ssize_t size = read(file.get(), buffer, sizeof(buffer));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return Failure("read", path, errno);
    if (size == 0) return content;
    content.text.append(buffer, size);
  }
  return content;  // Too long to be an object; what was read says so.
}

absl::Status Folder::Write(const std::string& path, absl::string_view text) {
  ASSIGN_OR_RETURN(const int directory, DirectoryOf(path, /*make=*/true));
  if (unlinkat(directory, kTemporary, 0) != 0 && errno != ENOENT) {
    return Failure("write beside", path, errno);
  }
  {
    const Descriptor file(
        openat(directory, kTemporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file.ok()) return Failure("write", path, errno);
    if (const int error = WriteAll(file.get(), text); error != 0) {
      unlinkat(directory, kTemporary, 0);
      return Failure("write", path, error);
    }
  }
  if (renameat(directory, kTemporary, directory, NamePart(path)) != 0) {
    const int error = errno;
    unlinkat(directory, kTemporary, 0);
    return Failure("write", path, error);
  }
  dirty_.insert(std::string(DirectoryPart(path)));
  return absl::OkStatus();
}

absl::Status Folder::Remove(const std::string& path) {
  const absl::StatusOr<int> directory = DirectoryOf(path, /*make=*/false);
  if (absl::IsNotFound(directory.status())) return absl::OkStatus();
  RETURN_IF_ERROR(directory.status());
  if (unlinkat(*directory, NamePart(path), 0) != 0 && errno != ENOENT) {
    return Failure("remove", path, errno);
  }
  if (fsync(*directory) != 0) return Failure("sync the folder of", path, errno);
  // Folders that became empty go too; one that did not is no error. Each is reached through the
  // one above, opened without following links.
  absl::string_view empty = DirectoryPart(path);
  while (!empty.empty()) {
    const std::string gone(empty);
    Refresh();
    const absl::StatusOr<int> above = DirectoryOf(gone, /*make=*/false);
    if (!above.ok() || unlinkat(*above, NamePart(gone), AT_REMOVEDIR) != 0) break;
    dirty_.erase(gone);
    dirty_.insert(std::string(DirectoryPart(gone)));
    empty = DirectoryPart(empty);
  }
  Refresh();
  return absl::OkStatus();
}

absl::Status Folder::Sync() {
  absl::Status result;
  for (const std::string& path : std::exchange(dirty_, {})) {
    // A path within the folder leads DirectoryOf to the folder itself.
    const absl::StatusOr<int> directory =
        DirectoryOf(path.empty() ? "" : absl::StrCat(path, "/."), /*make=*/false);
    if (absl::IsNotFound(directory.status())) continue;  // removed meanwhile
    if (!directory.ok()) {
      result = directory.status();
    } else if (fsync(*directory) != 0) {
      result = Failure("sync", path, errno);
    }
  }
  return result;
}

}  // namespace muster::agent
