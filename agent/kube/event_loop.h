// EventLoop: one thread that waits for sockets and timers, and runs what is posted to it.
//
//   EventLoop loop("kube");
//   loop.Post([&] { loop.After(absl::Seconds(1), [] { ... }); });
//
// Everything that talks to the API server lives on such a thread, so that none of it needs a lock.
// An idle loop costs nothing: it sleeps in epoll until a socket, a timer or a post wakes it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "common/base/mutex.h"

namespace muster::agent {

class EventLoop {
 public:
  using Timer = uint64_t;  // zero is never one

  explicit EventLoop(std::string name);
  ~EventLoop();  // stops
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Runs `work` on the loop's thread, in the order of the posts. Any thread. Returns false, and
  // drops it, after Stop.
  bool Post(std::function<void()> work);

  // Runs `work` on the loop's thread and waits until it is done. Any thread but the loop's. Returns
  // false when the loop is stopped: then it was not run.
  bool Call(const std::function<void()>& work);

  // Ends the thread after what runs now, and joins it. Any thread but the loop's; may be called
  // again.
  void Stop();

  // ---- the loop's thread only

  // Calls `ready` with epoll's bits whenever one of `events` is there; replaces what was asked
  // before for the same descriptor.
  void Watch(int fd, uint32_t events, std::function<void(uint32_t)> ready);
  void Unwatch(int fd);

  // Calls `work` once, no sooner than after `wait`.
  Timer After(absl::Duration wait, std::function<void()> work);
  void Cancel(Timer timer);  // one that was called or cancelled already does nothing

  // Runs `work` at the end of the loop's present round, or of the next: for what many calls in a
  // row leave to be done once.
  void Soon(std::function<void()> work) { soon_.push_back(std::move(work)); }

  // Monotonic: for deadlines and rates.
  static absl::Time Now();

 private:
  struct Watched {
    uint32_t events = 0;
    std::function<void(uint32_t)> ready;
  };

  void Run();
  void RunPosted();
  void RunSoon();
  void RunTimers();
  int Patience() const;  // milliseconds until the next timer

  const int epoll_;
  const int wake_;

  // The loop's thread.
  std::map<int, Watched> watched_;
  std::map<std::pair<absl::Time, Timer>, std::function<void()>> timers_;
  std::map<Timer, absl::Time> due_;
  Timer next_timer_ = 1;
  std::vector<std::function<void()>> soon_;

  Mutex mutex_;
  CondVar called_;
  std::vector<std::function<void()>> posted_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;

  std::thread thread_;
};

}  // namespace muster::agent
