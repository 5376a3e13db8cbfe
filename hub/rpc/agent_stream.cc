#include "hub/rpc/agent_stream.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/check.h"
#include "common/base/limits.h"
#include "common/net/admitted_mark.h"
#include "common/net/rpc_status.h"

namespace muster::hub {

namespace pb = muster::v1;

namespace {

// In seconds; the agent repeats itself after half a minute, and the next push is often near.
constexpr int kAckAgeMax = 15;

// A digest field is absent or whole.
bool IsDigest(const std::string& bytes) { return bytes.empty() || bytes.size() == Digest::kSize; }

absl::Status Malformed(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("agent message: ", what));
}

}  // namespace

AgentStream::AgentStream(LinkId link, AgentPeer peer, grpc::CallbackServerContext* context,
                         Host& host, absl::Time now)
    : link_(link),
      peer_(std::move(peer)),
      context_(context),
      host_(host),
      opened_(now),
      allowance_(limits::kAgentMessagesBurst),
      allowance_time_(now) {}

void AgentStream::Start() {
  self_ = shared_from_this();
  // The agent takes the mark for a sign that it was let in; a refusal has headers, too.
  context_->AddInitialMetadata(std::string(kAdmittedMark), "1");
  StartSendInitialMetadata();
  StartRead(&arrived_);
}

// ---------------------------------------------------------------- reading

void AgentStream::OnReadDone(bool ok) {
  if (!ok) {
    End(absl::OkStatus());
    return;
  }
  absl::Status status = Accept(arrived_);
  arrived_.Clear();
  MutexLock lock(mutex_);
  if (!status.ok()) {
    EndLocked(std::move(status));
  } else if (!ended_) {
    StartRead(&arrived_);
  }
}

bool AgentStream::SpendAllowance() {
  const absl::Time now = absl::Now();
  const int64_t earned =
      absl::ToInt64Milliseconds(now - allowance_time_) * limits::kAgentMessagesPerSecond / 1000;
  if (earned > 0) {
    allowance_ =
        static_cast<int>(std::min<int64_t>(limits::kAgentMessagesBurst, allowance_ + earned));
    allowance_time_ = now;
  }
  return allowance_-- > 0;
}

absl::Status AgentStream::Accept(pb::AgentMessage& message) {
  if (!SpendAllowance()) {
    return absl::ResourceExhaustedError("too many messages in a short time; connect again");
  }
  bool greeted = false;
  {
    MutexLock lock(mutex_);
    greeted = greeted_;
  }
  if (message.has_hello() != !greeted) {
    return Malformed(greeted ? "a second Hello" : "the first one must be Hello");
  }
  switch (message.message_case()) {
    case pb::AgentMessage::kHello:
      return AcceptHello(*message.mutable_hello());
    case pb::AgentMessage::kHeartbeat:
      if (!IsDigest(message.heartbeat().observed_digest())) return Malformed("heartbeat digest");
      host_.Arrived(AgentHeartbeat{link_, std::move(*message.mutable_heartbeat())});
      return absl::OkStatus();
    case pb::AgentMessage::kReport:
      if (!IsDigest(message.report().state().desired_digest())) return Malformed("report digest");
      AcceptReport(std::unique_ptr<pb::Report>(message.release_report()));
      return absl::OkStatus();
    case pb::AgentMessage::kReceipts: {
      MutexLock lock(mutex_);
      // The newest message has all of them again.
      receipts_.reset(message.release_receipts());
      return absl::OkStatus();
    }
    case pb::AgentMessage::MESSAGE_NOT_SET:
      break;
  }
  return Malformed("of a kind that this hub does not know; is the agent newer than the hub?");
}

absl::Status AgentStream::AcceptHello(pb::Hello& hello) {
  if (!IsDigest(hello.desired_digest()) || !IsDigest(hello.observed_digest())) {
    return Malformed("hello digest");
  }
  if (hello.ByteSizeLong() > limits::kHelloBytesMax) return Malformed("hello too long");
  {
    MutexLock lock(mutex_);
    greeted_ = true;
  }
  host_.Arrived(AgentConnected{link_, peer_.cluster, peer_.spki, peer_.address, std::move(hello)});
  return absl::OkStatus();
}

// One report at a time goes to the core, so that an agent that sends many fills no memory: of those
// that wait the newest speaks for all.
void AgentStream::AcceptReport(std::unique_ptr<pb::Report> report) {
  {
    MutexLock lock(mutex_);
    if (report_under_way_) {
      next_report_ = std::move(report);
      return;
    }
    report_under_way_ = true;
  }
  host_.Arrived(AgentReport{link_, std::move(*report)});
}

