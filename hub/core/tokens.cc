#include "hub/core/tokens.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/config/names.h"
#include "common/trust/join_token.h"
#include "hub/core/journal.h"

namespace muster::hub {
namespace pb = muster::v1;
namespace {

constexpr absl::Duration kTokenLifetimeMax = absl::Hours(24);
constexpr absl::Duration kTokenLookInterval = absl::Hours(24);

absl::Time ForgottenAt(const pb::TokenRecord& record) {
  return absl::FromUnixMillis(record.expires_ms()) + limits::kTokenRecordKept;
}

void PlanToForget(Turn& turn, const TokenId& id, absl::Time at) {
  turn.state.wakes.insert({at, Wake::Kind::kToken, id.text()});
}

// Whether the token's cluster has not shown yet that it got its certificate.
bool IsAwaited(State& state, const pb::TokenRecord& record) {
  const ClusterState* const cluster = FindCluster(state, ClusterId(record.cluster_id()));
  if (cluster == nullptr || record.state() != pb::TokenRecord::STATE_USED) return false;
  if (cluster->record.state() == pb::ClusterRecord::STATE_REVOKED) return false;
  return cluster->link == 0 && cluster->reported.received_ms == 0;
}

}  // namespace

absl::StatusOr<pb::CreateTokenResponse> CreateToken(Turn& turn,
                                                    const pb::CreateTokenRequest& request,
                                                    const std::string& actor) {
  State& state = turn.state;
  const std::string& name = request.cluster_name();
  if (!name.empty()) {
    RETURN_IF_ERROR(Annotate(CheckName(name), absl::StrCat("create token for '", name, "'")));
    if (state.names.contains(ClusterName(name))) {
      return absl::AlreadyExistsError(absl::StrCat("create token: cluster '", name,
                                                   "' is enrolled or waits already; revoke it "
                                                   "first: 'muster revoke ",
                                                   name, "'"));
    }
  }
  for (const pb::Label& label : request.labels()) {
    RETURN_IF_ERROR(Annotate(CheckLabelKey(label.key()), "create token: label"));
    RETURN_IF_ERROR(Annotate(CheckLabelValue(label.value()),
                             absl::StrCat("create token: label '", label.key(), "'")));
  }
  const absl::Duration lifetime = request.lifetime_ms() == 0
                                      ? limits::kTokenLifetime
                                      : absl::Milliseconds(request.lifetime_ms());
  if (lifetime <= absl::ZeroDuration() || lifetime > kTokenLifetimeMax) {
    return absl::InvalidArgumentError(absl::StrCat(
        "create token: a lifetime of ", absl::FormatDuration(lifetime), " is not within 24 hours"));
  }
  ASSIGN_OR_RETURN(const Digest root, Digest::FromHex(state.settings.hub_id));
  const JoinToken token = JoinToken::Make(state.random, root);
  pb::TokenRecord& record = state.tokens[token.id];
  record.set_id(token.id.text());
  record.set_key(TokenKey(token.secret));
  record.set_state(pb::TokenRecord::STATE_VALID);
  record.set_cluster_name(name);
  *record.mutable_labels() = request.labels();
  std::sort(record.mutable_labels()->begin(), record.mutable_labels()->end(),
            [](const pb::Label& a, const pb::Label& b) { return a.key() < b.key(); });
  // An agent that names itself is looked at by a person.
  record.set_needs_accept(request.needs_accept() || name.empty());
  record.set_created_ms(state.now_ms());
  record.set_expires_ms(state.now_ms() + absl::ToInt64Milliseconds(lifetime));
  record.set_created_by(actor);
  state.marks.tokens.insert(token.id);
  PlanToForget(turn, token.id, ForgottenAt(record));
  Note(turn, {.reason = "TokenCreated",
              .subject = absl::StrCat("token/", token.id.text()),
              .message = name.empty() ? "for any cluster" : absl::StrCat("for cluster ", name),
              .actor = actor});
  pb::CreateTokenResponse response;
  response.set_token(token.Text());
  response.set_token_id(token.id.text());
  response.set_expires_ms(record.expires_ms());
  response.set_join_address(state.settings.join_address);
  return response;
}

void StartTokens(Turn& turn) {
  for (const auto& [id, record] : turn.state.tokens) PlanToForget(turn, id, ForgottenAt(record));
}

void ForgetTokenIfDue(Turn& turn, const std::string& id) {
  State& state = turn.state;
  const auto found = state.tokens.find(TokenId(id));
  if (found == state.tokens.end()) return;
  if (IsAwaited(state, found->second)) {
    PlanToForget(turn, found->first, state.now + kTokenLookInterval);
    return;
  }
  state.tokens.erase(found);
  state.marks.tokens.insert(TokenId(id));
}

absl::Status RevokeTokenById(Turn& turn, const std::string& id, const std::string& actor) {
  const auto found = turn.state.tokens.find(TokenId(id));
  if (found == turn.state.tokens.end()) {
    return absl::NotFoundError(
        absl::StrCat("revoke token: there is no token '", id, "'; see 'muster token list'"));
  }
  if (found->second.state() == pb::TokenRecord::STATE_USED) {
    return absl::FailedPreconditionError(
        absl::StrCat("revoke token: '", id, "' was used already; revoke the cluster instead"));
  }
  found->second.set_state(pb::TokenRecord::STATE_REVOKED);
  turn.state.marks.tokens.insert(TokenId(id));
  turn.out.batch.MarkEssential();
  Note(turn, {.reason = "TokenRevoked", .subject = absl::StrCat("token/", id), .actor = actor});
  return absl::OkStatus();
}

}  // namespace muster::hub
