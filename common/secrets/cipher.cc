#include "common/secrets/cipher.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <utility>

#include "common/base/check.h"
#include "common/trust/openssl.h"

namespace muster::cipher {
namespace {

using openssl::Free;
using Context = std::unique_ptr<EVP_CIPHER_CTX, Free<EVP_CIPHER_CTX_free>>;
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using openssl::KeyContext;
using Kdf = std::unique_ptr<EVP_KDF, Free<EVP_KDF_free>>;
using KdfContext = std::unique_ptr<EVP_KDF_CTX, Free<EVP_KDF_CTX_free>>;

constexpr size_t kNonceBytesMax = 64;

const unsigned char* Data(absl::string_view bytes) {
  // OpenSSL takes no null, which an empty view may be.
  return reinterpret_cast<const unsigned char*>(bytes.empty() ? "" : bytes.data());
}

unsigned char* Writable(std::string& bytes, size_t at = 0) {
  return reinterpret_cast<unsigned char*>(bytes.data()) + at;
}

int SizeOf(absl::string_view bytes) {
  CHECK(bytes.size() < (1u << 30)) << "a secret of that size was not refused before";
  return static_cast<int>(bytes.size());
}

Box SealWith(const EVP_CIPHER* kind, absl::string_view key, absl::string_view nonce,
             absl::string_view context, absl::string_view plain) {
  CHECK_EQ(key.size(), kKeyBytes);
  Box box{std::string(plain.size(), '\0'), std::string(kTagBytes, '\0')};
  const Context cipher(EVP_CIPHER_CTX_new());
  CHECK(cipher != nullptr);
  int size = 0;
  CHECK(EVP_EncryptInit_ex2(cipher.get(), kind, nullptr, nullptr, nullptr) == 1);
  CHECK(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_SET_IVLEN, SizeOf(nonce), nullptr) == 1);
  CHECK(EVP_EncryptInit_ex2(cipher.get(), nullptr, Data(key), Data(nonce), nullptr) == 1);
  if (!context.empty()) {
    CHECK(EVP_EncryptUpdate(cipher.get(), nullptr, &size, Data(context), SizeOf(context)) == 1);
  }
  CHECK(EVP_EncryptUpdate(cipher.get(), Writable(box.data), &size, Data(plain), SizeOf(plain)) ==
        1);
  CHECK(EVP_EncryptFinal_ex(cipher.get(), Writable(box.tag), &size) == 1 && size == 0);
  CHECK(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_GET_TAG, kTagBytes, Writable(box.tag)) ==
        1);
  return box;
}

absl::StatusOr<std::string> OpenWith(const EVP_CIPHER* kind, absl::string_view key,
                                     absl::string_view nonce, absl::string_view context,
                                     const Box& box) {
  CHECK_EQ(key.size(), kKeyBytes);
  if (nonce.empty() || nonce.size() > kNonceBytesMax || box.tag.size() != kTagBytes) {
    return absl::InvalidArgumentError("its nonce or its tag has an impossible size");
  }
  std::string plain(box.data.size(), '\0');
  std::string tag = box.tag;
  const Context cipher(EVP_CIPHER_CTX_new());
  CHECK(cipher != nullptr);
  int size = 0;
  const bool good =
      EVP_DecryptInit_ex2(cipher.get(), kind, nullptr, nullptr, nullptr) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_SET_IVLEN, SizeOf(nonce), nullptr) == 1 &&
      EVP_DecryptInit_ex2(cipher.get(), nullptr, Data(key), Data(nonce), nullptr) == 1 &&
      (context.empty() ||
       EVP_DecryptUpdate(cipher.get(), nullptr, &size, Data(context), SizeOf(context)) == 1) &&
      EVP_DecryptUpdate(cipher.get(), Writable(plain), &size, Data(box.data), SizeOf(box.data)) ==
          1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_SET_TAG, kTagBytes, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(cipher.get(), Writable(tag), &size) == 1;
  ERR_clear_error();
  if (good) return plain;
  OPENSSL_cleanse(plain.data(), plain.size());  // It is not what anybody sealed.
  return absl::DataLossError("it was altered, or sealed under another key or in another place");
}

Key RawKey(absl::string_view bytes, bool is_private) {
  CHECK_EQ(bytes.size(), kKeyBytes);
  Key key(is_private
              ? EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, Data(bytes), kKeyBytes)
              : EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr, Data(bytes), kKeyBytes));
  CHECK(key != nullptr);
  return key;
}

}  // namespace

std::string RandomBytes(size_t size) {
  std::string bytes(size, '\0');
  CHECK(RAND_bytes(Writable(bytes), static_cast<int>(size)) == 1)
      << "the system gives no random bytes";
  return bytes;
}

