#include "hub/rpc/review_service.h"

#include <grpcpp/grpcpp.h>

#include <utility>

#include "absl/time/clock.h"
#include "common/net/rpc_status.h"
#include "hub/core/snowflakes.h"
#include "hub/rpc/operator_gate.h"
#include "hub/rpc/views.h"
#include "proto/review.grpc.pb.h"

namespace muster::hub {

namespace pb = muster::v1;

namespace {

using Context = grpc::CallbackServerContext;
using Unary = grpc::ServerUnaryReactor;

}  // namespace

class ReviewService::Calls final : public pb::ReviewService::CallbackService {
 public:
  explicit Calls(ReviewServiceOptions options) : options_(std::move(options)) {}

  Unary* GetSnowflakes(Context* context, const pb::SnowflakesRequest* request,
                       pb::Snowflakes* response) override {
    return Answer(context, [this, request, response]() -> absl::Status {
      ASSIGN_OR_RETURN(const SnowflakeQuery query, ParseSnowflakeQuery(*request));
      *response = FindSnowflakes(options_.view()->clusters(), query);
      return absl::OkStatus();
    });
  }

  Unary* ListAudit(Context* context, const pb::ListRequest* request,
                   pb::ListAuditResponse* response) override {
    return Answer(context, [this, request, response]() -> absl::Status {
      const std::shared_ptr<const FleetView> fleet = options_.view();
      ASSIGN_OR_RETURN(*response, hub::ListAudit({*fleet, *options_.store, absl::Now()}, *request));
      return absl::OkStatus();
    });
  }

  Unary* GetAuditLines(Context* context, const pb::AuditLinesRequest* request,
                       pb::AuditLines* response) override {
    return Answer(context, [this, request, response]() -> absl::Status {
      const std::shared_ptr<const FleetView> fleet = options_.view();
      const Reading reading{*fleet, *options_.store, absl::Now()};
      ASSIGN_OR_RETURN(*response, ReadAuditLines(reading, request->after(), request->limit()));
      return options_.seal.Add(reading.now, *response);
    });
  }

 private:
  // Runs `answer` on a worker, for an operator.
  template <typename Make>
  Unary* Answer(Context* context, Make answer) {
    const absl::StatusOr<std::string> actor = AdmitOperator(*context, options_.hub_id);
    if (!actor.ok()) return RefuseCall(context, actor.status());
    Unary* const reactor = context->DefaultReactor();
    const bool queued = options_.workers->Run(
        [reactor, answer = std::move(answer)] { reactor->Finish(ToGrpc(answer())); });
    if (!queued) reactor->Finish(ToGrpc(absl::UnavailableError("the hub is stopping")));
    return reactor;
  }

  const ReviewServiceOptions options_;
};

ReviewService::ReviewService(ReviewServiceOptions options)
    : calls_(std::make_unique<Calls>(std::move(options))) {}

ReviewService::~ReviewService() = default;

grpc::Service* ReviewService::service() { return calls_.get(); }

}  // namespace muster::hub
