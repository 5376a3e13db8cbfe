// RequestWindow: how many requests may be under way at once and how fast they may follow, so that a
// small API server is not hurt and a large one is used.
//
// Additive increase, multiplicative decrease, as in TCP: each windowful of good answers lets one
// more in; an answer that says "too much" (429, 503, a timeout) halves the window, at most once in
// the time that it takes to show. A rate may be set on top. Pure but for the time it is given; one
// thread.
#pragma once

#include "absl/time/time.h"

namespace muster::agent {

struct WindowLimits {
  int first = 32;
  int max = 64;
  double per_second = 0;  // requests; zero: no limit but the window
};

class RequestWindow {
 public:
  explicit RequestWindow(WindowLimits limits);

  // When the next request may start, if nothing ends before: `now` or earlier for at once,
  // InfiniteFuture when one must end first.
  absl::Time NextStart(absl::Time now) const;

  void Started(absl::Time now);
  void Ended(absl::Time now, bool pushed_back);

  int size() const { return size_; }
  int active() const { return active_; }

 private:
  const WindowLimits limits_;
  int size_;
  int active_ = 0;
  int good_ = 0;  // answers since the window last grew
  absl::Time cut_ = absl::InfinitePast();
  absl::Time next_start_ = absl::InfinitePast();
};

}  // namespace muster::agent
