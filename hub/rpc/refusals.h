// Refusals: reactors that say no. For calls that are refused before they begin.
#pragma once

#include <grpcpp/grpcpp.h>
#include <grpcpp/support/server_callback.h>

#include "absl/status/status.h"
#include "common/net/rpc_status.h"

namespace muster::hub {

// Both delete themselves when gRPC is done with them.

template <typename Request, typename Response>
grpc::ServerBidiReactor<Request, Response>* RefuseStream(const absl::Status& status) {
  class Refusal final : public grpc::ServerBidiReactor<Request, Response> {
   public:
    explicit Refusal(const absl::Status& status) { this->Finish(ToGrpc(status)); }
    void OnDone() override { delete this; }
  };
  return new Refusal(status);
}

template <typename Response>
grpc::ServerWriteReactor<Response>* RefuseWrites(const absl::Status& status) {
  class Refusal final : public grpc::ServerWriteReactor<Response> {
   public:
    explicit Refusal(const absl::Status& status) { this->Finish(ToGrpc(status)); }
    void OnDone() override { delete this; }
  };
  return new Refusal(status);
}

}  // namespace muster::hub
