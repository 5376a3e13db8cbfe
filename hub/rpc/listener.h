// Listener: one TLS port of the hub with gRPC services behind it.
//
//   ASSIGN_OR_RETURN(auto listener, Listener::Start(options));
//   listener->address();     // with the real port, when port 0 was asked for
//   service.Stop();          // streams first,
//   listener->Stop();        // then the port
//
// Peers without a certificate by the hub's root are refused before a byte of HTTP is read. One
// thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/net/tls.h"

namespace grpc {
class Server;
class Service;
}  // namespace grpc

namespace muster::hub {

struct ListenerOptions {
  std::string address;  // host:port
  std::string root_pem;
  TlsKeyPair server;
  std::vector<grpc::Service*> services;  // outlive the listener
};

class Listener {
 public:
  // kUnavailable when the address cannot be had.
  static absl::StatusOr<std::unique_ptr<Listener>> Start(const ListenerOptions& options);
  ~Listener();

  // host:port
  const std::string& address() const { return address_; }

  // Takes no calls any more, and waits for those that run to end; cuts them after a few seconds.
  void Stop();

 private:
  Listener(std::unique_ptr<grpc::Server> server, std::string address);

  std::unique_ptr<grpc::Server> server_;
  std::string address_;
};

// "host:port" with another port.
std::string WithPort(const std::string& address, int port);

}  // namespace muster::hub
