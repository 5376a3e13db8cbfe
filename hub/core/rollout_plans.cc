// The plans that packages go by: declared in Git, or shipped.
#include <string>

#include "hub/core/keys.h"
#include "hub/core/rollouts.h"

namespace muster::hub {
namespace pb = muster::v1;

const pb::RolloutPlan* PlanOf(const State& state, const std::string& name) {
  const auto found = state.rollout_plans.find(name);
  if (found != state.rollout_plans.end()) return &found->second;
  static const auto* const standard = new pb::RolloutPlan(StandardPlan());
  return name == kStandardPlan ? standard : nullptr;
}

void DeclareRolloutPlan(Turn& turn, const pb::RolloutPlan& spec) {
  State& state = turn.state;
  pb::RolloutPlan& plan = state.rollout_plans[spec.name()];
  if (plan.SerializeAsString() == spec.SerializeAsString()) return;
  plan = spec;
  pb::RolloutPlanRecord record;
  *record.mutable_spec() = spec;
  turn.out.batch.Put(keys::RolloutPlan(spec.name()), record.SerializeAsString());
  MarkRollouts(state);
}

void RemoveRolloutPlan(Turn& turn, const std::string& name) {
  if (turn.state.rollout_plans.erase(name) == 0) return;
  turn.out.batch.Delete(keys::RolloutPlan(name));
  MarkRollouts(turn.state);
}

}  // namespace muster::hub
