#include "agent/kube/http2_connection.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "agent/kube/tls_stream.h"
#include "common/base/check.h"
#include "common/base/status_macros.h"

namespace muster::agent {
namespace {

constexpr absl::Duration kSilence = absl::Seconds(30);       // then a ping
constexpr absl::Duration kPingPatience = absl::Seconds(15);  // then the end
constexpr int32_t kStreamWindow = 1 << 20;
constexpr int32_t kConnectionWindow = 4 << 20;
constexpr size_t kStreamsBeforeSettings = 100;

nghttp2_nv Header(absl::string_view name, absl::string_view value) {
  return nghttp2_nv{
      .name = reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())),
      .value = reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())),
      .namelen = name.size(),
      .valuelen = value.size(),
      .flags = NGHTTP2_NV_FLAG_NONE,
  };
}

}  // namespace

class Http2Connection::Session : public std::enable_shared_from_this<Session> {
 public:
  Session(EventLoop& loop, const ApiEndpoint& api, std::function<void(absl::Status)> closed)
      : loop_(loop),
        authority_(
            absl::StrCat(api.host.find(':') == std::string::npos ? api.host : "[" + api.host + "]",
                         ":", api.port)),
        url_(api.Url()),
        closed_(std::move(closed)) {}

  ~Session() {
    if (session_ != nullptr) nghttp2_session_del(session_);
  }

  void Start(Resolver& resolver, const ApiEndpoint& api) {
    MakeSession();
    tls_ = std::make_unique<TlsStream>(
        loop_, resolver, api,
        TlsStream::Callbacks{
            .opened = [this] { Opened(); },
            .received = [this](absl::string_view bytes) { Received(bytes); },
            .closed = [this](const absl::Status& why) { End(why); },
        });
  }

  // Nobody listens any more.
  void Abandon() {
    closed_ = nullptr;
    for (auto& [stream, running] : running_) running.handlers = {};
    End(absl::CancelledError());
  }

  Stream Send(Http2Request request, Http2Handlers handlers) {
    const Stream stream = next_stream_++;
    Running& running = running_[stream];
    running.request = std::move(request);
    running.handlers = std::move(handlers);
    if (ended_) {
      EndLater(stream, absl::UnavailableError("the connection has ended"));
    } else {
      Submit(stream, running);
      FlushSoon();
    }
    return stream;
  }

