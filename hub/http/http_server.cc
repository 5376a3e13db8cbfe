#include "hub/http/http_server.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <map>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"

namespace muster::hub {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;
using boost::system::error_code;

std::string Text(beast::string_view text) { return std::string(text.data(), text.size()); }

absl::StatusOr<tcp::endpoint> EndpointOf(asio::io_context& io, const std::string& address) {
  const size_t colon = address.rfind(':');
  std::string host = address.substr(0, colon);
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  error_code error;
  tcp::resolver resolver(io);
  const auto found =
      resolver.resolve(host, colon == std::string::npos ? "" : address.substr(colon + 1),
                       tcp::resolver::passive | tcp::resolver::numeric_service, error);
  if (error || found.empty()) {
    return absl::UnavailableError(absl::StrCat("listen on ", address, ": ", error.message()));
  }
  return found.begin()->endpoint();
}

// The certificate that the peer has shown, in DER; empty when it has shown none.
std::string PeerCertificate(SSL* ssl) {
  X509* const certificate = SSL_get1_peer_certificate(ssl);
  if (certificate == nullptr) return "";
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate, &der);
  std::string out;
  if (size > 0) out.assign(reinterpret_cast<const char*>(der), static_cast<size_t>(size));
  OPENSSL_free(der);
  X509_free(certificate);
  return out;
}

// Under which a peer is counted: of IPv6 its /64, which is what one customer has; IPv4 in IPv6 is
// IPv4.
asio::ip::address Counted(const asio::ip::address& address) {
  if (!address.is_v6() || address.is_loopback()) return address;
  const asio::ip::address_v6 full = address.to_v6();
  if (full.is_v4_mapped()) return asio::ip::make_address_v4(asio::ip::v4_mapped, full);
  asio::ip::address_v6::bytes_type bytes = full.to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), 0);
  return asio::ip::address_v6(bytes);
}

absl::Status Prepare(asio::ssl::context& tls, const HttpServerOptions& options) {
  error_code error;
  const auto check = [&error](absl::string_view what) {
    if (!error) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("console's ", what, ": ", error.message()));
  };
  tls.use_certificate_chain(asio::buffer(options.server.certificate_pem), error);
  RETURN_IF_ERROR(check("certificate"));
  tls.use_private_key(asio::buffer(options.server.private_key_pem), asio::ssl::context::pem, error);
  RETURN_IF_ERROR(check("key"));
  tls.add_certificate_authority(asio::buffer(options.root_pem), error);
  RETURN_IF_ERROR(check("root"));
  if (SSL_CTX_check_private_key(tls.native_handle()) != 1) {
    return absl::InvalidArgumentError("console's certificate and key do not belong together");
  }
  // Asked for, not required; and browsers offer only certificates that this hub has issued.
  tls.set_verify_mode(asio::ssl::verify_peer);
  const auto* roots = X509_STORE_get0_objects(SSL_CTX_get_cert_store(tls.native_handle()));
  for (int i = 0; i < sk_X509_OBJECT_num(roots); ++i) {
    if (X509* root = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(roots, i))) {
      SSL_CTX_add_client_CA(tls.native_handle(), root);
    }
  }
  SSL_CTX_set_min_proto_version(tls.native_handle(), TLS1_3_VERSION);
  // No resumption: who a caller is, is asked at each handshake.
  SSL_CTX_set_session_cache_mode(tls.native_handle(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(tls.native_handle(), 0);
  return absl::OkStatus();
}

}  // namespace

// What the connections share. Its members are touched on the server's thread only, but the counts.
class HttpServer::Core : public std::enable_shared_from_this<Core> {
 public:
  explicit Core(HttpServerOptions given) : options(std::move(given)) {}

  absl::Status Listen();
  void Run();
  void Stop();
  void Accept();
  void Take(tcp::socket socket);
  void Pulse();
  void Publish(const std::shared_ptr<const std::string>& event);
  void Drop(const std::shared_ptr<Connection>& connection);

  const HttpServerOptions options;
  asio::io_context io{1};
  asio::ssl::context tls{asio::ssl::context::tls_server};
  tcp::acceptor acceptor{io};
  asio::steady_timer pulse{io};
  std::set<std::shared_ptr<Connection>> connections;
  std::map<asio::ip::address, size_t> of_address;
  std::set<Connection*> streams;
  std::atomic<int> connection_count = 0;
  std::atomic<int> stream_count = 0;
  bool stopping = false;
  std::thread thread;
};

