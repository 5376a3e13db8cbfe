#include "common/trust/key_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace muster {
namespace {

constexpr size_t kKeyFileBytesMax = 64u << 10;

absl::Status Failed(absl::string_view what, const std::string& path) {
  return absl::ErrnoToStatus(errno, absl::StrCat(what, " key file '", path, "'"));
}

absl::Status CheckOwner(const struct stat& facts, bool mounted, const std::string& path) {
  const std::string prefix = absl::StrCat("read key file '", path, "': ");
  if (!S_ISREG(facts.st_mode)) {
    return absl::FailedPreconditionError(absl::StrCat(prefix, "it is not a regular file"));
  }
  if (facts.st_uid != geteuid() && !(mounted && facts.st_uid == 0)) {
    return absl::FailedPreconditionError(absl::StrCat(prefix, "it belongs to user ", facts.st_uid,
                                                      ", not to user ", geteuid(),
                                                      " who runs this; chown it"));
  }
  if ((facts.st_mode & (mounted ? 027 : 077)) != 0) {
    return absl::FailedPreconditionError(
        absl::StrFormat("%sothers may use it (mode %04o); run: chmod %s '%s'", prefix,
                        facts.st_mode & 07777, mounted ? "440" : "600", path));
  }
  return absl::OkStatus();
}

absl::Status WriteAll(int file, absl::string_view contents, const std::string& path) {
  while (!contents.empty()) {
    const ssize_t written = write(file, contents.data(), contents.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Failed("write", path);
    contents.remove_prefix(written);
  }
  return fsync(file) == 0 ? absl::OkStatus() : Failed("sync", path);
}

// Makes the new name itself durable.
absl::Status SyncDirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "."
                                : slash == 0               ? "/"
                                                           : path.substr(0, slash);
  const int file = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0) return Failed("sync directory of", path);
  const bool synced = fsync(file) == 0;
  const absl::Status status = synced ? absl::OkStatus() : Failed("sync directory of", path);
  close(file);
  return status;
}

absl::StatusOr<std::string> ReadSecret(const std::string& path, bool mounted) {
  // Non-blocking: a pipe in the file's place must not hold the process up.
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return Failed("read", path);
  const auto closer = absl::MakeCleanup([file] { close(file); });
  struct stat facts;
  if (fstat(file, &facts) != 0) return Failed("read", path);
  if (const absl::Status status = CheckOwner(facts, mounted, path); !status.ok()) return status;
  std::string contents;
  char buffer[4096];
  while (true) {
    const ssize_t got = read(file, buffer, sizeof(buffer));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Failed("read", path);
    if (got == 0) return contents;
    contents.append(buffer, got);
    if (contents.size() > kKeyFileBytesMax) {
      return absl::FailedPreconditionError(absl::StrCat("read key file '", path,
                                                        "': it is larger than ", kKeyFileBytesMax,
                                                        " bytes, which no key is"));
    }
  }
}

}  // namespace

absl::StatusOr<std::string> ReadKeyFile(const std::string& path) {
  return ReadSecret(path, /*mounted=*/false);
}

absl::StatusOr<std::string> ReadMountedKeyFile(const std::string& path) {
  return ReadSecret(path, /*mounted=*/true);
}

absl::Status WriteKeyFile(const std::string& path, absl::string_view contents) {
  const std::string temporary = absl::StrCat(path, ".new");
  unlink(temporary.c_str());  // left by a run that was killed
  const int file = open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return Failed("write", path);
  absl::Status status = WriteAll(file, contents, path);
  close(file);
  if (status.ok() && rename(temporary.c_str(), path.c_str()) != 0) status = Failed("write", path);
  if (!status.ok()) {
    unlink(temporary.c_str());
    return status;
  }
  return SyncDirectoryOf(path);
}

}  // namespace muster