bool AgentStream::IsMute(absl::Time now, absl::Duration patience) const {
  MutexLock lock(mutex_);
  return !greeted_ && !ended_ && now - opened_ > patience;
}

// ---------------------------------------------------------------- writing

void AgentStream::Send(pb::Welcome welcome) {
  MutexLock lock(mutex_);
  welcome_ = std::make_unique<pb::Welcome>(std::move(welcome));
  WriteNext();
}

void AgentStream::Send(pb::ReportAck ack) {
  std::unique_ptr<pb::Report> next;
  {
    MutexLock lock(mutex_);
    if (!HasAck()) ack_age_ = 0;
    ack_.set_number(std::max(ack_.number(), ack.number()));
    if (!ack.receipt().empty()) ack_.set_receipt(ack.receipt());
    if (ack.number() == 0) return;
    report_under_way_ = false;
    next.swap(next_report_);
  }
  if (next != nullptr) AcceptReport(std::move(next));
}

void AgentStream::DoUnhurried() {
  std::unique_ptr<pb::Receipts> receipts;
  {
    MutexLock lock(mutex_);
    receipts.swap(receipts_);
    ack_due_ = HasAck() && ++ack_age_ > kAckAgeMax;
    if (ack_due_) WriteNext();
  }
  if (receipts != nullptr) host_.Arrived(AgentReceipts{link_, std::move(*receipts)});
}

void AgentStream::Send(pb::ReportWanted) {
  MutexLock lock(mutex_);
  report_wanted_ = true;
  WriteNext();
}

bool AgentStream::Offer(PushDesired desired) {
  auto offer = std::make_unique<PushDesired>(std::move(desired));
  MutexLock lock(mutex_);
  offered_.swap(offer);
  ++offered_number_;
  return offer == nullptr;
}

std::optional<std::pair<uint64_t, PushDesired>> AgentStream::TakeOffer() {
  std::unique_ptr<PushDesired> offer;
  MutexLock lock(mutex_);
  offer.swap(offered_);
  if (offer == nullptr || ended_) return std::nullopt;
  return std::make_pair(offered_number_, std::move(*offer));
}

void AgentStream::Send(uint64_t number, pb::Push push) {
  auto next = std::make_unique<pb::Push>(std::move(push));
  MutexLock lock(mutex_);
  if (number < push_number_) return;
  push_number_ = number;
  push_.swap(next);
  WriteNext();
}

void AgentStream::WriteNext() {
  if (writing_ || ended_) return;
  if (welcome_ != nullptr) {
    leaving_.set_allocated_welcome(welcome_.release());
  } else if (report_wanted_) {
    report_wanted_ = false;
    leaving_.mutable_report_wanted();
  } else if (push_ != nullptr) {
    leaving_.set_allocated_push(push_.release());
    leaving_.mutable_push()->set_acked_report(ack_.number());
    leaving_.mutable_push()->set_acked_receipt(ack_.receipt());
    ack_.Clear();
  } else if (std::exchange(ack_due_, false) && HasAck()) {
    leaving_.mutable_report_ack()->Swap(&ack_);
  } else {
    return;
  }
  writing_ = true;
  StartWrite(&leaving_);
}

void AgentStream::OnWriteDone(bool ok) {
  MutexLock lock(mutex_);
  writing_ = false;
  leaving_.Clear();
  if (ended_) {
    Finish(ToGrpc(last_word_));
  } else if (!ok) {
    EndLocked(absl::UnavailableError("the connection broke"));
  } else {
    WriteNext();
  }
}

// ---------------------------------------------------------------- ending

void AgentStream::End(absl::Status status) {
  MutexLock lock(mutex_);
  EndLocked(std::move(status));
}

void AgentStream::EndLocked(absl::Status status) {
  if (ended_) return;
  ended_ = true;
  if (writing_) {
    // Its last word would wait behind a write that may never end; OnWriteDone says it.
    last_word_ = std::move(status);
    context_->TryCancel();
  } else {
    Finish(ToGrpc(status));
  }
}

void AgentStream::OnCancel() { End(absl::CancelledError("the agent left")); }

void AgentStream::OnDone() {
  host_.Ended(link_);
  self_.reset();
}

}  // namespace muster::hub
