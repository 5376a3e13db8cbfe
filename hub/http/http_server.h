// HttpServer: HTTP/1.1 over TLS 1.3 for the console: the only file that knows Boost.Beast.
//
//   ASSIGN_OR_RETURN(auto server, HttpServer::Start(options));
//   server->Publish("event: change\ndata: 7\n\n");   // to every stream; the newest wins
//   server->Stop();
//
// One thread of its own does all input and output and never waits; answers are made elsewhere.
// A peer that is slow, silent, greedy or malformed loses its connection and costs nobody else
// anything: limits below. Any thread may call; no call blocks but Start and Stop.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/net/tls.h"
#include "hub/http/message.h"

namespace muster::hub {

struct HttpServerOptions {
  std::string address;  // host:port
  TlsKeyPair server;
  // A caller may show a certificate, and then it must be by this root.
  std::string root_pem;

  // Makes the answer, on the server's thread: must not block, and calls `reply` once, from any
  // thread.
  std::function<void(HttpRequest request, std::function<void(HttpResponse)> reply)> answer;
  // A connection was turned away.
  std::function<void()> refused;

  size_t connections_max = 512;
  size_t connections_per_address_max = 64;
  size_t streams_max = 128;
  size_t header_bytes_max = 16u << 10;
  size_t body_bytes_max = 16u << 10;
  absl::Duration handshake_timeout = absl::Seconds(10);
  absl::Duration request_timeout = absl::Seconds(30);  // from the last answer to the whole request
  absl::Duration write_timeout = absl::Seconds(30);
  absl::Duration stream_pulse = absl::Seconds(15);  // a sign of life, so that proxies keep it
};

class HttpServer {
 public:
  // Has the address, and serves nobody yet. kUnavailable when it cannot be had, kInvalidArgument
  // for a certificate or key that cannot be used.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Listen(HttpServerOptions options);
  ~HttpServer();  // stops

  // Serves from here on. Once.
  void Start();

  // Ends every connection and waits for the thread. May be called again.
  void Stop();

  void Publish(std::string event);

  int connections() const;
  int streams() const;

 private:
  class Core;
  class Connection;
  explicit HttpServer(std::shared_ptr<Core> core);
  std::shared_ptr<Core> core_;
};

}  // namespace muster::hub
