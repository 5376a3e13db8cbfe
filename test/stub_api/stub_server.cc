#include "test/stub_api/stub_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/check.h"

namespace muster {
namespace {

// ---------------------------------------------------------------- certificates

struct Made {
  std::shared_ptr<X509> certificate;
  std::shared_ptr<EVP_PKEY> key;
};

template <typename Write>
std::string Pem(Write write) {
  const std::shared_ptr<BIO> bio(BIO_new(BIO_s_mem()), BIO_free);
  CHECK(write(bio.get()) == 1);
  char* data;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<size_t>(size));
}

void Extend(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
  CHECK(extension != nullptr) << value;
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

// Signed by `issuer`, or by itself.
Made Make(const char* name, const Made* issuer) {
  Made made{.certificate = {X509_new(), X509_free},
            .key = {EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"), EVP_PKEY_free}};
  X509* certificate = made.certificate.get();
  X509_set_version(certificate, 2);
  static int serial = 1;
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 24 * 3600);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
  const Made& signer = issuer == nullptr ? made : *issuer;
  X509_set_issuer_name(certificate, X509_get_subject_name(signer.certificate.get()));
  X509_set_pubkey(certificate, made.key.get());
  Extend(certificate, signer.certificate.get(), NID_basic_constraints,
         issuer == nullptr ? "critical,CA:TRUE" : "critical,CA:FALSE");
  Extend(certificate, signer.certificate.get(), NID_subject_alt_name,
         "DNS:stub.example.org,DNS:localhost,IP:127.0.0.1");
  CHECK(X509_sign(certificate, signer.key.get(), EVP_sha256()) > 0);
  return made;
}

std::string CertificatePem(const Made& made) {
  return Pem([&](BIO* bio) { return PEM_write_bio_X509(bio, made.certificate.get()); });
}

std::string KeyPem(const Made& made) {
  return Pem([&](BIO* bio) {
    return PEM_write_bio_PrivateKey(bio, made.key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
}

int ChooseHttp2(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                unsigned in_size, void*) {
  static const unsigned char h2[] = {2, 'h', '2'};
  unsigned char* chosen;
  if (SSL_select_next_proto(&chosen, out_size, h2, sizeof h2, in, in_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

std::string Unescape(absl::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    int code;
    if (text[i] == '%' && i + 2 < text.size() &&
        absl::SimpleHexAtoi(text.substr(i + 1, 2), &code)) {
      plain.push_back(static_cast<char>(code));
      i += 2;
    } else {
      plain.push_back(text[i]);
    }
  }
  return plain;
}

}  // namespace

// ---------------------------------------------------------------- a connection

class StubServer::Connection {
 public:
  Connection(StubServer& server, int fd) : server_(server), fd_(fd) {
    ssl_ = SSL_new(static_cast<SSL_CTX*>(server.context_.get()));
    SSL_set_fd(ssl_, fd);
    SSL_set_accept_state(ssl_);
    nghttp2_session_callbacks* callbacks;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, &OnHeader);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, &OnData);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, &OnFrame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, &OnClose);
    nghttp2_session_server_new(&session_, callbacks, this);
    nghttp2_session_callbacks_del(callbacks);
    const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 250}};
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, 1);
  }

  ~Connection() {
    for (auto& [id, stream] : streams_) {
      if (stream.subscription != 0) server_.cluster_.Unsubscribe(stream.subscription);
    }
    nghttp2_session_del(session_);
    server_.loop_.Unwatch(fd_);
    SSL_free(ssl_);
    close(fd_);
  }

  // False: it is over.
  bool Ready() {
    std::array<char, 16 << 10> buffer;
    while (true) {
      const int got = SSL_read(ssl_, buffer.data(), buffer.size());
      if (got <= 0) {
        const int error = SSL_get_error(ssl_, got);
        if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) return false;
        break;
      }
      if (nghttp2_session_mem_recv(session_, reinterpret_cast<uint8_t*>(buffer.data()),
                                   static_cast<size_t>(got)) < 0) {
        return false;
      }
      if (cut_) return false;
    }
    return Flush();
  }

