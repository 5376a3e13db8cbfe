// The helm launcher: a process beside the render child that runs Helm for it.
//
// The render child may start no program, because what it reads is from outside. So before it
// enters its sandbox it makes this process, which can do one thing: lay out a chart in its scratch
// directory and run the one program that it was given, in a sandbox of its own (common/helm). It
// reads no file but that program, connects to nothing and ends with the render child.
//
// The door: the thread that started the launcher.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/render/helm/helm_door.h"

namespace muster::hub {

struct HelmOptions {
  std::string program;  // path; empty: there is no Helm
  std::string digest;   // "sha256:..."
  std::string scratch;  // directory for charts at work
};

// The way to a launcher that was just started. Requires: no other thread.
absl::StatusOr<std::unique_ptr<HelmDoor>> StartHelmLauncher(const HelmOptions& options);

}  // namespace muster::hub
