// The ciphers that sealed documents are made of, over OpenSSL 3: what age and SOPS ask for.
//
// Only for this folder: others take age.h and sops.h. Pure but for the system's random source; any
// thread. Promise: OpenSSL's queue of errors is left empty.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

struct evp_md_ctx_st;

namespace muster::cipher {

inline constexpr size_t kKeyBytes = 32;
inline constexpr size_t kTagBytes = 16;

std::string RandomBytes(size_t size);

// ---- X25519 (RFC 7748). Requires: keys of 32 bytes.
std::string PublicKeyOf(absl::string_view private_key);
// kInvalidArgument for a public key that gives no secret, being of low order.
absl::StatusOr<std::string> SharedSecret(absl::string_view private_key,
                                         absl::string_view public_key);

// ---- hashes
std::string HkdfSha256(absl::string_view secret, absl::string_view salt, absl::string_view info);
std::string HmacSha256(absl::string_view key, absl::string_view bytes);

class Sha512 {
 public:
  Sha512();
  ~Sha512();
  Sha512(const Sha512&) = delete;
  Sha512& operator=(const Sha512&) = delete;

  void Add(absl::string_view bytes);
  std::string Finish();  // 64 bytes; once

 private:
  evp_md_ctx_st* const context_;
};

// Whether the two are the same, in a time that does not depend on where they differ.
bool EqualSecrets(absl::string_view a, absl::string_view b);

// ---- authenticated encryption. Requires: keys of 32 bytes; ChaCha20-Poly1305 a nonce of 12.

// A ciphertext with its tag beside it.
struct Box {
  std::string data;
  std::string tag;
};

Box SealAesGcm(absl::string_view key, absl::string_view nonce, absl::string_view context,
               absl::string_view plain);
// kDataLoss unless key, nonce and context are those it was sealed with and nothing was altered;
// kInvalidArgument for a nonce of no or of too many bytes, or a tag of another size.
absl::StatusOr<std::string> OpenAesGcm(absl::string_view key, absl::string_view nonce,
                                       absl::string_view context, const Box& box);

// The tag follows the ciphertext.
std::string SealChaCha(absl::string_view key, absl::string_view nonce, absl::string_view plain);
absl::StatusOr<std::string> OpenChaCha(absl::string_view key, absl::string_view nonce,
                                       absl::string_view sealed);

}  // namespace muster::cipher
