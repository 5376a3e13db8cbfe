#include "hub/rpc/console_service.h"

#include <grpcpp/grpcpp.h>

#include <utility>

#include "common/base/status_macros.h"
#include "common/net/rpc_status.h"
#include "common/net/tls.h"
#include "proto/console_service.grpc.pb.h"

namespace muster::hub {

namespace pb = muster::v1;

class ConsoleService::Calls final : public pb::ConsoleService::CallbackService {
 public:
  Calls(std::string hub_id, std::function<absl::StatusOr<ConsoleLogin>(const std::string&)> create)
      : hub_id_(std::move(hub_id)), create_(std::move(create)) {}

  grpc::ServerUnaryReactor* CreateLogin(grpc::CallbackServerContext* context,
                                        const pb::CreateLoginRequest*,
                                        pb::CreateLoginResponse* response) override {
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    reactor->Finish(ToGrpc(Create(*context, response)));
    return reactor;
  }

 private:
  absl::Status Create(const grpc::CallbackServerContext& context,
                      pb::CreateLoginResponse* response) const {
    ASSIGN_OR_RETURN(const PeerIdentity peer, PeerIdentityOf(*context.auth_context(), hub_id_));
    if (peer.identity.kind != Identity::Kind::kOperator) {
      return absl::PermissionDeniedError(
          "this listener is for operators, and the certificate is not an operator's");
    }
    ASSIGN_OR_RETURN(const ConsoleLogin login, create_(peer.identity.name));
    response->set_url(login.url);
    response->set_code(login.code);
    response->set_expires_ms(absl::ToUnixMillis(login.expires));
    response->set_fingerprint(login.fingerprint);
    response->set_private_authority(login.private_authority);
    return absl::OkStatus();
  }

  const std::string hub_id_;
  const std::function<absl::StatusOr<ConsoleLogin>(const std::string&)> create_;
};

ConsoleService::ConsoleService(
    std::string hub_id, std::function<absl::StatusOr<ConsoleLogin>(const std::string&)> create)
    : calls_(std::make_unique<Calls>(std::move(hub_id), std::move(create))) {}

ConsoleService::~ConsoleService() = default;

grpc::Service* ConsoleService::service() { return calls_.get(); }

}  // namespace muster::hub