std::string PublicKeyOf(absl::string_view private_key) {
  const Key key = RawKey(private_key, true);
  std::string bytes(kKeyBytes, '\0');
  size_t size = bytes.size();
  CHECK(EVP_PKEY_get_raw_public_key(key.get(), Writable(bytes), &size) == 1 && size == kKeyBytes);
  return bytes;
}

absl::StatusOr<std::string> SharedSecret(absl::string_view private_key,
                                         absl::string_view public_key) {
  const Key ours = RawKey(private_key, true);
  const Key theirs = RawKey(public_key, false);
  const KeyContext context(EVP_PKEY_CTX_new(ours.get(), nullptr));
  CHECK(context != nullptr && EVP_PKEY_derive_init(context.get()) == 1);
  std::string secret(kKeyBytes, '\0');
  size_t size = secret.size();
  const bool good = EVP_PKEY_derive_set_peer(context.get(), theirs.get()) == 1 &&
                    EVP_PKEY_derive(context.get(), Writable(secret), &size) == 1 &&
                    size == kKeyBytes;
  ERR_clear_error();
  if (!good || secret == std::string(kKeyBytes, '\0')) {
    return absl::InvalidArgumentError("this public key gives no shared secret");
  }
  return secret;
}

std::string HkdfSha256(absl::string_view secret, absl::string_view salt, absl::string_view info) {
  const Kdf kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr));
  CHECK(kdf != nullptr);
  const KdfContext context(EVP_KDF_CTX_new(kdf.get()));
  CHECK(context != nullptr);
  std::string digest = "SHA256";
  // OpenSSL reads these and does not say so in its types.
  const auto octets = [](const char* name, absl::string_view bytes) {
    return OSSL_PARAM_construct_octet_string(name, const_cast<unsigned char*>(Data(bytes)),
                                             bytes.size());
  };
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.data(), 0),
      octets(OSSL_KDF_PARAM_KEY, secret), octets(OSSL_KDF_PARAM_SALT, salt),
      octets(OSSL_KDF_PARAM_INFO, info), OSSL_PARAM_construct_end()};
  std::string key(kKeyBytes, '\0');
  CHECK(EVP_KDF_derive(context.get(), Writable(key), key.size(), params) == 1);
  return key;
}

std::string HmacSha256(absl::string_view key, absl::string_view bytes) {
  std::string mac(32, '\0');
  unsigned int size = 0;
  CHECK(HMAC(EVP_sha256(), Data(key), SizeOf(key), Data(bytes), bytes.size(), Writable(mac),
             &size) != nullptr &&
        size == mac.size());
  return mac;
}

Sha512::Sha512() : context_(EVP_MD_CTX_new()) {
  CHECK(context_ != nullptr && EVP_DigestInit_ex2(context_, EVP_sha512(), nullptr) == 1);
}
Sha512::~Sha512() { EVP_MD_CTX_free(context_); }

void Sha512::Add(absl::string_view bytes) {
  CHECK(EVP_DigestUpdate(context_, Data(bytes), bytes.size()) == 1);
}

std::string Sha512::Finish() {
  std::string digest(64, '\0');
  unsigned int size = 0;
  CHECK(EVP_DigestFinal_ex(context_, Writable(digest), &size) == 1 && size == digest.size());
  return digest;
}

bool EqualSecrets(absl::string_view a, absl::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(Data(a), Data(b), a.size()) == 0;
}

Box SealAesGcm(absl::string_view key, absl::string_view nonce, absl::string_view context,
               absl::string_view plain) {
  return SealWith(EVP_aes_256_gcm(), key, nonce, context, plain);
}

absl::StatusOr<std::string> OpenAesGcm(absl::string_view key, absl::string_view nonce,
                                       absl::string_view context, const Box& box) {
  return OpenWith(EVP_aes_256_gcm(), key, nonce, context, box);
}

std::string SealChaCha(absl::string_view key, absl::string_view nonce, absl::string_view plain) {
  Box box = SealWith(EVP_chacha20_poly1305(), key, nonce, "", plain);
  return box.data + box.tag;
}

absl::StatusOr<std::string> OpenChaCha(absl::string_view key, absl::string_view nonce,
                                       absl::string_view sealed) {
  if (sealed.size() < kTagBytes) return absl::InvalidArgumentError("it is cut short");
  const size_t size = sealed.size() - kTagBytes;
  return OpenWith(EVP_chacha20_poly1305(), key, nonce, "",
                  Box{std::string(sealed.substr(0, size)), std::string(sealed.substr(size))});
}

}  // namespace muster::cipher
