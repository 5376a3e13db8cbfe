// Plans: what a commit would change in the fleet, worked out by the same jobs and the same cache as
// what rules, and made intent by nothing.
//
// A plan touches no repository, package or cluster: it fetches into the clone, renders, and
// answers. Pure; the core's thread.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "hub/core/state.h"
#include "proto/plan.pb.h"

namespace muster::hub {

// At one time: each holds the facts of the whole fleet.
inline constexpr size_t kPlansMax = 4;

// Fetches the revision; `request` is answered when everything is rendered at it, or something went
// wrong.
void StartPlan(Turn& turn, RequestId request, const v1::PlanRequest& asked);

// Requires: done.plan is set.
void OnPlanFetched(Turn& turn, const FetchDone& done);

// Whether the job was a plan's.
bool OnPlanRendered(Turn& turn, const RenderDone& done);

// The repository's packages, the enrolled clusters, and what these are to run now. kNotFound when
// there is no such repository.
absl::StatusOr<v1::PlanFleet> PlanFleetOf(const State& state, const std::string& repository);

}  // namespace muster::hub
