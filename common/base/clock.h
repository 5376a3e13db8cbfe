// Clock: what time it is. For shells only: a core gets `now` as an argument.
//
// RealClock reads the wall clock; a simulation brings its own. Any thread.
#pragma once

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace muster {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual absl::Time Now() const = 0;
};

class RealClock final : public Clock {
 public:
  absl::Time Now() const override { return absl::Now(); }
};

}  // namespace muster
