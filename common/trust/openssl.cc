#include "common/trust/openssl.h"

#include <openssl/err.h>
#include <openssl/pkcs12.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/check.h"
#include "common/base/status_macros.h"

namespace muster::openssl {
namespace {

using Pkcs8 = std::unique_ptr<PKCS8_PRIV_KEY_INFO, Free<PKCS8_PRIV_KEY_INFO_free>>;

constexpr absl::string_view kPrivateKeyLabel = "PRIVATE KEY";
constexpr size_t kPemLine = 64;

}  // namespace

Key OwnKey(EVP_PKEY* key) { return Key(key, EVP_PKEY_free); }

std::string EncodePem(absl::string_view label, absl::string_view der) {
  const std::string base64 = absl::Base64Escape(der);
  std::string pem = absl::StrCat("-----BEGIN ", label, "-----\n");
  for (size_t at = 0; at < base64.size(); at += kPemLine) {
    absl::StrAppend(&pem, base64.substr(at, kPemLine), "\n");
  }
  absl::StrAppend(&pem, "-----END ", label, "-----\n");
  return pem;
}

absl::StatusOr<std::string> DecodePem(absl::string_view label, absl::string_view pem) {
  const absl::string_view block = absl::StripTrailingAsciiWhitespace(pem);
  absl::string_view body = block;
  if (!absl::ConsumePrefix(&body, absl::StrCat("-----BEGIN ", label, "-----\n")) ||
      !absl::ConsumeSuffix(&body, absl::StrCat("-----END ", label, "-----"))) {
    return absl::InvalidArgumentError(absl::StrCat("not one PEM block of kind '", label, "'"));
  }
  std::string base64(body);
  base64.erase(std::remove(base64.begin(), base64.end(), '\n'), base64.end());
  std::string der;
  // Only the one encoding that EncodePem writes counts: lines, padding and unused bits included.
  if (!absl::Base64Unescape(base64, &der) || der.empty() ||
      absl::StripTrailingAsciiWhitespace(EncodePem(label, der)) != block) {
    return absl::InvalidArgumentError(
        absl::StrCat("the PEM block of kind '", label, "' is not canonical base64"));
  }
  return der;
}

std::string KeyToPem(EVP_PKEY* key) {
  const Pkcs8 pkcs8(EVP_PKEY2PKCS8(key));
  CHECK(pkcs8 != nullptr);
  return EncodePem(kPrivateKeyLabel, Der(pkcs8.get(), i2d_PKCS8_PRIV_KEY_INFO));
}

absl::StatusOr<Key> KeyFromPem(absl::string_view pem) {
  ASSIGN_OR_RETURN(const std::string der, DecodePem(kPrivateKeyLabel, pem));
  const unsigned char* at = Data(der);
  const Pkcs8 pkcs8(d2i_PKCS8_PRIV_KEY_INFO(nullptr, &at, static_cast<long>(der.size())));
  const bool whole = pkcs8 != nullptr && at == Data(der) + der.size();
  Key key = OwnKey(whole ? EVP_PKCS82PKEY(pkcs8.get()) : nullptr);
  ForgetErrors();
  if (key == nullptr) return absl::InvalidArgumentError("not a private key in PKCS#8");
  return key;
}

void ForgetErrors() { ERR_clear_error(); }

}  // namespace muster::openssl
