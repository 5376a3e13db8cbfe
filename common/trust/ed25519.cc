#include "common/trust/ed25519.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "common/base/check.h"
#include "common/base/digest.h"
#include "common/base/limits.h"
#include "common/base/status_macros.h"
#include "common/trust/openssl.h"

namespace muster {
namespace {

constexpr size_t kKeyBytes = 32;
constexpr size_t kSignatureBytes = 64;
// Signatures of one envelope that are looked at; more is an attempt to keep the verifier busy.
constexpr int kSignaturesMax = 16;

}  // namespace

absl::StatusOr<Ed25519PublicKey> Ed25519PublicKey::FromBytes(absl::string_view bytes) {
  if (bytes.size() != kKeyBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("an Ed25519 public key has 32 bytes, this has ", bytes.size()));
  }
  return Ed25519PublicKey(std::string(bytes));
}

bool Ed25519PublicKey::Verify(absl::string_view message, absl::string_view signature) const {
  return signature.size() == kSignatureBytes &&
         crypto_sign_verify_detached(openssl::Data(signature), openssl::Data(message),
                                     message.size(), openssl::Data(bytes_)) == 0;
}

std::string Ed25519PublicKey::KeyId() const { return Digest::Of(bytes_).hex(); }

struct Ed25519PrivateKey::Secret {
  ~Secret() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
  absl::string_view seed() const {
    return {reinterpret_cast<const char*>(bytes.data()), kKeyBytes};
  }

  std::array<unsigned char, crypto_sign_SECRETKEYBYTES> bytes;
};

Ed25519PrivateKey Ed25519PrivateKey::Generate() {
  std::string seed(kKeyBytes, '\0');
  const absl::Cleanup wipe = [&seed] { OPENSSL_cleanse(seed.data(), seed.size()); };
  CHECK(RAND_priv_bytes(reinterpret_cast<unsigned char*>(seed.data()), kKeyBytes) == 1)
      << "the system gives no random bytes";
  return FromSeed(seed);
}

Ed25519PrivateKey Ed25519PrivateKey::FromSeed(absl::string_view seed) {
  CHECK_EQ(seed.size(), kKeyBytes);
  auto secret = std::make_shared<Secret>();
  std::string public_key(kKeyBytes, '\0');
  crypto_sign_seed_keypair(reinterpret_cast<unsigned char*>(public_key.data()),
                           secret->bytes.data(), openssl::Data(seed));
  return Ed25519PrivateKey(std::move(secret), *Ed25519PublicKey::FromBytes(public_key));
}

absl::StatusOr<Ed25519PrivateKey> Ed25519PrivateKey::FromPem(absl::string_view pem) {
  ASSIGN_OR_RETURN(const openssl::Key key, openssl::KeyFromPem(pem));
  if (EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_ED25519) {
    return absl::InvalidArgumentError("the private key is not an Ed25519 key");
  }
  std::string seed(kKeyBytes, '\0');
  const absl::Cleanup wipe = [&seed] { OPENSSL_cleanse(seed.data(), seed.size()); };
  size_t size = seed.size();
  CHECK(EVP_PKEY_get_raw_private_key(key.get(), reinterpret_cast<unsigned char*>(seed.data()),
                                     &size) == 1 &&
        size == kKeyBytes);
  return FromSeed(seed);
}

std::string Ed25519PrivateKey::ToPem() const {
  const openssl::Key key = openssl::OwnKey(EVP_PKEY_new_raw_private_key(
      EVP_PKEY_ED25519, nullptr, openssl::Data(secret_->seed()), kKeyBytes));
  CHECK(key != nullptr);
  return openssl::KeyToPem(key.get());
}

std::string Ed25519PrivateKey::Sign(absl::string_view message) const {
  std::string signature(kSignatureBytes, '\0');
  crypto_sign_detached(reinterpret_cast<unsigned char*>(signature.data()), nullptr,
                       openssl::Data(message), message.size(), secret_->bytes.data());
  return signature;
}

Ed25519Signer::Ed25519Signer(Ed25519PrivateKey key)
    : key_(std::move(key)), key_id_(key_.public_key().KeyId()) {}

absl::StatusOr<v1::Envelope> Ed25519Signer::Sign(absl::string_view payload_type,
                                                 absl::string_view payload) const {
  v1::Envelope envelope;
  envelope.set_payload_type(std::string(payload_type));
  envelope.set_payload(std::string(payload));
  v1::Signature* signature = envelope.add_signatures();
  signature->set_key_id(key_id_);
  signature->set_signature(key_.Sign(Pae(payload_type, payload)));
  if (envelope.ByteSizeLong() > limits::kEnvelopeBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat("sign '", payload_type, "': the envelope of ",
                                                   envelope.ByteSizeLong(), " bytes exceeds ",
                                                   limits::kEnvelopeBytesMax));
  }
  return envelope;
}

Ed25519Verifier::Ed25519Verifier(std::vector<Ed25519PublicKey> trusted, int threshold)
    : threshold_(threshold) {
  CHECK(threshold > 0);
  for (Ed25519PublicKey& key : trusted) {
    std::string id = key.KeyId();
    trusted_.push_back({std::move(id), std::move(key)});
  }
  std::sort(trusted_.begin(), trusted_.end(),
            [](const TrustedKey& a, const TrustedKey& b) { return a.id < b.id; });
  trusted_.erase(std::unique(trusted_.begin(), trusted_.end(),
                             [](const TrustedKey& a, const TrustedKey& b) { return a.id == b.id; }),
                 trusted_.end());
}

absl::StatusOr<std::string> Ed25519Verifier::Open(const v1::Envelope& envelope,
                                                  absl::string_view expected_type) const {
  const size_t size = envelope.ByteSizeLong();
  if (size > limits::kEnvelopeBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("open envelope: its ", size, " bytes exceed ", limits::kEnvelopeBytesMax));
  }
  if (envelope.signatures_size() > kSignaturesMax) {
    return absl::InvalidArgumentError(absl::StrCat(
        "open envelope: its ", envelope.signatures_size(), " signatures exceed ", kSignaturesMax));
  }
  const std::string message = Pae(envelope.payload_type(), envelope.payload());
  std::set<absl::string_view> signers;  // the ids of distinct keys: digests of their bytes
  for (const v1::Signature& signature : envelope.signatures()) {
    // The hint selects the key to try. A signature by a key that is not trusted is no fault: during
    // a rotation old and new keys sign together. It just does not count.
    const auto key =
        std::lower_bound(trusted_.begin(), trusted_.end(), signature.key_id(),
                         [](const TrustedKey& a, const std::string& id) { return a.id < id; });
    if (key == trusted_.end() || key->id != signature.key_id()) continue;
    if (!key->key.Verify(message, signature.signature())) {
      return absl::PermissionDeniedError(
          absl::StrCat("open envelope: the signature of key ", key->id.substr(0, 12), " is wrong"));
    }
    signers.insert(key->id);
  }
  if (static_cast<int>(signers.size()) < threshold_) {
    return absl::PermissionDeniedError(
        absl::StrCat("open envelope: ", signers.size(), " of ", threshold_, " trusted signatures"));
  }
  if (envelope.payload_type() != expected_type) {
    return absl::InvalidArgumentError(absl::StrCat(
        "open envelope: it holds '", envelope.payload_type(), "', wanted '", expected_type, "'"));
  }
  return envelope.payload();
}

}  // namespace muster
