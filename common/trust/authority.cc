#include "common/trust/authority.h"

#include <arpa/inet.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/base/check.h"
#include "common/base/status_macros.h"
#include "common/trust/openssl.h"

namespace muster {
namespace {

constexpr size_t kSerialBytes = 16;
constexpr size_t kCommonNameMax = 64;  // X.520's upper bound
constexpr size_t kDnsNameMax = 253;

using GeneralNames = std::unique_ptr<GENERAL_NAMES, openssl::Free<GENERAL_NAMES_free>>;

// What a certificate says besides its key.
struct Contents {
  std::string common_name;
  GeneralNames names;
  const char* basic_constraints = "critical,CA:FALSE";
  const char* key_usage = "critical,digitalSignature";
  const char* extended_key_usage = nullptr;
};

GENERAL_NAMES* NewNames() {
  GENERAL_NAMES* names = sk_GENERAL_NAME_new_null();
  CHECK(names != nullptr);
  return names;
}

void AddName(GENERAL_NAMES* names, int type, ASN1_STRING* text) {
  GENERAL_NAME* name = GENERAL_NAME_new();
  CHECK(name != nullptr && text != nullptr);
  GENERAL_NAME_set0_value(name, type, text);
  CHECK(sk_GENERAL_NAME_push(names, name) > 0);
}

ASN1_STRING* NewText(int type, absl::string_view text) {
  ASN1_STRING* string = ASN1_STRING_type_new(type);
  CHECK(string != nullptr);
  CHECK(ASN1_STRING_set(string, text.data(), static_cast<int>(text.size())) == 1);
  return string;
}

bool IsDnsName(absl::string_view name) {
  if (name.empty() || name.size() > kDnsNameMax) return false;
  for (const char c : name) {
    if (!absl::ascii_isalnum(c) && c != '-' && c != '.') return false;
  }
  return absl::ascii_isalnum(name.front()) && absl::ascii_isalnum(name.back());
}

absl::Status AddServerNames(GENERAL_NAMES* names, const ServerNames& wanted) {
  AddName(names, GEN_DNS, NewText(V_ASN1_IA5STRING, kHubServerName));
  for (const std::string& dns_name : wanted.dns_names) {
    if (!IsDnsName(dns_name)) {
      return absl::InvalidArgumentError(
          absl::StrCat("issue a server certificate: '", dns_name, "' is not a DNS name"));
    }
    AddName(names, GEN_DNS, NewText(V_ASN1_IA5STRING, dns_name));
  }
  for (const std::string& address : wanted.addresses) {
    char bytes[16];
    size_t size = 0;
    if (inet_pton(AF_INET, address.c_str(), bytes) == 1) {
      size = 4;
    } else if (inet_pton(AF_INET6, address.c_str(), bytes) == 1) {
      size = 16;
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat("issue a server certificate: '", address, "' is not an IP address"));
    }
    AddName(names, GEN_IPADD, NewText(V_ASN1_OCTET_STRING, absl::string_view(bytes, size)));
  }
  return absl::OkStatus();
}

// The identity's URI, checked by reading it back: a bad name must not reach a certificate.
absl::StatusOr<GeneralNames> IdentityNames(const Identity& identity) {
  const std::string uri = IdentityUri(identity);
  const absl::StatusOr<Identity> again = ParseIdentity(uri);
  if (!again.ok() || *again != identity) {
    return absl::InvalidArgumentError(
        absl::StrCat("issue a certificate: '", identity.name,
                     "' cannot be a name; use letters, digits and . _ - @, at most 128"));
  }
  GeneralNames names(NewNames());
  AddName(names.get(), GEN_URI, NewText(V_ASN1_IA5STRING, uri));
  return names;
}

void AddEntry(X509_NAME* name, const char* field, absl::string_view text) {
  CHECK(X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, openssl::Data(text),
                                   static_cast<int>(text.size()), -1, 0) == 1);
}

