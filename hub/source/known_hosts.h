// Host keys that a credential accepts, as lines of OpenSSH's known_hosts format (sshd(8)): plain,
// "[host]:port", wildcard, negated and hashed names; @revoked; @cert-authority lines are skipped.
//
// Keys are compared byte by byte, never by a short fingerprint. Pure.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace muster::hub {

enum class HostKeyVerdict {
  kKnown,    // a line names this host and this very key
  kUnknown,  // no line names this host
  kChanged,  // lines name this host, none with this key
  kRevoked,  // a @revoked line names this key
};

// `key` is the key's SSH wire form. `port` zero means 22.
HostKeyVerdict CheckHostKey(absl::string_view known_hosts, absl::string_view host, int port,
                            absl::string_view key);

// As `ssh-keygen -l` shows it: "SHA256:" and base64 without padding.
std::string HostKeyFingerprint(absl::string_view key);

// The line that would make this key known: "[host]:2222 ssh-ed25519 AAAA...".
std::string KnownHostsLine(absl::string_view host, int port, absl::string_view key);

}  // namespace muster::hub
