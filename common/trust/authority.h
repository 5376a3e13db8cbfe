// CertificateAuthority: the hub's own. One self-signed root, whose fingerprint is the hub's id and
// is all that an agent needs to know beforehand; directly below it, certificates for the hub's
// servers, for clusters, for operators, and for the key that signs desired states.
//
// From a CSR only the key is taken, after it proved possession: what a certificate says is decided
// here. Immutable; any thread.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/base/digest.h"
#include "common/trust/certificate.h"
#include "common/trust/ed25519.h"

namespace muster {

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
