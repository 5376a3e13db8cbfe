// Published: the current snapshot of something, replaced as a whole by its owner and read by many.
//
//   published.Publish(std::make_shared<const FleetView>(...));   // the turn's thread
//   std::shared_ptr<const FleetView> view = published.Get();     // any thread
//
// A reader keeps its snapshot as long as it likes and never blocks the owner. A mutex, not
// atomic<shared_ptr>: gcc 12's is not understood by the thread sanitizer. Any thread.
#pragma once

#include <memory>
#include <utility>

#include "common/base/check.h"
#include "common/base/mutex.h"

namespace muster {

template <typename T>
class Published {
 public:
  // Readers never see null. Requires: `first` is not null.
  explicit Published(std::shared_ptr<const T> first) : current_(std::move(first)) {
    CHECK(current_ != nullptr);
  }

  // Requires: `next` is not null.
  void Publish(std::shared_ptr<const T> next) {
    CHECK(next != nullptr);
    MutexLock lock(mutex_);
    current_.swap(next);
    // The old snapshot dies with `next`, after the lock is let go.
  }

  std::shared_ptr<const T> Get() const {
    MutexLock lock(mutex_);
    return current_;
  }

 private:
  mutable Mutex mutex_;
  std::shared_ptr<const T> current_ GUARDED_BY(mutex_);
};

}  // namespace muster