  bool Flush() {
    if (!SSL_is_init_finished(ssl_)) return true;
    const uint8_t* data;
    ssize_t size;
    while ((size = nghttp2_session_mem_send(session_, &data)) > 0) {
      outgoing_.append(reinterpret_cast<const char*>(data), static_cast<size_t>(size));
    }
    while (!outgoing_.empty()) {
      const int wrote = SSL_write(ssl_, outgoing_.data(), static_cast<int>(outgoing_.size()));
      if (wrote <= 0) {
        const int error = SSL_get_error(ssl_, wrote);
        if (error == SSL_ERROR_WANT_WRITE) return Listen(EPOLLIN | EPOLLOUT);
        return error == SSL_ERROR_WANT_READ;
      }
      outgoing_.erase(0, static_cast<size_t>(wrote));
    }
    return Listen(EPOLLIN);
  }

  void EndWatches() {
    for (auto& [id, stream] : streams_) {
      if (stream.subscription == 0) continue;
      stream.open = false;
      nghttp2_session_resume_data(session_, id);
    }
    (void)Flush();
  }

 private:
  struct Stream {
    StubRequest request;
    std::string answer;
    size_t sent = 0;
    bool open = false;  // more may come
    uint64_t subscription = 0;
  };

  static Connection& Of(void* self) { return *static_cast<Connection*>(self); }

  bool Listen(uint32_t events) {
    server_.loop_.Watch(fd_, events, [server = &server_, fd = fd_](uint32_t) {
      const auto at = server->connections_.find(fd);
      if (at != server->connections_.end() && !at->second->Ready()) server->connections_.erase(fd);
    });
    return true;
  }

  static int OnHeader(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
                      size_t name_size, const uint8_t* value, size_t value_size, uint8_t,
                      void* self) {
    StubRequest& request = Of(self).streams_[frame->hd.stream_id].request;
    const std::string key(reinterpret_cast<const char*>(name), name_size);
    const std::string text(reinterpret_cast<const char*>(value), value_size);
    if (key == ":method") {
      request.method = text;
    } else if (key == ":path") {
      const std::pair<std::string, std::string> parts =
          absl::StrSplit(text, absl::MaxSplits('?', 1));
      request.path = parts.first;
      for (absl::string_view pair : absl::StrSplit(parts.second, '&', absl::SkipEmpty())) {
        const std::pair<std::string, std::string> entry =
            absl::StrSplit(pair, absl::MaxSplits('=', 1));
        request.query[entry.first] = Unescape(entry.second);
      }
    } else {
      request.headers[key] = text;
    }
    return 0;
  }

  static int OnData(nghttp2_session*, uint8_t, int32_t id, const uint8_t* data, size_t size,
                    void* self) {
    Of(self).streams_[id].request.body.append(reinterpret_cast<const char*>(data), size);
    return 0;
  }

  static int OnFrame(nghttp2_session*, const nghttp2_frame* frame, void* self) {
    const bool whole = (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
                       (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (whole) Of(self).Answer(frame->hd.stream_id);
    return 0;
  }

  static int OnClose(nghttp2_session*, int32_t id, uint32_t, void* self) {
    Connection& connection = Of(self);
    const auto at = connection.streams_.find(id);
    if (at == connection.streams_.end()) return 0;
    if (at->second.subscription != 0) {
      connection.server_.cluster_.Unsubscribe(at->second.subscription);
    }
    connection.streams_.erase(at);
    return 0;
  }

  void Answer(int32_t id) {
    Stream& stream = streams_[id];
    StubResponse response = server_.cluster_.Handle(
        stream.request, [this, id](const std::string& line) { Tell(id, line); },
        &stream.subscription);
    if (response.cuts) cut_ = true;
    if (response.cuts || response.hangs) return;
    stream.answer = std::move(response.body);
    stream.open = response.stays_open;
    const std::string status = absl::StrCat(response.status);
    response.headers.emplace("content-type", "application/json");
    std::vector<nghttp2_nv> headers = {Header(":status", status)};
    for (const auto& [name, value] : response.headers) headers.push_back(Header(name, value));
    nghttp2_data_provider body{.source = {.ptr = &stream}, .read_callback = &ReadAnswer};
    nghttp2_submit_response(session_, id, headers.data(), headers.size(), &body);
  }

  void Tell(int32_t id, const std::string& line) {
    const auto at = streams_.find(id);
    if (at == streams_.end()) return;
    at->second.answer.append(line);
    nghttp2_session_resume_data(session_, id);
    if (std::exchange(flushing_, true)) return;
    server_.loop_.Soon([server = &server_, fd = fd_] {
      const auto found = server->connections_.find(fd);
      if (found == server->connections_.end()) return;
      found->second->flushing_ = false;
      (void)found->second->Flush();
    });
  }

  static nghttp2_nv Header(const std::string& name, const std::string& value) {
    return {reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())),
            reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(),
            NGHTTP2_NV_FLAG_NONE};
  }

