// Certificates: the hub's own small authority. One self-signed root, whose fingerprint is the hub's
// id and is all that an agent needs to know beforehand; below it, certificates for the hub's
// servers, for clusters, for operators, and for the key that signs desired states.
//
// X.509 over P-256 (the signer's: Ed25519), DER throughout, PEM at the border. Time is an argument.
// From a CSR only the key is taken, after it proved possession: what a certificate says is decided
// here. Values are immutable; any thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/base/digest.h"
#include "common/trust/ed25519.h"
#include "common/trust/identity.h"

struct evp_pkey_st;

namespace muster {

// The name that every server certificate of a hub carries. Agents verify against the pinned root
// and this name, whatever address they dial.
inline constexpr absl::string_view kHubServerName = "muster-hub";

// A P-256 key pair. Copies share one immutable object.
class P256Key {
 public:
  static P256Key Generate();
  // PKCS#8 in PEM; kInvalidArgument for anything else. A file of it: see key_file.h.
  static absl::StatusOr<P256Key> FromPem(absl::string_view pem);
  std::string ToPem() const;

  // SHA-256 of the SubjectPublicKeyInfo: how the hub's allow-list names a key.
  Digest Spki() const;

  evp_pkey_st* get() const { return key_.get(); }

 private:
  explicit P256Key(std::shared_ptr<evp_pkey_st> key) : key_(std::move(key)) {}
  std::shared_ptr<evp_pkey_st> key_;
};

struct Validity {
  absl::Time not_before;
  absl::Time not_after;
};

// From five minutes before `now`, for clocks that are a little behind, to `lifetime` after it.
Validity ValidFrom(absl::Time now, absl::Duration lifetime);

// ---------------------------------------------------------------- requests

// A PKCS#10 request in DER that proves possession of `key` and says nothing else.
std::string MakeCsr(const P256Key& key);

// Checks the proof of possession and that the key is P-256. Returns the key's SPKI digest.
absl::StatusOr<Digest> CheckCsr(absl::string_view csr_der);

// ---------------------------------------------------------------- reading

struct CertificateInfo {
  Digest fingerprint;  // SHA-256 of the DER
  Digest spki;
  std::string common_name;
  std::vector<std::string> uris;  // subject alternative names, by kind
  std::vector<std::string> dns_names;
  std::vector<std::string> addresses;  // "192.0.2.1", "2001:db8::1"
  absl::Time not_before;
  absl::Time not_after;
  std::string serial;  // lower-case hexadecimal
  bool is_ca = false;
};

// kInvalidArgument unless `der` is exactly one certificate.
absl::StatusOr<CertificateInfo> ParseCertificate(absl::string_view der);

// Whether `root_der` itself issued `certificate_der` and both are valid at `now`. No intermediate,
// no other root. kPermissionDenied says why not.
absl::Status CheckIssuedBy(absl::string_view root_der, absl::string_view certificate_der,
                           absl::Time now);

// The identity in a certificate: its one URI. Requires that the chain was checked.
absl::StatusOr<Identity> IdentityOf(const CertificateInfo& certificate);

// The key that may sign desired states, out of a signer's certificate: checks that the root issued
// it, that it is valid at `now`, and that it is a signer's of this hub.
absl::StatusOr<Ed25519PublicKey> SignerKey(absl::string_view root_der, absl::string_view signer_der,
                                           absl::Time now);

std::string CertificateToPem(absl::string_view der);
// Strict: exactly one CERTIFICATE block.
absl::StatusOr<std::string> CertificateFromPem(absl::string_view pem);

// ---------------------------------------------------------------- issuing

// What a server certificate is for, besides kHubServerName.
struct ServerNames {
  std::vector<std::string> dns_names;
  std::vector<std::string> addresses;  // IPv4 or IPv6 in text
};

class CertificateAuthority {
 public:
  // A new root with a new key. `common_name` is for people.
  static CertificateAuthority Create(absl::string_view common_name, Validity validity);

  // kInvalidArgument unless `root_der` is a self-signed authority over `key`.
  static absl::StatusOr<CertificateAuthority> Load(absl::string_view root_der, P256Key key);

  const std::string& root_der() const { return root_der_; }
  const P256Key& key() const { return key_; }
  // SHA-256 of the root's DER: what a join token pins.
  const Digest& fingerprint() const { return fingerprint_; }
  // The fingerprint in hexadecimal.
  std::string hub_id() const { return fingerprint_.hex(); }

  // Each returns a certificate in DER, with a random serial number, for the key in `csr_der`, which
  // is checked as by CheckCsr. kInvalidArgument for a bad request or name.
  absl::StatusOr<std::string> IssueServer(absl::string_view csr_der, const ServerNames& names,
                                          Validity validity) const;
  absl::StatusOr<std::string> IssueCluster(absl::string_view csr_der, absl::string_view cluster_id,
                                           Validity validity) const;
  absl::StatusOr<std::string> IssueOperator(absl::string_view csr_der, absl::string_view name,
                                            Validity validity) const;
  // For the hub's own signing key; good for no TLS connection.
  absl::StatusOr<std::string> IssueSigner(const Ed25519PublicKey& key, Validity validity) const;

 private:
  CertificateAuthority(P256Key key, std::string root_der)
      : key_(std::move(key)), root_der_(std::move(root_der)), fingerprint_(Digest::Of(root_der_)) {}

  P256Key key_;
  std::string root_der_;
  Digest fingerprint_;
};

}  // namespace muster
