// How a rollout begins, and the plan that is shipped.
#include <string>
#include <utility>

#include "hub/core/rollout/rollout.h"

namespace muster::hub {
namespace {

namespace pb = muster::v1;

// What a new rollout has to know of what the former one did to a cluster.
RolloutMember CarriedOver(const Rollout& former, const RolloutMember& member, int64_t now_ms) {
  RolloutMember kept;
  kept.observes = member.observes;
  kept.before = member.before;
  const bool sent_back = former.phase == RolloutPhase::kRolledBack && !member.from.empty();
  if (member.done && !sent_back) return kept;  // well with it, and so was the whole release
  kept.from = member.from;
  // A release that was complete once is proved, whatever this cluster made of it.
  if (member.to.empty() || (former.completed && !sent_back)) return kept;
  kept.wave = member.wave;
  kept.rollout = sent_back ? 0 : member.rollout;
  kept.to = member.to;
  kept.moved_ms = now_ms;
  kept.generation = member.generation;
  return kept;
}

pb::RolloutWave StandardWave(const std::string& name, int value, bool percent) {
  pb::RolloutWave wave;
  wave.set_name(name);
  wave.mutable_cluster_selector();
  if (value > 0) {
    wave.mutable_size()->set_value(value);
    wave.mutable_size()->set_percent(percent);
  }
  wave.mutable_max_concurrency()->set_value(20);
  wave.mutable_max_concurrency()->set_percent(true);
  wave.set_soak_ms(10 * 60 * 1'000);
  return wave;
}

}  // namespace

int ShareOf(bool has, const pb::ClusterShare& share, int total, int otherwise) {
  if (!has) return otherwise;
  if (!share.percent()) return share.value();
  return static_cast<int>((int64_t{total} * share.value() + 99) / 100);
}

Rollout StartRollout(const Rollout& former, const Digest& release, int64_t now_ms) {
  Rollout rollout;
  rollout.number = former.number + 1;
  rollout.release = release;
  rollout.phase = RolloutPhase::kProgressing;
  rollout.started_ms = now_ms;
  for (const auto& [id, member] : former.members) {
    RolloutMember kept = CarriedOver(former, member, now_ms);
    if (kept.from.empty() && kept.to.empty() && !kept.observes) continue;
    rollout.members[id] = std::move(kept);
  }
  return rollout;
}

pb::RolloutPlan StandardPlan() {
  pb::RolloutPlan plan;
  plan.set_name(std::string(kStandardPlan));
  plan.set_project("default");
  *plan.add_waves() = StandardWave("first", 1, false);
  *plan.add_waves() = StandardWave("few", 5, true);
  *plan.add_waves() = StandardWave("quarter", 25, true);
  *plan.add_waves() = StandardWave("rest", 0, false);
  return plan;
}

absl::string_view PhaseWord(RolloutPhase phase) {
  switch (phase) {
    case RolloutPhase::kProgressing:
      return "Progressing";
    case RolloutPhase::kPaused:
      return "Paused";
    case RolloutPhase::kComplete:
      return "Complete";
    case RolloutPhase::kAborted:
      return "Aborted";
    case RolloutPhase::kRolledBack:
      return "RolledBack";
  }
  return "Unknown";
}

}  // namespace muster::hub