  static ssize_t ReadAnswer(nghttp2_session*, int32_t, uint8_t* buffer, size_t size,
                            uint32_t* flags, nghttp2_data_source* source, void*) {
    Stream& stream = *static_cast<Stream*>(source->ptr);
    const size_t count = std::min(size, stream.answer.size() - stream.sent);
    std::memcpy(buffer, stream.answer.data() + stream.sent, count);
    stream.sent += count;
    if (stream.sent == stream.answer.size()) {
      stream.answer.clear();
      stream.sent = 0;
      if (!stream.open) *flags |= NGHTTP2_DATA_FLAG_EOF;
    }
    if (count == 0 && stream.open) return NGHTTP2_ERR_DEFERRED;
    return static_cast<ssize_t>(count);
  }

  StubServer& server_;
  const int fd_;
  SSL* ssl_;
  nghttp2_session* session_ = nullptr;
  std::map<int32_t, Stream> streams_;
  std::string outgoing_;
  bool cut_ = false;
  bool flushing_ = false;
};

// ---------------------------------------------------------------- the server

StubServer::StubServer() {
  const Made ca = Make("stub authority", nullptr);
  const Made server = Make("stub", &ca);
  const Made client = Make("muster-agent", &ca);
  ca_pem_ = CertificatePem(ca);
  client_certificate_pem_ = CertificatePem(client);
  client_key_pem_ = KeyPem(client);
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  context_ =
      std::shared_ptr<void>(context, [](void* c) { SSL_CTX_free(static_cast<SSL_CTX*>(c)); });
  SSL_CTX_use_certificate(context, server.certificate.get());
  SSL_CTX_use_PrivateKey(context, server.key.get());
  SSL_CTX_set_alpn_select_cb(context, &ChooseHttp2, nullptr);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  X509_STORE_add_cert(SSL_CTX_get_cert_store(context), ca.certificate.get());
  loop_.Call([this] { Listen(); });
}

StubServer::~StubServer() {
  loop_.Call([this] {
    connections_.clear();
    loop_.Unwatch(listener_);
  });
  loop_.Stop();
  if (listener_ >= 0) close(listener_);
}

agent::ApiEndpoint StubServer::endpoint() const {
  return {.host = "127.0.0.1",
          .port = port_,
          .ca = {.text = ca_pem_},
          .client_certificate = {.text = client_certificate_pem_},
          .client_key = {.text = client_key_pem_}};
}

void StubServer::Do(const std::function<void(StubCluster&)>& work) {
  loop_.Call([&] {
    work(cluster_);
    if (!cluster_.TakeEndWatches()) return;
    for (const auto& [fd, connection] : connections_) connection->EndWatches();
  });
}

void StubServer::CutConnections() {
  loop_.Call([this] { connections_.clear(); });
}

void StubServer::StopListening() {
  loop_.Call([this] {
    connections_.clear();
    loop_.Unwatch(listener_);
    close(listener_);
    listener_ = -1;
  });
}

void StubServer::Resume() {
  loop_.Call([this] { Listen(); });
}

void StubServer::RequireClientCertificate() {
  SSL_CTX_set_verify(static_cast<SSL_CTX*>(context_.get()),
                     SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
}

void StubServer::Listen() {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{.sin_family = AF_INET, .sin_port = htons(static_cast<uint16_t>(port_))};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK(bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  CHECK(listen(listener_, 64) == 0);
  socklen_t size = sizeof address;
  getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  loop_.Watch(listener_, EPOLLIN, [this](uint32_t) { Accept(); });
}

void StubServer::Accept() {
  const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return;
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  connections_[fd] = std::make_shared<Connection>(*this, fd);
  loop_.Watch(fd, EPOLLIN, [this, fd](uint32_t) {
    const auto at = connections_.find(fd);
    if (at != connections_.end() && !at->second->Ready()) connections_.erase(fd);
  });
}

}  // namespace muster
