#include "hub/rpc/plan_service.h"

#include <grpcpp/grpcpp.h>

#include <utility>
#include <variant>

#include "common/net/rpc_status.h"
#include "common/plan/fleet_plan.h"
#include "hub/rpc/blob_access.h"
#include "hub/rpc/operator_gate.h"
#include "proto/plan.grpc.pb.h"

namespace muster::hub {

namespace pb = muster::v1;

namespace {

using Context = grpc::CallbackServerContext;
using Unary = grpc::ServerUnaryReactor;

}  // namespace

class PlanService::Calls final : public pb::PlanService::CallbackService {
 public:
  explicit Calls(PlanServiceOptions options) : options_(std::move(options)) {}

  Unary* Plan(Context* context, const pb::PlanRequest* request, pb::FleetPlan* response) override {
    return Ask(context, *request, [this, response](Unary* reactor, OperatorAnswer answer) {
      auto comparisons =
          std::make_shared<pb::PlanComparisons>(std::get<pb::PlanComparisons>(std::move(answer)));
      const bool queued = options_.workers->Run([this, response, reactor, comparisons] {
        absl::StatusOr<pb::FleetPlan> plan = MakeFleetPlan(
            *comparisons,
            [this](const Digest& digest) { return ReadBlobContent(*options_.store, digest); });
        if (plan.ok()) *response = *std::move(plan);
        reactor->Finish(ToGrpc(plan.status()));
      });
      if (!queued) reactor->Finish(ToGrpc(absl::UnavailableError("the hub is stopping")));
    });
  }

  Unary* GetPlanFleet(Context* context, const pb::PlanFleetRequest* request,
                      pb::PlanFleet* response) override {
    return Ask(context, *request, [response](Unary* reactor, OperatorAnswer answer) {
      *response = std::get<pb::PlanFleet>(std::move(answer));
      reactor->Finish(grpc::Status::OK);
    });
  }

 private:
  // Hands the question to the core; `then` finishes the call with the answer.
  template <typename Request, typename Then>
  Unary* Ask(Context* context, const Request& request, Then then) {
    const absl::StatusOr<std::string> actor = AdmitOperator(*context, options_.hub_id);
    if (!actor.ok()) return RefuseCall(context, actor.status());
    Unary* const reactor = context->DefaultReactor();
    const RequestId id = options_.replies->AwaitOperator(
        [reactor, then = std::move(then)](absl::StatusOr<OperatorAnswer> answer) {
          if (answer.ok()) {
            then(reactor, *std::move(answer));
          } else {
            reactor->Finish(ToGrpc(answer.status()));
          }
        });
    options_.post(OperatorAsked{id, *actor, request});
    return reactor;
  }

  const PlanServiceOptions options_;
};

PlanService::PlanService(PlanServiceOptions options)
    : calls_(std::make_unique<Calls>(std::move(options))) {}

PlanService::~PlanService() = default;

grpc::Service* PlanService::service() { return calls_.get(); }

}  // namespace muster::hub
