// What the .cc files of common/trust share about OpenSSL 3.0: owners for its objects, and PEM keys.
// Others may have its owners (agent/kube/tls_stream, common/secrets/cipher do), not its keys. Any
// thread.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace muster::openssl {

template <auto kFree>
struct Free {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};

using Bio = std::unique_ptr<BIO, Free<BIO_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Free<EVP_PKEY_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX_free>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;
using Request = std::unique_ptr<X509_REQ, Free<X509_REQ_free>>;
using Key = std::shared_ptr<EVP_PKEY>;

// Takes ownership.
Key OwnKey(EVP_PKEY* key);

// PKCS#8 in PEM without a passphrase.
std::string KeyToPem(EVP_PKEY* key);

// Strict: exactly one PKCS#8 block with the canonical base64 that KeyToPem writes, and nothing
// around it but white space at the end. The key's kind is for the caller to check.
absl::StatusOr<Key> KeyFromPem(absl::string_view pem);

// The body of the one PEM block labelled `label` in `pem`, decoded. Strict in the same way.
absl::StatusOr<std::string> DecodePem(absl::string_view label, absl::string_view pem);
std::string EncodePem(absl::string_view label, absl::string_view der);

inline const unsigned char* Data(absl::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

// The DER of `object`, by its i2d function.
template <typename T, typename Encode>
std::string Der(const T* object, Encode encode) {
  unsigned char* bytes = nullptr;
  const int size = encode(object, &bytes);
  if (size <= 0) return "";
  std::string der(reinterpret_cast<const char*>(bytes), size);
  OPENSSL_free(bytes);
  return der;
}

// Empties this thread's queue of errors: it must not leak into the next call or into gRPC.
void ForgetErrors();

}  // namespace muster::openssl
