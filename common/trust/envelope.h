// Envelope: how something is signed and how it is opened. DSSE v1: a signature covers the type and
// the payload's very bytes, which are kept and never made again from what was parsed.
//
// Open verifies, then checks the type, then returns the payload: nobody parses a byte that was not
// verified. Implementations: Ed25519Signer and Ed25519Verifier in ed25519.h; a seeded key is the
// twin. Immutable, so any thread.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/trust.pb.h"

namespace muster {

// The types of what Muster signs.
inline constexpr absl::string_view kDesiredStateType = "application/vnd.muster.desired-state.v1";
inline constexpr absl::string_view kReceiptType = "application/vnd.muster.receipt.v1";

// DSSE's pre-authentication encoding: what a signature covers.
std::string Pae(absl::string_view payload_type, absl::string_view payload);

class Signer {
 public:
  virtual ~Signer() = default;

  // kInvalidArgument when the envelope would exceed limits::kEnvelopeBytesMax.
  virtual absl::StatusOr<v1::Envelope> Sign(absl::string_view payload_type,
                                            absl::string_view payload) const = 0;
  // Names the key; see Ed25519PublicKey::KeyId.
  virtual std::string KeyId() const = 0;
};

class Verifier {
 public:
  virtual ~Verifier() = default;

  // Returns the payload. kPermissionDenied when not enough trusted keys have signed it, which
  // includes none at all; kInvalidArgument when it is too large or of another type than
  // `expected_type`. The message says which.
  virtual absl::StatusOr<std::string> Open(const v1::Envelope& envelope,
                                           absl::string_view expected_type) const = 0;
};

}  // namespace muster
