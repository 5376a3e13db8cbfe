#include "common/sandbox/landlock.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"

namespace muster {
namespace {

// From the kernel's userspace-api/landlock; the numbers are the same on every architecture. Named
// here because Debian's headers know fewer of them than newer kernels enforce.
constexpr long kCreateRuleset = 444;
constexpr long kAddRule = 445;
constexpr long kRestrictSelf = 446;
constexpr unsigned kAskVersion = 1;
constexpr int kRulePathBeneath = 1;

constexpr uint64_t kExecute = 1u << 0;
constexpr uint64_t kWriteFile = 1u << 1;
constexpr uint64_t kReadFile = 1u << 2;
constexpr uint64_t kReadDir = 1u << 3;
constexpr uint64_t kAllOfVersion1 = (1u << 13) - 1;
constexpr uint64_t kRefer = 1u << 13;        // version 2
constexpr uint64_t kTruncate = 1u << 14;     // version 3
constexpr uint64_t kIoctlDevice = 1u << 15;  // version 5
constexpr uint64_t kForFiles = kExecute | kWriteFile | kReadFile | kTruncate | kIoctlDevice;
constexpr uint64_t kBindTcp = 1u << 0;  // version 4
constexpr uint64_t kScopeAll = 3;       // version 6: abstract sockets, signals

struct RulesetAttributes {
  uint64_t files;
  uint64_t network;
  uint64_t scoped;
};

struct __attribute__((packed)) PathRule {
  uint64_t allowed;
  int32_t parent;
};

uint64_t FileRights(int version) {
  return kAllOfVersion1 | (version >= 2 ? kRefer : 0) | (version >= 3 ? kTruncate : 0) |
         (version >= 5 ? kIoctlDevice : 0);
}

size_t SizeFor(int version) {
  if (version >= 6) return sizeof(RulesetAttributes);
  return version >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
}

absl::Status Allow(int ruleset, const std::string& path, uint64_t rights, bool must_exist) {
  const int fd = open(path.c_str(), O_PATH | O_CLOEXEC);
  if (fd < 0) {
    if (!must_exist) return absl::OkStatus();
    return absl::ErrnoToStatus(errno, absl::StrCat("open ", path));
  }
  struct stat info;
  if (fstat(fd, &info) == 0 && !S_ISDIR(info.st_mode)) rights &= kForFiles;
  const PathRule rule = {rights, fd};
  const long code = syscall(kAddRule, ruleset, kRulePathBeneath, &rule, 0);
  const int error = errno;
  close(fd);
  if (code == 0) return absl::OkStatus();
  return absl::ErrnoToStatus(error, absl::StrCat("allow ", path));
}

absl::Status AddRules(int ruleset, uint64_t handled, const LandlockRules& rules) {
  for (const std::string& path : rules.readable) {
    RETURN_IF_ERROR(Allow(ruleset, path, handled & (kReadFile | kReadDir), false));
  }
  for (const std::string& path : rules.writable) {
    RETURN_IF_ERROR(Allow(ruleset, path, handled & ~kExecute, true));
  }
  for (const std::string& path : rules.executable) {
    RETURN_IF_ERROR(Allow(ruleset, path, handled & (kReadFile | kExecute), true));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<int> EnforceLandlock(const LandlockRules& rules) {
  const long version_found = syscall(kCreateRuleset, nullptr, 0, kAskVersion);
  if (version_found <= 0) return 0;
  const int version = static_cast<int>(std::min<long>(version_found, 6));
  RulesetAttributes attributes = {};
  attributes.files = FileRights(version);
  if (version >= 4 && !rules.may_listen) attributes.network = kBindTcp;
  if (version >= 6) attributes.scoped = kScopeAll;
  const int ruleset = static_cast<int>(syscall(kCreateRuleset, &attributes, SizeFor(version), 0));
  if (ruleset < 0) return absl::ErrnoToStatus(errno, "make the Landlock rules");
  absl::Status status = AddRules(ruleset, attributes.files, rules);
  if (status.ok() && syscall(kRestrictSelf, ruleset, 0) != 0) {
    status = absl::ErrnoToStatus(errno, "enforce the Landlock rules");
  }
  close(ruleset);
  if (!status.ok()) return status;
  return version;
}

}  // namespace muster
