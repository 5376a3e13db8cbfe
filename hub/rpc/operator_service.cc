#include "hub/rpc/operator_service.h"

#include <grpcpp/grpcpp.h>

#include <map>
#include <type_traits>
#include <utility>
#include <variant>

#include "absl/time/clock.h"
#include "common/base/mutex.h"
#include "common/base/status_macros.h"
#include "common/config/names.h"
#include "common/net/rpc_status.h"
#include "hub/credentials.h"
#include "hub/rpc/operator_gate.h"
#include "hub/rpc/refusals.h"
#include "hub/rpc/views.h"
#include "hub/rpc/watch_stream.h"
#include "proto/operator_service.grpc.pb.h"

namespace muster::hub {

namespace pb = muster::v1;

namespace {

using Context = grpc::CallbackServerContext;
using Unary = grpc::ServerUnaryReactor;

}  // namespace

// A call that views.h answers, under the same name.
#define READ(Method, Request)                                                                 \
  Unary* Method(Context* context, const pb::Request* request, pb::Method##Response* response) \
      override {                                                                              \
    return Read(context, request, response, hub::Method);                                     \
  }

// A call that becomes a command for the core.
#define WRITE(Method, Request, Response, command)                                                \
  Unary* Method(Context* context, const pb::Request* request, pb::Response* response) override { \
    return Write(context, command, response);                                                    \
  }

class OperatorService::Calls final : public pb::OperatorService::CallbackService {
 public:
  explicit Calls(OperatorServiceOptions options) : options_(std::move(options)) {}

  // ---- reads
  Unary* GetHub(Context* context, const pb::GetHubRequest* request, pb::HubView* view) override {
    return Read(
        context, request, view,
        [this](const Reading& reading, const pb::GetHubRequest&) -> absl::StatusOr<pb::HubView> {
          return hub::GetHub(reading, options_.place);
        });
  }
  READ(ListClusters, ListRequest)
  READ(ListPackages, ListRequest)
  READ(ListRepositories, ListRequest)
  READ(ListCommits, ListRequest)
  READ(ListObjects, ListRequest)
  READ(ListTokens, ListRequest)
  READ(ListEvents, ListRequest)
  READ(ListHistory, ListRequest)
  READ(GetBlob, GetBlobRequest)
  grpc::ServerWriteReactor<pb::WatchNotice>* Watch(Context* context,
                                                   const pb::WatchRequest* request) override;

  // ---- writes
  WRITE(CreateToken, CreateTokenRequest, CreateTokenResponse, *request)
  WRITE(RevokeToken, NameRequest, DoneResponse, hub::RevokeToken{request->name()})
  WRITE(AcceptCluster, NameRequest, DoneResponse, hub::AcceptCluster{request->name()})
  WRITE(RevokeCluster, NameRequest, DoneResponse, hub::RevokeCluster{request->name()})
  WRITE(Sync, NameRequest, DoneResponse, SyncNow{request->name()})
  WRITE(Suspend, SuspendRequest, DoneResponse, *request)
  WRITE(AcceptRewrite, AcceptRewriteRequest, DoneResponse, *request)
  WRITE(PutCredential, PutCredentialRequest, DoneResponse, Sealed(*request))
  WRITE(DeleteCredential, NameRequest, DoneResponse, hub::DeleteCredential{request->name()})

  void Sweep();
  void Stop();

 private:
  absl::StatusOr<std::string> Admit(const Context& context) const {
    return AdmitOperator(context, options_.hub_id);
  }

  static Unary* Refuse(Context* context, const absl::Status& status) {
    return RefuseCall(context, status);
  }

  // Answers with what `answer` makes of the present picture, on a worker.
  template <typename Request, typename Response, typename Answer>
  Unary* Read(Context* context, const Request* request, Response* response, Answer answer) {
    const absl::StatusOr<std::string> actor = Admit(*context);
    if (!actor.ok()) return Refuse(context, actor.status());
    Unary* const reactor = context->DefaultReactor();
    const bool queued = options_.workers->Run([this, request, response, reactor, answer] {
      const std::shared_ptr<const FleetView> fleet = options_.view();
      absl::StatusOr<Response> made =
          answer(Reading{*fleet, *options_.store, absl::Now()}, *request);
      if (made.ok()) *response = *std::move(made);
      reactor->Finish(ToGrpc(made.status()));
    });
    if (!queued) reactor->Finish(ToGrpc(absl::UnavailableError("the hub is stopping")));
    return reactor;
  }

  // Hands `command` to the core and answers when it is done and durable.
  template <typename Response>
  Unary* Write(Context* context, absl::StatusOr<OperatorCommand> command, Response* response) {
    const absl::StatusOr<std::string> actor = Admit(*context);
    if (!actor.ok()) return Refuse(context, actor.status());
    // Only now: what is wrong with a request is for those who may make it.
    if (!command.ok()) return Refuse(context, command.status());
    Unary* const reactor = context->DefaultReactor();
    const RequestId id =
        options_.replies->AwaitOperator([reactor, response](absl::StatusOr<OperatorAnswer> answer) {
          if (answer.ok() && std::holds_alternative<Response>(*answer)) {
            *response = std::get<Response>(*std::move(answer));
          }
          reactor->Finish(ToGrpc(answer.status()));
        });
    options_.post(OperatorAsked{id, *actor, *std::move(command)});
    return reactor;
  }

  absl::StatusOr<OperatorCommand> Sealed(const pb::PutCredentialRequest& request) const {
    RETURN_IF_ERROR(Annotate(CheckName(request.name()), "credential's name"));
    return hub::PutCredential{request.name(), SealCredential(options_.sealing_key, request)};
  }

  const OperatorServiceOptions options_;

  Mutex mutex_;
  bool stopped_ GUARDED_BY(mutex_) = false;
  std::map<WatchStream*, std::shared_ptr<WatchStream>> watches_ GUARDED_BY(mutex_);
};

#undef READ
#undef WRITE

grpc::ServerWriteReactor<pb::WatchNotice>* OperatorService::Calls::Watch(Context* context,
                                                                         const pb::WatchRequest*) {
  const absl::StatusOr<std::string> actor = Admit(*context);
  if (!actor.ok()) return RefuseWrites<pb::WatchNotice>(actor.status());
  auto stream = std::make_shared<WatchStream>([this](WatchStream* done) {
    MutexLock lock(mutex_);
    watches_.erase(done);
  });
  {
    MutexLock lock(mutex_);
    if (stopped_) {
      return RefuseWrites<pb::WatchNotice>(absl::UnavailableError("the hub is stopping"));
    }
    watches_.emplace(stream.get(), stream);
  }
  stream->Start(options_.view()->version());
  return stream.get();
}

void OperatorService::Calls::Sweep() {
  std::map<WatchStream*, std::shared_ptr<WatchStream>> watches;
  {
    MutexLock lock(mutex_);
    if (watches_.empty()) return;
    watches = watches_;
  }
  const uint64_t version = options_.view()->version();
  for (const auto& [key, watch] : watches) watch->Tell(version);
}

void OperatorService::Calls::Stop() {
  std::map<WatchStream*, std::shared_ptr<WatchStream>> watches;
  {
    MutexLock lock(mutex_);
    stopped_ = true;
    watches = watches_;
  }
  for (const auto& [key, watch] : watches) {
    watch->End(absl::UnavailableError("the hub is stopping"));
  }
}

OperatorService::OperatorService(OperatorServiceOptions options)
    : calls_(std::make_unique<Calls>(std::move(options))) {}

OperatorService::~OperatorService() = default;

grpc::Service* OperatorService::service() { return calls_.get(); }
void OperatorService::Sweep() { calls_->Sweep(); }
void OperatorService::Stop() { calls_->Stop(); }

}  // namespace muster::hub
