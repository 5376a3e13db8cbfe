#include "agent/kube/operation.h"

#include <memory>
#include <utility>

#include "common/base/mutex.h"

namespace muster::agent {
namespace {

// Answers on their way from the loop to the caller.
struct Answers {
  struct Answer {
    Operation* operation;
    absl::StatusOr<ApiResponse> response;
  };

  Mutex mutex;
  CondVar arrived;
  std::vector<Answer> waiting GUARDED_BY(mutex);

  void Put(Operation* operation, absl::StatusOr<ApiResponse> response) {
    MutexLock lock(mutex);
    waiting.push_back({operation, std::move(response)});
    if (waiting.size() == 1) arrived.Signal();
  }

  std::vector<Answer> Take() {
    MutexLock lock(mutex);
    while (waiting.empty()) arrived.Wait(mutex);
    return std::exchange(waiting, {});
  }
};

class OneCall final : public Operation {
 public:
  explicit OneCall(ApiRequest request) : request_(std::move(request)) {}
  std::optional<ApiRequest> Next() override { return std::exchange(request_, std::nullopt); }
  void Take(absl::StatusOr<ApiResponse> response) override { response_ = std::move(response); }
  absl::StatusOr<ApiResponse> response() && { return std::move(response_); }

 private:
  std::optional<ApiRequest> request_;
  absl::StatusOr<ApiResponse> response_ = absl::UnknownError("not sent");
};

}  // namespace

void RunAll(EventLoop& loop, ApiClient& client, const std::vector<Operation*>& operations) {
  const auto answers = std::make_shared<Answers>();
  size_t under_way = 0;
  using Batch = std::vector<std::pair<Operation*, ApiRequest>>;
  const auto send = [&](Batch batch) {
    if (batch.empty()) return;
    under_way += batch.size();
    auto shared = std::make_shared<Batch>(std::move(batch));
    const bool posted = loop.Post([&client, shared, answers] {
      for (auto& [operation, request] : *shared) {
        client.Send(std::move(request),
                    [answers, operation = operation](absl::StatusOr<ApiResponse> response) {
                      answers->Put(operation, std::move(response));
                    });
      }
    });
    if (posted) return;
    for (auto& [operation, request] : *shared) {
      answers->Put(operation, absl::CancelledError("the agent stops"));
    }
  };
  Batch first;
  for (Operation* operation : operations) {
    if (std::optional<ApiRequest> request = operation->Next(); request.has_value()) {
      first.emplace_back(operation, *std::move(request));
    }
  }
  send(std::move(first));
  while (under_way > 0) {
    Batch next;
    for (Answers::Answer& answer : answers->Take()) {
      --under_way;
      answer.operation->Take(std::move(answer.response));
      if (std::optional<ApiRequest> request = answer.operation->Next(); request.has_value()) {
        next.emplace_back(answer.operation, *std::move(request));
      }
    }
    send(std::move(next));
  }
}

absl::StatusOr<ApiResponse> CallOne(EventLoop& loop, ApiClient& client, ApiRequest request) {
  OneCall call(std::move(request));
  RunAll(loop, client, {&call});
  return std::move(call).response();
}

}  // namespace muster::agent
