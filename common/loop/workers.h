// Workers: a fixed number of threads that run jobs, oldest first. For what may take long (render,
// sign, write a cluster): the job posts its result to an Inbox when it is done.
//
//   Workers workers("render", 2);
//   workers.Run([&inbox, input] { inbox.Post(Render(input)); });
//
// A job must not throw, and must not call Stop. Any thread.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "common/base/mutex.h"

namespace muster {

class Workers {
 public:
  // The threads are called `name`, as `top -H` shows. Requires: `threads` > 0.
  Workers(std::string name, int threads);
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // Queues `job`. Returns false, and drops it, after Stop.
  bool Run(std::function<void()> job);

  // Lets the jobs that run end, drops those that wait, and joins the threads. May be called again.
  void Stop();

  // Jobs that wait for a thread.
  size_t queued() const;

 private:
  void Work();

  const std::string name_;

  mutable Mutex mutex_;
  CondVar changed_;
  std::deque<std::function<void()>> jobs_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;
  Mutex join_mutex_;
  std::vector<std::thread> threads_ GUARDED_BY(join_mutex_);
};

}  // namespace muster
