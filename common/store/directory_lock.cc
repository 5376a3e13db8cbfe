#include "common/store/directory_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace muster {
namespace {

// The process that wrote itself into the file; "" when it does not say.
std::string OwnerOf(int file) {
  char text[32];
  const ssize_t size = pread(file, text, sizeof(text), 0);
  const absl::string_view pid =
      absl::StripAsciiWhitespace(absl::string_view(text, size > 0 ? size : 0));
  if (pid.empty()) return "";
  for (const char c : pid) {
    if (!absl::ascii_isdigit(c)) return "";
  }
  return absl::StrCat(" (process ", pid, ")");
}

}  // namespace

absl::StatusOr<DirectoryLock> DirectoryLock::Take(const std::string& directory) {
  const std::string path = absl::StrCat(directory, "/lock");
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return absl::ErrnoToStatus(errno, absl::StrCat("lock '", path, "'"));
  DirectoryLock lock(file);
  if (flock(file, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) {
      return absl::ErrnoToStatus(errno, absl::StrCat("lock '", path, "'"));
    }
    return absl::FailedPreconditionError(
        absl::StrCat("another hub or agent", OwnerOf(file), " uses the directory '", directory,
                     "'; stop it, or give this one a directory of its own"));
  }
  // For the message above only: a failure to write it takes nothing away from the lock.
  const std::string pid = absl::StrCat(getpid(), "\n");
  if (ftruncate(file, 0) != 0 || pwrite(file, pid.data(), pid.size(), 0) < 0) errno = 0;
  return lock;
}

DirectoryLock::~DirectoryLock() {
  if (file_ >= 0) close(file_);
}

}  // namespace muster
