#include "hub/keyring.h"

#include <arpa/inet.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/limits.h"
#include "common/base/status_macros.h"
#include "common/trust/certificate.h"
#include "common/trust/key_file.h"
#include "common/trust/sealing.h"

namespace muster::hub {
namespace {

struct Paths {
  explicit Paths(const std::string& data)
      : directory(absl::StrCat(data, "/keys")),
        root_key(absl::StrCat(directory, "/root.key")),
        root_pem(absl::StrCat(directory, "/root.pem")),
        signer_key(absl::StrCat(directory, "/signer.key")),
        signer_pem(absl::StrCat(directory, "/signer.pem")),
        next_signer_key(absl::StrCat(directory, "/signer-next.key")),
        next_signer_pem(absl::StrCat(directory, "/signer-next.pem")),
        sealing_key(absl::StrCat(directory, "/sealing.key")) {}

  std::string directory, root_key, root_pem, signer_key, signer_pem, next_signer_key,
      next_signer_pem, sealing_key;
};

absl::Status Move(const std::string& from, const std::string& to) {
  if (rename(from.c_str(), to.c_str()) == 0) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat("move ", from, " to ", to, ": ", std::strerror(errno)));
}

bool Exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

// The last steps of a rotation. Its certificate is written after its key and moved after it, so
// that while there is one, the rotation is decided and not finished.
absl::Status FinishRotation(const Paths& paths) {
  if (!Exists(paths.next_signer_pem)) return absl::OkStatus();
  if (Exists(paths.next_signer_key)) {
    RETURN_IF_ERROR(Move(paths.next_signer_key, paths.signer_key));
  }
  return Move(paths.next_signer_pem, paths.signer_pem);
}

absl::StatusOr<CertificateAuthority> LoadAuthority(const Paths& paths) {
  ASSIGN_OR_RETURN(const std::string root_key_pem, ReadKeyFile(paths.root_key));
  ASSIGN_OR_RETURN(const std::string root_pem, ReadKeyFile(paths.root_pem));
  ASSIGN_OR_RETURN(const std::string root_der, CertificateFromPem(root_pem));
  ASSIGN_OR_RETURN(P256Key root_key, P256Key::FromPem(root_key_pem));
  return CertificateAuthority::Load(root_der, std::move(root_key));
}

absl::StatusOr<std::string> IssueSigner(const CertificateAuthority& authority,
                                        const Ed25519PrivateKey& signer, const std::string& path,
                                        absl::Time now) {
  ASSIGN_OR_RETURN(std::string der,
                   authority.IssueSigner(signer.public_key(),
                                         ValidFrom(now, limits::kSignerCertificateLifetime)));
  RETURN_IF_ERROR(WriteKeyFile(path, CertificateToPem(der)));
  return der;
}

bool IsAddress(const std::string& name) {
  unsigned char bytes[sizeof(in6_addr)];
  return inet_pton(AF_INET, name.c_str(), bytes) == 1 ||
         inet_pton(AF_INET6, name.c_str(), bytes) == 1;
}

}  // namespace

std::string Keyring::root_pem() const { return CertificateToPem(authority.root_der()); }

absl::StatusOr<Keyring> CreateKeyring(const std::string& data_directory, absl::Time now) {
  const Paths paths(data_directory);
  if (mkdir(paths.directory.c_str(), 0700) != 0) {
    return absl::UnavailableError(
        absl::StrCat("create ", paths.directory, ": ", std::strerror(errno)));
  }
  CertificateAuthority authority =
      CertificateAuthority::Create("muster hub", ValidFrom(now, limits::kRootLifetime));
  Ed25519PrivateKey signer = Ed25519PrivateKey::Generate();
  std::string sealing_key = NewSealingKey();
  RETURN_IF_ERROR(WriteKeyFile(paths.root_key, authority.key().ToPem()));
  RETURN_IF_ERROR(WriteKeyFile(paths.root_pem, CertificateToPem(authority.root_der())));
  RETURN_IF_ERROR(WriteKeyFile(paths.signer_key, signer.ToPem()));
  RETURN_IF_ERROR(WriteKeyFile(paths.sealing_key, sealing_key));
  ASSIGN_OR_RETURN(std::string signer_der, IssueSigner(authority, signer, paths.signer_pem, now));
  return Keyring{std::move(authority), std::move(signer), std::move(signer_der),
                 std::move(sealing_key)};
}

