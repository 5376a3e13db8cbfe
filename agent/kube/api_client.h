// ApiClient: requests to one API server: connections, tokens, impersonation, fairness, retries.
//
// A request is tried again, with backoff and Retry-After, where that is safe and of use: every verb
// of the driver is idempotent, so that is after a cut, 429, 502 to 504, and any 5xx with a
// Retry-After; after 401 once the token was read again. Nothing is tried past the request's
// deadline; when no connection can be made, everything that waits fails after a few tries, so that
// a dead API server is known within seconds.
//
// The loop's thread only. Callbacks come later, never within a call.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "agent/kube/endpoint.h"
#include "agent/kube/event_loop.h"
#include "agent/kube/http2_connection.h"
#include "agent/kube/request_window.h"
#include "agent/kube/resolver.h"
#include "common/base/backoff.h"
#include "common/base/random.h"

namespace muster::agent {

struct ApiRequest {
  std::string method = "GET";
  std::string path;  // from "/api" or "/apis" on, with its query
  std::string body;
  std::string content_type;                 // of the body
  std::string accept = "application/json";  // what we read
  std::string service_account;              // "namespace/name" to act as; empty: the agent itself
  absl::Duration wait;                      // before the first try
  absl::Time deadline = absl::InfiniteFuture();  // of EventLoop::Now, over all tries
};

// An answer of any status.
struct ApiResponse {
  int status = 0;
  std::string body;

  bool ok() const { return status >= 200 && status < 300; }
};

struct ApiClientOptions {
  ApiEndpoint endpoint;
  WindowLimits window;
  std::string user_agent = "muster-agent";
  absl::Duration try_timeout = absl::Seconds(30);
  absl::Duration backoff_first = absl::Milliseconds(250);
  absl::Duration backoff_max = absl::Seconds(10);
  int tries = 5;
  absl::Duration token_age_max = absl::Minutes(1);  // then its file is read again
};

class ApiClient {
 public:
  using Done = std::function<void(absl::StatusOr<ApiResponse>)>;
  using Call = uint64_t;

  // `loop` and `random` must outlive it.
  ApiClient(EventLoop& loop, Random& random, ApiClientOptions options);
  ~ApiClient();  // calls that wait are dropped without an answer

  // Errors are the transport's; an answer of 400 or more is an answer.
  void Send(ApiRequest request, Done done);

  // One try, outside of the window: a long answer, piece by piece. `end` gets an answer without its
  // body when the server ended it in order, the body being the error's when it is one.
  struct StreamHandlers {
    std::function<void()> opened;                 // the answer began, and is a good one
    std::function<void(absl::string_view)> data;  // of a good answer
    Done end;
  };
  Call Stream(ApiRequest request, StreamHandlers handlers);
  void Cancel(Call stream);  // nothing more is heard of it

  // Requests that were sent, tries counted one by one, streams too.
  uint64_t sent() const { return sent_; }

  EventLoop& loop() { return loop_; }
  Random& random() { return random_; }
  const ApiEndpoint& endpoint() const { return options_.endpoint; }

 private:
  struct Pending;
  struct Connection;
  using PendingPtr = std::shared_ptr<Pending>;

  void Pump();
  void PumpAt(absl::Time when);
  void Try(const PendingPtr& pending);
  void Answered(const PendingPtr& pending, const absl::Status& ended);
  void Again(const PendingPtr& pending, absl::Duration wait, absl::StatusOr<ApiResponse> last);
  void Wait(const PendingPtr& pending, absl::Duration wait);
  absl::StatusOr<Http2Request> ToHttp(const ApiRequest& request);
  absl::StatusOr<std::string> Token(bool again);
  Connection& Connect(bool for_streams);
  void Closed(Connection* connection, const absl::Status& why);
  void FailAll(const absl::Status& why);

  EventLoop& loop_;
  Random& random_;
  const ApiClientOptions options_;
  Resolver resolver_;
  RequestWindow window_;
  Backoff connect_backoff_;
  absl::Time connect_at_ = absl::InfinitePast();  // no new connection before
  std::vector<std::shared_ptr<Connection>> connections_;
  std::deque<PendingPtr> waiting_;
  std::map<Call, PendingPtr> streams_;
  Call next_call_ = 1;
  EventLoop::Timer pump_timer_ = 0;
  bool pumping_ = false;
  std::string token_;
  absl::Time token_read_ = absl::InfinitePast();
  uint64_t sent_ = 0;
  // Cleared at the end, so that a timer that outlives us does nothing.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace muster::agent
