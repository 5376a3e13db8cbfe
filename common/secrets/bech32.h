// Bech32 (BIP 173), the way age spells its keys: letters and digits that are hard to confuse, with
// a checksum that finds a slip of the pen. Of any length. Pure; any thread.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace muster {

struct Bech32 {
  std::string prefix;  // lower case
  std::string bytes;
};

// Lower case. Requires: a prefix of printable ASCII without capitals.
std::string EncodeBech32(absl::string_view prefix, absl::string_view bytes);

// kInvalidArgument, without a word of the text: it may be a secret key.
absl::StatusOr<Bech32> DecodeBech32(absl::string_view text);

}  // namespace muster
