#include "agent/rpc/grpc_hub_link.h"

#include <grpcpp/grpcpp.h>
#include <grpcpp/support/async_stream.h>

#include <cstdint>
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

// What a completion is of.
enum class Done : intptr_t { kStart = 1, kHeaders, kRead, kWrite, kFinish };

void* Tag(Done done) {
  return reinterpret_cast<void*>(static_cast<intptr_t>(done));  // NOLINT(performance-no-int-to-ptr)
}

}  // namespace

// One call of Connect. One read and one write are in flight. It has a completion queue of its own,
// which the link's thread waits on: gRPC's callbacks would be served by threads that wake up
// several times a second for as long as the process lives.
class GrpcHubLink::Stream {
 public:
  Stream(std::shared_ptr<grpc::Channel> channel, const Options& options)
      : options_(options),
        inbox_(options.inbox),
        stub_(pb::AgentService::NewStub(std::move(channel))) {}

  void Start() {
    call_ = stub_->PrepareAsyncConnect(&context_, &completions_);
    call_->StartCall(Tag(Done::kStart));
  }

  // Serves the call until it has ended, and says how. Once, after Start.
  absl::Status Serve() {
    void* tag = nullptr;
    bool ok = false;
    while (completions_.Next(&tag, &ok)) {
      On(static_cast<Done>(reinterpret_cast<intptr_t>(tag)), ok);
    }
    return FromGrpc(status_);
  }

  // Any thread, after Start.
  void Send(pb::AgentMessage message) {
    MutexLock lock(mutex_);
    if (closed_) return;
    queue_.push_back(std::move(message));
    if (queue_.size() > kQueuedMessagesMax) context_.TryCancel();
    WriteNext();
  }

  // Any thread, after Start.
  void Cancel() { context_.TryCancel(); }

  // After Serve.
  bool up() const { return up_; }
  bool welcomed() const { return welcomed_; }

 private:
  void On(Done done, bool ok) {
    switch (done) {
      case Done::kStart:
        if (!ok) return Close();
        Open();
        return call_->ReadInitialMetadata(Tag(Done::kHeaders));
      case Done::kHeaders:
        if (!ok) return Close();
        OnHeaders();
        return call_->Read(&arrived_, Tag(Done::kRead));
      case Done::kRead:
        if (!ok) return Close();
        Accept();
        return call_->Read(&arrived_, Tag(Done::kRead));
      case Done::kWrite:
        return OnWritten(ok);
      case Done::kFinish:
        return completions_.Shutdown();
    }
  }

  void OnHeaders() {
    // A refusal has headers as well, but not the mark.
    if (context_.GetServerInitialMetadata().count(std::string(kAdmittedMark)) == 0) return;
    up_ = true;
    inbox_.Post(LinkUp{});
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
    welcomed_ = true;
    log::Info("connected to the hub", {{"hub", options_.channel.address()}});
    Welcomed event{.welcome = std::move(welcome), .verifier = nullptr};
    if (options_.verifier_of) event.verifier = options_.verifier_of(event.welcome);
    inbox_.Post(std::move(event));
  }

  void Acked(uint64_t report, const std::string& receipt) {
    if (report != 0 || !receipt.empty()) inbox_.Post(ReportAcked{report, receipt});
  }

  void Open() {
    MutexLock lock(mutex_);
    open_ = true;
    WriteNext();
  }

  void WriteNext() EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (writing_ || !open_ || closed_ || queue_.empty()) return;
    leaving_ = std::move(queue_.front());
    queue_.pop_front();
    writing_ = true;
    call_->Write(leaving_, Tag(Done::kWrite));
  }

  void OnWritten(bool ok) {
    MutexLock lock(mutex_);
    writing_ = false;
    leaving_.Clear();
    if (closed_) return Finish();
    if (ok) WriteNext();
  }

  // Nothing more comes, so that nothing more is said. gRPC wants the last write to be over first.
  void Close() {
    MutexLock lock(mutex_);
    closed_ = true;
    if (!writing_) Finish();
  }

  void Finish() { call_->Finish(&status_, Tag(Done::kFinish)); }

  const Options& options_;  // the link's, which outlives its streams
  Inbox<Event>& inbox_;
  std::unique_ptr<pb::AgentService::Stub> stub_;
  grpc::ClientContext context_;
  grpc::CompletionQueue completions_;
  std::unique_ptr<grpc::ClientAsyncReaderWriter<pb::AgentMessage, pb::HubMessage>> call_;

  // The link's thread alone.
  pb::HubMessage arrived_;
  grpc::Status status_;
  bool up_ = false;
  bool welcomed_ = false;

  pb::AgentMessage leaving_;  // gRPC's while writing_

  Mutex mutex_;
  std::deque<pb::AgentMessage> queue_ GUARDED_BY(mutex_);
  bool open_ GUARDED_BY(mutex_) = false;
  bool writing_ GUARDED_BY(mutex_) = false;
  bool closed_ GUARDED_BY(mutex_) = false;  // nothing more may be written
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
  const absl::Status status = stream->Serve();
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
