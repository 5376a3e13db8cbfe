#include "agent/rpc/hub_channel.h"

#include <grpcpp/grpcpp.h>

#include <utility>

namespace muster::agent {

HubChannel::HubChannel(std::string address, std::string root_pem, TlsKeyPair client)
    : address_(std::move(address)), root_pem_(std::move(root_pem)), client_(std::move(client)) {}

HubChannel::~HubChannel() = default;

std::shared_ptr<grpc::Channel> HubChannel::Renew() {
  MutexLock lock(mutex_);
  current_ = DialHub(address_, root_pem_, client_);
  return current_;
}

std::shared_ptr<grpc::Channel> HubChannel::Current() {
  MutexLock lock(mutex_);
  if (current_ == nullptr) current_ = DialHub(address_, root_pem_, client_);
  return current_;
}

void HubChannel::UseCertificate(TlsKeyPair client) {
  MutexLock lock(mutex_);
  client_ = std::move(client);
}

}  // namespace muster::agent
