#include "common/loop/stop_signal.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "absl/time/clock.h"
#include "common/base/check.h"

namespace muster {
namespace {

sigset_t Signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

}  // namespace

StopSignal::StopSignal() {
  const sigset_t signals = Signals();
  CHECK(pthread_sigmask(SIG_BLOCK, &signals, nullptr) == 0);
}

void StopSignal::Wait() {
  while (!WaitFor(absl::Hours(1))) {
  }
}

bool StopSignal::WaitFor(absl::Duration timeout) {
  const sigset_t signals = Signals();
  const absl::Time until = absl::Now() + timeout;
  while (!stopped_) {
    const timespec left = absl::ToTimespec(std::max(absl::ZeroDuration(), until - absl::Now()));
    if (sigtimedwait(&signals, nullptr, &left) > 0) {
      stopped_ = true;
    } else if (errno == EAGAIN) {
      break;
    }
  }
  return stopped_;
}

void StopSignal::Raise() { kill(getpid(), SIGTERM); }

}  // namespace muster
