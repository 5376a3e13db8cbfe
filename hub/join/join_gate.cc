#include "hub/join/join_gate.h"

#include <signal.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/backoff.h"
#include "common/base/limits.h"
#include "common/base/log.h"
#include "common/base/status_macros.h"
#include "hub/join/join_child.h"
#include "hub/rpc/listener.h"
#include "proto/child.pb.h"

namespace muster::hub {

namespace pb = muster::v1;

namespace {

constexpr absl::Duration kGreetTimeout = absl::Seconds(10);
constexpr absl::Duration kSendTimeout = absl::Seconds(5);
constexpr absl::Duration kEndGrace = absl::Milliseconds(500);
constexpr absl::Duration kRestartFirst = absl::Milliseconds(200);
constexpr absl::Duration kRestartMax = absl::Seconds(10);

}  // namespace

// The child while it lives. Answers that come later find it closed.
class JoinGate::Connection {
 public:
  explicit Connection(std::unique_ptr<ChildProcess> child) : child_(std::move(child)) {}

  // The gate's thread.
  ChildProcess& child() { return *child_; }

  // The sender's thread.
  void Send(const std::string& message) {
    MutexLock lock(mutex_);
    if (closed_) return;
    if (!child_->channel().Send(message, DeadlineIn(kSendTimeout)).ok()) closed_ = true;
  }

  void Close() {
    MutexLock lock(mutex_);
    closed_ = true;
  }

 private:
  const std::unique_ptr<ChildProcess> child_;
  Mutex mutex_;
  bool closed_ GUARDED_BY(mutex_) = false;
};

JoinGate::JoinGate(JoinGateOptions options)
    : options_(std::move(options)), sender_("join-send", 1) {}

JoinGate::~JoinGate() { Stop(); }

absl::StatusOr<std::string> JoinGate::Start() {
  thread_ = std::thread([this] { Run(); });
  MutexLock lock(mutex_);
  while (address_.empty() && first_failure_.ok()) changed_.Wait(mutex_);
  if (!first_failure_.ok()) return first_failure_;
  return address_;
}

void JoinGate::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    if (child_ > 0) kill(child_, SIGKILL);
  }
  changed_.SignalAll();
  if (thread_.joinable()) thread_.join();
  sender_.Stop();
}

void JoinGate::Run() {
  Backoff backoff(kRestartFirst, kRestartMax);
  while (true) {
    const absl::Time born = absl::Now();
    const absl::Status end = Live();
    {
      MutexLock lock(mutex_);
      if (stopping_) return;
      if (address_.empty()) {
        // It never listened: the address is taken, or the child cannot run here at all.
        first_failure_ = end;
        changed_.SignalAll();
        return;
      }
    }
    log::Error("the join child ended; starting another", {{"reason", end.ToString()}});
    if (absl::Now() - born > kRestartMax) backoff.Reset();
    if (!Pause(backoff.NextAtLeastHalf(*options_.random))) return;
  }
}

absl::Status JoinGate::Live() {
  ASSIGN_OR_RETURN(std::unique_ptr<ChildProcess> started,
                   ChildProcess::Start({.name = kJoinChildName, .arguments = {}}));
  const auto connection = std::make_shared<Connection>(std::move(started));
  {
    MutexLock lock(mutex_);
    if (stopping_) return absl::CancelledError("stopping");
    child_ = connection->child().pid();
  }
  absl::Status status = Greet(*connection);
  while (status.ok()) {
    absl::StatusOr<std::string> bytes = connection->child().channel().Receive(kNoDeadline);
    pb::JoinChildRequest message;
    if (!bytes.ok()) {
      status = bytes.status();
    } else if (!message.ParseFromString(*bytes)) {
      status = absl::InternalError("join child: a message is damaged");
    } else {
      Handle(connection, std::move(message));
    }
  }
  connection->Close();
  {
    MutexLock lock(mutex_);
    child_ = 0;  // before its number is free for others
  }
  return absl::Status(status.code(), absl::StrCat(status.message(), "; the child ",
                                                  connection->child().End(kEndGrace)));
}

absl::Status JoinGate::Greet(Connection& connection) {
  pb::JoinChildSetup setup;
  {
    MutexLock lock(mutex_);
    setup.set_address(address_.empty() ? options_.address : address_);
  }
  setup.set_certificate_pem(options_.server.certificate_pem);
  setup.set_private_key_pem(options_.server.private_key_pem);
  FrameChannel& channel = connection.child().channel();
  RETURN_IF_ERROR(channel.Send(setup.SerializeAsString(), DeadlineIn(kGreetTimeout)));
  ASSIGN_OR_RETURN(const std::string bytes, channel.Receive(DeadlineIn(kGreetTimeout)));
  pb::JoinChildReady ready;
  if (!ready.ParseFromString(bytes)) return absl::InternalError("join child: no greeting");
  if (ready.port() == 0) return absl::UnavailableError(ready.message());
  {
    MutexLock lock(mutex_);
    address_ = WithPort(options_.address, ready.port());
  }
  changed_.SignalAll();
  return absl::OkStatus();
}

void JoinGate::Handle(const std::shared_ptr<Connection>& connection, pb::JoinChildRequest message) {
  const RequestId request = options_.replies->AwaitEnroll(
      [this, connection, id = message.id()](absl::StatusOr<pb::EnrollResponse> answer) {
        sender_.Run([connection, bytes = Complete(id, std::move(answer)).SerializeAsString()] {
          connection->Send(bytes);
        });
      });
  options_.post(EnrollRequested{request, message.peer(), std::move(*message.mutable_enroll())});
}

pb::JoinChildResponse JoinGate::Complete(uint64_t id,
                                         absl::StatusOr<pb::EnrollResponse> answer) const {
  pb::JoinChildResponse message;
  message.set_id(id);
  if (!answer.ok()) {
    message.set_code(static_cast<int>(answer.status().code()));
    message.set_message(std::string(answer.status().message()));
    return message;
  }
  *message.mutable_enroll() = *std::move(answer);
  if (message.enroll().state() == pb::EnrollResponse::STATE_ACCEPTED) {
    message.mutable_enroll()->set_root_der(options_.root_der);
    message.mutable_enroll()->set_signer_der(options_.signer_der);
    message.mutable_enroll()->set_agent_address(options_.agent_address);
  }
  return message;
}

bool JoinGate::Pause(absl::Duration wait) {
  const absl::Time until = absl::Now() + wait;
  MutexLock lock(mutex_);
  while (!stopping_) {
    const absl::Duration left = until - absl::Now();
    if (left <= absl::ZeroDuration()) return true;
    changed_.WaitFor(mutex_, left);
  }
  return false;
}

}  // namespace muster::hub
