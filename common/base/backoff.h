// Backoff: how long to wait before trying again: exponential, with full jitter.
//
// The n-th wait is uniform in [0, min(max, first * 2^n)), so that a thousand callers that failed
// together do not come back together. One thread.
#pragma once

#include <algorithm>

#include "absl/time/time.h"
#include "common/base/random.h"

namespace muster {

class Backoff {
 public:
  Backoff(absl::Duration first, absl::Duration max) : first_(first), max_(max) {}

  // The next wait.
  absl::Duration Next(Random& random) { return Ceiling() * random.Fraction(); }

  // The next wait, never below half its ceiling: for polls, where zero would be a busy loop.
  absl::Duration NextAtLeastHalf(Random& random) {
    return Ceiling() * (0.5 + random.Fraction() / 2);
  }

  // After a success.
  void Reset() { failures_ = 0; }

  int failures() const { return failures_; }

 private:
  absl::Duration Ceiling() {
    const int doublings = std::min(failures_++, 30);
    return std::min(max_, first_ * (int64_t{1} << doublings));
  }

  absl::Duration first_;
  absl::Duration max_;
  int failures_ = 0;
};

}  // namespace muster
