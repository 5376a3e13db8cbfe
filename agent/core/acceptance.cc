#include "agent/core/acceptance.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/limits.h"
#include "common/manifest/bundle.h"

namespace muster::agent {
namespace pb = muster::v1;
namespace {

using MaybeRefusal = std::optional<Refusal>;

Refusal Refuse(absl::string_view reason, std::string message) {
  return Refusal{.reason = std::string(reason), .message = std::move(message)};
}

// A name that may become part of a record's key or of a path.
bool IsName(absl::string_view text) {
  if (text.empty() || text.size() > 253 || text.front() == '.' || text.front() == '-') return false;
  for (const char c : text) {
    const bool fits = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
    if (!fits) return false;
  }
  return true;
}

MaybeRefusal CheckSize(const pb::Envelope& envelope) {
  if (envelope.payload().size() > limits::kDesiredStateBytesMax ||
      envelope.ByteSizeLong() > limits::kEnvelopeBytesMax) {
    return Refuse(kReasonTooLarge, absl::StrCat("the desired state has ", envelope.payload().size(),
                                                " bytes, at most ", limits::kDesiredStateBytesMax,
                                                " are taken: give the cluster fewer packages"));
  }
  return std::nullopt;
}

MaybeRefusal CheckPackage(const pb::DesiredPackage& package) {
  const auto malformed = [&](absl::string_view why) {
    return Refuse(kReasonMalformed, absl::StrCat("package '", package.name(), "': ", why));
  };
  if (!IsName(package.name())) return malformed("not a name");
  if (package.bundle_digest().size() != Digest::kSize)
    return malformed("bundle digest not 32 bytes");
  if (package.object_count() > limits::kObjectsPerBundleMax) return malformed("too many objects");
  if (package.manifest_bytes() > uint64_t{limits::kObjectsPerBundleMax} * 1024) {
    return malformed("manifest too large");
  }
  if (!package.namespace_().empty() && !IsName(package.namespace_())) {
    return malformed("namespace is not a name");
  }
  return std::nullopt;
}

MaybeRefusal CheckForm(const pb::DesiredState& desired) {
  std::string previous;
  for (const pb::DesiredPackage& package : desired.packages()) {
    if (MaybeRefusal refusal = CheckPackage(package)) return refusal;
    if (package.name() <= previous) {
      return Refuse(kReasonMalformed,
                    absl::StrCat("package '", package.name(), "' is named twice or out of order"));
    }
    previous = package.name();
  }
  if (desired.generation() == 0) return Refuse(kReasonMalformed, "generation is zero");
  return std::nullopt;
}

// In-toto's rule to ignore what is unknown would fail open; this one closes.
MaybeRefusal CheckCritical(const pb::DesiredState& desired) {
  for (const std::string& entry : desired.critical()) {
    return Refuse(kReasonUnknownCritical,
                  absl::StrCat("the hub demands '", entry,
                               "', which this agent does not know: upgrade the agent"));
  }
  return std::nullopt;
}

MaybeRefusal CheckAddress(const pb::DesiredState& desired, const AgentSettings& settings) {
  if (desired.hub_id() != settings.hub_id) {
    return Refuse(kReasonWrongHub,
                  absl::StrCat("signed for hub ", desired.hub_id().substr(0, 12),
                               ", this agent belongs to ", settings.hub_id.substr(0, 12)));
  }
  if (desired.cluster_id() != settings.cluster_id) {
    return Refuse(kReasonWrongCluster, absl::StrCat("signed for cluster ", desired.cluster_id(),
                                                    ", this is ", settings.cluster_id));
  }
  if (!desired.cluster_spki().empty() && desired.cluster_spki() != settings.cluster_spki) {
    return Refuse(kReasonWrongKey, "bound to a key that this cluster does not use");
  }
  return std::nullopt;
}

// A raised recovery lets generations start anew, so that only the root may raise it; there is no
// statement by the root yet that could.
MaybeRefusal CheckRecovery(const pb::DesiredState& desired, const State& state) {
  if (!state.has_accepted() || desired.recovery() == state.accepted.recovery()) {
    return std::nullopt;
  }
  const std::string numbers =
      absl::StrCat("recovery ", desired.recovery(), ", accepted is ", state.accepted.recovery());
  if (desired.recovery() < state.accepted.recovery()) {
    return Refuse(kReasonOlderRecovery, numbers);
  }
  return Refuse(kReasonRecoveryNotAuthorized, absl::StrCat(numbers, ", not signed by the root"));
}

MaybeRefusal CheckGeneration(const pb::DesiredState& desired, const Digest& digest,
                             const State& state) {
  const uint64_t accepted = state.accepted.generation();
  const std::string numbers =
      absl::StrCat("generation ", desired.generation(), ", accepted is ", accepted);
  if (desired.generation() < accepted) return Refuse(kReasonOlderGeneration, numbers);
  if (state.has_accepted() && desired.generation() == accepted) {
    return Refuse(kReasonEquivocation,
                  absl::StrCat("two different desired states carry generation ", accepted, ": ",
                               digest.short_hex(),
                               " now; somebody else may hold the hub's signing "
                               "key, or the hub was restored from an old backup"));
  }
  if (desired.generation() - accepted > limits::kGenerationJumpMax) {
    return Refuse(kReasonGenerationJump,
                  absl::StrCat(numbers, ", the jump may be at most ", limits::kGenerationJumpMax));
  }
  return std::nullopt;
}

MaybeRefusal CheckExpiry(const pb::DesiredState& desired, absl::Time now) {
  if (absl::FromUnixMillis(desired.not_after_ms()) > now) return std::nullopt;
  return Refuse(kReasonExpired,
                absl::StrCat("could be accepted until ",
                             absl::FormatTime(absl::FromUnixMillis(desired.not_after_ms()),
                                              absl::UTCTimeZone()),
                             ", now is ", absl::FormatTime(now, absl::UTCTimeZone()),
                             "; what was accepted before stays in force"));
}

}  // namespace

Verdict Examine(const pb::Envelope& envelope, const AgentSettings& settings,
                const Verifier& verifier, const State& state, absl::Time now) {
  Verdict verdict;
  const absl::Time time = EffectiveTime(state, now);            // 1
  if ((verdict.refusal = CheckSize(envelope))) return verdict;  // 2
  // 3, L2: newer roots first. At L1 the pinned root is the only one.
  absl::StatusOr<std::string> payload = verifier.Open(envelope, kDesiredStateType);  // 4
  if (!payload.ok()) {
    verdict.refusal = Refuse(kReasonBadSignature, std::string(payload.status().message()));
    return verdict;
  }
  verdict.digest = Digest::Of(*payload);
  if (state.has_accepted() && verdict.digest.view() == state.accepted.payload_digest()) {
    verdict.known = true;
    return verdict;
  }
  if (!verdict.desired.ParseFromString(*payload)) {  // 5
    verdict.refusal = Refuse(kReasonMalformed, "the payload is not a desired state");
    return verdict;
  }
  const pb::DesiredState& desired = verdict.desired;
  if ((verdict.refusal = CheckCritical(desired))) return verdict;           // 6
  if ((verdict.refusal = CheckAddress(desired, settings))) return verdict;  // 7
  // 8, L2: the head statement.
  if ((verdict.refusal = CheckRecovery(desired, state))) return verdict;  // 9
  if ((verdict.refusal = CheckGeneration(desired, verdict.digest, state))) return verdict;
  if ((verdict.refusal = CheckExpiry(desired, time))) return verdict;  // 10
  verdict.refusal = CheckForm(desired);
  return verdict;
}

ManifestVerdict ExamineManifest(absl::string_view bytes, const pb::DesiredPackage& package) {
  ManifestVerdict verdict;
  const auto mismatch = [&](absl::string_view why) {
    verdict.refusal = Refuse(kReasonManifestMismatch,
                             absl::StrCat("package '", package.name(), "': bundle ", why));
    return verdict;
  };
  if (bytes.size() != package.manifest_bytes()) {
    return mismatch(absl::StrCat("has a manifest of ", bytes.size(), " bytes, promised were ",
                                 package.manifest_bytes()));
  }
  absl::StatusOr<pb::Manifest> manifest = ParseManifest(bytes);
  if (!manifest.ok()) return mismatch(manifest.status().message());
  const uint64_t object_bytes = ObjectBytes(*manifest);
  if (static_cast<uint32_t>(manifest->entries_size()) != package.object_count() ||
      object_bytes != package.object_bytes()) {
    return mismatch(absl::StrCat("has ", manifest->entries_size(), " objects of ", object_bytes,
                                 " bytes, promised were ", package.object_count(), " of ",
                                 package.object_bytes()));
  }
  verdict.manifest = *std::move(manifest);
  // 13, L2: proof of source. 14, L3: approvals. 15, L2: local policy on kinds and namespaces.
  return verdict;
}

}  // namespace muster::agent
