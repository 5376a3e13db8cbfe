// Ed25519: the keys that sign desired states (the hub's) and receipts (an agent's identity key).
//
// libsodium signs and verifies, in half of OpenSSL's time (docs/adr/0016): each commit costs each
// agent one verification. OpenSSL makes random bytes and reads and writes key files. Keys are cheap
// to copy: copies share one immutable secret. Any thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/trust/envelope.h"

namespace muster {

class Ed25519PublicKey {
 public:
  // Returns kInvalidArgument unless `bytes` is 32 long.
  static absl::StatusOr<Ed25519PublicKey> FromBytes(absl::string_view bytes);

  // Whether `signature` is this key's over `message`.
  bool Verify(absl::string_view message, absl::string_view signature) const;

  const std::string& bytes() const { return bytes_; }

  // The hexadecimal SHA-256 of the key: a hint in an envelope, and a name for people.
  std::string KeyId() const;

 private:
  explicit Ed25519PublicKey(std::string bytes) : bytes_(std::move(bytes)) {}

  std::string bytes_;
};

class Ed25519PrivateKey {
 public:
  // From the system's random source.
  static Ed25519PrivateKey Generate();
  // For tests and simulations. Requires: `seed` is 32 bytes.
  static Ed25519PrivateKey FromSeed(absl::string_view seed);
  // PKCS#8 in PEM; kInvalidArgument for anything else. A file of it: see key_file.h.
  static absl::StatusOr<Ed25519PrivateKey> FromPem(absl::string_view pem);
  std::string ToPem() const;

  // 64 bytes.
  std::string Sign(absl::string_view message) const;

  const Ed25519PublicKey& public_key() const { return public_key_; }

 private:
  // Seed and public key, one after the other; wiped when the last copy goes.
  struct Secret;

  Ed25519PrivateKey(std::shared_ptr<const Secret> secret, Ed25519PublicKey public_key)
      : secret_(std::move(secret)), public_key_(std::move(public_key)) {}

  std::shared_ptr<const Secret> secret_;
  Ed25519PublicKey public_key_;
};

class Ed25519Signer final : public Signer {
 public:
  explicit Ed25519Signer(Ed25519PrivateKey key);

  absl::StatusOr<v1::Envelope> Sign(absl::string_view payload_type,
                                    absl::string_view payload) const override;
  std::string KeyId() const override { return key_id_; }

 private:
  Ed25519PrivateKey key_;
  std::string key_id_;
};

// Opens what at least `threshold` of the trusted keys have signed. Keys are counted by their bytes,
// so neither a key listed twice nor one that signed twice counts twice.
class Ed25519Verifier final : public Verifier {
 public:
  // A verifier without keys opens nothing. Requires: threshold > 0.
  Ed25519Verifier(std::vector<Ed25519PublicKey> trusted, int threshold);

  absl::StatusOr<std::string> Open(const v1::Envelope& envelope,
                                   absl::string_view expected_type) const override;

 private:
  struct TrustedKey {
    std::string id;
    Ed25519PublicKey key;
  };
  std::vector<TrustedKey> trusted_;  // sorted by id, unique
  int threshold_;
};

}  // namespace muster
