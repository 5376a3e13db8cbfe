#include "hub/join/join_child.h"

#include <grpcpp/grpcpp.h>
#include <pthread.h>

#include <map>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/limits.h"
#include "common/base/log.h"
#include "common/base/mutex.h"
#include "common/base/status_macros.h"
#include "common/loop/workers.h"
#include "common/net/rpc_status.h"
#include "common/net/tls.h"
#include "common/sandbox/sandbox.h"
#include "hub/child/child_process.h"
#include "hub/child/frame.h"
#include "hub/join/address_limit.h"
#include "hub/join/connection_limit.h"
#include "hub/sweeper.h"
#include "proto/child.pb.h"
#include "proto/join_service.grpc.pb.h"

namespace muster::hub {

namespace pb = muster::v1;

namespace {

constexpr absl::Duration kSetupTimeout = absl::Seconds(10);
// Between two looks at who has how many connections.
constexpr absl::Duration kSweepInterval = absl::Milliseconds(250);
// An enrolment is one call; nobody has to stay.
constexpr int kConnectionAgeMs = 30'000;
constexpr int kConnectionAgeGraceMs = 10'000;
// Threads' stacks count against the child's memory.
constexpr size_t kStackBytes = 512 << 10;

// One call of Enroll that waits for the hub.
struct Waiting {
  grpc::ServerUnaryReactor* reactor = nullptr;
  pb::EnrollResponse* response = nullptr;
};

class JoinServer final : public pb::JoinService::CallbackService {
 public:
  explicit JoinServer(FrameChannel& channel)
      : channel_(channel),
        sender_("join-send", 1),
        limit_({.burst = limits::kJoinsPerAddressBurst,
                .per_second = limits::kJoinsPerAddressPerSecond,
                .addresses_max = limits::kJoinAddressesMax}) {}

  grpc::ServerUnaryReactor* Enroll(grpc::CallbackServerContext* context,
                                   const pb::EnrollRequest* request,
                                   pb::EnrollResponse* response) override {
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    pb::JoinChildRequest message;
    message.set_peer(AddressOfPeer(context->peer()));
    *message.mutable_enroll() = *request;
    const absl::Status admitted = Admit(message, Waiting{reactor, response});
    if (!admitted.ok()) {
      reactor->Finish(ToGrpc(admitted));
      return reactor;
    }
    sender_.Run([this, bytes = message.SerializeAsString()] {
      // A broken channel is noticed by the thread that reads it, and ends the process.
      (void)channel_.Send(bytes, kNoDeadline);
    });
    return reactor;
  }

  // Passes one answer of the hub on.
  void Answer(pb::JoinChildResponse message) {
    Waiting waiting;
    {
      MutexLock lock(mutex_);
      const auto found = waiting_.find(message.id());
      if (found == waiting_.end()) return;
      waiting = found->second;
      waiting_.erase(found);
    }
    const absl::Status status(static_cast<absl::StatusCode>(message.code()), message.message());
    if (status.ok()) *waiting.response = std::move(*message.mutable_enroll());
    waiting.reactor->Finish(ToGrpc(status));
  }

 private:
  // Enters the call among those that wait, and gives the message its number.
  absl::Status Admit(pb::JoinChildRequest& message, Waiting waiting) {
    MutexLock lock(mutex_);
    if (!IsLoopback(message.peer()) && !limit_.Allow(message.peer(), absl::Now())) {
      return absl::ResourceExhaustedError(
          "too many enrolments from this address; try again in a moment");
    }
    if (waiting_.size() >= limits::kJoinsWaitingMax) {
      return absl::ResourceExhaustedError("the hub is busy; try again in a moment");
    }
    message.set_id(++last_id_);
    waiting_.emplace(last_id_, waiting);
    return absl::OkStatus();
  }

  FrameChannel& channel_;
  Workers sender_;

  Mutex mutex_;
  AddressLimit limit_ GUARDED_BY(mutex_);
  uint64_t last_id_ GUARDED_BY(mutex_) = 0;
  std::map<uint64_t, Waiting> waiting_ GUARDED_BY(mutex_);
};

std::unique_ptr<grpc::Server> Listen(const pb::JoinChildSetup& setup, JoinServer& service,
                                     int* port) {
  grpc::ServerBuilder builder;
  LimitServer(builder);
  builder.SetMaxReceiveMessageSize(static_cast<int>(limits::kJoinMessageBytesMax));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, kConnectionAgeMs);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, kConnectionAgeGraceMs);
  builder.AddListeningPort(setup.address(),
                           JoinTlsServer({setup.certificate_pem(), setup.private_key_pem()}), port);
  builder.RegisterService(&service);
  return builder.BuildAndStart();
}

absl::Status LimitMyself() {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStackBytes);
  pthread_setattr_default_np(&attributes);
  pthread_attr_destroy(&attributes);
  SandboxOptions options;
  options.memory_bytes_max = limits::kJoinChildBytesMax;
  options.network = Network::kListen;
  options.open_files_max = limits::kJoinConnectionsMax;
  ASSIGN_OR_RETURN(const std::vector<std::string> missing, EnterSandbox(options));
  for (const std::string& what : missing) {
    log::Warning("the join child is less confined than it should be", {{"missing", what}});
  }
  return absl::OkStatus();
}

absl::Status Serve(FrameChannel& channel) {
  // Reads OpenSSL's configuration, so before the sandbox.
  PrepareGrpc();
  RETURN_IF_ERROR(LimitMyself());
  ASSIGN_OR_RETURN(const std::string first, channel.Receive(DeadlineIn(kSetupTimeout)));
  pb::JoinChildSetup setup;
  if (!setup.ParseFromString(first)) return absl::InternalError("join child: no setup came");
  JoinServer service(channel);
  int port = 0;
  const std::unique_ptr<grpc::Server> server = Listen(setup, service, &port);
  pb::JoinChildReady ready;
  ready.set_port(server == nullptr ? 0 : port);
  if (ready.port() == 0) {
    ready.set_message(absl::StrCat("listen on ", setup.address(), ": the address cannot be had"));
  }
  RETURN_IF_ERROR(channel.Send(ready.SerializeAsString(), DeadlineIn(kSetupTimeout)));
  const Sweeper sweeper(kSweepInterval, [] {
    EndSurplusConnections({.descriptors = limits::kJoinConnectionsMax,
                           .per_address = limits::kConnectionsPerAddressMax,
                           .is_exempt = IsLoopback});
  });
  while (ready.port() != 0) {
    absl::StatusOr<std::string> bytes = channel.Receive(kNoDeadline);
    pb::JoinChildResponse message;
    if (!bytes.ok() || !message.ParseFromString(*bytes)) break;  // the hub has gone
    service.Answer(std::move(message));
  }
  // Calls that wait will never be answered, so there is nothing to wait for.
  _exit(0);
}

}  // namespace

int JoinChildMain(const std::vector<std::string>&) {
  FrameChannel channel(kChildChannel, limits::kJoinMessageBytesMax * 2);
  const absl::Status status = Serve(channel);
  log::Error("the join child cannot serve", {{"reason", status.ToString()}});
  return 1;
}

}  // namespace muster::hub
