// Sealing: secrets that must stand in a store, such as Git credentials, under a key that stands
// outside of it. AES-256-GCM with a random nonce.
//
// `context` says what and whose the secret is ("credential/apps-git"); a box opens under the same
// context only, so that two records cannot be exchanged. Any thread.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace muster {

// 32 random bytes.
std::string NewSealingKey();

// Requires: `key` is 32 bytes.
std::string Seal(absl::string_view key, absl::string_view context, absl::string_view secret);

// kDataLoss when the box was altered, or sealed under another key or context. Requires: `key` is 32
// bytes.
absl::StatusOr<std::string> Unseal(absl::string_view key, absl::string_view context,
                                   absl::string_view box);

}  // namespace muster
