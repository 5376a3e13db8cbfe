#include "common/trust/sshsig.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/sha.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/check.h"
#include "common/base/status_macros.h"
#include "common/trust/allowed_signers.h"
#include "common/trust/openssl.h"
#include "common/trust/ssh_wire.h"

namespace muster {
namespace {

constexpr absl::string_view kMagic = "SSHSIG";
// ssh-keygen writes lines of 70; others write 64 or 76.
constexpr size_t kLineMin = 64;
constexpr size_t kLineMax = 76;

using Number = std::unique_ptr<BIGNUM, openssl::Free<BN_free>>;
using ParamBuilder = std::unique_ptr<OSSL_PARAM_BLD, openssl::Free<OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, openssl::Free<OSSL_PARAM_free>>;
using EcdsaSignature = std::unique_ptr<ECDSA_SIG, openssl::Free<ECDSA_SIG_free>>;

absl::Status NotOne(absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("no SSH signature: ", why));
}

Number NumberOf(absl::string_view bytes) {
  return Number(BN_bin2bn(openssl::Data(bytes), static_cast<int>(bytes.size()), nullptr));
}

// The bytes between the two lines; only even lines of canonical base64 count.
absl::StatusOr<std::string> Unarmour(absl::string_view armoured) {
  if (armoured.size() > kSshSignatureBytesMax) return NotOne("it is too large");
  absl::ConsumeSuffix(&armoured, "\n");
  if (!absl::ConsumePrefix(&armoured, kSshSignatureBegin) ||
      !absl::ConsumeSuffix(&armoured, kSshSignatureEnd) || !absl::ConsumePrefix(&armoured, "\n") ||
      !absl::ConsumeSuffix(&armoured, "\n")) {
    return NotOne("it does not stand alone between its BEGIN and END");
  }
  const std::vector<absl::string_view> lines = absl::StrSplit(armoured, '\n');
  const size_t width = lines[0].size();
  std::string base64;
  for (size_t i = 0; i < lines.size(); ++i) {
    const bool last = i + 1 == lines.size();
    const bool even =
        last ? lines[i].size() <= width && !lines[i].empty() : lines[i].size() == width;
    if (!even || width > kLineMax || (width < kLineMin && lines.size() > 1)) {
      return NotOne("its lines are uneven");
    }
    base64.append(lines[i].data(), lines[i].size());
  }
  std::string bytes;
  if (!absl::Base64Unescape(base64, &bytes) || absl::Base64Escape(bytes) != base64) {
    return NotOne("it is not canonical base64");
  }
  return bytes;
}

openssl::Key Ed25519Key(absl::string_view bytes) {
  return openssl::OwnKey(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, openssl::Data(bytes), bytes.size()));
}

openssl::Key KeyOf(const char* type, OSSL_PARAM_BLD* builder) {
  const Params params(OSSL_PARAM_BLD_to_param(builder));
  const openssl::KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (params == nullptr || context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
    return nullptr;
  }
  return openssl::OwnKey(key);
}

openssl::Key EcdsaKey(absl::string_view curve, absl::string_view point) {
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  const std::string group = curve == "nistp256"   ? "prime256v1"
                            : curve == "nistp384" ? "secp384r1"
                                                  : "secp521r1";
  CHECK(builder != nullptr);
  OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, group.c_str(), 0);
  OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                   point.size());
  return KeyOf("EC", builder.get());
}

openssl::Key RsaKey(absl::string_view exponent, absl::string_view modulus) {
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  const Number e = NumberOf(exponent), n = NumberOf(modulus);
  CHECK(builder != nullptr && e != nullptr && n != nullptr);
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get());
  return KeyOf("RSA", builder.get());
}

// r and s as SSH writes them -> DER. Nullopt unless they are numbers in their shortest form.
std::optional<std::string> EcdsaToDer(absl::string_view signature) {
  SshReader reader(signature);
  Number numbers[2];
  for (Number& number : numbers) {
    const auto bytes = reader.String();
    const auto at = [&](size_t i) { return static_cast<uint8_t>((*bytes)[i]); };
    if (!bytes || bytes->empty() || at(0) >= 0x80) return std::nullopt;
    if (at(0) == 0 && (bytes->size() < 2 || at(1) < 0x80)) return std::nullopt;
    number = NumberOf(*bytes);
    CHECK(number != nullptr);
  }
  if (!reader.at_end()) return std::nullopt;
  const EcdsaSignature whole(ECDSA_SIG_new());
  CHECK(whole != nullptr);
  CHECK(ECDSA_SIG_set0(whole.get(), numbers[0].release(), numbers[1].release()) == 1);
  return openssl::Der(whole.get(), i2d_ECDSA_SIG);
}

