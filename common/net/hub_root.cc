#include "common/net/hub_root.h"

#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/status_macros.h"

namespace muster {
namespace {

class Socket {
 public:
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  ~Socket() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

template <auto kFree>
struct Free {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using TlsContext = std::unique_ptr<SSL_CTX, Free<SSL_CTX_free>>;
using TlsConnection = std::unique_ptr<SSL, Free<SSL_free>>;
using Addresses = std::unique_ptr<addrinfo, Free<freeaddrinfo>>;

absl::Status Unreachable(const std::string& address, absl::string_view reason) {
  return absl::UnavailableError(absl::StrCat("reach the hub at ", address, ": ", reason));
}

struct HostPort {
  std::string host;  // without brackets
  std::string port;
};

absl::StatusOr<HostPort> Split(const std::string& address) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == address.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("hub address '", address, "' is not of the form host:port"));
  }
  std::string host = address.substr(0, colon);
  if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  return HostPort{.host = std::move(host), .port = address.substr(colon + 1)};
}

absl::StatusOr<Socket> ConnectTo(const HostPort& peer, const std::string& address,
                                 absl::Duration timeout) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(peer.host.c_str(), peer.port.c_str(), &hints, &found)) {
    return Unreachable(address, absl::StrCat(peer.host, ": ", gai_strerror(error)));
  }
  const Addresses addresses(found);
  std::string reason = "no address";
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    Socket candidate(socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol));
    // On Linux the time to send also bounds connect().
    const timeval limit = absl::ToTimeval(timeout);
    setsockopt(candidate.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    setsockopt(candidate.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    if (connect(candidate.get(), at->ai_addr, at->ai_addrlen) == 0) return candidate;
    reason = errno == EINPROGRESS ? "no answer in time" : std::strerror(errno);
  }
  return Unreachable(address, reason);
}

// "http://[user:password@]host:port[/]".
struct Proxy {
  std::string credentials;
  HostPort place;
};

absl::StatusOr<Proxy> ParseProxy(absl::string_view text) {
  Proxy proxy;
  // Not in the message: it may hold a password.
  const auto bad = absl::InvalidArgumentError(
      "HTTPS_PROXY is not of the form http://[user:password@]host:port");
  if (!absl::ConsumePrefix(&text, "http://")) return bad;
  absl::ConsumeSuffix(&text, "/");
  const size_t at = text.rfind('@');
  if (at != absl::string_view::npos) {
    proxy.credentials = std::string(text.substr(0, at));
    text.remove_prefix(at + 1);
  }
  absl::StatusOr<HostPort> place = Split(std::string(text));
  if (!place.ok()) return bad;
  proxy.place = *std::move(place);
  return proxy;
}

// Asks the proxy at the other end of `socket` for a way to `address`.
absl::Status OpenTunnel(const Socket& socket, const std::string& address,
                        const std::string& credentials) {
  std::string request = absl::StrCat("CONNECT ", address, " HTTP/1.1\r\nHost: ", address, "\r\n");
  if (!credentials.empty()) {
    absl::StrAppend(&request, "Proxy-Authorization: Basic ", absl::Base64Escape(credentials),
                    "\r\n");
  }
  absl::StrAppend(&request, "\r\n");
  if (send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(request.size())) {
    return Unreachable(address, "the proxy took no request");
  }
  // One byte at a time: what follows the answer is the hub's.
  constexpr size_t kAnswerMax = 8192;
  std::string answer;
  char byte = 0;
  while (!absl::EndsWith(answer, "\r\n\r\n")) {
    if (answer.size() == kAnswerMax || recv(socket.get(), &byte, 1, 0) != 1) {
      return Unreachable(address, "the proxy gave no answer");
    }
    answer.push_back(byte);
  }
  const std::string line = answer.substr(0, answer.find('\r'));
  if (absl::StartsWith(line, "HTTP/1.1 200") || absl::StartsWith(line, "HTTP/1.0 200")) {
    return absl::OkStatus();
  }
  return Unreachable(address, absl::StrCat("the proxy answers '", absl::CHexEscape(line), "'"));
}

absl::StatusOr<Socket> Connect(const std::string& address, const std::string& proxy,
                               absl::Duration timeout) {
  ASSIGN_OR_RETURN(const HostPort hub, Split(address));
  if (proxy.empty()) return ConnectTo(hub, address, timeout);
  ASSIGN_OR_RETURN(const Proxy way, ParseProxy(proxy));
  ASSIGN_OR_RETURN(Socket socket, ConnectTo(way.place, address, timeout));
  RETURN_IF_ERROR(OpenTunnel(socket, address, way.credentials));
  return socket;
}

// The certificates that the peer presents, in DER. None of them is verified.
absl::StatusOr<std::vector<std::string>> PresentedChain(const std::string& address,
                                                        const Socket& socket) {
  const TlsContext context(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
  const TlsConnection connection(SSL_new(context.get()));
  constexpr unsigned char kHttp2[] = {2, 'h', '2'};
  SSL_set_alpn_protos(connection.get(), kHttp2, sizeof(kHttp2));
  SSL_set_fd(connection.get(), socket.get());
  const int connected = SSL_connect(connection.get());
  ERR_clear_error();
  if (connected != 1) return Unreachable(address, "it does not answer in TLS 1.3");
  std::vector<std::string> chain;
  STACK_OF(X509)* const presented = SSL_get_peer_cert_chain(connection.get());
  for (int i = 0; presented != nullptr && i < sk_X509_num(presented); ++i) {
    unsigned char* bytes = nullptr;
    const int size = i2d_X509(sk_X509_value(presented, i), &bytes);
    if (size <= 0) continue;
    chain.emplace_back(reinterpret_cast<const char*>(bytes), size);
    OPENSSL_free(bytes);
  }
  SSL_shutdown(connection.get());
  ERR_clear_error();
  return chain;
}

}  // namespace

absl::StatusOr<std::string> FetchHubRoot(const std::string& address, const Digest& fingerprint,
                                         absl::Duration timeout, const std::string& proxy) {
  ASSIGN_OR_RETURN(const Socket socket, Connect(address, proxy, timeout));
  ASSIGN_OR_RETURN(const std::vector<std::string> chain, PresentedChain(address, socket));
  for (const std::string& certificate : chain) {
    if (Digest::Of(certificate) == fingerprint) return certificate;
  }
  return absl::PermissionDeniedError(absl::StrCat(
      "the hub at ", address, " is not the one that made this join token: none of the ",
      chain.size(), " certificates that it presents has the root fingerprint ",
      fingerprint.short_hex(), "; check the address, or whether somebody stands between"));
}

}  // namespace muster
