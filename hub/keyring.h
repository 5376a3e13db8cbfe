// Keyring: the keys that make a hub this hub. They stand as files below its data directory, never
// in its store:
//
//   keys/root.key     the root's key (P-256). Who has it can be the hub, and every cluster of it.
//                     It also issues the clusters' certificates, so the hub needs it to run.
//   keys/root.pem     the root's certificate; its fingerprint is the hub's id
//   keys/signer.key   Ed25519, signs desired states
//   keys/signer.pem   the root's certificate for it
//   keys/sealing.key  seals credentials in the store
//
// Keys of servers are made anew at each start and never written. Blocks on files; the values are
// immutable, any thread.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/net/tls.h"
#include "common/trust/authority.h"
#include "common/trust/ed25519.h"

namespace muster::hub {

struct Keyring {
  CertificateAuthority authority;
  Ed25519PrivateKey signer;
  std::string signer_der;   // its certificate
  std::string sealing_key;  // 32 bytes

  std::string hub_id() const { return authority.hub_id(); }
  std::string root_pem() const;
};

// Makes the keys of a new hub below `data_directory`, which must exist.
absl::StatusOr<Keyring> CreateKeyring(const std::string& data_directory, absl::Time now);

// Reads them. Makes a new certificate for the signer when half of the old one's life is over.
absl::StatusOr<Keyring> LoadKeyring(const std::string& data_directory, absl::Time now);

// Gives the hub a new key for signing desired states; the old one counts no more for an agent as
// soon as it is connected again. A hub that runs takes it over by itself. All or nothing, also when
// the machine stops half-way. Returns the new key's id.
absl::StatusOr<std::string> RotateSigner(const std::string& data_directory, absl::Time now);

// What changes when somebody rotated the signer: the bytes of its certificate; empty when they
// cannot be read.
std::string SignerMark(const std::string& data_directory);

// A new key and certificate for a server of the hub. The chain carries the root too, so that a new
// agent can find it by its fingerprint. `names` are host names or addresses, besides muster-hub.
absl::StatusOr<TlsKeyPair> MakeServerKeyPair(const CertificateAuthority& authority,
                                             const std::vector<std::string>& names, absl::Time now);

// A new key and certificate for the person or program called `name`.
absl::StatusOr<TlsKeyPair> MakeOperatorKeyPair(const CertificateAuthority& authority,
                                               const std::string& name, absl::Time now);

}  // namespace muster::hub
