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
#include "absl/strings/str_cat.h"
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

absl::StatusOr<Socket> Connect(const std::string& address, absl::Duration timeout) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == address.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("hub address '", address, "' is not of the form host:port"));
  }
  std::string host = address.substr(0, colon);
  if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(host.c_str(), &address[colon + 1], &hints, &found)) {
    return Unreachable(address, gai_strerror(error));
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
                                         absl::Duration timeout) {
  ASSIGN_OR_RETURN(const Socket socket, Connect(address, timeout));
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
