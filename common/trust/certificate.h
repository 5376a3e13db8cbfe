// Certificates: keys, requests, and reading what the hub's authority (authority.h) has issued.
//
// X.509 over P-256 (the signer's key: Ed25519), DER throughout, PEM at the border. Time is an
// argument. Values are immutable; any thread.
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

// As CheckCsr, but returns the SubjectPublicKeyInfo itself, in DER.
absl::StatusOr<std::string> CsrKey(absl::string_view csr_der);

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

}  // namespace muster
