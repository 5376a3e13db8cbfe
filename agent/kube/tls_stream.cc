#include "agent/kube/tls_stream.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "agent/kube/resolver.h"
#include "common/base/status_macros.h"
#include "common/trust/openssl.h"

namespace muster::agent {
namespace {

constexpr absl::Duration kOpenPatience = absl::Seconds(15);  // from the look-up to the handshake
constexpr size_t kProxyAnswerMax = 8u << 10;
constexpr unsigned char kAlpn[] = {2, 'h', '2'};

using Context = std::unique_ptr<SSL_CTX, openssl::Free<SSL_CTX_free>>;
using Session = std::unique_ptr<SSL, openssl::Free<SSL_free>>;
using PrivateKey = std::unique_ptr<EVP_PKEY, openssl::Free<EVP_PKEY_free>>;

std::string OpensslReason() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "the connection was closed" : reason;
}

openssl::Bio Memory(const std::string& pem) {
  return openssl::Bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

absl::Status TrustOnly(SSL_CTX* context, const std::string& pem) {
  const openssl::Bio bio = Memory(pem);
  int count = 0;
  while (const openssl::Certificate certificate{
      PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)}) {
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), certificate.get()) == 1) ++count;
  }
  ERR_clear_error();
  if (count > 0) return absl::OkStatus();
  return absl::InvalidArgumentError("the API server's certificate authority holds no certificate");
}

absl::Status Identify(SSL_CTX* context, const std::string& certificate, const std::string& key) {
  const openssl::Bio certificates = Memory(certificate);
  const openssl::Certificate leaf(PEM_read_bio_X509(certificates.get(), nullptr, nullptr, nullptr));
  if (leaf == nullptr || SSL_CTX_use_certificate(context, leaf.get()) != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("the client certificate cannot be used: ", OpensslReason()));
  }
  while (X509* more = PEM_read_bio_X509(certificates.get(), nullptr, nullptr, nullptr)) {
    if (SSL_CTX_add0_chain_cert(context, more) != 1) X509_free(more);
  }
  ERR_clear_error();
  const openssl::Bio keys = Memory(key);
  const PrivateKey private_key(PEM_read_bio_PrivateKey(keys.get(), nullptr, nullptr, nullptr));
  if (private_key == nullptr || SSL_CTX_use_PrivateKey(context, private_key.get()) != 1 ||
      SSL_CTX_check_private_key(context) != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("the client key does not fit its certificate: ", OpensslReason()));
  }
  return absl::OkStatus();
}

bool IsAddress(const std::string& host) {
  std::array<uint8_t, 16> bytes;
  return inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 ||
         inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
}

absl::StatusOr<Context> MakeContext(const ApiEndpoint& api) {
  Context context(SSL_CTX_new(TLS_client_method()));
  if (context == nullptr) return absl::InternalError(OpensslReason());
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_clear_options(context.get(), SSL_OP_NO_TLSv1_2);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                      SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_alpn_protos(context.get(), kAlpn, sizeof kAlpn);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  if (!api.insecure) {
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    if (api.ca.empty()) {
      SSL_CTX_set_default_verify_paths(context.get());
    } else {
      ASSIGN_OR_RETURN(const std::string ca, api.ca.Read());
      RETURN_IF_ERROR(TrustOnly(context.get(), ca));
    }
  }
  if (!api.client_certificate.empty()) {
    ASSIGN_OR_RETURN(const std::string certificate, api.client_certificate.Read());
    ASSIGN_OR_RETURN(const std::string key, api.client_key.Read());
    RETURN_IF_ERROR(Identify(context.get(), certificate, key));
  }
  return context;
}

absl::StatusOr<Session> MakeSession(const ApiEndpoint& api) {
  ASSIGN_OR_RETURN(const Context context, MakeContext(api));
  Session session(SSL_new(context.get()));
  if (session == nullptr) return absl::InternalError(OpensslReason());
  const std::string& name = api.server_name.empty() ? api.host : api.server_name;
  if (IsAddress(name)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session.get()), name.c_str());
  } else {
    SSL_set1_host(session.get(), name.c_str());
    SSL_set_tlsext_host_name(session.get(), name.c_str());
  }
  SSL_set_connect_state(session.get());
  return session;
}

