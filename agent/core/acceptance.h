// Acceptance: may this push rule the cluster? The checks of docs/security.md, in its order; the
// first that fails ends it, and what ruled before goes on ruling.
//
// Pure functions; the core's thread. Examine runs before anything is downloaded, ExamineManifest
// after. The steps that only levels L2 and L3 have stand in the order as named places.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "agent/core/settings.h"
#include "agent/core/state.h"
#include "common/base/digest.h"
#include "proto/fleet.pb.h"
#include "proto/trust.pb.h"

namespace muster::agent {

// Why a desired state was refused: the reason and the message of the condition Accepted=False.
struct Refusal {
  std::string reason;   // one of kReason...
  std::string message;  // a sentence for people
};

inline constexpr absl::string_view kReasonTooLarge = "TooLarge";
inline constexpr absl::string_view kReasonBadSignature = "BadSignature";
inline constexpr absl::string_view kReasonMalformed = "Malformed";
inline constexpr absl::string_view kReasonUnknownCritical = "UnknownCritical";
inline constexpr absl::string_view kReasonWrongHub = "WrongHub";
inline constexpr absl::string_view kReasonWrongCluster = "WrongCluster";
inline constexpr absl::string_view kReasonWrongKey = "WrongKey";
inline constexpr absl::string_view kReasonOlderRecovery = "OlderRecovery";
inline constexpr absl::string_view kReasonRecoveryNotAuthorized = "RecoveryNotAuthorized";
inline constexpr absl::string_view kReasonOlderGeneration = "OlderGeneration";
inline constexpr absl::string_view kReasonEquivocation = "Equivocation";
inline constexpr absl::string_view kReasonGenerationJump = "GenerationJump";
inline constexpr absl::string_view kReasonExpired = "Expired";
inline constexpr absl::string_view kReasonManifestMismatch = "ManifestMismatch";

// What Examine found.
struct Verdict {
  std::optional<Refusal> refusal;
  bool known = false;        // the very state that is accepted already: nothing to do
  v1::DesiredState desired;  // verified and parsed, unless refused or known
  Digest digest;             // of the payload
};

// Checks 1 to 10. `now` is the clock; the high-water mark of `state` is applied inside.
Verdict Examine(const v1::Envelope& envelope, const AgentSettings& settings,
                const Verifier& verifier, const State& state, absl::Time now);

// Check 12: `bytes`, whose digest is known to be the bundle's, against what the signed state says
// of it. Returns the manifest, or the refusal.
struct ManifestVerdict {
  std::optional<Refusal> refusal;
  v1::Manifest manifest;
};
ManifestVerdict ExamineManifest(absl::string_view bytes, const v1::DesiredPackage& package);

}  // namespace muster::agent
