#include "common/trust/sealing.h"

#include <openssl/rand.h>

#include <memory>

#include "common/base/check.h"
#include "common/trust/openssl.h"

namespace muster {
namespace {

// A box: version, nonce, ciphertext, tag.
constexpr char kVersion = 1;
constexpr size_t kKeyBytes = 32;
constexpr size_t kNonceBytes = 12;
constexpr size_t kTagBytes = 16;
constexpr size_t kOverhead = 1 + kNonceBytes + kTagBytes;

using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, openssl::Free<EVP_CIPHER_CTX_free>>;

std::string RandomBytes(size_t size) {
  std::string bytes(size, '\0');
  CHECK(RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(size)) == 1)
      << "the system gives no random bytes";
  return bytes;
}

unsigned char* Writable(std::string& bytes, size_t at) {
  return reinterpret_cast<unsigned char*>(bytes.data()) + at;
}

}  // namespace

std::string NewSealingKey() { return RandomBytes(kKeyBytes); }

std::string Seal(absl::string_view key, absl::string_view context, absl::string_view secret) {
  CHECK_EQ(key.size(), kKeyBytes);
  std::string box(1, kVersion);
  box += RandomBytes(kNonceBytes);
  box.resize(kOverhead + secret.size());
  const CipherContext cipher(EVP_CIPHER_CTX_new());
  CHECK(cipher != nullptr);
  int size = 0;
  CHECK(EVP_EncryptInit_ex2(cipher.get(), EVP_aes_256_gcm(), openssl::Data(key), Writable(box, 1),
                            nullptr) == 1);
  CHECK(EVP_EncryptUpdate(cipher.get(), nullptr, &size, openssl::Data(context),
                          static_cast<int>(context.size())) == 1);
  CHECK(EVP_EncryptUpdate(cipher.get(), Writable(box, 1 + kNonceBytes), &size,
                          openssl::Data(secret), static_cast<int>(secret.size())) == 1);
  const size_t tag = 1 + kNonceBytes + secret.size();
  CHECK(EVP_EncryptFinal_ex(cipher.get(), Writable(box, tag), &size) == 1 && size == 0);
  CHECK(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_GET_TAG, kTagBytes, Writable(box, tag)) ==
        1);
  return box;
}

absl::StatusOr<std::string> Unseal(absl::string_view key, absl::string_view context,
                                   absl::string_view box) {
  CHECK_EQ(key.size(), kKeyBytes);
  const absl::Status refused = absl::DataLossError(
      "open sealed secret: it was altered, or sealed under another key or name; store it anew");
  if (box.size() < kOverhead || box.front() != kVersion) return refused;
  const absl::string_view nonce = box.substr(1, kNonceBytes);
  const absl::string_view sealed = box.substr(1 + kNonceBytes, box.size() - kOverhead);
  std::string tag(box.substr(box.size() - kTagBytes));
  std::string secret(sealed.size(), '\0');
  const CipherContext cipher(EVP_CIPHER_CTX_new());
  CHECK(cipher != nullptr);
  int size = 0;
  const bool good =
      EVP_DecryptInit_ex2(cipher.get(), EVP_aes_256_gcm(), openssl::Data(key), openssl::Data(nonce),
                          nullptr) == 1 &&
      EVP_DecryptUpdate(cipher.get(), nullptr, &size, openssl::Data(context),
                        static_cast<int>(context.size())) == 1 &&
      EVP_DecryptUpdate(cipher.get(), Writable(secret, 0), &size, openssl::Data(sealed),
                        static_cast<int>(sealed.size())) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_SET_TAG, kTagBytes, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(cipher.get(), Writable(secret, 0) + secret.size(), &size) == 1;
  openssl::ForgetErrors();
  if (!good) return refused;
  return secret;
}

}  // namespace muster
