#include "hub/credentials.h"

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/trust/sealing.h"
#include "hub/core/keys.h"

namespace muster::hub {

v1::CredentialRecord SealCredential(absl::string_view sealing_key,
                                    const v1::PutCredentialRequest& credential) {
  v1::CredentialRecord record;
  record.set_sealed(
      Seal(sealing_key, keys::Credential(credential.name()), credential.SerializeAsString()));
  return record;
}

absl::StatusOr<v1::GitCredential> UnsealCredential(absl::string_view sealing_key,
                                                   absl::string_view name,
                                                   const v1::CredentialRecord& record) {
  const auto opened = Unseal(sealing_key, keys::Credential(name), record.sealed());
  if (!opened.ok()) return Annotate(opened.status(), absl::StrCat("open credential '", name, "'"));
  v1::PutCredentialRequest put;
  if (!put.ParseFromString(*opened)) {
    return absl::DataLossError(absl::StrCat("open credential '", name, "': not a credential"));
  }
  v1::GitCredential credential;
  credential.set_username(put.username());
  credential.set_password(put.password());
  credential.set_ssh_private_key(put.ssh_private_key());
  credential.set_ssh_known_hosts(put.ssh_known_hosts());
  credential.set_ca_pem(put.ca_pem());
  return credential;
}

}  // namespace muster::hub
