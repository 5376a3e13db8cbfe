// EventQueue: time in a simulated world. What happens is a function at a moment; the queue runs
// them in order, and time is the moment of the one that runs.
//
// Moments that are equal run in the order in which they were asked for, so a run is one sequence,
// fixed by its seed. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "absl/time/time.h"
#include "common/base/clock.h"

namespace muster::sim {

class EventQueue final : public Clock {
 public:
  explicit EventQueue(absl::Time start) : now_(start) {}

  absl::Time Now() const override { return now_; }

  // A moment in the past counts as now.
  void At(absl::Time moment, std::function<void()> action) {
    actions_.emplace(std::make_pair(std::max(moment, now_), next_++), std::move(action));
  }
  void After(absl::Duration wait, std::function<void()> action) {
    At(now_ + wait, std::move(action));
  }

  // Runs the next action, unless it lies after `end`: then time moves to `end`. Returns whether
  // something ran.
  bool Step(absl::Time end) {
    if (actions_.empty() || actions_.begin()->first.first > end) {
      now_ = std::max(now_, end);
      return false;
    }
    auto node = actions_.extract(actions_.begin());
    now_ = node.key().first;
    node.mapped()();
    return true;
  }

 private:
  absl::Time now_;
  uint64_t next_ = 0;
  std::map<std::pair<absl::Time, uint64_t>, std::function<void()>> actions_;
};

}  // namespace muster::sim
