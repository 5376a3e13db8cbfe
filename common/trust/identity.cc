#include "common/trust/identity.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/digest.h"

namespace muster {
namespace {

constexpr absl::string_view kScheme = "spiffe://";
constexpr size_t kNameMax = 128;

bool IsName(absl::string_view name) {
  if (name.empty() || name.size() > kNameMax || !absl::ascii_isalnum(name.front())) return false;
  for (const char c : name) {
    if (!absl::ascii_isalnum(c) && c != '.' && c != '_' && c != '-' && c != '@') return false;
  }
  return true;
}

absl::Status NotAnIdentity(absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("the certificate's URI is no identity: ", why));
}

}  // namespace

std::string IdentityUri(const Identity& identity) {
  std::string uri = absl::StrCat(kScheme, identity.hub_id);
  switch (identity.kind) {
    case Identity::Kind::kCluster:
      absl::StrAppend(&uri, "/cluster/", identity.name);
      break;
    case Identity::Kind::kOperator:
      absl::StrAppend(&uri, "/operator/", identity.name);
      break;
    case Identity::Kind::kSigner:
      absl::StrAppend(&uri, "/signer");
      break;
  }
  return uri;
}

absl::StatusOr<Identity> ParseIdentity(absl::string_view uri) {
  if (!absl::ConsumePrefix(&uri, kScheme)) return NotAnIdentity("it is not a spiffe:// URI");
  const absl::StatusOr<Digest> hub = Digest::FromHex(uri.substr(0, 2 * Digest::kSize));
  if (!hub.ok()) return NotAnIdentity("it names no hub");
  uri.remove_prefix(2 * Digest::kSize);
  Identity identity{.hub_id = hub->hex()};
  if (uri == "/signer") {
    identity.kind = Identity::Kind::kSigner;
    return identity;
  }
  if (absl::ConsumePrefix(&uri, "/cluster/")) {
    identity.kind = Identity::Kind::kCluster;
  } else if (absl::ConsumePrefix(&uri, "/operator/")) {
    identity.kind = Identity::Kind::kOperator;
  } else {
    return NotAnIdentity("it is neither a cluster's, an operator's nor the signer's");
  }
  if (!IsName(uri)) return NotAnIdentity("its last part is not a name");
  identity.name = std::string(uri);
  return identity;
}

}  // namespace muster
