#include "agent/rpc/grpc_hub_link.h"

#include <grpcpp/grpcpp.h>
#include <grpcpp/support/client_callback.h>

#include <deque>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/log.h"
#include "common/net/admitted_mark.h"
#include "common/net/rpc_status.h"
#include "proto/agent_service.grpc.pb.h"

namespace muster::agent {

namespace pb = muster::v1;

namespace {

// The core waits for acknowledgements, so more than a few messages never wait for the wire. A hub
// that takes none for so long is given up.
constexpr size_t kQueuedMessagesMax = 256;

}  // namespace

// One call of Connect. One read and one write are in flight.
class GrpcHubLink::Stream final : public grpc::ClientBidiReactor<pb::AgentMessage, pb::HubMessage> {
 public:
  Stream(std::shared_ptr<grpc::Channel> channel, const Options& options)
      : options_(options),
        inbox_(options.inbox),
        stub_(pb::AgentService::NewStub(std::move(channel))) {}

  void Start() {
    stub_->async()->Connect(&context_, this);
    AddHold();  // for writes, which come from other threads; let go when reading ends
    StartRead(&arrived_);
    StartCall();
  }

  void Send(pb::AgentMessage message) {
    MutexLock lock(mutex_);
    if (closed_) return;
    queue_.push_back(std::move(message));
    if (queue_.size() > kQueuedMessagesMax) context_.TryCancel();
    WriteNext();
  }

  void Cancel() { context_.TryCancel(); }

  // Blocks until the stream has ended, and says how.
  absl::Status Wait() {
    MutexLock lock(mutex_);
    while (!done_) ended_.Wait(mutex_);
    return status_;
  }

  bool up() const {
    MutexLock lock(mutex_);
    return up_;
  }
  bool welcomed() const {
    MutexLock lock(mutex_);
    return welcomed_;
  }

 private:
  void OnReadInitialMetadataDone(bool ok) override {
    // A refusal has headers as well, but not the mark.
    if (!ok || context_.GetServerInitialMetadata().count(std::string(kAdmittedMark)) == 0) return;
    {
      MutexLock lock(mutex_);
      up_ = true;
    }
    inbox_.Post(LinkUp{});
  }

  void OnReadDone(bool ok) override {
    if (!ok) {
      {
        MutexLock lock(mutex_);
        closed_ = true;
      }
      RemoveHold();
      return;
    }
    Accept();
    StartRead(&arrived_);
  }

  void Accept() {
    switch (arrived_.message_case()) {
      case pb::HubMessage::kWelcome:
        Welcome(std::move(*arrived_.mutable_welcome()));
        break;
      case pb::HubMessage::kPush:
        Acked(arrived_.push().acked_report(), arrived_.push().acked_receipt());
        inbox_.Post(Pushed{std::move(*arrived_.mutable_push())});
        break;
      case pb::HubMessage::kReportAck:
        Acked(arrived_.report_ack().number(), arrived_.report_ack().receipt());
        break;
      case pb::HubMessage::kReportWanted:
        inbox_.Post(ReportWanted{});
        break;
      case pb::HubMessage::MESSAGE_NOT_SET:
        break;  // Of a newer hub, which may not rely on an older agent's understanding it.
    }
    arrived_.Clear();
  }

  void Welcome(pb::Welcome welcome) {
    {
      MutexLock lock(mutex_);
      welcomed_ = true;
    }
    log::Info("connected to the hub", {{"hub", options_.channel.address()}});
    Welcomed event{.welcome = std::move(welcome), .verifier = nullptr};
    if (options_.verifier_of) event.verifier = options_.verifier_of(event.welcome);
    inbox_.Post(std::move(event));
  }

  void Acked(uint64_t report, const std::string& receipt) {
    if (report != 0 || !receipt.empty()) inbox_.Post(ReportAcked{report, receipt});
  }

  void WriteNext() EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (writing_ || closed_ || queue_.empty()) return;
    leaving_ = std::move(queue_.front());
    queue_.pop_front();
    writing_ = true;
    StartWrite(&leaving_);
  }

