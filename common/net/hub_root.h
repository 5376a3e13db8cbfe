// HubRoot: how a new agent learns its hub's root certificate when all it knows is the fingerprint
// in its join token.
//
// The join listener presents its root along with its own certificate. What has the right
// fingerprint is the right root, whoever handed it over; nothing else that was presented is
// believed, and nothing is said to the hub before a real connection was verified by that root.
// Blocks; any thread.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/digest.h"

namespace muster {

// The DER of the certificate with `fingerprint` among those that `address` ("host:port") presents.
// The way leads through the HTTP proxy "http://[user:password@]host:port" unless `proxy` is empty.
// kUnavailable when nobody answers there in TLS; kPermissionDenied when the chain lacks it;
// kInvalidArgument for an address or a proxy that is none.
absl::StatusOr<std::string> FetchHubRoot(const std::string& address, const Digest& fingerprint,
                                         absl::Duration timeout, const std::string& proxy);

}  // namespace muster
