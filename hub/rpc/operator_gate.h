// OperatorGate: who may call what stands on the operator listener. For the services there; any
// thread.
#pragma once

#include <grpcpp/grpcpp.h>
#include <grpcpp/support/server_callback.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/status_macros.h"
#include "common/net/rpc_status.h"
#include "common/net/tls.h"

namespace muster::hub {

// The operator's name, if the peer is one.
inline absl::StatusOr<std::string> AdmitOperator(const grpc::CallbackServerContext& context,
                                                 const std::string& hub_id) {
  ASSIGN_OR_RETURN(const PeerIdentity peer, PeerIdentityOf(*context.auth_context(), hub_id));
  if (peer.identity.kind == Identity::Kind::kOperator) return peer.identity.name;
  return absl::PermissionDeniedError(
      "this listener is for operators, and the certificate is not an operator's");
}

// Ends a call that takes and brings one message.
inline grpc::ServerUnaryReactor* RefuseCall(grpc::CallbackServerContext* context,
                                            const absl::Status& status) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  reactor->Finish(ToGrpc(status));
  return reactor;
}

}  // namespace muster::hub
