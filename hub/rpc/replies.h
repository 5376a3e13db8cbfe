// Replies: the questions that wait for the core's answer. An RPC leaves a callback and gets a
// number, which travels with its event; the answer comes back with the number.
//
//   const RequestId id = replies.AwaitRenew([=](auto response) { ... });
//   inbox.Post(RenewRequested{id, ...});
//   replies.Answer(std::move(renew_reply));   // the hub's turn, once the answer is durable
//
// Every callback is called exactly once: with the answer, or with kUnavailable when the hub stops.
// Callbacks run on the thread that answers and must not wait. Any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <variant>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/mutex.h"
#include "hub/answers.h"
#include "hub/core/event.h"
#include "hub/core/outbox.h"

namespace muster::hub {

class Replies final : public Answers {
 public:
  using OnEnroll = std::function<void(absl::StatusOr<v1::EnrollResponse>)>;
  using OnRenew = std::function<void(absl::StatusOr<v1::RenewResponse>)>;
  using OnOperator = std::function<void(absl::StatusOr<OperatorAnswer>)>;

  RequestId AwaitEnroll(OnEnroll callback) { return Await(std::move(callback)); }
  RequestId AwaitRenew(OnRenew callback) { return Await(std::move(callback)); }
  RequestId AwaitOperator(OnOperator callback) { return Await(std::move(callback)); }

  // An answer to nothing that waits is dropped: the hub was restarted, or has stopped.
  void Answer(EnrollReply reply) override;
  void Answer(RenewReply reply) override;
  void Answer(OperatorReply reply) override;

  // Answers all that wait, and all that come from now on, with kUnavailable.
  void Stop();

 private:
  using Callback = std::variant<OnEnroll, OnRenew, OnOperator>;

  RequestId Await(Callback callback);
  // The callback of `request`, if one of type `T` waits for it.
  template <typename T>
  T Take(RequestId request);

  Mutex mutex_;
  bool stopped_ GUARDED_BY(mutex_) = false;
  RequestId last_ GUARDED_BY(mutex_) = 0;
  std::map<RequestId, Callback> waiting_ GUARDED_BY(mutex_);
};

}  // namespace muster::hub
