// What `muster describe rollout` and `muster rollout status` print.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "cli/hub_client.h"
#include "cli/session.h"

namespace muster::cli {

// Prints all about the rollout of the package, and returns it.
absl::StatusOr<pb::RolloutView> DescribeRollout(Session& session, HubClient& hub,
                                                const std::string& package);

}  // namespace muster::cli
