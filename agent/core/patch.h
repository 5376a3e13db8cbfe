// Patch: from one bundle of a package to the next by what changed, so that a push which changes one
// object in a thousand costs about one object.
//
// The items know the bundle that they were taken from, so its manifest need not be read: the next
// one is encoded from them and from the delta, and counts only when its digest is the signed one.
// Pure; the core's thread.
#pragma once

#include <optional>
#include <string>

#include "absl/time/time.h"
#include "agent/core/state.h"
#include "proto/fleet.pb.h"

namespace muster::agent {

// The manifest that `delta` makes of the package's present target, when it is exactly the one that
// `desired`, from a verified state, names and promises; nothing otherwise, and then the long way
// has to be gone. Changes nothing.
std::optional<std::string> PatchedManifest(const PackageState& package,
                                           const v1::ManifestDelta& delta,
                                           const v1::DesiredPackage& desired);

// As Retarget, with the manifest that PatchedManifest made of the same arguments.
void PatchTarget(PackageState& package, const v1::ManifestDelta& delta, absl::Time now);

}  // namespace muster::agent
