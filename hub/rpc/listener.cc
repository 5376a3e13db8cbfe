#include "hub/rpc/listener.h"

#include <grpcpp/grpcpp.h>

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace muster::hub {
namespace {

constexpr absl::Duration kStopPatience = absl::Seconds(3);

}  // namespace

std::string WithPort(const std::string& address, int port) {
  return absl::StrCat(address.substr(0, address.rfind(':')), ":", port);
}

absl::StatusOr<std::unique_ptr<Listener>> Listener::Start(const ListenerOptions& options) {
  grpc::ServerBuilder builder;
  LimitServer(builder);
  // Without this, two programs could share a port and each would get some of the connections.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  int port = 0;
  builder.AddListeningPort(options.address, MutualTlsServer(options.root_pem, options.server),
                           &port);
  for (grpc::Service* service : options.services) builder.RegisterService(service);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || port == 0) {
    return absl::UnavailableError(
        absl::StrCat("listen on ", options.address,
                     ": the address cannot be had; is another program, or another hub, using it?"));
  }
  return std::unique_ptr<Listener>(
      new Listener(std::move(server), WithPort(options.address, port)));
}

Listener::Listener(std::unique_ptr<grpc::Server> server, std::string address)
    : server_(std::move(server)), address_(std::move(address)) {}

Listener::~Listener() { Stop(); }

void Listener::Stop() {
  if (server_ == nullptr) return;
  server_->Shutdown(absl::ToChronoTime(absl::Now() + kStopPatience));
  server_->Wait();
  server_ = nullptr;
}

}  // namespace muster::hub
