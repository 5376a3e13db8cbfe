// SSHSIG: signatures made by `ssh-keygen -Y sign`, as Git makes them with gpg.format=ssh. The form
// is OpenSSH's PROTOCOL.sshsig, of which exactly one spelling counts: canonical base64, even lines,
// nothing before, between or after. So a signature cannot be changed and stay one.
//
// Ed25519, ECDSA (P-256, P-384, P-521) and RSA with SHA-2; nothing else. Values; any thread.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace muster {

inline constexpr absl::string_view kSshSignatureBegin = "-----BEGIN SSH SIGNATURE-----";
inline constexpr absl::string_view kSshSignatureEnd = "-----END SSH SIGNATURE-----";
inline constexpr size_t kSshSignatureBytesMax = 16u << 10;

struct SshSignature {
  std::string public_key;  // in wire form: what it says that it was made with
  std::string name_space;  // "git"
  std::string hash;        // "sha256" or "sha512"
  std::string algorithm;   // "ssh-ed25519", "rsa-sha2-512", ...
  std::string signature;   // as that algorithm writes it
};

// kInvalidArgument when `armoured` is no SSHSIG in its one form. Says nothing about its truth.
absl::StatusOr<SshSignature> ParseSshSignature(absl::string_view armoured);

// Whether `signature` is over `message` and by its own public key. kUnimplemented, naming it, for
// an algorithm that does not count or does not go with the key; kInvalidArgument for a key that is
// none. Whether that key may sign is for the caller to ask, and so is the namespace.
absl::StatusOr<bool> VerifySshSignature(const SshSignature& signature, absl::string_view message);

}  // namespace muster