struct Proxy {
  std::string host;
  int port = 3128;
  std::string authorization;  // "Basic ..."; empty for none
};

absl::StatusOr<Proxy> ParseProxy(absl::string_view url) {
  const absl::Status bad = absl::InvalidArgumentError(
      "the proxy's address is not of the form http://[user:password@]host:port");
  if (!absl::ConsumePrefix(&url, "http://") && absl::StrContains(url, "://")) return bad;
  url = url.substr(0, url.find('/'));
  Proxy proxy;
  if (const size_t at = url.rfind('@'); at != url.npos) {
    proxy.authorization = absl::StrCat("Basic ", absl::Base64Escape(url.substr(0, at)));
    url.remove_prefix(at + 1);
  }
  const size_t colon = url.rfind(':');
  if (colon != url.npos && !absl::StrContains(url.substr(colon), ']')) {
    if (!absl::SimpleAtoi(url.substr(colon + 1), &proxy.port)) return bad;
    url = url.substr(0, colon);
  }
  proxy.host = std::string(absl::StripSuffix(absl::StripPrefix(url, "["), "]"));
  if (proxy.host.empty() || proxy.port < 1 || proxy.port > 65535) return bad;
  return proxy;
}

}  // namespace

// Its steps: look up, connect, ask the proxy, shake hands, open. Kept alive by the callbacks that
// run, deaf once its stream is gone.
class TlsStream::Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(EventLoop& loop, const ApiEndpoint& api, Callbacks callbacks)
      : loop_(loop), api_(api), callbacks_(std::move(callbacks)) {}

  // Only where the loop ended before the stream.
  ~Connection() {
    if (fd_ >= 0) close(fd_);
  }

  void Start(Resolver& resolver) {
    patience_ = loop_.After(kOpenPatience, [this] {
      patience_ = 0;
      Close(absl::DeadlineExceededError(
          absl::StrCat("no answer within ", absl::FormatDuration(kOpenPatience))));
    });
    absl::StatusOr<Session> session = MakeSession(api_);
    if (session.ok()) {
      session_ = *std::move(session);
    } else {
      return Later(session.status());
    }
    std::string host = api_.host;
    int port = api_.port;
    if (!api_.proxy.empty()) {
      absl::StatusOr<Proxy> proxy = ParseProxy(api_.proxy);
      if (!proxy.ok()) return Later(proxy.status());
      proxy_ = *std::move(proxy);
      host = proxy_.host;
      port = proxy_.port;
    }
    resolver.Resolve(host, port, [self = shared_from_this()](auto addresses) {
      if (self->step_ == Step::kClosed) return;
      if (!addresses.ok()) return self->Close(addresses.status());
      self->addresses_ = *std::move(addresses);
      self->Connect();
    });
  }

  // Nobody listens any more.
  void Abandon() {
    callbacks_ = {};
    Close(absl::CancelledError());
  }

  void Write(absl::string_view bytes) {
    absl::StrAppend(&outgoing_, bytes);
    if (step_ == Step::kOpen && !wants_write_) Flush();
  }

 private:
  enum class Step { kResolving, kConnecting, kProxy, kHandshake, kOpen, kClosed };

  void Later(absl::Status status) {
    loop_.Post([self = shared_from_this(), status = std::move(status)] { self->Close(status); });
  }

  void Close(absl::Status status) {
    if (step_ == Step::kClosed) return;
    step_ = Step::kClosed;
    if (patience_ != 0) loop_.Cancel(patience_);
    CloseSocket();
    session_.reset();
    // What the callback belongs to may end with it.
    if (const auto closed = std::move(callbacks_.closed); closed) {
      callbacks_ = {};
      closed(std::move(status));
    }
  }

  void CloseSocket() {
    if (fd_ < 0) return;
    loop_.Unwatch(fd_);
    close(fd_);
    fd_ = -1;
  }

  void Connect() {
    CloseSocket();
    if (next_address_ == addresses_.size()) {
      return Close(absl::UnavailableError(std::strerror(connect_error_)));
    }
    const SocketAddress& address = addresses_[next_address_++];
    step_ = Step::kConnecting;
    fd_ = socket(address.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd_ < 0) return Close(absl::UnavailableError(std::strerror(errno)));
    const int on = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd_, reinterpret_cast<const sockaddr*>(address.bytes.data()),
                static_cast<socklen_t>(address.bytes.size())) != 0 &&
        errno != EINPROGRESS) {
      connect_error_ = errno;
      return Connect();
    }
    Listen(EPOLLOUT);
  }

  void Listen(uint32_t events) {
    loop_.Watch(fd_, events, [self = shared_from_this()](uint32_t) { self->Ready(); });
  }

  void Ready() {
    const auto self = shared_from_this();
    if (step_ == Step::kConnecting) Connected();
    if (step_ == Step::kProxy) AskProxy();
    if (step_ == Step::kHandshake) Handshake();
    if (step_ == Step::kOpen) {
      Read();
      if (step_ == Step::kOpen) Flush();
    }
  }

  void Connected() {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
      connect_error_ = error;
      return Connect();
    }
    if (proxy_.host.empty()) {
      step_ = Step::kHandshake;
      SSL_set_fd(session_.get(), fd_);
      return;
    }
    step_ = Step::kProxy;
    const bool bracketed = absl::StrContains(api_.host, ':');
    const std::string target =
        absl::StrCat(bracketed ? "[" : "", api_.host, bracketed ? "]" : "", ":", api_.port);
    proxy_request_ = absl::StrCat("CONNECT ", target, " HTTP/1.1\r\nHost: ", target, "\r\n");
    if (!proxy_.authorization.empty()) {
      absl::StrAppend(&proxy_request_, "Proxy-Authorization: ", proxy_.authorization, "\r\n");
    }
    absl::StrAppend(&proxy_request_, "\r\n");
  }

  void AskProxy() {
    while (!proxy_request_.empty()) {
      const ssize_t sent = send(fd_, proxy_request_.data(), proxy_request_.size(), MSG_NOSIGNAL);
      if (sent < 0 && (errno == EAGAIN || errno == EINTR)) return Listen(EPOLLOUT);
      if (sent < 0) return ProxyFailed(std::strerror(errno));
      proxy_request_.erase(0, static_cast<size_t>(sent));
    }
    // One byte at a time, so that nothing of what follows the answer's head is taken.
    while (!absl::EndsWith(proxy_answer_, "\r\n\r\n")) {
      char byte;
      const ssize_t got = recv(fd_, &byte, 1, 0);
      if (got < 0 && (errno == EAGAIN || errno == EINTR)) return Listen(EPOLLIN);
      if (got <= 0) return ProxyFailed(got == 0 ? "it hung up" : std::strerror(errno));
      proxy_answer_.push_back(byte);
      if (proxy_answer_.size() > kProxyAnswerMax) return ProxyFailed("its answer has no end");
    }
    const absl::string_view line =
        absl::string_view(proxy_answer_).substr(0, proxy_answer_.find("\r\n"));
    if (!absl::StartsWith(line, "HTTP/1.") || line.size() < 12 || line.substr(9, 1) != "2") {
      return ProxyFailed(absl::StrCat("it answered '", absl::CHexEscape(line), "'"));
    }
    step_ = Step::kHandshake;
    SSL_set_fd(session_.get(), fd_);
  }

  void ProxyFailed(absl::string_view why) {
    Close(absl::UnavailableError(
        absl::StrCat("by the proxy ", proxy_.host, ":", proxy_.port, ": ", why)));
  }

  void Handshake() {
    ERR_clear_error();
    const int done = SSL_do_handshake(session_.get());
    if (done != 1) {
      const int error = SSL_get_error(session_.get(), done);
      if (error == SSL_ERROR_WANT_READ) return Listen(EPOLLIN);
      if (error == SSL_ERROR_WANT_WRITE) return Listen(EPOLLOUT);
      return Close(HandshakeError());
    }
    const unsigned char* protocol = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(session_.get(), &protocol, &size);
    if (size != 2 || std::memcmp(protocol, "h2", 2) != 0) {
      return Close(absl::FailedPreconditionError(
          "the server does not speak HTTP/2, which every API server does: is something between?"));
    }
    loop_.Cancel(std::exchange(patience_, 0));
    step_ = Step::kOpen;
    Listen(EPOLLIN);
    if (callbacks_.opened) callbacks_.opened();
  }

  absl::Status HandshakeError() {
    const long verdict = SSL_get_verify_result(session_.get());
    if (verdict != X509_V_OK) {
      ERR_clear_error();
      return absl::UnauthenticatedError(absl::StrCat("the server's certificate is not trusted: ",
                                                     X509_verify_cert_error_string(verdict)));
    }
    return absl::UnavailableError(absl::StrCat("TLS: ", OpensslReason()));
  }

  void Read() {
    std::array<char, 16 << 10> buffer;
    while (step_ == Step::kOpen) {
      ERR_clear_error();
      const int got = SSL_read(session_.get(), buffer.data(), static_cast<int>(buffer.size()));
      if (got > 0) {
        if (callbacks_.received) {
          callbacks_.received(absl::string_view(buffer.data(), static_cast<size_t>(got)));
        }
        continue;
      }
      const int error = SSL_get_error(session_.get(), got);
      if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return;
      const bool orderly = error == SSL_ERROR_ZERO_RETURN;
      return Close(absl::UnavailableError(orderly ? "the server closed the connection"
                                                  : absl::StrCat("TLS: ", OpensslReason())));
    }
  }

  void Flush() {
    size_t sent = 0;
    while (sent < outgoing_.size()) {
      ERR_clear_error();
      const int wrote =
          SSL_write(session_.get(), outgoing_.data() + sent,
                    static_cast<int>(std::min<size_t>(outgoing_.size() - sent, 1u << 20)));
      if (wrote > 0) {
        sent += static_cast<size_t>(wrote);
        continue;
      }
      const int error = SSL_get_error(session_.get(), wrote);
      if (error != SSL_ERROR_WANT_WRITE && error != SSL_ERROR_WANT_READ) {
        // The reader finds out and says so, outside of the caller.
        sent = outgoing_.size();
        Later(absl::UnavailableError(absl::StrCat("TLS: ", OpensslReason())));
      }
      break;
    }
    outgoing_.erase(0, sent);
    if (outgoing_.empty() && outgoing_.capacity() > (64u << 10)) std::string().swap(outgoing_);
    const bool wants_write = !outgoing_.empty();
    if (std::exchange(wants_write_, wants_write) != wants_write) {
      Listen(wants_write ? EPOLLIN | EPOLLOUT : EPOLLIN);
    }
  }

  EventLoop& loop_;
  const ApiEndpoint api_;
  Callbacks callbacks_;
  Step step_ = Step::kResolving;
  EventLoop::Timer patience_ = 0;
  Proxy proxy_;
  std::vector<SocketAddress> addresses_;
  size_t next_address_ = 0;
  int connect_error_ = 0;
  int fd_ = -1;
  Session session_;
  std::string proxy_request_;
  std::string proxy_answer_;
  std::string outgoing_;
  bool wants_write_ = false;
};

TlsStream::TlsStream(EventLoop& loop, Resolver& resolver, const ApiEndpoint& api,
                     Callbacks callbacks)
    : connection_(std::make_shared<Connection>(loop, api, std::move(callbacks))) {
  connection_->Start(resolver);
}

TlsStream::~TlsStream() { connection_->Abandon(); }

void TlsStream::Write(absl::string_view bytes) { connection_->Write(bytes); }

}  // namespace muster::agent
