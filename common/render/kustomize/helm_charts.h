// helmCharts: refused by name until Helm is built. Pure.
#pragma once

#include "absl/status/status.h"
#include "common/render/kustomize/kustomization.h"

namespace muster::kustomize {

// kUnimplemented with place and remedy when there is one; OK otherwise.
absl::Status RefuseHelmCharts(const Kustomization& kustomization);

}  // namespace muster::kustomize