absl::StatusOr<Keyring> LoadKeyring(const std::string& data_directory, absl::Time now) {
  const Paths paths(data_directory);
  RETURN_IF_ERROR(FinishRotation(paths));
  ASSIGN_OR_RETURN(CertificateAuthority authority, LoadAuthority(paths));
  ASSIGN_OR_RETURN(const std::string signer_key_pem, ReadKeyFile(paths.signer_key));
  ASSIGN_OR_RETURN(Ed25519PrivateKey signer, Ed25519PrivateKey::FromPem(signer_key_pem));
  ASSIGN_OR_RETURN(const std::string signer_pem, ReadKeyFile(paths.signer_pem));
  ASSIGN_OR_RETURN(std::string signer_der, CertificateFromPem(signer_pem));
  ASSIGN_OR_RETURN(const CertificateInfo info, ParseCertificate(signer_der));
  if (now > info.not_before + (info.not_after - info.not_before) / 2) {
    ASSIGN_OR_RETURN(signer_der, IssueSigner(authority, signer, paths.signer_pem, now));
  }
  ASSIGN_OR_RETURN(const Ed25519PublicKey certified,
                   SignerKey(authority.root_der(), signer_der, now));
  if (certified.bytes() != signer.public_key().bytes()) {
    return absl::FailedPreconditionError(
        absl::StrCat(paths.signer_pem, " is not the certificate of ", paths.signer_key,
                     "; restore both from the same backup"));
  }
  ASSIGN_OR_RETURN(std::string sealing_key, ReadKeyFile(paths.sealing_key));
  if (sealing_key.size() != 32) {
    return absl::FailedPreconditionError(
        absl::StrCat(paths.sealing_key, " has not 32 bytes; restore it from a backup"));
  }
  return Keyring{std::move(authority), std::move(signer), std::move(signer_der),
                 std::move(sealing_key)};
}

absl::StatusOr<std::string> RotateSigner(const std::string& data_directory, absl::Time now) {
  const Paths paths(data_directory);
  RETURN_IF_ERROR(FinishRotation(paths));
  ASSIGN_OR_RETURN(const CertificateAuthority authority, LoadAuthority(paths));
  const Ed25519PrivateKey signer = Ed25519PrivateKey::Generate();
  RETURN_IF_ERROR(WriteKeyFile(paths.next_signer_key, signer.ToPem()));
  RETURN_IF_ERROR(IssueSigner(authority, signer, paths.next_signer_pem, now).status());
  RETURN_IF_ERROR(FinishRotation(paths));
  return signer.public_key().KeyId();
}

std::string SignerMark(const std::string& data_directory) {
  return ReadKeyFile(Paths(data_directory).signer_pem).value_or("");
}

absl::StatusOr<TlsKeyPair> MakeServerKeyPair(const CertificateAuthority& authority,
                                             const std::vector<std::string>& names,
                                             absl::Time now) {
  ServerNames server_names;
  for (const std::string& name : names) {
    (IsAddress(name) ? server_names.addresses : server_names.dns_names).push_back(name);
  }
  const P256Key key = P256Key::Generate();
  ASSIGN_OR_RETURN(const std::string der,
                   authority.IssueServer(MakeCsr(key), server_names,
                                         ValidFrom(now, limits::kServerCertificateLifetime)));
  return TlsKeyPair{absl::StrCat(CertificateToPem(der), CertificateToPem(authority.root_der())),
                    key.ToPem()};
}

absl::StatusOr<TlsKeyPair> MakeOperatorKeyPair(const CertificateAuthority& authority,
                                               const std::string& name, absl::Time now) {
  const P256Key key = P256Key::Generate();
  ASSIGN_OR_RETURN(const std::string der,
                   authority.IssueOperator(MakeCsr(key), name,
                                           ValidFrom(now, limits::kOperatorCertificateLifetime)));
  return TlsKeyPair{CertificateToPem(der), key.ToPem()};
}

}  // namespace muster::hub
