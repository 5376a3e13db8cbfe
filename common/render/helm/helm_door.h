// HelmDoor: the way to the real Helm.
//
// Rendering is pure and runs nothing; whoever may run programs gives it this (common/helm has the
// one that runs Helm in a sandbox, hub/child the one that asks another process to). One thread.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "proto/child.pb.h"

namespace muster {

// Which Helm it is. Both go into what a rendering is known by.
struct HelmIdentity {
  std::string version;  // "4.3.1"
  std::string digest;   // of the program, "sha256:..."
};

// What `helm template` printed, run twice.
struct HelmOutput {
  std::string first;
  std::string second;  // empty when it is the same
};

class HelmDoor {
 public:
  virtual ~HelmDoor() = default;

  // kFailedPrecondition when there is no Helm, saying what to do.
  virtual absl::StatusOr<HelmIdentity> Identity() = 0;

  // Runs `helm template` on the files of `call` and on nothing else, without network. Errors:
  // kInvalidArgument with Helm's own words, kResourceExhausted when it took too long, needed too
  // much memory or printed too much; kFailedPrecondition as above, kUnavailable when nothing is
  // known about the chart and trying again may help.
  virtual absl::StatusOr<HelmOutput> Template(const v1::HelmCall& call) = 0;
};

}  // namespace muster
