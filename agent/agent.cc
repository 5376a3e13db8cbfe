#include "agent/agent.h"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/base/check.h"
#include "common/base/log.h"
#include "common/base/status_macros.h"

namespace muster::agent {
namespace pb = muster::v1;

Agent::Agent(AgentParts parts, AgentSettings settings, Random& random)
    : parts_(parts), core_(std::move(settings), random) {}

absl::Status Agent::Load(absl::Time now) {
  std::vector<Record> records;
  for (const absl::string_view prefix : kAgentRecordPrefixes) {
    ASSIGN_OR_RETURN(std::vector<Record> some, parts_.store.Scan(prefix));
    records.insert(records.end(), std::make_move_iterator(some.begin()),
                   std::make_move_iterator(some.end()));
  }
  return core_.Load(records, now);
}

absl::Status Agent::Turn(absl::Time now) {
  return TakeTurn(now, parts_.inbox.Drain(absl::ZeroDuration()));
}

absl::Status Agent::Run(const Clock& clock) {
  while (!parts_.inbox.closed()) {
    const absl::Duration wait = std::max(core_.NextWake() - clock.Now(), absl::ZeroDuration());
    std::vector<Event> events = parts_.inbox.Drain(wait);
    RETURN_IF_ERROR(TakeTurn(clock.Now(), std::move(events)));
  }
  return absl::OkStatus();
}

absl::Status Agent::TakeTurn(absl::Time now, std::vector<Event> events) {
  Outbox outbox;
  for (Event& event : events) core_.Handle(now, std::move(event), outbox);
  if (core_.NextWake() <= now) core_.Handle(now, Tick(), outbox);
  // Without its turns an agent is nothing, so they may use the disk's reserve; downloads may not.
  if (!outbox.batch.empty()) outbox.batch.MarkEssential();
  RETURN_IF_ERROR(Annotate(parts_.store.Commit(outbox.batch), "commit the agent's turn"));
  for (Job& job : outbox.jobs) parts_.jobs.Start(std::move(job));
  for (const HubSend& send : outbox.sends) Send(send);
  if (parts_.diary != nullptr) parts_.diary->Look(core_.observed(), core_.observed_digest());
  return absl::OkStatus();
}

void Agent::Send(const HubSend& send) {
  pb::AgentMessage message;
  if (const auto* hello = std::get_if<pb::Hello>(&send)) {
    *message.mutable_hello() = *hello;
  } else if (const auto* heartbeat = std::get_if<pb::Heartbeat>(&send)) {
    *message.mutable_heartbeat() = *heartbeat;
  } else if (const auto* report = std::get_if<pb::Report>(&send)) {
    *message.mutable_report() = *report;
  } else {
    const std::vector<std::string>& payloads = std::get<SendReceipts>(send).payloads;
    pb::Receipts& receipts = *message.mutable_receipts();
    for (const std::string& payload : payloads) {
      pb::Envelope& receipt = *receipts.add_receipts();
      receipt.set_payload_type(std::string(kReceiptType));
      receipt.set_payload(payload);
    }
    absl::StatusOr<pb::Envelope> newest = parts_.signer.Sign(kReceiptType, payloads.back());
    if (!newest.ok()) {
      log::Error("receipt could not be signed", {{"error", newest.status().ToString()}});
      return;
    }
    *receipts.mutable_receipts()->rbegin() = *std::move(newest);
  }
  parts_.link.Send(std::move(message));
}

}  // namespace muster::agent