// One peer: requests one after another, or one answer that does not end.
class HttpServer::Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(const std::shared_ptr<Core>& core, tcp::socket socket, asio::ip::address address)
      : core_(core), address_(std::move(address)), stream_(std::move(socket), core->tls) {}

  const asio::ip::address& address() const { return address_; }

  void Start() {
    Deadline(core_->options.handshake_timeout);
    stream_.async_handshake(asio::ssl::stream_base::server,
                            [self = shared_from_this()](error_code error) {
                              if (error) return self->End();
                              self->certificate_ = PeerCertificate(self->stream_.native_handle());
                              self->Read();
                            });
  }

  // Closes at once.
  void End() {
    error_code ignored;
    beast::get_lowest_layer(stream_).socket().close(ignored);
    core_->Drop(shared_from_this());
  }

  // Streams: the newest event wins over one that waits.
  void Tell(const std::shared_ptr<const std::string>& event) {
    waiting_ = event;
    if (!writing_) WriteEvent();
  }
  // Streams: a sign of life, unless something better is on its way.
  void TellAlive(const std::shared_ptr<const std::string>& sign) {
    if (writing_ == nullptr) Tell(sign);
  }
  bool allowed() const { return response_.still_allowed == nullptr || response_.still_allowed(); }

 private:
  using Stream = beast::ssl_stream<beast::tcp_stream>;
  using Answer = http::response<http::span_body<const char>>;

  void Deadline(absl::Duration timeout) {
    beast::get_lowest_layer(stream_).expires_after(absl::ToChronoMilliseconds(timeout));
  }

  void Read() {
    parser_.emplace();
    parser_->header_limit(static_cast<uint32_t>(core_->options.header_bytes_max));
    parser_->body_limit(core_->options.body_bytes_max);
    Deadline(core_->options.request_timeout);
    http::async_read(
        stream_, buffer_, *parser_,
        [self = shared_from_this()](error_code error, size_t) { self->OnRead(error); });
  }

  void OnRead(error_code error) {
    if (error == http::error::header_limit) return Refuse(431, "the headers are too long");
    if (error == http::error::body_limit) return Refuse(413, "the body is too long");
    if (error.category() == make_error_code(http::error::bad_method).category() &&
        error != http::error::end_of_stream && error != http::error::partial_message) {
      return Refuse(400, "this is no HTTP/1.1");
    }
    if (error) return End();
    beast::get_lowest_layer(stream_).expires_never();
    HttpRequest request;
    const auto& message = parser_->get();
    const bool good =
        ParseTarget(absl::string_view(message.target().data(), message.target().size()), &request);
    request.method = Text(message.method_string());
    request.body = message.body();
    request.accept_encoding = Text(message[http::field::accept_encoding]);
    request.content_type = Text(message[http::field::content_type]);
    request.cookie = Text(message[http::field::cookie]);
    request.host = Text(message[http::field::host]);
    request.if_none_match = Text(message[http::field::if_none_match]);
    request.origin = Text(message[http::field::origin]);
    request.certificate_der = certificate_;
    head_ = message.method() == http::verb::head;
    keep_alive_ = message.keep_alive();
    if (!good) return Refuse(400, "this is no address of a page");
    core_->options.answer(std::move(request),
                          // The server may be gone before the answer is made.
                          [core = core_, weak = weak_from_this()](HttpResponse response) {
                            asio::post(core->io, [weak, response = std::move(response)]() mutable {
                              if (const auto self = weak.lock()) self->Write(std::move(response));
                            });
                          });
  }

  void Refuse(int status, absl::string_view why) {
    keep_alive_ = false;
    HttpResponse response;
    response.status = status;
    response.content_type = "text/plain; charset=utf-8";
    response.body = std::make_shared<const std::string>(absl::StrCat(why, "\n"));
    Write(std::move(response));
  }

  void Write(HttpResponse response) {
    response_ = std::move(response);
    if (response_.stream && core_->streams.size() >= core_->options.streams_max) {
      core_->options.refused();
      response_ = {};
      return Refuse(503, "too many browsers are told of changes; try again later");
    }
    const bool ends = !response_.stream;
    if (!ends) keep_alive_ = false;
    answer_.emplace(static_cast<http::status>(response_.status), 11);
    for (const auto& [name, value] : response_.headers) answer_->insert(name, value);
    if (!response_.content_type.empty()) {
      answer_->set(http::field::content_type, response_.content_type);
    }
    if (response_.body != nullptr && !head_)
      answer_->body() = {response_.body->data(), response_.body->size()};
    answer_->keep_alive(ends && keep_alive_);
    if (ends && response_.status != 304) {
      answer_->content_length(response_.body == nullptr ? 0 : response_.body->size());
    }
    Deadline(core_->options.write_timeout);
    serializer_.emplace(*answer_);
    auto done = [self = shared_from_this()](error_code error, size_t) { self->OnWritten(error); };
    if (ends && !head_) {
      http::async_write(stream_, *serializer_, std::move(done));
    } else {
      http::async_write_header(stream_, *serializer_, std::move(done));
    }
  }

  void OnWritten(error_code error) {
    if (error) return End();
    if (response_.stream && !head_) return BeginStream();
    response_ = {};
    if (keep_alive_ && !core_->stopping) return Read();
    Deadline(core_->options.write_timeout);
    stream_.async_shutdown([self = shared_from_this()](error_code) { self->End(); });
  }

  void BeginStream() {
    core_->streams.insert(this);
    core_->stream_count = static_cast<int>(core_->streams.size());
    beast::get_lowest_layer(stream_).expires_never();
    ReadNothing();
    Tell(response_.body);
  }

  // A peer of a stream has nothing to say; this notices when it leaves.
  void ReadNothing() {
    stream_.async_read_some(asio::buffer(nothing_),
                            [self = shared_from_this()](error_code, size_t) { self->End(); });
  }

  void WriteEvent() {
    if (waiting_ == nullptr) return;
    writing_ = std::exchange(waiting_, nullptr);
    Deadline(core_->options.write_timeout);
    asio::async_write(stream_, asio::buffer(*writing_),
                      [self = shared_from_this()](error_code error, size_t) {
                        if (error) return self->End();
                        self->writing_ = nullptr;
                        self->WriteEvent();
                      });
  }

  const std::shared_ptr<Core> core_;
  const asio::ip::address address_;
  Stream stream_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  std::string certificate_;
  bool head_ = false;
  bool keep_alive_ = false;
  HttpResponse response_;
  std::optional<Answer> answer_;
  std::optional<http::response_serializer<http::span_body<const char>>> serializer_;
  std::shared_ptr<const std::string> waiting_;
  std::shared_ptr<const std::string> writing_;
  char nothing_[1] = {};
};