  void OnWriteDone(bool ok) override {
    MutexLock lock(mutex_);
    writing_ = false;
    leaving_.Clear();
    if (ok) WriteNext();
  }

  void OnDone(const grpc::Status& status) override {
    MutexLock lock(mutex_);
    status_ = FromGrpc(status);
    done_ = true;
    ended_.SignalAll();
  }

  const Options& options_;  // the link's, which outlives its streams
  Inbox<Event>& inbox_;
  std::unique_ptr<pb::AgentService::Stub> stub_;
  grpc::ClientContext context_;
  pb::HubMessage arrived_;    // gRPC's, or the reading reaction's
  pb::AgentMessage leaving_;  // gRPC's while writing_

  mutable Mutex mutex_;
  CondVar ended_;
  std::deque<pb::AgentMessage> queue_ GUARDED_BY(mutex_);
  bool writing_ GUARDED_BY(mutex_) = false;
  bool closed_ GUARDED_BY(mutex_) = false;  // nothing more may be written
  bool up_ GUARDED_BY(mutex_) = false;
  bool welcomed_ GUARDED_BY(mutex_) = false;
  bool done_ GUARDED_BY(mutex_) = false;
  absl::Status status_ GUARDED_BY(mutex_);
};

GrpcHubLink::GrpcHubLink(Options options)
    : options_(options), backoff_(options.backoff_first, options.backoff_max) {}

GrpcHubLink::~GrpcHubLink() { Stop(); }

void GrpcHubLink::Start() {
  thread_ = std::thread([this] { Dial(); });
}

void GrpcHubLink::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    if (stream_ != nullptr) stream_->Cancel();
  }
  changed_.SignalAll();
  if (thread_.joinable()) thread_.join();
}

void GrpcHubLink::Redial() {
  {
    MutexLock lock(mutex_);
    redial_ = true;
    if (stream_ != nullptr) stream_->Cancel();
  }
  changed_.SignalAll();
}

void GrpcHubLink::Send(pb::AgentMessage message) {
  std::shared_ptr<Stream> stream;
  {
    MutexLock lock(mutex_);
    stream = stream_;
  }
  if (stream != nullptr) stream->Send(std::move(message));
}

void GrpcHubLink::Dial() {
  while (true) {
    if (Connect()) backoff_.Reset();
    if (!Pause(backoff_.Next(options_.random))) return;
  }
}

bool GrpcHubLink::Connect() {
  auto stream = std::make_shared<Stream>(options_.channel.Renew(), options_);
  {
    MutexLock lock(mutex_);
    if (stopping_) return false;
    redial_ = false;
    stream_ = stream;
    stream->Start();
  }
  const absl::Status status = stream->Wait();
  {
    MutexLock lock(mutex_);
    stream_ = nullptr;
  }
  if (stream->up()) options_.inbox.Post(LinkDown{status});
  Tell(stream->up(), status);
  return stream->welcomed();
}

void GrpcHubLink::Tell(bool was_up, const absl::Status& status) {
  {
    MutexLock lock(mutex_);
    if (stopping_ || redial_) return;  // by our own will
  }
  const std::string& hub = options_.channel.address();
  if (was_up) {
    log::Warning("hub connection lost", {{"hub", hub}, {"reason", status.ToString()}});
  } else if (const int failures = backoff_.failures(); failures > 0) {
    // Once may be a restart; from the second time on somebody should know, but not every time.
    const bool rare = (failures & (failures - 1)) == 0;
    (rare ? log::Warning : log::Debug)("hub cannot be reached",
                                       {{"hub", hub}, {"reason", status.ToString()}});
  }
}

bool GrpcHubLink::Pause(absl::Duration wait) {
  const absl::Time until = absl::Now() + wait;
  MutexLock lock(mutex_);
  while (!stopping_ && !redial_) {
    const absl::Duration left = until - absl::Now();
    if (left <= absl::ZeroDuration()) break;
    changed_.WaitFor(mutex_, left);
  }
  return !stopping_;
}

}  // namespace muster::agent
