#include "common/trust/certificate.h"

#include <arpa/inet.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "common/base/check.h"
#include "common/base/status_macros.h"
#include "common/trust/openssl.h"

namespace muster {
namespace {

constexpr absl::string_view kCertificateLabel = "CERTIFICATE";
constexpr size_t kCertificateBytesMax = 16u << 10;
constexpr size_t kCsrBytesMax = 8u << 10;

// What every SubjectPublicKeyInfo of an uncompressed P-256 point by named curve begins with. Other
// encodings of the same key are refused, so that one key has one digest.
constexpr absl::string_view kP256Header(
    "\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"
    "\x03\x42\x00\x04",
    27);
constexpr size_t kP256SpkiBytes = 91;

bool IsP256(absl::string_view spki_der) {
  return spki_der.size() == kP256SpkiBytes && absl::StartsWith(spki_der, kP256Header);
}

using GeneralNames = std::unique_ptr<GENERAL_NAMES, openssl::Free<GENERAL_NAMES_free>>;

absl::StatusOr<openssl::Certificate> Decode(absl::string_view der) {
  if (der.size() > kCertificateBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("a certificate of ", der.size(), " bytes exceeds ", kCertificateBytesMax));
  }
  const unsigned char* at = openssl::Data(der);
  openssl::Certificate certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  openssl::ForgetErrors();
  if (certificate == nullptr || at != openssl::Data(der) + der.size()) {
    return absl::InvalidArgumentError("not a certificate in DER");
  }
  return certificate;
}

std::string SpkiDer(const X509* certificate) {
  return openssl::Der(X509_get_X509_PUBKEY(certificate), i2d_X509_PUBKEY);
}

absl::StatusOr<absl::Time> ToTime(const ASN1_TIME* time) {
  std::tm parts = {};
  if (ASN1_TIME_to_tm(time, &parts) != 1) {
    openssl::ForgetErrors();
    return absl::InvalidArgumentError("the certificate has a malformed time");
  }
  return absl::FromCivil(absl::CivilSecond(parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                                           parts.tm_hour, parts.tm_min, parts.tm_sec),
                         absl::UTCTimeZone());
}

std::string Text(const ASN1_STRING* text) {
  return std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                     ASN1_STRING_length(text));
}

std::string AddressText(const ASN1_OCTET_STRING* address) {
  const int size = ASN1_STRING_length(address);
  if (size != 4 && size != 16) return "";
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(size == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(address), text, sizeof(text));
  return text;
}

void ReadNames(const X509* certificate, CertificateInfo* info) {
  const GeneralNames names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  if (names == nullptr) return;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_URI) {
      info->uris.push_back(Text(name->d.uniformResourceIdentifier));
    } else if (name->type == GEN_DNS) {
      info->dns_names.push_back(Text(name->d.dNSName));
    } else if (name->type == GEN_IPADD) {
      info->addresses.push_back(AddressText(name->d.iPAddress));
    }
  }
}

std::string CommonName(const X509* certificate) {
  const X509_NAME* subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0) return "";
  return Text(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
}

}  // namespace

// ---------------------------------------------------------------- keys

P256Key P256Key::Generate() {
  openssl::Key key = openssl::OwnKey(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  CHECK(key != nullptr) << "the system gives no random bytes";
  return P256Key(std::move(key));
}

absl::StatusOr<P256Key> P256Key::FromPem(absl::string_view pem) {
  ASSIGN_OR_RETURN(openssl::Key key, openssl::KeyFromPem(pem));
  if (!IsP256(openssl::Der(key.get(), i2d_PUBKEY))) {
    openssl::ForgetErrors();
    return absl::InvalidArgumentError("the private key is not a P-256 key");
  }
  return P256Key(std::move(key));
}

std::string P256Key::ToPem() const { return openssl::KeyToPem(key_.get()); }

Digest P256Key::Spki() const { return Digest::Of(openssl::Der(key_.get(), i2d_PUBKEY)); }

Validity ValidFrom(absl::Time now, absl::Duration lifetime) {
  return Validity{.not_before = now - absl::Minutes(5), .not_after = now + lifetime};
}

// ---------------------------------------------------------------- requests

std::string MakeCsr(const P256Key& key) {
  const openssl::Request request(X509_REQ_new());
  CHECK(request != nullptr);
  CHECK(X509_REQ_set_pubkey(request.get(), key.get()) == 1);
  CHECK(X509_REQ_sign(request.get(), key.get(), EVP_sha256()) > 0);
  return openssl::Der(request.get(), i2d_X509_REQ);
}

absl::StatusOr<std::string> CsrKey(absl::string_view csr_der) {
  if (csr_der.size() > kCsrBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("a certificate request of ", csr_der.size(), " bytes exceeds ", kCsrBytesMax));
  }
  const unsigned char* at = openssl::Data(csr_der);
  const openssl::Request request(d2i_X509_REQ(nullptr, &at, static_cast<long>(csr_der.size())));
  openssl::ForgetErrors();
  if (request == nullptr || at != openssl::Data(csr_der) + csr_der.size()) {
    return absl::InvalidArgumentError("not a certificate request in DER");
  }
  std::string spki_der = openssl::Der(X509_REQ_get_X509_PUBKEY(request.get()), i2d_X509_PUBKEY);
  EVP_PKEY* key = IsP256(spki_der) ? X509_REQ_get0_pubkey(request.get()) : nullptr;
  if (key == nullptr) {
    openssl::ForgetErrors();
    return absl::InvalidArgumentError("the certificate request's key is not a P-256 key");
  }
  const bool possessed = X509_REQ_verify(request.get(), key) == 1;
  openssl::ForgetErrors();
  if (!possessed) {
    return absl::InvalidArgumentError(
        "the certificate request is not signed by the key that it holds");
  }
  return spki_der;
}

