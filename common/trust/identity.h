// Identity: who a certificate speaks for, as its one URI name says:
// spiffe://<hub id>/cluster/<cluster id>, spiffe://<hub id>/operator/<name>, and
// spiffe://<hub id>/signer for the key that signs desired states.
//
// The hub id is the fingerprint of the hub's root, so an identity means nothing at another hub.
// A plain value; any thread.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace muster {

struct Identity {
  enum class Kind { kCluster, kOperator, kSigner };
  Kind kind = Kind::kCluster;
  std::string hub_id;  // 64 lower-case hexadecimal digits
  std::string name;    // the cluster's id or the operator's name; empty for the signer

  friend bool operator==(const Identity&, const Identity&) = default;
};

// Requires: `identity` is one that ParseIdentity would return.
std::string IdentityUri(const Identity& identity);

// Strict: kInvalidArgument for anything that IdentityUri would not have written. A name has 1 to
// 128 characters out of a-z A-Z 0-9 . _ - @ and begins with a letter or a digit.
absl::StatusOr<Identity> ParseIdentity(absl::string_view uri);

}  // namespace muster
