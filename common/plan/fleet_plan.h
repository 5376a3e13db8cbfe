// FleetPlan: from "these clusters have that bundle and would get this one" to what a person should
// know before a merge: what is deleted first, grouped by identical change, with what the rails
// would stop.
//
// Each pair of bundles is compared once, however many clusters share it. Pure but for the reader;
// any thread. Promises: the values of a Secret are in no field of the plan; equal comparisons and
// blobs give an equal plan.
#pragma once

#include "absl/status/statusor.h"
#include "common/plan/bundle_diff.h"
#include "proto/plan.pb.h"

namespace muster {

// Objects that a plan shows of one group; the counts are whole.
inline constexpr int kPlanObjectsMax = 200;

// The reader's errors, and kDataLoss for a manifest or an object that is not what its digest says.
absl::StatusOr<v1::FleetPlan> MakeFleetPlan(const v1::PlanComparisons& comparisons,
                                            const BlobReader& read);

// Whether anything would be another than it is.
inline bool Changes(const v1::FleetPlan& plan) { return plan.clusters_changed() > 0; }

}  // namespace muster