absl::Status HttpServer::Core::Listen() {
  RETURN_IF_ERROR(Prepare(tls, options));
  ASSIGN_OR_RETURN(const tcp::endpoint endpoint, EndpointOf(io, options.address));
  error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (!error) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("listen on ", options.address, ": ", error.message(),
                                             "; is another program, or another hub, using it?"));
}

void HttpServer::Core::Run() {
  Accept();
  Pulse();
  thread = std::thread([this] {
    pthread_setname_np(pthread_self(), "hub-http");
    io.run();
  });
}

void HttpServer::Core::Accept() {
  acceptor.async_accept([this](error_code error, tcp::socket socket) {
    if (stopping) return;
    if (!error) {
      Take(std::move(socket));
      return Accept();
    }
    // Out of descriptors, most likely: others will be given back.
    auto pause = std::make_shared<asio::steady_timer>(io, std::chrono::milliseconds(100));
    pause->async_wait([this, pause](error_code) {
      if (!stopping) Accept();
    });
  });
}

void HttpServer::Core::Take(tcp::socket socket) {
  error_code error;
  const tcp::endpoint peer = socket.remote_endpoint(error);
  if (error) return;
  const asio::ip::address address = Counted(peer.address());
  size_t& count = of_address[address];
  // Behind a proxy on this machine everybody has its address; there is still room for others.
  const size_t most = address.is_loopback()
                          ? options.connections_max - options.connections_per_address_max
                          : options.connections_per_address_max;
  if (connections.size() >= options.connections_max || count >= most) {
    if (count == 0) of_address.erase(address);
    options.refused();
    return;  // closes it
  }
  ++count;
  socket.set_option(tcp::no_delay(true), error);
  const auto connection =
      std::make_shared<Connection>(shared_from_this(), std::move(socket), address);
  connections.insert(connection);
  connection_count = static_cast<int>(connections.size());
  connection->Start();
}

void HttpServer::Core::Drop(const std::shared_ptr<Connection>& connection) {
  if (connections.erase(connection) == 0) return;
  streams.erase(connection.get());
  const auto count = of_address.find(connection->address());
  if (--count->second == 0) of_address.erase(count);
  connection_count = static_cast<int>(connections.size());
  stream_count = static_cast<int>(streams.size());
}

void HttpServer::Core::Publish(const std::shared_ptr<const std::string>& event) {
  for (Connection* stream : streams) stream->Tell(event);
}

void HttpServer::Core::Pulse() {
  pulse.expires_after(absl::ToChronoMilliseconds(options.stream_pulse));
  pulse.async_wait([this](error_code error) {
    if (error || stopping) return;
    static const auto* const sign =
        new std::shared_ptr<const std::string>(std::make_shared<const std::string>(": alive\n\n"));
    std::set<Connection*> all = streams;
    for (Connection* stream : all) {
      if (stream->allowed()) {
        stream->TellAlive(*sign);
      } else {
        stream->End();
      }
    }
    Pulse();
  });
}

void HttpServer::Core::Stop() {
  if (!thread.joinable()) return;
  asio::post(io, [this] {
    stopping = true;
    error_code ignored;
    acceptor.close(ignored);
    pulse.cancel();
    const std::set<std::shared_ptr<Connection>> all = connections;
    for (const auto& connection : all) connection->End();
  });
  thread.join();  // what is left in the queue ends by itself: every socket is closed
}

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Listen(HttpServerOptions options) {
  auto core = std::make_shared<Core>(std::move(options));
  RETURN_IF_ERROR(core->Listen());
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(core)));
}

HttpServer::HttpServer(std::shared_ptr<Core> core) : core_(std::move(core)) {}

HttpServer::~HttpServer() { Stop(); }

void HttpServer::Start() { core_->Run(); }

void HttpServer::Stop() { core_->Stop(); }

void HttpServer::Publish(std::string event) {
  asio::post(core_->io, [core = core_.get(), shared = std::make_shared<const std::string>(
                                                 std::move(event))] { core->Publish(shared); });
}

int HttpServer::connections() const { return core_->connection_count; }
int HttpServer::streams() const { return core_->stream_count; }

}  // namespace muster::hub
