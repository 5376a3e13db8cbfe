#include "hub/rpc/rollout_service.h"

#include <grpcpp/grpcpp.h>

#include <utility>
#include <variant>

#include "common/net/rpc_status.h"
#include "hub/rpc/operator_gate.h"
#include "proto/rollout.grpc.pb.h"

namespace muster::hub {

namespace pb = muster::v1;

namespace {

using Context = grpc::CallbackServerContext;
using Unary = grpc::ServerUnaryReactor;

}  // namespace

class RolloutService::Calls final : public pb::RolloutService::CallbackService {
 public:
  explicit Calls(RolloutServiceOptions options) : options_(std::move(options)) {}

  Unary* ListRollouts(Context* context, const pb::ListRolloutsRequest* request,
                      pb::ListRolloutsResponse* response) override {
    return Ask(context, *request, response);
  }

  Unary* DecideRollout(Context* context, const pb::RolloutDecision* request,
                       pb::RolloutAnswer* response) override {
    return Ask(context, *request, response);
  }

 private:
  template <typename Request, typename Response>
  Unary* Ask(Context* context, const Request& request, Response* response) {
    const absl::StatusOr<std::string> actor = AdmitOperator(*context, options_.hub_id);
    if (!actor.ok()) return RefuseCall(context, actor.status());
    Unary* const reactor = context->DefaultReactor();
    const RequestId id =
        options_.replies->AwaitOperator([reactor, response](absl::StatusOr<OperatorAnswer> answer) {
          if (answer.ok()) *response = std::get<Response>(*std::move(answer));
          reactor->Finish(ToGrpc(answer.status()));
        });
    options_.post(OperatorAsked{id, *actor, request});
    return reactor;
  }

  const RolloutServiceOptions options_;
};

RolloutService::RolloutService(RolloutServiceOptions options)
    : calls_(std::make_unique<Calls>(std::move(options))) {}

RolloutService::~RolloutService() = default;

grpc::Service* RolloutService::service() { return calls_.get(); }

}  // namespace muster::hub
