// TlsStream: one TLS connection to an API server, through a proxy if there is one. The only door to
// OpenSSL in this room.
//
// Checks the server's certificate against the endpoint's CA and name; gives our certificate when
// there is one; speaks TLS 1.2 or 1.3 and HTTP/2 only. Lives on the loop's thread: each call and
// each callback. A stream may be destroyed at any time but from within its own callbacks.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "agent/kube/endpoint.h"
#include "agent/kube/event_loop.h"

namespace muster::agent {

class Resolver;

class TlsStream {
 public:
  struct Callbacks {
    std::function<void()> opened;
    std::function<void(absl::string_view)> received;
    // At most once, and nothing comes after it: why the connection failed or ended.
    std::function<void(absl::Status)> closed;
  };

  // Starts to connect. `loop` and `resolver` must outlive the stream.
  TlsStream(EventLoop& loop, Resolver& resolver, const ApiEndpoint& api, Callbacks callbacks);
  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  // Queues `bytes`; what the socket does not take now goes when it does. Requires: opened.
  void Write(absl::string_view bytes);

 private:
  class Connection;
  std::shared_ptr<Connection> connection_;
};

}  // namespace muster::agent
