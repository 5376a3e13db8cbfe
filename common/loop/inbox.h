// Inbox: events from any thread to the one thread that takes turns.
//
//   Inbox<Event> inbox("hub", 10'000);
//   inbox.Post(AgentConnected{...});                        // any thread; never waits
//   for (Event& event : inbox.Drain(absl::Seconds(1))) ...  // the consumer
//
// Events come out in the order in which they were posted. The inbox has no upper bound, because a
// reaction must never wait and an event must never be lost silently: who posts limits itself. From
// `warn_size` on, and at each doubling, a warning is logged.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/base/log.h"
#include "common/base/mutex.h"

namespace muster {

template <typename Event>
class Inbox {
 public:
  Inbox(std::string name, size_t warn_size)
      : name_(std::move(name)), warn_size_(warn_size), next_warning_(warn_size) {}

  // From now on `on_post` is called after each post, on the posting thread: for who waits for
  // several inboxes at once. It must not wait. Call before the first post.
  void OnPost(std::function<void()> on_post) { on_post_ = std::move(on_post); }

  // Returns false, and drops `event`, when the inbox is closed.
  bool Post(Event event) {
    size_t warn_at = 0;
    {
      MutexLock lock(mutex_);
      if (closed_) return false;
      events_.push_back(std::move(event));
      if (events_.size() >= next_warning_) {
        warn_at = events_.size();
        next_warning_ *= 2;
      }
    }
    arrived_.Signal();
    if (on_post_) on_post_();
    if (warn_at != 0) {
      log::Warning("inbox is long", {{"inbox", name_}, {"events", absl::StrCat(warn_at)}});
    }
    return true;
  }

  // Takes everything that waits. If nothing does, waits until something comes, the inbox is closed,
  // or `timeout` has passed; then the result may be empty. After Close, what was posted before it
  // is still handed out once. One thread only.
  std::vector<Event> Drain(absl::Duration timeout) {
    const auto deadline =
        std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(std::min(timeout, kWaitMax));
    MutexLock lock(mutex_);
    while (events_.empty() && !closed_) {
      const auto left = deadline - std::chrono::steady_clock::now();
      if (left <= left.zero()) break;
      arrived_.WaitFor(mutex_, absl::FromChrono(left));
    }
    next_warning_ = warn_size_;
    return std::exchange(events_, {});
  }

  // No event is accepted from now on, and a waiting Drain returns. May be called again.
  void Close() {
    {
      MutexLock lock(mutex_);
      closed_ = true;
    }
    arrived_.SignalAll();
  }

  bool closed() const {
    MutexLock lock(mutex_);
    return closed_;
  }

 private:
  // Keeps the arithmetic of an infinite timeout within range; the caller's loop comes again.
  static constexpr absl::Duration kWaitMax = absl::Hours(1);

  const std::string name_;
  const size_t warn_size_;
  std::function<void()> on_post_;

  mutable Mutex mutex_;
  CondVar arrived_;
  std::vector<Event> events_ GUARDED_BY(mutex_);
  size_t next_warning_ GUARDED_BY(mutex_);
  bool closed_ GUARDED_BY(mutex_) = false;
};

}  // namespace muster
