// Sweeper: calls a function at an interval, on a thread of its own, until it is destroyed. For what
// looks after others and is in no hurry.
#pragma once

#include <functional>
#include <thread>
#include <utility>

#include "absl/time/time.h"
#include "common/base/mutex.h"

namespace muster::hub {

class Sweeper {
 public:
  Sweeper(absl::Duration interval, std::function<void()> sweep)
      : interval_(interval), sweep_(std::move(sweep)), thread_([this] { Run(); }) {}

  // Waits for the call that runs.
  ~Sweeper() {
    {
      MutexLock lock(mutex_);
      stopping_ = true;
    }
    changed_.Signal();
    thread_.join();
  }

 private:
  void Run() {
    while (true) {
      {
        MutexLock lock(mutex_);
        if (!stopping_) changed_.WaitFor(mutex_, interval_);
        if (stopping_) return;
      }
      sweep_();
    }
  }

  const absl::Duration interval_;
  const std::function<void()> sweep_;

  Mutex mutex_;
  CondVar changed_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_;  // last: it uses the rest
};

}  // namespace muster::hub
