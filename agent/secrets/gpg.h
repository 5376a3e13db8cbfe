// gpg, run as a child, for data keys that are sealed to OpenPGP recipients. Blocks for at most some
// seconds; any thread.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace muster::agent {

// Decrypts an armored message with the keys in `home`. The child gets the message through a pipe,
// asks nobody anything and writes to nobody but us. kNotFound when it has no key that fits, or
// cannot decrypt for another reason; kUnavailable when there is no gpg or it does not answer.
absl::StatusOr<std::string> GpgDecrypt(const std::string& home, absl::string_view message);

}  // namespace muster::agent