  void Cancel(Stream stream) {
    const auto at = running_.find(stream);
    if (at == running_.end()) return;
    at->second.handlers = {};
    if (ended_ || at->second.id < 0) return;
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, at->second.id, NGHTTP2_CANCEL);
    FlushSoon();
  }

  bool HasRoom() const {
    return !ended_ && !draining_ && running_.size() < std::min<size_t>(kStreamsMax, RemoteMax());
  }
  size_t active() const { return running_.size(); }

 private:
  static constexpr size_t kStreamsMax = 250;

  struct Running {
    Http2Request request;
    size_t sent = 0;  // of the body
    Http2Handlers handlers;
    int32_t id = -1;  // nghttp2's
    int status = 0;
    HttpHeaders headers;
  };

  size_t RemoteMax() const {
    const uint32_t max =
        nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
    return open_ && max != UINT32_MAX ? max : kStreamsBeforeSettings;
  }

  // ---- nghttp2's callbacks

  static Session& Of(void* self) { return *static_cast<Session*>(self); }

  Running* Find(int32_t id) {
    return static_cast<Running*>(nghttp2_session_get_stream_user_data(session_, id));
  }

  static int OnHeader(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
                      size_t name_size, const uint8_t* value, size_t value_size, uint8_t,
                      void* self) {
    Running* running = Of(self).Find(frame->hd.stream_id);
    if (running == nullptr) return 0;
    const absl::string_view key(reinterpret_cast<const char*>(name), name_size);
    const absl::string_view text(reinterpret_cast<const char*>(value), value_size);
    if (key == ":status") {
      (void)absl::SimpleAtoi(text, &running->status);
    } else if (key == "retry-after" || key == "content-type") {
      running->headers.emplace_back(key, text);  // The rest is of no use to us.
    }
    return 0;
  }

  static int OnFrame(nghttp2_session*, const nghttp2_frame* frame, void* self) {
    if (frame->hd.type == NGHTTP2_GOAWAY) Of(self).draining_ = true;
    if (frame->hd.type != NGHTTP2_HEADERS) return 0;
    Running* running = Of(self).Find(frame->hd.stream_id);
    if (running == nullptr || running->status < 200) return 0;
    if (running->handlers.head) running->handlers.head(running->status, running->headers);
    running->headers = {};
    return 0;
  }

  static int OnData(nghttp2_session*, uint8_t, int32_t id, const uint8_t* data, size_t size,
                    void* self) {
    Running* running = Of(self).Find(id);
    if (running != nullptr && running->handlers.data) {
      running->handlers.data(absl::string_view(reinterpret_cast<const char*>(data), size));
    }
    return 0;
  }

  static int OnStreamClose(nghttp2_session*, int32_t id, uint32_t error, void* self) {
    Session& session = Of(self);
    const auto at = session.by_id_.find(id);
    if (at == session.by_id_.end()) return 0;
    session.EndStream(at->second, error == NGHTTP2_NO_ERROR ? absl::OkStatus()
                                                            : absl::UnavailableError(absl::StrCat(
                                                                  "the server ended the request: ",
                                                                  nghttp2_http2_strerror(error))));
    return 0;
  }

  static ssize_t ReadBody(nghttp2_session*, int32_t, uint8_t* buffer, size_t size, uint32_t* flags,
                          nghttp2_data_source* source, void*) {
    Running& running = *static_cast<Running*>(source->ptr);
    const size_t count = std::min(size, running.request.body.size() - running.sent);
    std::memcpy(buffer, running.request.body.data() + running.sent, count);
    running.sent += count;
    if (running.sent == running.request.body.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(count);
  }

  void MakeSession() {
    nghttp2_session_callbacks* callbacks = nullptr;
    CHECK(nghttp2_session_callbacks_new(&callbacks) == 0);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, &OnHeader);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, &OnFrame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, &OnData);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, &OnStreamClose);
    nghttp2_option* option = nullptr;
    CHECK(nghttp2_option_new(&option) == 0);
    // Closed streams are of interest to who sorts by priority, which nobody does.
    nghttp2_option_set_no_closed_streams(option, 1);
    CHECK(nghttp2_session_client_new2(&session_, callbacks, this, option) == 0);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindow},
    };
    CHECK(nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, std::size(settings)) == 0);
    CHECK(nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0,
                                                kConnectionWindow) == 0);
  }

  // ---- the connection

  void Submit(Stream stream, Running& running) {
    const Http2Request& request = running.request;
    std::vector<nghttp2_nv> headers = {
        Header(":method", request.method),
        Header(":scheme", "https"),
        Header(":authority", authority_),
        Header(":path", request.path),
    };
    for (const auto& [name, value] : request.headers) headers.push_back(Header(name, value));
    nghttp2_data_provider body{.source = {.ptr = &running}, .read_callback = &ReadBody};
    running.id = nghttp2_submit_request(session_, nullptr, headers.data(), headers.size(),
                                        request.body.empty() ? nullptr : &body, &running);
    if (running.id < 0) {
      draining_ = true;
      return EndLater(stream, absl::UnavailableError(nghttp2_strerror(running.id)));
    }
    by_id_[running.id] = stream;
  }

  void Opened() {
    open_ = true;
    FlushSoon();
    heard_ = EventLoop::Now();
    silence_ = loop_.After(kSilence, [this] { CheckSilence(); });
  }

  void Received(absl::string_view bytes) {
    heard_ = EventLoop::Now();
    const ssize_t read = nghttp2_session_mem_recv(
        session_, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
    FlushSoon();
    if (read < 0) EndSoon(absl::UnavailableError(nghttp2_strerror(static_cast<int>(read))));
  }

  void FlushSoon() {
    if (std::exchange(flushing_, true)) return;
    loop_.Soon([self = shared_from_this()] {
      self->flushing_ = false;
      self->Flush();
    });
  }

  void Flush() {
    if (ended_ || !open_) return;
    std::string bytes;
    while (true) {
      const uint8_t* data;
      const ssize_t size = nghttp2_session_mem_send(session_, &data);
      if (size < 0) return End(absl::UnavailableError(nghttp2_strerror(static_cast<int>(size))));
      if (size == 0) break;
      bytes.append(reinterpret_cast<const char*>(data), static_cast<size_t>(size));
    }
    if (!bytes.empty()) tls_->Write(bytes);
    if (nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0) {
      End(absl::UnavailableError("the server closed the connection"));
    }
  }

  void CheckSilence() {
    const absl::Duration silent = EventLoop::Now() - heard_;
    if (silent >= kSilence + kPingPatience) {
      silence_ = 0;
      return End(absl::UnavailableError("the server gives no sign of life"));
    }
    if (silent >= kSilence) {
      nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr);
      FlushSoon();
    }
    silence_ = loop_.After(silent >= kSilence ? kPingPatience : kSilence - silent,
                           [this] { CheckSilence(); });
  }

  void EndStream(Stream stream, const absl::Status& why) {
    const auto at = running_.find(stream);
    if (at == running_.end()) return;
    const std::function<void(absl::Status)> end = std::move(at->second.handlers.end);
    by_id_.erase(at->second.id);
    if (!ended_ && at->second.id >= 0) {
      nghttp2_session_set_stream_user_data(session_, at->second.id, nullptr);
    }
    running_.erase(at);
    if (end) end(why);
  }

  void EndLater(Stream stream, absl::Status why) {
    loop_.Soon([self = shared_from_this(), stream, why] { self->EndStream(stream, why); });
  }

  void EndSoon(absl::Status why) {
    loop_.Soon([self = shared_from_this(), why] { self->End(why); });
  }

  void End(const absl::Status& why) {
    if (std::exchange(ended_, true)) return;
    const auto self = shared_from_this();
    if (silence_ != 0) loop_.Cancel(std::exchange(silence_, 0));
    const absl::Status status = Annotate(why, absl::StrCat("reach the API server at ", url_));
    while (!running_.empty()) EndStream(running_.begin()->first, status);
    // The stream may be what called us.
    loop_.Soon([tls = std::shared_ptr<TlsStream>(std::move(tls_))] {});
    if (const auto closed = std::move(closed_); closed) closed(status);
  }

  EventLoop& loop_;
  const std::string authority_;
  const std::string url_;
  std::function<void(absl::Status)> closed_;
  std::unique_ptr<TlsStream> tls_;
  nghttp2_session* session_ = nullptr;
  bool open_ = false;
  bool draining_ = false;  // takes no new stream
  bool ended_ = false;
  bool flushing_ = false;
  absl::Time heard_;
  EventLoop::Timer silence_ = 0;
  Stream next_stream_ = 1;
  std::map<Stream, Running> running_;
  std::map<int32_t, Stream> by_id_;
};

Http2Connection::Http2Connection(EventLoop& loop, Resolver& resolver, const ApiEndpoint& api,
                                 std::function<void(absl::Status)> closed)
    : session_(std::make_shared<Session>(loop, api, std::move(closed))) {
  session_->Start(resolver, api);
}

Http2Connection::~Http2Connection() { session_->Abandon(); }

Http2Connection::Stream Http2Connection::Send(Http2Request request, Http2Handlers handlers) {
  return session_->Send(std::move(request), std::move(handlers));
}

void Http2Connection::Cancel(Stream stream) { session_->Cancel(stream); }

bool Http2Connection::HasRoom() const { return session_->HasRoom(); }

size_t Http2Connection::active() const { return session_->active(); }

}  // namespace muster::agent
