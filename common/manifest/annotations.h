// Annotations by which one object asks for its own treatment, in Git or on the live object.
//
// Pure; any thread.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "common/manifest/value.h"

namespace muster {

// When the object is applied within its package: a whole number, lower first, zero by default.
inline constexpr absl::string_view kWaveAnnotation = "muster.dev/wave";
// `never`: the object is never removed, whatever leaves Git.
inline constexpr absl::string_view kPruneAnnotation = "muster.dev/prune";
// `true`: fields that other controllers own are taken from them.
inline constexpr absl::string_view kForceAnnotation = "muster.dev/force";
// `true`: when a field cannot be changed in place, the object is deleted and made anew.
inline constexpr absl::string_view kReplaceAnnotation = "muster.dev/replace";
// `never`, `if-equal` or `always`: whether an object that is there already may be taken over.
inline constexpr absl::string_view kAdoptAnnotation = "muster.dev/adopt";
// On the agent's status object: any text but "false" suspends the agent, whatever the hub says.
inline constexpr absl::string_view kSuspendAnnotation = "muster.dev/suspend";

// The text of an object's annotation; empty when it has none of this name.
absl::string_view AnnotationOf(const Value& object, absl::string_view name);

// Whether the object asks never to be removed.
bool AsksToBeKept(const Value& object);

// Checks every annotation above that the object has; kInvalidArgument names the one that no agent
// would understand.
absl::Status CheckAnnotations(const Value& object);

// The object's wave. Requires: CheckAnnotations is OK.
int32_t WaveOf(const Value& object);

}  // namespace muster
