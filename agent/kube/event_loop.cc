#include "agent/kube/event_loop.h"

#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>

#include "common/base/check.h"

namespace muster::agent {

EventLoop::EventLoop(std::string name)
    : epoll_(epoll_create1(EPOLL_CLOEXEC)), wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  CHECK(epoll_ >= 0 && wake_ >= 0) << "epoll: errno " << errno;
  epoll_event event{.events = EPOLLIN, .data = {.fd = wake_}};
  CHECK(epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event) == 0) << "epoll: errno " << errno;
  thread_ = std::thread([this, name = std::move(name)] {
    pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
    // A server that hangs up is an error of the write, not the end of the process.
    sigset_t broken_pipe;
    sigemptyset(&broken_pipe);
    sigaddset(&broken_pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);
    Run();
  });
}

EventLoop::~EventLoop() {
  Stop();
  close(wake_);
  close(epoll_);
}

bool EventLoop::Post(std::function<void()> work) {
  {
    MutexLock lock(mutex_);
    if (stopping_) return false;
    posted_.push_back(std::move(work));
  }
  const uint64_t one = 1;
  (void)!write(wake_, &one, sizeof one);  // A full counter has woken it already.
  return true;
}

bool EventLoop::Call(const std::function<void()>& work) {
  bool done = false;
  const bool posted = Post([&] {
    work();
    MutexLock lock(mutex_);
    done = true;
    called_.SignalAll();
  });
  if (!posted) return false;
  MutexLock lock(mutex_);
  // What is posted before Stop is run, so that this ends.
  while (!done) called_.Wait(mutex_);
  return true;
}

void EventLoop::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  const uint64_t one = 1;
  (void)!write(wake_, &one, sizeof one);
  if (thread_.joinable()) thread_.join();
}

void EventLoop::Watch(int fd, uint32_t events, std::function<void(uint32_t)> ready) {
  const auto [at, is_new] = watched_.try_emplace(fd);
  at->second.ready = std::move(ready);
  if (!is_new && at->second.events == events) return;
  at->second.events = events;
  epoll_event event{.events = events, .data = {.fd = fd}};
  CHECK(epoll_ctl(epoll_, is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event) == 0)
      << "epoll: errno " << errno;
}

void EventLoop::Unwatch(int fd) {
  if (watched_.erase(fd) == 0) return;
  epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
}

EventLoop::Timer EventLoop::After(absl::Duration wait, std::function<void()> work) {
  const Timer timer = next_timer_++;
  const absl::Time due = Now() + wait;
  timers_.emplace(std::pair(due, timer), std::move(work));
  due_[timer] = due;
  return timer;
}

void EventLoop::Cancel(Timer timer) {
  const auto at = due_.find(timer);
  if (at == due_.end()) return;
  timers_.erase({at->second, timer});
  due_.erase(at);
}

absl::Time EventLoop::Now() {
  return absl::UnixEpoch() + absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

void EventLoop::Run() {
  std::array<epoll_event, 64> events;
  while (true) {
    const int count =
        epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), Patience());
    CHECK(count >= 0 || errno == EINTR) << "epoll: errno " << errno;
    for (int i = 0; i < count; ++i) {
      const int fd = events[i].data.fd;
      if (fd == wake_) {
        uint64_t times;
        (void)!read(wake_, &times, sizeof times);
        continue;
      }
      // Somebody before it in this round may have let go of it.
      const auto at = watched_.find(fd);
      if (at == watched_.end()) continue;
      const std::function<void(uint32_t)> ready = at->second.ready;
      ready(events[i].events);
    }
    RunTimers();
    RunPosted();
    RunSoon();
    MutexLock lock(mutex_);
    if (stopping_ && posted_.empty()) return;
  }
}

void EventLoop::RunPosted() {
  std::vector<std::function<void()>> posted;
  {
    MutexLock lock(mutex_);
    posted.swap(posted_);
  }
  for (const std::function<void()>& work : posted) work();
}

void EventLoop::RunSoon() {
  while (!soon_.empty()) {
    const std::vector<std::function<void()>> soon = std::exchange(soon_, {});
    for (const std::function<void()>& work : soon) work();
  }
}

void EventLoop::RunTimers() {
  const absl::Time now = Now();
  while (!timers_.empty() && timers_.begin()->first.first <= now) {
    const std::function<void()> work = std::move(timers_.begin()->second);
    due_.erase(timers_.begin()->first.second);
    timers_.erase(timers_.begin());
    work();
  }
}

int EventLoop::Patience() const {
  if (timers_.empty()) return -1;
  const absl::Duration left = timers_.begin()->first.first - Now();
  const int64_t ms = absl::ToInt64Milliseconds(absl::Ceil(left, absl::Milliseconds(1)));
  return static_cast<int>(std::clamp<int64_t>(ms, 0, 60'000));
}

}  // namespace muster::agent