absl::StatusOr<Digest> CheckCsr(absl::string_view csr_der) {
  ASSIGN_OR_RETURN(const std::string spki_der, CsrKey(csr_der));
  return Digest::Of(spki_der);
}

// ---------------------------------------------------------------- reading

absl::StatusOr<CertificateInfo> ParseCertificate(absl::string_view der) {
  ASSIGN_OR_RETURN(const openssl::Certificate certificate, Decode(der));
  CertificateInfo info;
  info.fingerprint = Digest::Of(der);
  info.spki = Digest::Of(SpkiDer(certificate.get()));
  info.common_name = CommonName(certificate.get());
  ReadNames(certificate.get(), &info);
  ASSIGN_OR_RETURN(info.not_before, ToTime(X509_get0_notBefore(certificate.get())));
  ASSIGN_OR_RETURN(info.not_after, ToTime(X509_get0_notAfter(certificate.get())));
  info.serial = absl::BytesToHexString(Text(X509_get0_serialNumber(certificate.get())));
  info.is_ca = X509_check_ca(certificate.get()) != 0;
  openssl::ForgetErrors();
  return info;
}

absl::Status CheckIssuedBy(absl::string_view root_der, absl::string_view certificate_der,
                           absl::Time now) {
  ASSIGN_OR_RETURN(const openssl::Certificate root, Decode(root_der));
  ASSIGN_OR_RETURN(const openssl::Certificate certificate, Decode(certificate_der));
  const auto refuse = [](absl::string_view why) {
    return absl::PermissionDeniedError(absl::StrCat("the certificate is not to be trusted: ", why));
  };
  if (X509_check_ca(certificate.get()) != 0) return refuse("it is an authority's own");
  using TrustStore = std::unique_ptr<X509_STORE, openssl::Free<X509_STORE_free>>;
  using Context = std::unique_ptr<X509_STORE_CTX, openssl::Free<X509_STORE_CTX_free>>;
  const TrustStore store(X509_STORE_new());
  const Context context(X509_STORE_CTX_new());
  CHECK(store != nullptr && context != nullptr);
  CHECK(X509_STORE_add_cert(store.get(), root.get()) == 1);
  CHECK(X509_STORE_CTX_init(context.get(), store.get(), certificate.get(), nullptr) == 1);
  X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_CHECK_SS_SIGNATURE | X509_V_FLAG_X509_STRICT);
  X509_VERIFY_PARAM_set_time(parameters, absl::ToTimeT(now));
  X509_VERIFY_PARAM_set_depth(parameters, 0);  // no certificate between the root and this one
  const bool good = X509_verify_cert(context.get()) == 1;
  const int error = X509_STORE_CTX_get_error(context.get());
  openssl::ForgetErrors();
  return good ? absl::OkStatus() : refuse(X509_verify_cert_error_string(error));
}

absl::StatusOr<Identity> IdentityOf(const CertificateInfo& certificate) {
  if (certificate.uris.size() != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("the certificate has ", certificate.uris.size(), " URIs, an identity is one"));
  }
  return ParseIdentity(certificate.uris.front());
}

absl::StatusOr<Ed25519PublicKey> SignerKey(absl::string_view root_der, absl::string_view signer_der,
                                           absl::Time now) {
  RETURN_IF_ERROR(CheckIssuedBy(root_der, signer_der, now));
  ASSIGN_OR_RETURN(const CertificateInfo info, ParseCertificate(signer_der));
  ASSIGN_OR_RETURN(const Identity identity, IdentityOf(info));
  if (identity.kind != Identity::Kind::kSigner || identity.hub_id != Digest::Of(root_der).hex()) {
    return absl::PermissionDeniedError(
        absl::StrCat("the certificate '", info.common_name, "' is not this hub's signer's"));
  }
  ASSIGN_OR_RETURN(const openssl::Certificate certificate, Decode(signer_der));
  const EVP_PKEY* key = X509_get0_pubkey(certificate.get());
  std::string bytes(32, '\0');
  size_t size = bytes.size();
  const bool good =
      key != nullptr && EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 &&
      EVP_PKEY_get_raw_public_key(key, reinterpret_cast<unsigned char*>(bytes.data()), &size) == 1;
  openssl::ForgetErrors();
  if (!good) return absl::InvalidArgumentError("the signer's key is not an Ed25519 key");
  return Ed25519PublicKey::FromBytes(bytes);
}

std::string CertificateToPem(absl::string_view der) {
  return openssl::EncodePem(kCertificateLabel, der);
}

absl::StatusOr<std::string> CertificateFromPem(absl::string_view pem) {
  ASSIGN_OR_RETURN(std::string der, openssl::DecodePem(kCertificateLabel, pem));
  RETURN_IF_ERROR(Decode(der).status());
  return der;
}

}  // namespace muster
