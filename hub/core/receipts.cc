#include "hub/core/receipts.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/trust/ed25519.h"
#include "common/trust/envelope.h"
#include "hub/core/audit.h"
#include "hub/core/fleet_view.h"
#include "hub/core/journal.h"
#include "hub/core/keys.h"
#include "hub/core/liveness.h"
#include "hub/core/records.h"

namespace muster::hub {
namespace pb = muster::v1;
namespace {

struct Receipt {
  Digest digest;  // of the payload
  pb::ApplyReceipt content;
};

std::string SubjectOf(const ClusterState& cluster) {
  return absl::StrCat("cluster/", cluster.record.name());
}

absl::Status CheckSignature(const ClusterState& cluster, const pb::Envelope& envelope) {
  ASSIGN_OR_RETURN(const Ed25519PublicKey key,
                   Ed25519PublicKey::FromBytes(cluster.record.identity_public_key()));
  return Ed25519Verifier({key}, 1).Open(envelope, kReceiptType).status();
}

// `next`: the receipt after it in the same message, when that one is proved.
absl::StatusOr<Receipt> OpenReceipt(const State& state, const ClusterState& cluster,
                                    const pb::Envelope& envelope, const Receipt* next) {
  Receipt receipt;
  receipt.digest = Digest::Of(envelope.payload());
  const bool vouched_for =
      next != nullptr && next->content.previous_digest() == receipt.digest.view();
  if (!vouched_for) RETURN_IF_ERROR(CheckSignature(cluster, envelope));
  if (!receipt.content.ParseFromString(envelope.payload())) {
    return absl::InvalidArgumentError("its payload is no ApplyReceipt");
  }
  if (receipt.content.hub_id() != state.settings.hub_id ||
      receipt.content.cluster_id() != cluster.id.text()) {
    return absl::PermissionDeniedError("it speaks of another hub or cluster");
  }
  return receipt;
}

// All of a message, in its order; read from the newest back, because that one is signed.
std::vector<absl::StatusOr<Receipt>> OpenReceipts(const State& state, const ClusterState& cluster,
                                                  const pb::Receipts& message) {
  std::vector<absl::StatusOr<Receipt>> opened(message.receipts_size());
  const Receipt* next = nullptr;
  for (int i = message.receipts_size() - 1; i >= 0; --i) {
    opened[i] = OpenReceipt(state, cluster, message.receipts(i), next);
    next = opened[i].ok() ? &*opened[i] : nullptr;
  }
  return opened;
}

bool Follows(const ClusterState& cluster, const Receipt& receipt) {
  const Digest& last = cluster.receipt;
  const std::string& previous = receipt.content.previous_digest();
  return last.empty() ? previous.empty() : previous == last.view();
}

// Most receipts change nothing that is shown.
void Clear(Turn& turn, ClusterState& cluster, absl::string_view type) {
  if (ClearCondition(cluster.conditions, type)) ShowCluster(turn.state, cluster);
}

// The receipt is kept all the same, because it is signed. The condition stays until one follows
// again, the event for good.
void NoteBreak(Turn& turn, ClusterState& cluster, const Receipt& receipt) {
  const Digest& last = cluster.receipt;
  const absl::StatusOr<Digest> previous = Digest::FromBytes(receipt.content.previous_digest());
  const std::string message = absl::StrCat(
      "the receipt of generation ", receipt.content.generation(), " follows ",
      previous.ok() ? absl::StrCat("receipt ", previous->short_hex()) : "no receipt",
      ", and the last that came is ", last.empty() ? "none" : last.short_hex(),
      "; receipts are missing, or the hub or the agent runs on an older copy of its data");
  SetCondition(
      cluster.conditions,
      MakeCondition(kReceiptsMissing, pb::CONDITION_STATUS_TRUE, "ReceiptChainBroken", message, ""),
      turn.state.now_ms());
  ShowCluster(turn.state, cluster);
  Note(turn, {.reason = "ReceiptChainBroken",
              .subject = SubjectOf(cluster),
              .message = message,
              .actor = cluster.record.name(),
              .warning = true,
              .throttled = true});
}

// It is shown, and changes nothing else.
void NoteRefused(Turn& turn, ClusterState& cluster, const absl::Status& why) {
  const bool changed =
      SetCondition(cluster.conditions,
                   MakeCondition("ReceiptTrusted", pb::CONDITION_STATUS_FALSE, "ReceiptRefused",
                                 absl::StrCat("a receipt was refused: ", why.message(),
                                              "; the agent may have been replaced: look at it, and "
                                              "revoke the cluster if nobody knows why"),
                                 ""),
                   turn.state.now_ms());
  if (!changed) return;
  ShowCluster(turn.state, cluster);
  Note(turn, {.reason = "ReceiptRefused",
              .subject = SubjectOf(cluster),
              .message = std::string(why.message()),
              .warning = true,
              .throttled = true});
}

// Keeps a proved receipt as the new end of the chain.
void Keep(Turn& turn, ClusterState& cluster, const Receipt& receipt, const pb::Envelope& envelope) {
  Clear(turn, cluster, "ReceiptTrusted");
  if (receipt.digest == cluster.receipt) return;  // sent again
  const uint64_t generation = receipt.content.generation();
  if (Follows(cluster, receipt)) {
    Clear(turn, cluster, kReceiptsMissing);
  } else if (generation < cluster.receipt_generation) {
    return;  // An agent that was killed sends again what it does not know to have arrived.
  } else {
    NoteBreak(turn, cluster, receipt);
  }
  pb::ReceiptRecord record;
  *record.mutable_envelope() = envelope;
  turn.out.batch.Put(keys::Receipt(cluster.id, generation, receipt.digest),
                     record.SerializeAsString());
  cluster.receipt = receipt.digest;
  cluster.receipt_generation = generation;
}

void WriteNewest(Turn& turn, const ClusterState& cluster) {
  pb::NewestReceiptRecord newest;
  newest.set_digest(cluster.receipt.bytes());
  newest.set_generation(cluster.receipt_generation);
  turn.out.batch.Put(keys::NewestReceipt(cluster.id), newest.SerializeAsString());
}

}  // namespace

void OnAgentReceipts(Turn& turn, const AgentReceipts& event) {
  ClusterState* cluster = ClusterOfLink(turn.state, event.link);
  const pb::Receipts& message = event.receipts;
  if (cluster == nullptr || message.receipts().empty()) return;
  const Digest former = cluster->receipt;
  const std::vector<absl::StatusOr<Receipt>> opened = OpenReceipts(turn.state, *cluster, message);
  for (int i = 0; i < message.receipts_size(); ++i) {
    if (opened[i].ok()) {
      Keep(turn, *cluster, *opened[i], message.receipts(i));
    } else {
      NoteRefused(turn, *cluster, opened[i].status());
    }
  }
  if (cluster->receipt != former) {
    WriteNewest(turn, *cluster);
    AuditReceipt(turn, *cluster);
  }
  Heard(turn, *cluster);
  pb::ReportAck ack;
  ack.set_receipt(Digest::Of(message.receipts().rbegin()->payload()).bytes());
  turn.out.sends.push_back({event.link, std::move(ack)});
}

}  // namespace muster::hub
