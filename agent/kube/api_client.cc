#include "agent/kube/api_client.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/status_macros.h"

namespace muster::agent {
namespace {

constexpr int kConnectTries = 3;
constexpr absl::Duration kRetryAfterMax = absl::Seconds(30);
constexpr size_t kAnswerBytesMax = 64u << 20;
constexpr size_t kErrorBytesMax = 64u << 10;

// Whether the same request may find another answer a little later.
bool IsPassing(int status, bool has_retry_after) {
  if (status == 429 || status == 502 || status == 503 || status == 504) return true;
  return status >= 500 && has_retry_after;
}

// Whether no second try will go better: it is our configuration, or theirs.
bool IsFinal(const absl::Status& status) {
  return absl::IsUnauthenticated(status) || absl::IsFailedPrecondition(status) ||
         absl::IsInvalidArgument(status) || absl::IsNotFound(status);
}

}  // namespace

struct ApiClient::Connection {
  std::unique_ptr<Http2Connection> http;
  bool for_streams = false;
  bool answered = false;
};

struct ApiClient::Pending {
  ApiRequest request;
  Done done;
  StreamHandlers handlers;
  bool is_stream = false;
  bool cancelled = false;
  int tries = 0;
  bool token_again = false;  // the last answer was 401
  // Of the present try.
  std::shared_ptr<Connection> connection;
  Http2Connection::Stream stream = 0;
  EventLoop::Timer timer = 0;
  std::optional<absl::Duration> retry_after;
  ApiResponse response;
  bool too_long = false;
};

ApiClient::ApiClient(EventLoop& loop, Random& random, ApiClientOptions options)
    : loop_(loop),
      random_(random),
      options_(std::move(options)),
      resolver_(loop),
      window_(options_.window),
      connect_backoff_(options_.backoff_first, options_.backoff_max) {}

ApiClient::~ApiClient() {
  *alive_ = false;
  if (pump_timer_ != 0) loop_.Cancel(pump_timer_);
  for (const auto& connection : connections_) connection->http.reset();
}

void ApiClient::Send(ApiRequest request, Done done) {
  auto pending = std::make_shared<Pending>();
  pending->request = std::move(request);
  pending->done = std::move(done);
  if (pending->request.wait > absl::ZeroDuration()) return Wait(pending, pending->request.wait);
  waiting_.push_back(std::move(pending));
  PumpAt(absl::InfinitePast());
}

ApiClient::Call ApiClient::Stream(ApiRequest request, StreamHandlers handlers) {
  auto pending = std::make_shared<Pending>();
  pending->request = std::move(request);
  pending->handlers = std::move(handlers);
  pending->is_stream = true;
  const Call call = next_call_++;
  streams_[call] = pending;
  pending->done = [this, call, pending = pending.get()](absl::StatusOr<ApiResponse> response) {
    const Done end = std::move(pending->handlers.end);
    streams_.erase(call);
    if (end) end(std::move(response));
  };
  loop_.Soon([this, pending, alive = alive_] {
    if (*alive && !pending->cancelled) Try(pending);
  });
  return call;
}

void ApiClient::Cancel(Call stream) {
  const auto at = streams_.find(stream);
  if (at == streams_.end()) return;
  Pending& pending = *at->second;
  pending.cancelled = true;
  pending.handlers = {};
  if (pending.connection != nullptr && pending.connection->http != nullptr) {
    pending.connection->http->Cancel(pending.stream);
  }
  streams_.erase(at);
}

// ---------------------------------------------------------------- starting

void ApiClient::PumpAt(absl::Time when) {
  if (when == absl::InfiniteFuture()) return;
  const absl::Time now = EventLoop::Now();
  if (when <= now) {
    if (std::exchange(pumping_, true)) return;
    loop_.Soon([this, alive = alive_] {
      if (*alive) Pump();
    });
    return;
  }
  if (pump_timer_ != 0) loop_.Cancel(pump_timer_);
  pump_timer_ = loop_.After(when - now, [this] {
    pump_timer_ = 0;
    Pump();
  });
}

void ApiClient::Pump() {
  pumping_ = false;
  while (!waiting_.empty()) {
    const absl::Time now = EventLoop::Now();
    const PendingPtr pending = waiting_.front();
    if (now >= pending->request.deadline) {
      waiting_.pop_front();
      pending->done(absl::DeadlineExceededError(
          absl::StrCat(pending->request.method, " ", pending->request.path,
                       ": the API server did not get to it in time")));
      continue;
    }
    const absl::Time start = std::max(window_.NextStart(now), connect_at_);
    if (start > now) return PumpAt(std::min(start, pending->request.deadline));
    waiting_.pop_front();
    window_.Started(now);
    Try(pending);
  }
}

absl::StatusOr<std::string> ApiClient::Token(bool again) {
  const TextSource& source = options_.endpoint.token;
  const absl::Time now = EventLoop::Now();
  if (!again && now - token_read_ < options_.token_age_max) return token_;
  absl::StatusOr<std::string> token = source.Read();
  // A token that was good a minute ago is better than none while its file is being replaced.
  if (!token.ok() && !token_.empty()) return token_;
  RETURN_IF_ERROR(Annotate(token.status(), "the API server's token"));
  token_ = std::string(absl::StripAsciiWhitespace(*token));
  token_read_ = now;
  return token_;
}

absl::StatusOr<Http2Request> ApiClient::ToHttp(const ApiRequest& request) {
  Http2Request http{.method = request.method,
                    .path = absl::StrCat(options_.endpoint.base_path, request.path),
                    .headers = {{"accept", request.accept}, {"user-agent", options_.user_agent}},
                    .body = request.body};
  if (!request.content_type.empty())
    http.headers.emplace_back("content-type", request.content_type);
  if (!options_.endpoint.token.empty()) {
    ASSIGN_OR_RETURN(const std::string token, Token(/*again=*/false));
    http.headers.emplace_back("authorization", absl::StrCat("Bearer ", token));
  }
  if (!request.service_account.empty()) {
    const std::pair<std::string, std::string> account =
        absl::StrSplit(request.service_account, absl::MaxSplits('/', 1));
    http.headers.emplace_back(
        "impersonate-user",
        absl::StrCat("system:serviceaccount:", account.first, ":", account.second));
  }
  return http;
}

ApiClient::Connection& ApiClient::Connect(bool for_streams) {
  for (const auto& connection : connections_) {
    if (connection->for_streams == for_streams && connection->http->HasRoom()) return *connection;
  }
  auto connection = std::make_shared<Connection>();
  connection->for_streams = for_streams;
  connection->http = std::make_unique<Http2Connection>(
      loop_, resolver_, options_.endpoint,
      [this, raw = connection.get()](const absl::Status& why) { Closed(raw, why); });
  connections_.push_back(connection);
  return *connection;
}

void ApiClient::Closed(Connection* connection, const absl::Status& why) {
  const auto at = std::find_if(connections_.begin(), connections_.end(),
                               [&](const auto& each) { return each.get() == connection; });
  if (at == connections_.end()) return;
  // It is what calls us: it goes at the end of the round.
  loop_.Soon([gone = std::move(*at)] { gone->http.reset(); });
  connections_.erase(at);
  if (connection->answered) return PumpAt(absl::InfinitePast());
  connect_at_ = EventLoop::Now() + connect_backoff_.NextAtLeastHalf(random_);
  if (IsFinal(why) || connect_backoff_.failures() >= kConnectTries) FailAll(why);
  PumpAt(connect_at_);
}

void ApiClient::FailAll(const absl::Status& why) {
  const std::deque<PendingPtr> waiting = std::exchange(waiting_, {});
  for (const PendingPtr& pending : waiting) {
    loop_.Soon([pending, why] { pending->done(why); });
  }
}

// ---------------------------------------------------------------- one try

void ApiClient::Try(const PendingPtr& pending) {
  ++pending->tries;
  pending->response = {};
  pending->retry_after.reset();
  absl::StatusOr<Http2Request> http = ToHttp(pending->request);
  if (!http.ok()) {
    loop_.Soon([this, pending, why = http.status(), alive = alive_] {
      if (*alive) Answered(pending, why);
    });
    return;
  }
  Connection& connection = Connect(pending->is_stream);
  for (const auto& each : connections_) {
    if (each.get() == &connection) pending->connection = each;
  }
  ++sent_;
  Pending* const raw = pending.get();
  Http2Handlers handlers;
  handlers.head = [raw](int status, const HttpHeaders& headers) {
    raw->response.status = status;
    raw->connection->answered = true;
    for (const auto& [name, value] : headers) {
      int seconds;
      if (name == "retry-after" && absl::SimpleAtoi(value, &seconds) && seconds >= 0) {
        raw->retry_after = std::min(absl::Seconds(seconds), kRetryAfterMax);
      }
    }
    if (raw->is_stream && raw->response.ok() && raw->handlers.opened) raw->handlers.opened();
  };
  handlers.data = [raw](absl::string_view bytes) {
    if (raw->is_stream && raw->response.ok()) {
      if (raw->handlers.data) raw->handlers.data(bytes);
      return;
    }
    const size_t max = raw->response.ok() ? kAnswerBytesMax : kErrorBytesMax;
    raw->too_long = raw->response.body.size() + bytes.size() > max;
    if (!raw->too_long) absl::StrAppend(&raw->response.body, bytes);
  };
  handlers.end = [this, pending](const absl::Status& ended) { Answered(pending, ended); };
  pending->stream = connection.http->Send(*std::move(http), std::move(handlers));
  if (pending->is_stream) return;
  pending->timer = loop_.After(options_.try_timeout, [this, pending, alive = alive_] {
    if (!*alive) return;
    pending->timer = 0;
    if (pending->connection->http != nullptr) pending->connection->http->Cancel(pending->stream);
    Answered(pending, absl::DeadlineExceededError(absl::StrCat(
                          pending->request.method, " ", pending->request.path,
                          ": no answer within ", absl::FormatDuration(options_.try_timeout))));
  });
}

void ApiClient::Answered(const PendingPtr& pending, const absl::Status& ended) {
  if (pending->timer != 0) loop_.Cancel(std::exchange(pending->timer, 0));
  pending->connection.reset();
  const int status = pending->response.status;
  const bool answered = ended.ok() && status != 0;
  if (answered) connect_backoff_.Reset();
  if (!pending->is_stream) {
    window_.Ended(EventLoop::Now(), answered ? IsPassing(status, pending->retry_after.has_value())
                                             : absl::IsDeadlineExceeded(ended));
    PumpAt(absl::InfinitePast());
  }
  if (pending->cancelled) return;
  if (!ended.ok()) {
    if (pending->is_stream || IsFinal(ended) || connect_backoff_.failures() >= kConnectTries) {
      return pending->done(ended);
    }
    return Again(pending, absl::ZeroDuration(), ended);
  }
  if (status == 0) return Again(pending, absl::ZeroDuration(), absl::UnavailableError("no answer"));
  if (pending->too_long && status < 300) {
    return pending->done(absl::ResourceExhaustedError(
        absl::StrCat(pending->request.path, ": the answer is longer than ", kAnswerBytesMax)));
  }
  if (status == 401 && !options_.endpoint.token.empty()) {
    // It may have been replaced a moment ago; a second refusal is meant.
    const std::string before = token_;
    const bool fresh = Token(/*again=*/true).ok() && token_ != before;
    if (fresh || !std::exchange(pending->token_again, true)) {
      if (pending->is_stream) return pending->done(std::move(pending->response));
      return Again(pending, fresh ? absl::ZeroDuration() : options_.backoff_first,
                   std::move(pending->response));
    }
  }
  if (!pending->is_stream && IsPassing(status, pending->retry_after.has_value())) {
    return Again(pending, pending->retry_after.value_or(absl::ZeroDuration()),
                 std::move(pending->response));
  }
  pending->done(std::move(pending->response));
}

void ApiClient::Again(const PendingPtr& pending, absl::Duration wait,
                      absl::StatusOr<ApiResponse> last) {
  Backoff backoff(options_.backoff_first, options_.backoff_max);
  absl::Duration jitter;
  for (int i = 0; i < pending->tries; ++i) jitter = backoff.Next(random_);
  wait += jitter;
  if (pending->is_stream || pending->tries >= options_.tries ||
      EventLoop::Now() + wait >= pending->request.deadline) {
    return pending->done(std::move(last));
  }
  Wait(pending, wait);
}

void ApiClient::Wait(const PendingPtr& pending, absl::Duration wait) {
  loop_.After(wait, [this, pending, alive = alive_] {
    if (!*alive) return;
    waiting_.push_back(pending);
    PumpAt(absl::InfinitePast());
  });
}

}  // namespace muster::agent
