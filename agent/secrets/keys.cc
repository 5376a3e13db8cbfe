#include "agent/secrets/keys.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "agent/secrets/gpg.h"
#include "common/base/log.h"
#include "common/base/mutex.h"
#include "common/base/status_macros.h"
#include "common/secrets/wipe.h"
#include "common/trust/key_file.h"

namespace muster::agent {
namespace {

constexpr size_t kSealedKeyBytesMax = 48u << 10;

// A volume that changes hands may be made readable for a group (fsGroup); what is ours is then made
// ours alone again.
void Tighten(const std::string& path) {
  struct stat facts;
  if (lstat(path.c_str(), &facts) != 0 || !S_ISREG(facts.st_mode)) return;
  if (facts.st_uid != geteuid() || (facts.st_mode & 077) == 0) return;
  if (chmod(path.c_str(), 0600) == 0) {
    log::Warning("the key that opens this cluster's secrets could be read by others",
                 {{"file", path}, {"mended", "it has mode 0600 again"}});
  }
}

absl::StatusOr<std::vector<AgeIdentity>> IdentitiesIn(absl::StatusOr<std::string> text,
                                                      const std::string& path) {
  RETURN_IF_ERROR(text.status());
  const Wipe wipe(*text);
  absl::StatusOr<std::vector<AgeIdentity>> identities = ParseAgeIdentities(*text);
  if (!identities.ok()) return Annotate(identities.status(), path);
  return identities;
}

bool IsFolder(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_directory(path, error);
}

// Sorted; without what a mounted Secret has beside its files ("..data").
std::vector<std::string> FilesIn(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (!absl::StartsWith(name, ".")) files.push_back(at->path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// The folders, and what the log was told of them.
struct Folders {
  std::vector<std::string> paths;
  Mutex mutex;
  std::string told GUARDED_BY(mutex);
};

std::vector<AgeIdentity> ReadFolders(Folders& folders) {
  std::vector<AgeIdentity> identities;
  std::string trouble;
  for (const std::string& folder : folders.paths) {
    for (const std::string& path : FilesIn(folder)) {
      absl::StatusOr<std::vector<AgeIdentity>> some = IdentitiesIn(ReadMountedKeyFile(path), path);
      if (!some.ok()) {
        absl::StrAppend(&trouble, trouble.empty() ? "" : "; ", some.status().message());
        continue;
      }
      for (AgeIdentity& identity : *some) identities.push_back(std::move(identity));
    }
  }
  MutexLock lock(folders.mutex);
  if (trouble != folders.told && !trouble.empty()) {
    log::Warning("a key that opens this cluster's secrets cannot be used", {{"why", trouble}});
  }
  folders.told = std::move(trouble);
  return identities;
}

}  // namespace

absl::StatusOr<std::vector<AgeIdentity>> LoadAgeIdentities(const KeyPlaces& places) {
  const std::string own = absl::StrCat(places.data_directory, "/age.key");
  Tighten(own);
  absl::StatusOr<std::vector<AgeIdentity>> identities = IdentitiesIn(ReadKeyFile(own), own);
  if (absl::IsNotFound(identities.status())) {
    const AgeIdentity made = AgeIdentity::Generate();
    RETURN_IF_ERROR(WriteKeyFile(own, AgeIdentityFile(made)));
    identities = std::vector<AgeIdentity>{made};
  }
  RETURN_IF_ERROR(identities.status());
  for (const std::string& path : places.age_identities) {
    if (IsFolder(path)) continue;
    absl::StatusOr<std::vector<AgeIdentity>> more = IdentitiesIn(ReadKeyFile(path), path);
    if (!more.ok()) return Annotate(more.status(), "--age-identity");
    for (AgeIdentity& identity : *more) identities->push_back(std::move(identity));
  }
  return identities;
}

Unsealer::Further FurtherIdentities(const KeyPlaces& places) {
  const auto folders = std::make_shared<Folders>();
  for (const std::string& path : places.age_identities) {
    if (IsFolder(path)) folders->paths.push_back(path);
  }
  if (folders->paths.empty()) return nullptr;
  return [folders] { return ReadFolders(*folders); };
}

Unsealer::OpenPgp OpenPgpBy(const std::string& gnupg_home) {
  if (gnupg_home.empty()) return nullptr;
  return [gnupg_home](const SopsRecipient& recipient) -> absl::StatusOr<std::string> {
    if (recipient.sealed_key.size() > kSealedKeyBytesMax) {
      return absl::InvalidArgumentError("its sealed key is too large");
    }
    return GpgDecrypt(gnupg_home, recipient.sealed_key);
  };
}

}  // namespace muster::agent
