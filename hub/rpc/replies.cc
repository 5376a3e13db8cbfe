#include "hub/rpc/replies.h"

#include <utility>

namespace muster::hub {
namespace {

absl::Status Stopping() {
  return absl::UnavailableError("the hub is stopping; try again in a moment");
}

}  // namespace

RequestId Replies::Await(Callback callback) {
  {
    MutexLock lock(mutex_);
    if (!stopped_) {
      waiting_.emplace(++last_, std::move(callback));
      return last_;
    }
  }
  std::visit([](auto& waiting) { waiting(Stopping()); }, callback);
  return 0;
}

template <typename T>
T Replies::Take(RequestId request) {
  MutexLock lock(mutex_);
  const auto found = waiting_.find(request);
  if (found == waiting_.end() || !std::holds_alternative<T>(found->second)) return nullptr;
  T callback = std::get<T>(std::move(found->second));
  waiting_.erase(found);
  return callback;
}

void Replies::Answer(EnrollReply reply) {
  if (OnEnroll callback = Take<OnEnroll>(reply.request)) callback(std::move(reply.response));
}

void Replies::Answer(RenewReply reply) {
  if (OnRenew callback = Take<OnRenew>(reply.request)) callback(std::move(reply.response));
}

void Replies::Answer(OperatorReply reply) {
  if (OnOperator callback = Take<OnOperator>(reply.request)) callback(std::move(reply.response));
}

void Replies::Stop() {
  std::map<RequestId, Callback> waiting;
  {
    MutexLock lock(mutex_);
    stopped_ = true;
    waiting.swap(waiting_);
  }
  for (auto& [request, callback] : waiting) {
    std::visit([](auto& call) { call(Stopping()); }, callback);
  }
}

}  // namespace muster::hub
