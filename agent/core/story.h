// Story: what the agent tells in the cluster itself, for people who have no hub at hand: the status
// of the agent's status object, and what happened, as Kubernetes Events.
//
// Both are made of the observed state alone, so that hub and cluster are told the same. Pure; the
// core's thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "agent/cluster/noticeboard.h"
#include "agent/core/event.h"
#include "agent/core/outbox.h"
#include "agent/core/settings.h"
#include "agent/core/state.h"
#include "common/base/backoff.h"
#include "common/base/digest.h"
#include "common/base/random.h"
#include "common/manifest/value.h"
#include "proto/fleet.pb.h"

namespace muster::agent {

// The `status` of the status object: words, counts, conditions (Ready among them), packages and the
// worst objects, of each as many as fit into a small object.
Value StatusOf(const v1::ObservedState& observed, const AgentSettings& settings);

// What happened between two observations, worst first, at most kHappeningsMax.
std::vector<Happening> HappeningsBetween(const v1::ObservedState& before,
                                         const v1::ObservedState& after);

inline constexpr size_t kHappeningsMax = 50;

// Tells the story when it changes, not too often, until it was told.
class Storyteller {
 public:
  // All must outlive it.
  Storyteller(const AgentSettings& settings, Random& random, uint64_t& next_job)
      : settings_(settings), random_(random), next_job_(next_job) {}

  // `digest` is that of `observed`. `settled`: nothing is going on that will change it soon.
  void Advance(const v1::ObservedState& observed, const Digest& digest, bool settled,
               absl::Time now, Outbox& outbox);
  // Besides what the next Advance tells of all, on the objects themselves. Any number of times.
  void OnHealed(const std::vector<Healed>& healed);
  void OnTold(absl::Time now, const Told& event);
  absl::Time NextWake() const;

 private:
  const AgentSettings& settings_;
  Random& random_;
  uint64_t& next_job_;

  v1::ObservedState seen_;
  Digest seen_digest_;  // of `seen_`; empty before the first
  Digest told_;         // what stands on the board
  Digest telling_;      // what the job that runs puts there
  std::vector<Happening> pending_;
  size_t telling_count_ = 0;  // of the first in `pending_`
  uint64_t job_ = 0;
  bool settled_ = false;
  absl::Time changed_at_ = absl::InfinitePast();
  absl::Time not_before_ = absl::InfinitePast();
  Backoff backoff_{absl::Seconds(5), absl::Minutes(5)};
};

}  // namespace muster::agent
