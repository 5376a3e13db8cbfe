// Enroller: redeems a join token: makes the agent's keys, asks the hub for a certificate and keeps
// what came of it as the agent's identity.
//
// What must be repeated is durable before the hub is asked, so a crash or a lost answer at any
// point is mended by calling again with the same token. Nothing is believed that does not chain to
// the root whose fingerprint the token carries. Blocks; one thread.
#pragma once

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/base/random.h"
#include "common/store/store.h"
#include "common/trust/join_token.h"
#include "proto/storage.pb.h"

namespace muster::agent {

inline constexpr absl::string_view kIdentityKey = "identity";
inline constexpr absl::string_view kEnrolmentKey = "enrolment";

struct EnrolOptions {
  JoinToken token;
  std::string join_address;  // host:port
  std::string proxy;         // "http://host:port" on the way there; empty: a direct connection
  std::string cluster_name;  // empty: the token's
  std::string agent_version;
  Store& store;
  const Clock& clock;
  Random& random;  // fit for keys

  // A person must accept at the hub, after comparing `words`. Called once.
  std::function<void(const std::string& words)> on_pending;
  // Waits; returns false when the program is to stop.
  std::function<bool(absl::Duration wait)> pause;
};

// The identity that the store has; kNotFound before the enrolment.
absl::StatusOr<v1::AgentIdentityRecord> LoadIdentity(const Store& store);

// Enrols, waiting for a hub that is away and for the person who accepts. Errors are final:
// kUnauthenticated (token unknown, used or expired), kPermissionDenied (refused, or the hub is not
// the token's), kAlreadyExists (the name is taken), kCancelled (`pause` said so).
absl::StatusOr<v1::AgentIdentityRecord> Enroll(const EnrolOptions& options);

// What the hub answers has to be: everything by the token's root, for our own key. Of a renewal
// too. Returns the certificate's end.
absl::StatusOr<absl::Time> CheckCertificate(const v1::AgentIdentityRecord& identity,
                                            absl::Time now);

}  // namespace muster::agent
