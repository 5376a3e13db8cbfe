#include "agent/secrets/keys.h"

#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "agent/secrets/gpg.h"
#include "common/base/log.h"
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

absl::StatusOr<std::vector<AgeIdentity>> ReadIdentities(const std::string& path) {
  ASSIGN_OR_RETURN(std::string text, ReadKeyFile(path));
  const Wipe wipe(text);
  absl::StatusOr<std::vector<AgeIdentity>> identities = ParseAgeIdentities(text);
  if (!identities.ok()) return Annotate(identities.status(), path);
  return identities;
}

}  // namespace

absl::StatusOr<std::vector<AgeIdentity>> LoadAgeIdentities(const KeyPlaces& places) {
  const std::string own = absl::StrCat(places.data_directory, "/age.key");
  Tighten(own);
  absl::StatusOr<std::vector<AgeIdentity>> identities = ReadIdentities(own);
  if (absl::IsNotFound(identities.status())) {
    const AgeIdentity made = AgeIdentity::Generate();
    RETURN_IF_ERROR(WriteKeyFile(own, AgeIdentityFile(made)));
    identities = std::vector<AgeIdentity>{made};
  }
  RETURN_IF_ERROR(identities.status());
  for (const std::string& path : places.age_identity_files) {
    absl::StatusOr<std::vector<AgeIdentity>> more = ReadIdentities(path);
    if (!more.ok()) return Annotate(more.status(), "--age-identity");
    for (AgeIdentity& identity : *more) identities->push_back(std::move(identity));
  }
  return identities;
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