// Requires: `value` is well-formed, which only our own mistake could change.
void AddExtension(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509V3_set_ctx_nodb(&context);
  X509_EXTENSION* extension = X509V3_EXT_nconf_nid(nullptr, &context, nid, value);
  CHECK(extension != nullptr) << value;
  CHECK(X509_add_ext(certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

absl::Status SetValidity(X509* certificate, const Validity& validity) {
  if (validity.not_before >= validity.not_after || validity.not_after == absl::InfiniteFuture() ||
      validity.not_before == absl::InfinitePast()) {
    return absl::InvalidArgumentError(
        "issue a certificate: its time of validity is empty or "
        "without end");
  }
  const bool good =
      ASN1_TIME_set(X509_getm_notBefore(certificate), absl::ToTimeT(validity.not_before)) &&
      ASN1_TIME_set(X509_getm_notAfter(certificate), absl::ToTimeT(validity.not_after));
  openssl::ForgetErrors();
  if (!good) {
    return absl::InvalidArgumentError("issue a certificate: its time of validity is no date");
  }
  return absl::OkStatus();
}

void SetSerial(X509* certificate) {
  unsigned char bytes[kSerialBytes];
  CHECK(RAND_bytes(bytes, sizeof(bytes)) == 1) << "the system gives no random bytes";
  bytes[0] = (bytes[0] & 0x7f) | 0x40;  // positive, and of one length
  using BigNumber = std::unique_ptr<BIGNUM, openssl::Free<BN_free>>;
  const BigNumber number(BN_bin2bn(bytes, sizeof(bytes), nullptr));
  CHECK(number != nullptr);
  CHECK(BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr);
}

// Signs with `key`. `issuer` is null for a root, which issues itself.
absl::StatusOr<std::string> Issue(const Contents& contents, EVP_PKEY* subject_key, X509* issuer,
                                  EVP_PKEY* key, const Validity& validity) {
  const openssl::Certificate certificate(X509_new());
  CHECK(certificate != nullptr);
  X509* const made = certificate.get();
  CHECK(X509_set_version(made, X509_VERSION_3) == 1);
  SetSerial(made);
  RETURN_IF_ERROR(SetValidity(made, validity));
  X509_NAME* const subject = X509_get_subject_name(made);
  // A root's name has no organization, so that nothing that it issues can share its name.
  if (issuer != nullptr) AddEntry(subject, "O", "muster");
  AddEntry(subject, "CN", contents.common_name.substr(0, kCommonNameMax));
  CHECK(X509_set_issuer_name(made, issuer == nullptr ? subject : X509_get_subject_name(issuer)) ==
        1);
  CHECK(X509_set_pubkey(made, subject_key) == 1);
  AddExtension(made, issuer, NID_basic_constraints, contents.basic_constraints);
  AddExtension(made, issuer, NID_key_usage, contents.key_usage);
  AddExtension(made, issuer, NID_subject_key_identifier, "hash");
  if (issuer != nullptr) {
    AddExtension(made, issuer, NID_authority_key_identifier, "keyid:always");
  }
  if (contents.extended_key_usage != nullptr) {
    AddExtension(made, issuer, NID_ext_key_usage, contents.extended_key_usage);
  }
  if (contents.names != nullptr) {
    CHECK(X509_add1_ext_i2d(made, NID_subject_alt_name, contents.names.get(), 0,
                            X509V3_ADD_DEFAULT) == 1);
  }
  CHECK(X509_sign(made, key, EVP_sha256()) > 0);
  return openssl::Der(made, i2d_X509);
}

openssl::Certificate DecodeRoot(absl::string_view root_der) {
  const unsigned char* at = openssl::Data(root_der);
  return openssl::Certificate(d2i_X509(nullptr, &at, static_cast<long>(root_der.size())));
}

// Issues below `authority` for the key in `csr_der`.
absl::StatusOr<std::string> IssueForCsr(const CertificateAuthority& authority,
                                        absl::string_view csr_der, const Contents& contents,
                                        const Validity& validity) {
  ASSIGN_OR_RETURN(const std::string spki_der, CsrKey(csr_der));
  const unsigned char* at = openssl::Data(spki_der);
  const openssl::Key key =
      openssl::OwnKey(d2i_PUBKEY(nullptr, &at, static_cast<long>(spki_der.size())));
  CHECK(key != nullptr);
  return Issue(contents, key.get(), DecodeRoot(authority.root_der()).get(), authority.key().get(),
               validity);
}

}  // namespace

CertificateAuthority CertificateAuthority::Create(absl::string_view common_name,
                                                  Validity validity) {
  P256Key key = P256Key::Generate();
  const Contents contents{.common_name = std::string(common_name),
                          .basic_constraints = "critical,CA:TRUE,pathlen:0",
                          .key_usage = "critical,keyCertSign,cRLSign"};
  const absl::StatusOr<std::string> root_der =
      Issue(contents, key.get(), nullptr, key.get(), validity);
  CHECK_OK(root_der);
  return CertificateAuthority(std::move(key), *root_der);
}

absl::StatusOr<CertificateAuthority> CertificateAuthority::Load(absl::string_view root_der,
                                                                P256Key key) {
  ASSIGN_OR_RETURN(const CertificateInfo info, ParseCertificate(root_der));
  if (info.spki != key.Spki()) {
    return absl::InvalidArgumentError("the root certificate is not for the root key beside it");
  }
  const openssl::Certificate root = DecodeRoot(root_der);
  const bool self_signed = X509_self_signed(root.get(), /*verify_signature=*/1) == 1;
  openssl::ForgetErrors();
  if (!info.is_ca || !self_signed) {
    return absl::InvalidArgumentError("the root certificate is not a self-signed authority's");
  }
  return CertificateAuthority(std::move(key), std::string(root_der));
}

absl::StatusOr<std::string> CertificateAuthority::IssueServer(absl::string_view csr_der,
                                                              const ServerNames& names,
                                                              Validity validity) const {
  Contents contents{.common_name = std::string(kHubServerName),
                    .names = GeneralNames(NewNames()),
                    .extended_key_usage = "serverAuth"};
  RETURN_IF_ERROR(AddServerNames(contents.names.get(), names));
  return IssueForCsr(*this, csr_der, contents, validity);
}

absl::StatusOr<std::string> CertificateAuthority::IssueCluster(absl::string_view csr_der,
                                                               absl::string_view cluster_id,
                                                               Validity validity) const {
  Contents contents{.common_name = absl::StrCat("cluster ", cluster_id),
                    .extended_key_usage = "clientAuth"};
  ASSIGN_OR_RETURN(contents.names,
                   IdentityNames({Identity::Kind::kCluster, hub_id(), std::string(cluster_id)}));
  return IssueForCsr(*this, csr_der, contents, validity);
}

absl::StatusOr<std::string> CertificateAuthority::IssueOperator(absl::string_view csr_der,
                                                                absl::string_view name,
                                                                Validity validity) const {
  Contents contents{.common_name = absl::StrCat("operator ", name),
                    .extended_key_usage = "clientAuth"};
  ASSIGN_OR_RETURN(contents.names,
                   IdentityNames({Identity::Kind::kOperator, hub_id(), std::string(name)}));
  return IssueForCsr(*this, csr_der, contents, validity);
}

absl::StatusOr<std::string> CertificateAuthority::IssueSigner(const Ed25519PublicKey& key,
                                                              Validity validity) const {
  Contents contents{.common_name = "signer", .extended_key_usage = "codeSigning"};
  ASSIGN_OR_RETURN(contents.names, IdentityNames({Identity::Kind::kSigner, hub_id(), ""}));
  const openssl::Key subject_key = openssl::OwnKey(EVP_PKEY_new_raw_public_key(
      EVP_PKEY_ED25519, nullptr, openssl::Data(key.bytes()), key.bytes().size()));
  CHECK(subject_key != nullptr);
  return Issue(contents, subject_key.get(), DecodeRoot(root_der_).get(), key_.get(), validity);
}

}  // namespace muster
