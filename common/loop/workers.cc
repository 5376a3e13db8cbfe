#include "common/loop/workers.h"

#include <pthread.h>

#include <utility>

#include "common/base/check.h"

namespace muster {

Workers::Workers(std::string name, int threads) : name_(std::move(name)) {
  CHECK(threads > 0);
  MutexLock lock(join_mutex_);
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Work(); });
}

Workers::~Workers() { Stop(); }

bool Workers::Run(std::function<void()> job) {
  {
    MutexLock lock(mutex_);
    if (stopping_) return false;
    jobs_.push_back(std::move(job));
  }
  changed_.Signal();
  return true;
}

void Workers::Stop() {
  std::deque<std::function<void()>> dropped;  // destroyed without a lock
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    dropped.swap(jobs_);
  }
  changed_.SignalAll();
  MutexLock lock(join_mutex_);
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

size_t Workers::queued() const {
  MutexLock lock(mutex_);
  return jobs_.size();
}

void Workers::Work() {
  pthread_setname_np(pthread_self(), name_.substr(0, 15).c_str());  // the kernel's limit
  while (true) {
    std::function<void()> job;
    {
      MutexLock lock(mutex_);
      while (jobs_.empty() && !stopping_) changed_.Wait(mutex_);
      if (stopping_) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    job();
  }
}

}  // namespace muster
