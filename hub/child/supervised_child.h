// SupervisedChild: requests to a child that is started when it is needed, killed when it takes too
// long, and started again when it died. Callers see a status; the hub goes on.
//
// One child, one request at a time. Call: one thread, which starts the child and so must outlive
// it. Stop: any thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/base/backoff.h"
#include "common/base/mutex.h"
#include "common/base/random.h"
#include "hub/child/child_process.h"

namespace muster::hub {

class SupervisedChild {
 public:
  // `random` must outlive it, and is used on Call's thread.
  SupervisedChild(ChildProcess::Options options, Random* random);

  // The child's answer to `request`. kDeadlineExceeded: none within `timeout`, and the child was
  // killed. kUnavailable: it died over it; the message says how. kCancelled after Stop. A child
  // that dies again and again is started after a growing pause, up to 5 s, which the caller waits.
  absl::StatusOr<std::string> Call(absl::string_view request, absl::Duration timeout);

  // The next call meets a new child, with these arguments. On Call's thread.
  void Renew(std::vector<std::string> arguments);
  void Renew();

  // Kills the child; every call from now on is kCancelled.
  void Stop();

 private:
  absl::Status Prepare();
  std::string End(absl::Duration grace);

  const std::string name_;
  std::vector<std::string> arguments_;
  Random* const random_;
  Backoff backoff_;
  Deadline not_before_ = Deadline::min();

  Mutex mutex_;
  CondVar stopped_;
  bool stop_ GUARDED_BY(mutex_) = false;
  std::unique_ptr<ChildProcess> child_ GUARDED_BY(mutex_);
};

}  // namespace muster::hub
