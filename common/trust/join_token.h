// JoinToken: what a person hands to a new agent. It lets the agent know its hub, and the hub know
// that the agent was invited, without the secret ever being sent or stored at the hub.
//
//   text:   <id: 16 hex digits>.<secret: 64 hex digits>.<fingerprint of the hub's root: 64>
//   at rest: TokenKey(secret), by id
//   proof:  HMAC-SHA256 under the token's key over everything that the request says
//
// Pure; any thread.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/base/digest.h"
#include "common/base/ids.h"
#include "common/base/random.h"

namespace muster {

struct JoinToken {
  TokenId id;
  std::string secret;  // 32 bytes; never logged, never sent
  Digest root_fingerprint;

  // Requires: `random` is fit for keys, except in tests.
  static JoinToken Make(Random& random, const Digest& root_fingerprint);

  // Strict, and forgiving only of white space around it. kInvalidArgument says which part is wrong,
  // without repeating it.
  static absl::StatusOr<JoinToken> Parse(absl::string_view text);

  std::string Text() const;
};

// What the hub keeps instead of the secret. Whoever reads it can forge a proof for this one token
// while it is unused, but cannot learn the secret.
std::string TokenKey(absl::string_view secret);

// What the proof covers: the whole request, and the hub it is meant for.
struct JoinClaim {
  std::string token_id;
  std::string hub_id;
  std::string csr_der;
  std::string identity_public_key;
  std::string cluster_name;
  std::string cluster_uid;
};

std::string JoinProof(absl::string_view token_key, const JoinClaim& claim);

// In constant time.
bool CheckJoinProof(absl::string_view token_key, const JoinClaim& claim, absl::string_view proof);

// Whether two secrets are equal, in time that depends on their lengths only.
bool ConstantTimeEqual(absl::string_view a, absl::string_view b);

}  // namespace muster
