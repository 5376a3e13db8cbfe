#include "common/trust/join_token.h"

#include <openssl/crypto.h>
#include <openssl/hmac.h>

#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/check.h"

namespace muster {
namespace {

constexpr size_t kIdBytes = 8;
constexpr size_t kSecretBytes = 32;
constexpr absl::string_view kKeyPrefix = "muster-join-token-v1";
constexpr absl::string_view kProofPrefix = "muster-join-proof-v1";

bool IsHex(absl::string_view text, size_t digits) {
  if (text.size() != digits) return false;
  for (const char c : text) {
    if (!absl::ascii_isdigit(c) && !(c >= 'a' && c <= 'f')) return false;
  }
  return true;
}

absl::Status NotAToken(absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(
      "read join token: ", why, "; copy the whole line that 'muster token create' printed"));
}

// Each field with its length before it, so that no two claims have the same bytes.
void AppendField(std::string& bytes, absl::string_view field) {
  for (int shift = 56; shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<char>(static_cast<uint64_t>(field.size()) >> shift));
  }
  absl::StrAppend(&bytes, field);
}

}  // namespace

JoinToken JoinToken::Make(Random& random, const Digest& root_fingerprint) {
  return JoinToken{.id = TokenId(absl::BytesToHexString(random.Bytes(kIdBytes))),
                   .secret = random.Bytes(kSecretBytes),
                   .root_fingerprint = root_fingerprint};
}

absl::StatusOr<JoinToken> JoinToken::Parse(absl::string_view text) {
  const std::vector<absl::string_view> parts =
      absl::StrSplit(absl::StripAsciiWhitespace(text), '.');
  if (parts.size() != 3) {
    return NotAToken(absl::StrCat("it has ", parts.size(), " of 3 parts with a dot between them"));
  }
  if (!IsHex(parts[0], 2 * kIdBytes)) {
    return NotAToken("its first part, the id, is not 16 lower-case hexadecimal digits");
  }
  if (!IsHex(parts[1], 2 * kSecretBytes)) {
    return NotAToken("its second part, the secret, is not 64 lower-case hexadecimal digits");
  }
  const absl::StatusOr<Digest> fingerprint = Digest::FromHex(parts[2]);
  if (!fingerprint.ok()) {
    return NotAToken(
        "its third part, the hub's fingerprint, is not 64 lower-case hexadecimal digits");
  }
  return JoinToken{.id = TokenId(parts[0]),
                   .secret = absl::HexStringToBytes(parts[1]),
                   .root_fingerprint = *fingerprint};
}

std::string JoinToken::Text() const {
  return absl::StrCat(id.text(), ".", absl::BytesToHexString(secret), ".", root_fingerprint.hex());
}

std::string TokenKey(absl::string_view secret) {
  return Digest::Of(absl::StrCat(kKeyPrefix, secret)).bytes();
}

std::string JoinProof(absl::string_view token_key, const JoinClaim& claim) {
  CHECK_EQ(token_key.size(), static_cast<size_t>(Digest::kSize));
  std::string bytes(kProofPrefix);
  for (const std::string* field :
       {&claim.token_id, &claim.hub_id, &claim.csr_der, &claim.identity_public_key,
        &claim.cluster_name, &claim.cluster_uid}) {
    AppendField(bytes, *field);
  }
  std::string proof(Digest::kSize, '\0');
  unsigned int size = 0;
  CHECK(HMAC(EVP_sha256(), token_key.data(), static_cast<int>(token_key.size()),
             reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
             reinterpret_cast<unsigned char*>(proof.data()), &size) != nullptr);
  CHECK_EQ(size, proof.size());
  return proof;
}

bool CheckJoinProof(absl::string_view token_key, const JoinClaim& claim, absl::string_view proof) {
  return ConstantTimeEqual(JoinProof(token_key, claim), proof);
}

bool ConstantTimeEqual(absl::string_view a, absl::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace muster
