#include "common/base/digest.h"

#include <openssl/sha.h>

#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace muster {

Digest Digest::Of(absl::string_view bytes) {
  Digest digest;
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.bytes_.data());
  return digest;
}

absl::StatusOr<Digest> Digest::FromBytes(absl::string_view bytes) {
  if (bytes.size() != kSize) {
    return absl::InvalidArgumentError(
        absl::StrCat("a digest has 32 bytes, this has ", bytes.size()));
  }
  Digest digest;
  std::memcpy(digest.bytes_.data(), bytes.data(), kSize);
  return digest;
}

absl::StatusOr<Digest> Digest::FromHex(absl::string_view hex) {
  if (hex.size() != 2 * kSize) {
    return absl::InvalidArgumentError(
        absl::StrCat("a digest has 64 hexadecimal digits, this has ", hex.size(), " characters"));
  }
  for (const char c : hex) {
    if (!absl::ascii_isdigit(c) && !(c >= 'a' && c <= 'f')) {
      return absl::InvalidArgumentError("a digest has lower-case hexadecimal digits only");
    }
  }
  return FromBytes(absl::HexStringToBytes(hex));
}

std::string Digest::hex() const { return absl::BytesToHexString(view()); }

}  // namespace muster
