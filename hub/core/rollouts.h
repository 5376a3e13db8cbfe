// Rollouts: where the pure state machine of hub/core/rollout meets the fleet: what a release is,
// what agents say of it, and which content each cluster is given.
//
// A package that names a RolloutPlan is governed: its clusters keep what they have until its
// rollout moves them. A release is what the package renders to at one commit for all its clusters;
// another one begins when that changes, and not when clusters come or go. Pure; the core's thread.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "hub/core/state.h"
#include "proto/rollout.pb.h"

namespace muster::hub {

inline bool IsGoverned(const v1::Package& spec) { return !spec.rollout().empty(); }

// The plan of that name, declared or shipped; null: there is none.
const v1::RolloutPlan* PlanOf(const State& state, const std::string& name);

// Whether everything of the package was looked at, at the commit that rules: no release is half
// seen.
bool IsWhollyRendered(const State& state, const PackageState& package);

// What the cluster is to run of the package now; null: nothing.
std::shared_ptr<const PackageEntry> EntryUnderRollout(const State& state,
                                                      const ClusterState& cluster,
                                                      const Placement& placement);

// Looks at the rollouts of the marked packages: begins, moves on, ends.
void RunRollouts(Turn& turn);

// Marks every governed package; after a start.
void MarkRollouts(State& state);

// Something was heard of the cluster that a rollout may wait for: looked at a moment later, so that
// a thousand reports cost one look.
void RolloutsMayGoOn(State& state, const ClusterState& cluster);
void RolloutWakes(State& state, const std::string& package);

// Takes over the declared plans. `gone` are those that Git no longer has.
void DeclareRolloutPlan(Turn& turn, const v1::RolloutPlan& spec);
void RemoveRolloutPlan(Turn& turn, const std::string& name);

absl::StatusOr<v1::RolloutAnswer> DecideRollout(Turn& turn, const v1::RolloutDecision& decision,
                                                const std::string& actor);
absl::StatusOr<v1::ListRolloutsResponse> RolloutsOf(const State& state,
                                                    const v1::ListRolloutsRequest& request);

// Records.
absl::Status LoadRollout(State& state, absl::string_view package, absl::string_view value);
std::string RolloutBytes(const RolloutState& rollout);

}  // namespace muster::hub
