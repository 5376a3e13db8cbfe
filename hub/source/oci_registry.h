// The charts of an OCI registry; see chart_registry.h.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "hub/source/chart_registry.h"

namespace muster::hub {

// `https` and `request` must outlive it.
absl::StatusOr<std::unique_ptr<ChartRegistry>> MakeOciRegistry(const v1::FetchRequest& request,
                                                               Https& https);

}  // namespace muster::hub
