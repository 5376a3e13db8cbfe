#include "hub/core/audit.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "hub/core/keys.h"
#include "proto/audit.pb.h"

namespace muster::hub {
namespace pb = muster::v1;
namespace {

constexpr absl::string_view kHub = "hub";

// Of what happens by itself.
constexpr absl::string_view kAudited[] = {"AgentRefused",   "CertificateRenewed", "ClusterEnrolled",
                                          "ClusterPending", "CommitRefused",      "CommitSeen",
                                          "ConfigRefused",  "EnrolmentRefused",   "Frozen",
                                          "PackageRemoved", "ReceiptChainBroken", "ReceiptRefused",
                                          "Rollout",        "RolloutStopped",     "TokenRefused"};

void Write(Turn& turn, AuditEntry entry) {
  State& state = turn.state;
  entry.time_ms = state.now_ms();
  const std::string line = state.audit.Append(entry);
  const AuditHead& head = state.audit.head();
  turn.out.batch.Put(keys::Audit(head.number), line);
  pb::AuditHeadRecord record;
  record.set_number(head.number);
  record.set_digest(head.digest.bytes());
  turn.out.batch.Put(keys::kAuditHead, record.SerializeAsString());
}

struct Deed {
  std::string action;
  std::string subject;
  std::string message;
};

// One for each command that there is: a new one has to say here what it is.
struct Describe {
  std::optional<Deed> operator()(const pb::CreateTokenRequest& request) const {
    return Deed{"CreateToken", "token",
                request.cluster_name().empty()
                    ? "for any cluster"
                    : absl::StrCat("for cluster ", request.cluster_name())};
  }
  std::optional<Deed> operator()(const pb::SuspendRequest& request) const {
    return Deed{request.suspended() ? "Suspend" : "Resume",
                absl::StrCat(request.kind(), "/", request.name()), request.reason()};
  }
  std::optional<Deed> operator()(const pb::AcceptRewriteRequest& request) const {
    return Deed{"AcceptRewrite", absl::StrCat("repository/", request.repository()),
                request.commit()};
  }
  std::optional<Deed> operator()(const RevokeToken& command) const {
    return Deed{"RevokeToken", absl::StrCat("token/", command.name), ""};
  }
  std::optional<Deed> operator()(const AcceptCluster& command) const {
    return Deed{"AcceptCluster", absl::StrCat("cluster/", command.name), ""};
  }
  std::optional<Deed> operator()(const RevokeCluster& command) const {
    return Deed{"RevokeCluster", absl::StrCat("cluster/", command.name), ""};
  }
  std::optional<Deed> operator()(const SyncNow& command) const {
    return Deed{"Sync",
                command.repository.empty() ? "repositories"
                                           : absl::StrCat("repository/", command.repository),
                ""};
  }
  std::optional<Deed> operator()(const PutCredential& command) const {
    return Deed{"PutCredential", absl::StrCat("credential/", command.name), ""};
  }
  std::optional<Deed> operator()(const DeleteCredential& command) const {
    return Deed{"DeleteCredential", absl::StrCat("credential/", command.name), ""};
  }
  std::optional<Deed> operator()(const pb::RolloutDecision& decision) const {
    std::string action = decision.action();
    if (!action.empty()) action[0] = absl::ascii_toupper(action[0]);
    std::string message;
    if (!decision.release().empty()) message = absl::StrCat("release ", decision.release());
    if (!decision.reason().empty()) {
      absl::StrAppend(&message, message.empty() ? "" : ": ", decision.reason());
    }
    return Deed{absl::StrCat("Rollout", action), absl::StrCat("package/", decision.package()),
                std::move(message)};
  }
  std::optional<Deed> operator()(const pb::PlanRequest&) const { return std::nullopt; }
  std::optional<Deed> operator()(const pb::PlanFleetRequest&) const { return std::nullopt; }
  std::optional<Deed> operator()(const pb::ListRolloutsRequest&) const { return std::nullopt; }
};

}  // namespace

void AuditDeed(Turn& turn, const OperatorAsked& asked,
               const absl::StatusOr<OperatorAnswer>& answer) {
  std::optional<Deed> deed = std::visit(Describe(), asked.command);
  if (!deed) return;
  if (answer.ok()) {
    if (const auto* token = std::get_if<pb::CreateTokenResponse>(&*answer)) {
      deed->subject = absl::StrCat("token/", token->token_id());  // the id, which is no secret
    }
  } else {
    deed->message =
        absl::StrCat(deed->message, deed->message.empty() ? "" : ": ", answer.status().message());
  }
  Write(turn, {.time_ms = 0,
               .actor = asked.actor,
               .action = std::move(deed->action),
               .subject = std::move(deed->subject),
               .result = answer.ok() ? "Done" : "Refused",
               .message = std::move(deed->message),
               .evidence = Digest()});
}

void AuditHappening(Turn& turn, const Happening& happening) {
  if (!std::binary_search(std::begin(kAudited), std::end(kAudited), happening.reason)) return;
  Write(turn, {.time_ms = 0,
               .actor = happening.actor.empty() ? std::string(kHub) : happening.actor,
               .action = std::string(happening.reason),
               .subject = happening.subject,
               .result = "Noted",
               .message = happening.message,
               .evidence = Digest()});
}

void AuditReceipt(Turn& turn, const ClusterState& cluster) {
  Write(turn, {.time_ms = 0,
               .actor = cluster.record.name(),
               .action = "Receipt",
               .subject = absl::StrCat("cluster/", cluster.record.name()),
               .result = "Noted",
               .message = absl::StrCat("applied generation ", cluster.receipt_generation),
               .evidence = cluster.receipt});
}

}  // namespace muster::hub
