// Latest: a box for one value in which the newest wins. For state that replaces itself, such as the
// desired state on its way to a slow agent: what was not taken in time needs no one.
//
//   if (latest.Put(state)) Wake();               // any thread
//   while (auto state = latest.Take()) Send(*state);
#pragma once

#include <optional>
#include <utility>

#include "common/base/mutex.h"

namespace muster {

template <typename T>
class Latest {
 public:
  // Replaces what waits. Returns true when nothing did, so that only the first of many puts has to
  // wake the taker.
  bool Put(T value) {
    std::optional<T> replaced(std::move(value));
    MutexLock lock(mutex_);
    value_.swap(replaced);
    return !replaced.has_value();  // The old value is destroyed after the lock is let go.
  }

  // Empties the box; nullopt when nothing waits.
  std::optional<T> Take() {
    MutexLock lock(mutex_);
    return std::exchange(value_, std::nullopt);
  }

 private:
  Mutex mutex_;
  std::optional<T> value_ GUARDED_BY(mutex_);
};

}  // namespace muster
