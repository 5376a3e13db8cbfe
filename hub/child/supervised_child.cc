#include "hub/child/supervised_child.h"

#include <signal.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/log.h"
#include "common/base/status_macros.h"

namespace muster::hub {
namespace {

constexpr absl::Duration kPauseFirst = absl::Milliseconds(100);
constexpr absl::Duration kGrace = absl::Seconds(1);
constexpr absl::Duration kPauseMax = absl::Seconds(5);

}  // namespace

SupervisedChild::SupervisedChild(ChildProcess::Options options, Random* random)
    : name_(std::move(options.name)),
      arguments_(std::move(options.arguments)),
      random_(random),
      backoff_(kPauseFirst, kPauseMax) {}

absl::Status SupervisedChild::Prepare() {
  MutexLock lock(mutex_);
  // One that ended between two calls is nobody's failure.
  if (child_ != nullptr && !child_->channel().IsOpen()) child_.reset();
  while (!stop_ && child_ == nullptr) {
    const auto left = not_before_ - std::chrono::steady_clock::now();
    if (not_before_ == Deadline::min() || left <= left.zero()) break;
    stopped_.WaitFor(mutex_, absl::FromChrono(left));
  }
  if (stop_) return absl::CancelledError("the hub is stopping");
  if (child_ != nullptr) return absl::OkStatus();
  ASSIGN_OR_RETURN(child_, ChildProcess::Start({name_, arguments_}));
  return absl::OkStatus();
}

std::string SupervisedChild::End(absl::Duration grace) {
  MutexLock lock(mutex_);
  std::string how = child_->End(grace);
  child_.reset();
  if (stop_) how = "stopped";
  return how;
}

absl::StatusOr<std::string> SupervisedChild::Call(absl::string_view request,
                                                  absl::Duration timeout) {
  RETURN_IF_ERROR(Prepare());
  FrameChannel* channel;
  {
    MutexLock lock(mutex_);  // the child leaves on this thread only, so its channel stays
    channel = &child_->channel();
  }
  const Deadline deadline = DeadlineIn(timeout);
  const absl::Status sent = channel->Send(request, deadline);
  absl::StatusOr<std::string> answer = sent.ok() ? channel->Receive(deadline) : sent;
  if (answer.ok()) {
    backoff_.Reset();
    not_before_ = Deadline::min();
    return answer;
  }
  const bool gone = answer.status().code() == absl::StatusCode::kUnavailable;
  const std::string how = End(gone ? kGrace : absl::ZeroDuration());
  {
    MutexLock lock(mutex_);
    if (stop_) return absl::CancelledError("the hub is stopping");
  }
  if (sent.code() == absl::StatusCode::kResourceExhausted) return sent;
  const absl::Duration pause = backoff_.NextAtLeastHalf(*random_);
  not_before_ = DeadlineIn(pause);
  log::Warning("child ended",
               {{"child", name_}, {"how", how}, {"pause", absl::FormatDuration(pause)}});
  if (answer.status().code() == absl::StatusCode::kDeadlineExceeded) {
    return absl::DeadlineExceededError(absl::StrCat("no end after ", absl::FormatDuration(timeout),
                                                    "; the ", name_, " worker was stopped"));
  }
  return absl::Status(answer.status().code(),
                      absl::StrCat("the ", name_, " worker ended over it: ", how));
}

void SupervisedChild::Renew(std::vector<std::string> arguments) {
  arguments_ = std::move(arguments);
  Renew();
}

void SupervisedChild::Renew() {
  MutexLock lock(mutex_);
  child_.reset();
}

void SupervisedChild::Stop() {
  MutexLock lock(mutex_);
  stop_ = true;
  // Not reaped here: the thread that waits for the answer sees the channel end.
  if (child_ != nullptr) kill(child_->pid(), SIGKILL);
  stopped_.SignalAll();
}

}  // namespace muster::hub
