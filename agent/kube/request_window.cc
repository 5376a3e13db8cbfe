#include "agent/kube/request_window.h"

#include <algorithm>

namespace muster::agent {
namespace {

constexpr absl::Duration kBetweenCuts = absl::Milliseconds(200);
constexpr absl::Duration kBurst = absl::Milliseconds(100);  // that a rate may catch up on

}  // namespace

RequestWindow::RequestWindow(WindowLimits limits)
    : limits_(limits), size_(std::max(1, std::min(limits.first, limits.max))) {}

absl::Time RequestWindow::NextStart(absl::Time now) const {
  if (active_ >= size_) return absl::InfiniteFuture();
  return limits_.per_second > 0 ? next_start_ : now;
}

void RequestWindow::Started(absl::Time now) {
  ++active_;
  if (limits_.per_second <= 0) return;
  next_start_ = std::max(next_start_, now - kBurst) + absl::Seconds(1 / limits_.per_second);
}

void RequestWindow::Ended(absl::Time now, bool pushed_back) {
  --active_;
  if (pushed_back) {
    good_ = 0;
    if (now - cut_ < kBetweenCuts) return;
    cut_ = now;
    size_ = std::max(1, size_ / 2);
  } else if (++good_ >= size_) {
    good_ = 0;
    size_ = std::min(size_ + 1, limits_.max);
  }
}

}  // namespace muster::agent