bool Holds(EVP_PKEY* key, const EVP_MD* digest, absl::string_view signature,
           absl::string_view signed_bytes) {
  const openssl::DigestContext context(EVP_MD_CTX_new());
  const bool good = context != nullptr &&
                    EVP_DigestVerifyInit(context.get(), nullptr, digest, nullptr, key) == 1 &&
                    EVP_DigestVerify(context.get(), openssl::Data(signature), signature.size(),
                                     openssl::Data(signed_bytes), signed_bytes.size()) == 1;
  openssl::ForgetErrors();
  return good;
}

// What the key really signed: the message's hash, wrapped so that it can be nothing else.
std::string SignedBytes(const SshSignature& signature, absl::string_view message) {
  unsigned char hash[SHA512_DIGEST_LENGTH];
  const bool sha256 = signature.hash == "sha256";
  sha256 ? SHA256(openssl::Data(message), message.size(), hash)
         : SHA512(openssl::Data(message), message.size(), hash);
  std::string bytes(kMagic);
  AppendSshString(signature.name_space, bytes);
  AppendSshString("", bytes);
  AppendSshString(signature.hash, bytes);
  AppendSshString(absl::string_view(reinterpret_cast<const char*>(hash),
                                    sha256 ? SHA256_DIGEST_LENGTH : SHA512_DIGEST_LENGTH),
                  bytes);
  return bytes;
}

}  // namespace

absl::StatusOr<SshSignature> ParseSshSignature(absl::string_view armoured) {
  ASSIGN_OR_RETURN(const std::string bytes, Unarmour(armoured));
  absl::string_view rest = bytes;
  if (!absl::ConsumePrefix(&rest, kMagic)) return NotOne("it does not start with SSHSIG");
  SshReader reader(rest);
  const auto version = reader.Number();
  if (!version || *version != 1) return NotOne("it is of another version");
  const auto public_key = reader.String(), name_space = reader.String(), reserved = reader.String(),
             hash = reader.String(), signature = reader.String();
  if (!signature || !reader.at_end()) return NotOne("it has not the fields of one");
  if (!reserved->empty()) return NotOne("its reserved field is not empty");
  if (*hash != "sha256" && *hash != "sha512")
    return NotOne("it hashes by neither SHA-256 nor SHA-512");
  SshReader inner(*signature);
  const auto algorithm = inner.String(), blob = inner.String();
  if (!blob || !inner.at_end()) return NotOne("it has not the fields of one");
  return SshSignature{std::string(*public_key), std::string(*name_space), std::string(*hash),
                      std::string(*algorithm), std::string(*blob)};
}

absl::StatusOr<bool> VerifySshSignature(const SshSignature& signature, absl::string_view message) {
  ASSIGN_OR_RETURN(const std::string type, CheckSshPublicKey(signature.public_key));
  const std::string& algorithm = signature.algorithm;
  const bool rsa = type == "ssh-rsa";
  const bool goes_with =
      rsa ? algorithm == "rsa-sha2-256" || algorithm == "rsa-sha2-512" : algorithm == type;
  if (!goes_with) {
    return absl::UnimplementedError(absl::StrCat("a signature by '",
                                                 absl::CHexEscape(algorithm.substr(0, 64)),
                                                 "' of a key of type '", type, "' does not count"));
  }
  SshReader reader(signature.public_key);
  (void)reader.String();
  const absl::string_view first = *reader.String();
  openssl::Key key;
  const EVP_MD* digest = nullptr;
  std::string blob = signature.signature;
  if (rsa) {
    key = RsaKey(first, *reader.String());
    digest = algorithm == "rsa-sha2-256" ? EVP_sha256() : EVP_sha512();
  } else if (type == "ssh-ed25519") {
    key = Ed25519Key(first);
  } else {
    key = EcdsaKey(first, *reader.String());
    digest = first == "nistp256" ? EVP_sha256() : first == "nistp384" ? EVP_sha384() : EVP_sha512();
    std::optional<std::string> der = EcdsaToDer(blob);
    if (!der) return false;
    blob = *std::move(der);
  }
  openssl::ForgetErrors();
  if (key == nullptr) return absl::InvalidArgumentError("the key is not one of its curve");
  // OpenSSL would take a shorter RSA signature too.
  if (rsa && blob.size() != static_cast<size_t>(EVP_PKEY_get_size(key.get()))) return false;
  return Holds(key.get(), digest, blob, SignedBytes(signature, message));
}

}  // namespace muster
