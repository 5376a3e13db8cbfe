// Helm for what is rendered here: the program that was named, or the one on PATH.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/render/helm/helm_door.h"

namespace muster::cli {

struct HelmFlags {
  std::string program;             // --helm; empty: the first `helm` on PATH
  std::string digest;              // --helm-digest; empty: any
  std::string kubernetes_version;  // --kubernetes-version, that charts are rendered for
};

// Null when none is named and none is on `search_path`: whatever is no chart needs none.
// kInvalidArgument for a digest that is none. The program itself is looked at when a chart needs
// it.
absl::StatusOr<std::unique_ptr<HelmDoor>> FindHelm(const HelmFlags& flags,
                                                   const std::string& search_path);

}  // namespace muster::cli
