// HubChannel: the agent's gRPC channel to its hub, which is replaced as a whole: at every attempt
// to connect, so that each one dials at once, and when the certificate was renewed.
//
// Any thread.
#pragma once

#include <memory>
#include <string>

#include "common/base/mutex.h"
#include "common/net/tls.h"

namespace grpc {
class Channel;
}  // namespace grpc

namespace muster::agent {

class HubChannel {
 public:
  HubChannel(std::string address, std::string root_pem, TlsKeyPair client);
  ~HubChannel();

  // A new channel, which is the current one from now on.
  std::shared_ptr<grpc::Channel> Renew();

  // The one made last.
  std::shared_ptr<grpc::Channel> Current();

  // The certificate of channels made from now on.
  void UseCertificate(TlsKeyPair client);

  const std::string& address() const { return address_; }

 private:
  const std::string address_;
  const std::string root_pem_;

  Mutex mutex_;
  TlsKeyPair client_ GUARDED_BY(mutex_);
  std::shared_ptr<grpc::Channel> current_ GUARDED_BY(mutex_);
};

}  // namespace muster::agent
