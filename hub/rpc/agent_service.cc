#include "hub/rpc/agent_service.h"

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <map>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/limits.h"
#include "common/base/log.h"
#include "common/base/mutex.h"
#include "common/base/status_macros.h"
#include "common/net/rpc_status.h"
#include "common/net/tls.h"
#include "hub/rpc/agent_stream.h"
#include "hub/rpc/blob_access.h"
#include "hub/rpc/blob_stream.h"
#include "hub/rpc/connections.h"
#include "hub/rpc/refusals.h"
#include "proto/agent_service.grpc.pb.h"

namespace muster::hub {

namespace pb = muster::v1;

namespace {

// A sweep a second sees every stream within four.
constexpr uint64_t kSweepParts = 4;

}  // namespace

// The gRPC service and the register of its open streams.
class AgentService::Streams final : public pb::AgentService::CallbackService,
                                    public AgentStream::Host {
 public:
  explicit Streams(AgentServiceOptions options)
      : options_(std::move(options)), access_(*options_.store) {}

  // ---- gRPC's threads
  grpc::ServerBidiReactor<pb::AgentMessage, pb::HubMessage>* Connect(
      grpc::CallbackServerContext* context) override;
  grpc::ServerWriteReactor<pb::BlobBatch>* FetchBlobs(
      grpc::CallbackServerContext* context, const pb::FetchBlobsRequest* request) override;
  grpc::ServerUnaryReactor* Renew(grpc::CallbackServerContext* context,
                                  const pb::RenewRequest* request,
                                  pb::RenewResponse* response) override;

  void Arrived(Event event) override { options_.post(std::move(event)); }
  void Ended(LinkId link) override;

  // ---- the hub
  void Post(Send send);
  void Close(const CloseLink& close);
  void Sweep(absl::Time now);
  void Stop();
  size_t size() const;

 private:
  // The peer, if its certificate is a cluster's and the allow-list has its key.
  absl::StatusOr<AgentPeer> Admit(const grpc::CallbackServerContext& context) const;
  std::shared_ptr<AgentStream> Find(LinkId link) const;
  std::vector<std::shared_ptr<AgentStream>> All() const;
  // Signs what the stream was offered, until nothing newer waits. On a worker.
  void BuildPush(const std::shared_ptr<AgentStream>& stream);

  const AgentServiceOptions options_;
  BlobAccess access_;

  mutable Mutex mutex_;
  bool stopped_ GUARDED_BY(mutex_) = false;
  LinkId last_link_ GUARDED_BY(mutex_) = 0;
  std::map<LinkId, std::shared_ptr<AgentStream>> streams_ GUARDED_BY(mutex_);
  uint64_t sweeps_ = 0;                                 // the sweeper's thread only
  std::vector<std::string> doomed_ GUARDED_BY(mutex_);  // peers whose connections must end
};

absl::StatusOr<AgentPeer> AgentService::Streams::Admit(
    const grpc::CallbackServerContext& context) const {
  ASSIGN_OR_RETURN(const PeerIdentity peer,
                   PeerIdentityOf(*context.auth_context(), options_.hub_id));
  if (peer.identity.kind != Identity::Kind::kCluster) {
    return absl::PermissionDeniedError("this listener is for agents; use the operator address");
  }
  const std::optional<ClusterId> admitted = options_.view()->Admitted(peer.spki);
  if (!admitted.has_value() || admitted->text() != peer.identity.name) {
    return absl::PermissionDeniedError(
        "the hub does not admit this key: the cluster was revoked, or a newer certificate is in "
        "use; enroll it again with a new join token");
  }
  return AgentPeer{*admitted, peer.spki, context.peer()};
}

grpc::ServerBidiReactor<pb::AgentMessage, pb::HubMessage>* AgentService::Streams::Connect(
    grpc::CallbackServerContext* context) {
  absl::StatusOr<AgentPeer> peer = Admit(*context);
  if (!peer.ok()) {
    log::Warning("agent refused",
                 {{"peer", context->peer()}, {"reason", std::string(peer.status().message())}});
    return RefuseStream<pb::AgentMessage, pb::HubMessage>(peer.status());
  }
  std::shared_ptr<AgentStream> stream;
  {
    MutexLock lock(mutex_);
    if (stopped_) {
      return RefuseStream<pb::AgentMessage, pb::HubMessage>(
          absl::UnavailableError("the hub is stopping"));
    }
    const LinkId link = ++last_link_;
    stream = std::make_shared<AgentStream>(link, *std::move(peer), context, *this, absl::Now());
    streams_.emplace(link, stream);
  }
  stream->Start();
  return stream.get();
}

grpc::ServerWriteReactor<pb::BlobBatch>* AgentService::Streams::FetchBlobs(
    grpc::CallbackServerContext* context, const pb::FetchBlobsRequest* request) {
  const absl::StatusOr<AgentPeer> peer = Admit(*context);
  if (!peer.ok()) return RefuseWrites<pb::BlobBatch>(peer.status());
  const std::shared_ptr<const FleetView> view = options_.view();
  auto stream = std::make_shared<BlobStream>(
      BlobStream::Parts{*options_.store, access_, *options_.workers},
      view->BundlesOf(peer->cluster), view->BasesOf(peer->cluster), *request);
  stream->Start();
  return stream.get();
}

grpc::ServerUnaryReactor* AgentService::Streams::Renew(grpc::CallbackServerContext* context,
                                                       const pb::RenewRequest* request,
                                                       pb::RenewResponse* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  const absl::StatusOr<AgentPeer> peer = Admit(*context);
  if (!peer.ok()) {
    reactor->Finish(ToGrpc(peer.status()));
    return reactor;
  }
  const RequestId id =
      options_.replies->AwaitRenew([=, this](absl::StatusOr<pb::RenewResponse> answer) {
        if (answer.ok()) {
          *response = *std::move(answer);
          response->add_signer_der(options_.signer_der);
        }
        reactor->Finish(ToGrpc(answer.status()));
      });
  options_.post(RenewRequested{id, peer->cluster, peer->spki, *request});
  return reactor;
}

void AgentService::Streams::Ended(LinkId link) {
  {
    MutexLock lock(mutex_);
    streams_.erase(link);
  }
  options_.post(AgentDisconnected{link});
}

std::shared_ptr<AgentStream> AgentService::Streams::Find(LinkId link) const {
  MutexLock lock(mutex_);
  const auto found = streams_.find(link);
  return found == streams_.end() ? nullptr : found->second;
}

std::vector<std::shared_ptr<AgentStream>> AgentService::Streams::All() const {
  std::vector<std::shared_ptr<AgentStream>> all;
  MutexLock lock(mutex_);
  all.reserve(streams_.size());
  for (const auto& [link, stream] : streams_) all.push_back(stream);
  return all;
}

void AgentService::Streams::Post(Send send) {
  const std::shared_ptr<AgentStream> stream = Find(send.link);
  if (stream == nullptr) return;
  std::visit(
      [&](auto& message) {
        if constexpr (std::is_same_v<std::decay_t<decltype(message)>, PushDesired>) {
          if (stream->Offer(std::move(message))) {
            options_.workers->Run([this, stream] { BuildPush(stream); });
          }
        } else {
          if constexpr (std::is_same_v<std::decay_t<decltype(message)>, pb::Welcome>) {
            message.add_signer_der(options_.signer_der);
          }
          stream->Send(std::move(message));
        }
      },
      send.message);
}

void AgentService::Streams::BuildPush(const std::shared_ptr<AgentStream>& stream) {
  while (auto offer = stream->TakeOffer()) {
    absl::StatusOr<pb::Push> push = options_.build_push(offer->second);
    if (push.ok()) {
      stream->Send(offer->first, *std::move(push));
      continue;
    }
    log::Error("cannot sign a desired state", {{"cluster", stream->peer().cluster.text()},
                                               {"reason", std::string(push.status().message())}});
    stream->End(absl::InternalError("the hub cannot sign the desired state"));
  }
}

void AgentService::Streams::Close(const CloseLink& close) {
  const std::shared_ptr<AgentStream> stream = Find(close.link);
  if (stream == nullptr) return;
  stream->End(close.reason);
  if (!close.connection) return;
  MutexLock lock(mutex_);
  doomed_.push_back(stream->peer().address);
}

void AgentService::Streams::Sweep(absl::Time now) {
  // Only now, so that the reason could still reach the peer.
  std::vector<std::string> doomed;
  {
    MutexLock lock(mutex_);
    doomed.swap(doomed_);
  }
  for (const std::string& peer : doomed) ShutDownConnection(peer);

  // A part of them each time: the core's own word is faster, this one must only be sure.
  ++sweeps_;
  const std::shared_ptr<const FleetView> view = options_.view();
  for (const std::shared_ptr<AgentStream>& stream : All()) {
    stream->DoUnhurried();
    if (stream->link() % kSweepParts != sweeps_ % kSweepParts) continue;
    if (stream->IsMute(now, limits::kHelloPatience)) {
      stream->End(absl::DeadlineExceededError("no Hello came"));
    } else if (view->Admitted(stream->peer().spki) != stream->peer().cluster) {
      stream->End(absl::PermissionDeniedError("the hub does not admit this key any more"));
    }
  }
}

void AgentService::Streams::Stop() {
  {
    MutexLock lock(mutex_);
    stopped_ = true;
  }
  for (const std::shared_ptr<AgentStream>& stream : All()) {
    stream->End(absl::UnavailableError("the hub is stopping"));
  }
}

size_t AgentService::Streams::size() const {
  MutexLock lock(mutex_);
  return streams_.size();
}

// ---------------------------------------------------------------- AgentService

AgentService::AgentService(AgentServiceOptions options)
    : streams_(std::make_unique<Streams>(std::move(options))) {}

AgentService::~AgentService() = default;

grpc::Service* AgentService::service() { return streams_.get(); }
void AgentService::Post(Send send) { streams_->Post(std::move(send)); }
void AgentService::Close(const CloseLink& close) { streams_->Close(close); }
void AgentService::Sweep(absl::Time now) { streams_->Sweep(now); }
void AgentService::Stop() { streams_->Stop(); }
size_t AgentService::links() const { return streams_->size(); }

}  // namespace muster::hub
