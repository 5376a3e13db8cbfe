// Allowed signers: whose SSH keys count, in the form of OpenSSH's allowed_signers file, as
// `git config gpg.ssh.allowedSignersFile` names one:
//
//   ada@example.com namespaces="git",valid-before="20270101Z" ssh-ed25519 AAAAC3Nz... laptop
//
// Stricter than ssh-keygen where that costs nobody anything: base64 in its one canonical form, no
// certificate authorities, times in UTC. Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/signing.pb.h"

namespace muster {

inline constexpr size_t kAllowedSignersBytesMax = 256u << 10;
inline constexpr size_t kAllowedSignersMax = 500;

// The keys of the file, in its order; those that are for other namespaces than `git` are left out.
// Empty lines and those that start with '#' say nothing. kInvalidArgument, "line 3: ...", for
// whatever cannot count for sure.
absl::StatusOr<std::vector<v1::SshSigner>> ParseAllowedSigners(absl::string_view text);

// The kind that a key in wire form says to be of ("ssh-ed25519"). kInvalidArgument, saying why, for
// a key that no signature counts by: DSA, RSA under 2048 bits, hardware keys, certificates, and
// what is no key at all.
absl::StatusOr<std::string> CheckSshPublicKey(absl::string_view public_key);

// "SHA256:..." as ssh-keygen -l prints it.
std::string SshFingerprint(absl::string_view public_key);

}  // namespace muster
