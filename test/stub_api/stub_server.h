// StubServer: serves a StubCluster over HTTP/2 and TLS on loopback, with certificates of its own.
//
//   StubServer server;
//   server.Do([](StubCluster& cluster) { cluster.token = "secret"; });
//   KubeDriver driver({.client = {.endpoint = server.endpoint()}}, random);
//
// Any thread; the cluster lives on the server's.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "agent/kube/endpoint.h"
#include "agent/kube/event_loop.h"
#include "test/stub_api/stub_cluster.h"

namespace muster {

class StubServer {
 public:
  StubServer();
  ~StubServer();

  int port() const { return port_; }
  // How a client reaches it: its address, its authority, a client certificate.
  agent::ApiEndpoint endpoint() const;
  const std::string& ca_pem() const { return ca_pem_; }

  // Runs `work` on the cluster and waits.
  void Do(const std::function<void(StubCluster&)>& work);

  // Ends every connection without a word.
  void CutConnections();
  // From now on nobody answers at the port; Resume ends that.
  void StopListening();
  void Resume();
  // Only clients with a certificate of our authority are let in.
  void RequireClientCertificate();

 private:
  class Connection;
  friend class Connection;

  void Accept();
  void Listen();

  std::string ca_pem_, client_certificate_pem_, client_key_pem_;
  std::shared_ptr<void> context_;  // SSL_CTX
  int port_ = 0;
  int listener_ = -1;
  agent::EventLoop loop_{"stub"};
  StubCluster cluster_;
  std::map<int, std::shared_ptr<Connection>> connections_;
};

}  // namespace muster
