#include "hub/core/enrollment.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/config/names.h"
#include "common/trust/certificate.h"
#include "common/trust/ed25519.h"
#include "common/trust/join_token.h"
#include "common/trust/join_words.h"
#include "hub/core/fleet_config.h"
#include "hub/core/journal.h"
#include "hub/core/liveness.h"
#include "hub/core/placement.h"

namespace muster::hub {
namespace pb = muster::v1;
namespace {

constexpr size_t kUidBytesMax = 128;
constexpr int64_t kRetryAfterMs = 5'000;
constexpr int64_t kRefusalNotedStepMs = 1'000;

std::string SubjectOf(const ClusterState& cluster) {
  return absl::StrCat("cluster/", cluster.record.name());
}

void Save(Turn& turn, const ClusterState& cluster) {
  turn.state.marks.clusters.insert(cluster.id);
  ShowCluster(turn.state, cluster);
}

// ---------------------------------------------------------------- answers

void Refuse(Turn& turn, RequestId request, absl::Status status) {
  if (request != 0) turn.out.enroll_replies.push_back({request, std::move(status)});
}

// One answer for every token that is not good, so that nobody can learn from it which ids exist.
void RefuseToken(Turn& turn, const EnrollRequested& event, absl::string_view why) {
  State& state = turn.state;
  Refuse(turn, event.request,
         absl::UnauthenticatedError(
             "enrol: the join token is not valid: unknown, expired or used; ask for a new one, "
             "'muster token create'"));
  const TokenId id(event.enroll.token_id());
  const bool known = state.tokens.contains(id);
  if (!known) {
    if (state.now_ms() - state.refusal_noted_ms < kRefusalNotedStepMs) return;
    state.refusal_noted_ms = state.now_ms();
  }
  Note(turn, {.reason = "TokenRefused",
              .subject = known ? absl::StrCat("token/", id.text()) : "token",
              .message = absl::StrCat(why, "; asked from ", event.peer),
              .warning = true,
              .throttled = true});
}

pb::EnrollResponse Accepted(const ClusterState& cluster) {
  pb::EnrollResponse response;
  response.set_state(pb::EnrollResponse::STATE_ACCEPTED);
  response.set_cluster_id(cluster.id.text());
  response.set_cluster_name(cluster.record.name());
  response.set_certificate_der(cluster.record.certificate_der());
  response.set_words(cluster.record.words());
  return response;
}

void AnswerPending(Turn& turn, const ClusterState& cluster, RequestId request) {
  pb::EnrollResponse response;
  response.set_state(pb::EnrollResponse::STATE_PENDING);
  response.set_words(cluster.record.words());
  response.set_retry_after_ms(kRetryAfterMs);
  turn.out.enroll_replies.push_back({request, std::move(response)});
}

void StartIssue(Turn& turn, const ClusterState& cluster, RequestId request, bool renewal,
                std::string csr_der) {
  IssueJob job;
  job.cluster = cluster.id;
  job.request = request;
  job.renewal = renewal;
  job.csr_der = std::move(csr_der);
  const Validity validity = ValidFrom(turn.state.now, turn.state.settings.certificate_lifetime);
  job.not_before = validity.not_before;
  job.not_after = validity.not_after;
  turn.out.jobs.push_back(std::move(job));
}

// Answers a request of a cluster that is known already.
void Continue(Turn& turn, ClusterState& cluster, RequestId request) {
  switch (cluster.record.state()) {
    case pb::ClusterRecord::STATE_PENDING:
      if (request != 0) AnswerPending(turn, cluster, request);
      return;
    case pb::ClusterRecord::STATE_ENROLLED:
      if (!cluster.record.certificate_der().empty()) {
        if (request != 0) turn.out.enroll_replies.push_back({request, Accepted(cluster)});
        return;
      }
      if (request != 0) cluster.waiting.insert(request);
      if (cluster.issuing) return;
      cluster.issuing = true;
      StartIssue(turn, cluster, request, false, cluster.record.csr_der());
      return;
    default:
      Refuse(turn, request,
             absl::PermissionDeniedError(
                 absl::StrCat("enrol: cluster '", cluster.record.name(),
                              "' was revoked; join again with a new token and a new key")));
  }
}

// From now on the cluster is part of the fleet.
void Admit(Turn& turn, ClusterState& cluster, RequestId request) {
  cluster.record.set_state(pb::ClusterRecord::STATE_ENROLLED);
  cluster.record.set_enrolled_ms(turn.state.now_ms());
  Save(turn, cluster);
  turn.state.marks.place_clusters.insert(cluster.id);
  turn.state.marks.compose.insert(cluster.id);
  Continue(turn, cluster, request);
}

// ---------------------------------------------------------------- redeeming

absl::Status CheckRequest(const pb::EnrollRequest& enroll) {
  if (enroll.cluster_uid().size() > kUidBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("enrol: a cluster's uid has at most ", kUidBytesMax, " bytes"));
  }
  RETURN_IF_ERROR(CheckCsr(enroll.csr_der()).status());
  return Ed25519PublicKey::FromBytes(enroll.identity_public_key()).status();
}

// The name that the cluster will have.
absl::StatusOr<std::string> NameFor(const pb::TokenRecord& token, const pb::EnrollRequest& enroll) {
  const std::string& fixed = token.cluster_name();
  const std::string& wanted = enroll.cluster_name();
  if (!fixed.empty() && !wanted.empty() && fixed != wanted) {
    return absl::PermissionDeniedError(absl::StrCat("enrol cluster '", wanted,
                                                    "': the token is for cluster '", fixed,
                                                    "'; use its name or ask for another token"));
  }
  const std::string& name = fixed.empty() ? wanted : fixed;
  const absl::Status good = CheckName(name);
  if (!good.ok()) return Annotate(good, absl::StrCat("enrol cluster '", name, "': its name"));
  return name;
}

// Nothing that is known is ever overwritten.
absl::Status CheckConflicts(const State& state, const std::string& name, const Digest& spki,
                            const pb::EnrollRequest& enroll) {
  if (state.names.contains(ClusterName(name))) {
    return absl::AlreadyExistsError(absl::StrCat("enrol cluster '", name,
                                                 "': the name is taken; choose another, or revoke "
                                                 "the other one first: 'muster revoke ",
                                                 name, "'"));
  }
  if (state.spkis.contains(spki)) {
    return absl::AlreadyExistsError(absl::StrCat(
        "enrol cluster '", name, "': its key is already that of a cluster; make a new one"));
  }
  const auto twin = state.uids.find(enroll.cluster_uid());
  if (twin == state.uids.end()) return absl::OkStatus();
  const std::string& other = state.clusters.at(twin->second).record.name();
  return absl::AlreadyExistsError(
      absl::StrCat("enrol cluster '", name, "': this very cluster is enrolled as '", other,
                   "'; revoke that first: 'muster revoke ", other, "'"));
}

ClusterState& MakeCluster(Turn& turn, const std::string& name, const Digest& spki,
                          const EnrollRequested& event, const pb::TokenRecord& token) {
  State& state = turn.state;
  const ClusterId id(absl::BytesToHexString(state.random.Bytes(16)));
  ClusterState& cluster = state.clusters[id];
  cluster.id = id;
  pb::ClusterRecord& record = cluster.record;
  record.set_id(id.text());
  record.set_name(name);
  record.set_state(pb::ClusterRecord::STATE_PENDING);
  *record.mutable_token_labels() = token.labels();
  record.set_identity_public_key(event.enroll.identity_public_key());
  record.set_cluster_uid(event.enroll.cluster_uid());
  record.set_token_id(token.id());
  record.set_csr_digest(Digest::Of(event.enroll.csr_der()).bytes());
  record.set_csr_der(event.enroll.csr_der());
  record.set_agent_version(AgentText(event.enroll.agent_version()));
  record.set_words(JoinWords(spki, event.enroll.cluster_uid(), state.settings.hub_id));
  state.names[ClusterName(name)] = id;
  if (!record.cluster_uid().empty()) state.uids[record.cluster_uid()] = id;
  state.spkis[spki] = id;
  return cluster;
}

// A good token, not used yet.
void Redeem(Turn& turn, const EnrollRequested& event, pb::TokenRecord& token) {
  State& state = turn.state;
  absl::Status status = CheckRequest(event.enroll);
  const absl::StatusOr<std::string> name = NameFor(token, event.enroll);
  if (status.ok()) status = name.status();
  Digest spki;
  if (status.ok()) {
    spki = *CheckCsr(event.enroll.csr_der());
    status = CheckConflicts(state, *name, spki, event.enroll);
  }
  if (!status.ok()) {
    Note(turn, {.reason = "EnrolmentRefused",
                .subject = absl::StrCat("token/", token.id()),
                .message = absl::StrCat(status.message(), "; asked from ", event.peer),
                .warning = true,
                .throttled = true});
    Refuse(turn, event.request, std::move(status));
    return;
  }
  ClusterState& cluster = MakeCluster(turn, *name, spki, event, token);
  token.set_state(pb::TokenRecord::STATE_USED);
  token.set_cluster_id(cluster.id.text());
  state.marks.tokens.insert(TokenId(token.id()));
  turn.out.batch.MarkEssential();
  Save(turn, cluster);
  if (token.needs_accept()) {
    Note(turn, {.reason = "ClusterPending",
                .subject = SubjectOf(cluster),
                .message = absl::StrCat("asks to join from ", event.peer, " with the words ",
                                        cluster.record.words(),
                                        "; when its agent shows the same, "
                                        "run 'muster accept ",
                                        *name, "'")});
    AnswerPending(turn, cluster, event.request);
    return;
  }
  Admit(turn, cluster, event.request);
}

void ProofFailed(Turn& turn, const EnrollRequested& event, pb::TokenRecord& token) {
  if (token.state() == pb::TokenRecord::STATE_VALID) {
    token.set_failures(token.failures() + 1);
    if (token.failures() >= static_cast<uint32_t>(limits::kTokenFailuresMax)) {
      token.set_state(pb::TokenRecord::STATE_BURNED);
      turn.out.batch.MarkEssential();
    }
    turn.state.marks.tokens.insert(TokenId(token.id()));
  }
  RefuseToken(turn, event,
              token.state() == pb::TokenRecord::STATE_BURNED
                  ? "wrong proof, too often: the token is burned"
                  : "wrong proof of the token's secret");
}

}  // namespace

void OnEnrollRequested(Turn& turn, const EnrollRequested& event) {
  State& state = turn.state;
  const pb::EnrollRequest& enroll = event.enroll;
  const auto found = state.tokens.find(TokenId(enroll.token_id()));
  if (found == state.tokens.end()) return RefuseToken(turn, event, "no such token");
  pb::TokenRecord& token = found->second;
  const JoinClaim claim = {.token_id = enroll.token_id(),
                           .hub_id = state.settings.hub_id,
                           .csr_der = enroll.csr_der(),
                           .identity_public_key = enroll.identity_public_key(),
                           .cluster_name = enroll.cluster_name(),
                           .cluster_uid = enroll.cluster_uid()};
  if (!CheckJoinProof(token.key(), claim, enroll.proof())) return ProofFailed(turn, event, token);
  switch (token.state()) {
    case pb::TokenRecord::STATE_VALID:
      break;
    case pb::TokenRecord::STATE_USED: {
      ClusterState* cluster = FindCluster(state, ClusterId(token.cluster_id()));
      const bool same =
          cluster != nullptr && cluster->record.csr_digest() == Digest::Of(enroll.csr_der()).view();
      if (same) return Continue(turn, *cluster, event.request);
      return RefuseToken(turn, event, "it was used already, for another key");
    }
    case pb::TokenRecord::STATE_BURNED:
      return RefuseToken(turn, event, "it is burned");
    default:
      return RefuseToken(turn, event, "it was revoked");
  }
  if (token.expires_ms() <= state.now_ms()) return RefuseToken(turn, event, "it has expired");
  Redeem(turn, event, token);
}

void OnRenewRequested(Turn& turn, const RenewRequested& event) {
  State& state = turn.state;
  const auto refuse = [&](absl::Status status) {
    turn.out.renew_replies.push_back({event.request, std::move(status)});
  };
  ClusterState* cluster = FindCluster(state, event.cluster);
  const bool admitted = cluster != nullptr && cluster->enrolled() &&
                        (cluster->record.spki() == event.spki.view() ||
                         cluster->record.next_spki() == event.spki.view());
  if (!admitted) {
    return refuse(absl::PermissionDeniedError("renew: this key is not admitted any more"));
  }
  pb::ClusterRecord& record = cluster->record;
  const Digest csr = Digest::Of(event.renew.csr_der());
  if (!record.next_certificate_der().empty() && record.next_csr_digest() == csr.view()) {
    pb::RenewResponse response;
    response.set_certificate_der(record.next_certificate_der());
    turn.out.renew_replies.push_back({event.request, std::move(response)});
    return;
  }
  const absl::StatusOr<Digest> spki = CheckCsr(event.renew.csr_der());
  if (!spki.ok()) return refuse(Annotate(spki.status(), "renew"));
  if (state.spkis.contains(*spki)) {
    return refuse(absl::InvalidArgumentError("renew: the key was used before; make a new one"));
  }
  cluster->renewals[event.request] = csr;
  StartIssue(turn, *cluster, event.request, true, event.renew.csr_der());
}

namespace {

void RenewalIssued(Turn& turn, ClusterState& cluster, const CertificateIssued& event) {
  const auto asked = cluster.renewals.find(event.request);
  const Digest csr = asked == cluster.renewals.end() ? Digest() : asked->second;
  cluster.renewals.erase(event.request);
  if (!event.certificate_der.ok()) {
    turn.out.renew_replies.push_back(
        {event.request, Annotate(event.certificate_der.status(), "renew")});
    return;
  }
  pb::ClusterRecord& record = cluster.record;
  if (!record.next_spki().empty()) turn.state.spkis.erase(*Digest::FromBytes(record.next_spki()));
  record.set_next_spki(event.spki.bytes());
  record.set_next_certificate_der(*event.certificate_der);
  record.set_next_certificate_expires_ms(event.expires_ms);
  record.set_next_csr_digest(csr.bytes());
  turn.state.spkis[event.spki] = cluster.id;
  Save(turn, cluster);
  pb::RenewResponse response;
  response.set_certificate_der(*event.certificate_der);
  turn.out.renew_replies.push_back({event.request, std::move(response)});
}

}  // namespace

void OnCertificateIssued(Turn& turn, const CertificateIssued& event) {
  ClusterState* cluster = FindCluster(turn.state, event.cluster);
  if (cluster == nullptr || !cluster->enrolled()) {
    const absl::Status status = absl::PermissionDeniedError("the cluster was revoked meanwhile");
    if (event.renewal) {
      turn.out.renew_replies.push_back({event.request, status});
    } else {
      Refuse(turn, event.request, status);
    }
    return;
  }
  if (event.renewal) return RenewalIssued(turn, *cluster, event);
  cluster->issuing = false;
  const std::set<RequestId> waiting = std::exchange(cluster->waiting, {});
  if (!event.certificate_der.ok()) {
    for (const RequestId request : waiting) {
      Refuse(turn, request,
             absl::UnavailableError(absl::StrCat("enrol: no certificate could be made; try again: ",
                                                 event.certificate_der.status().message())));
    }
    return;
  }
  pb::ClusterRecord& record = cluster->record;
  record.set_spki(event.spki.bytes());
  record.set_certificate_der(*event.certificate_der);
  record.set_certificate_expires_ms(event.expires_ms);
  record.set_certificate_generation(1);
  record.clear_csr_der();
  turn.state.spkis[event.spki] = cluster->id;
  Save(turn, *cluster);
  for (const RequestId request : waiting) {
    turn.out.enroll_replies.push_back({request, Accepted(*cluster)});
  }
  Note(turn, {.reason = "ClusterEnrolled",
              .subject = SubjectOf(*cluster),
              .message = absl::StrCat("joined with token ", record.token_id())});
}

void PromoteKey(Turn& turn, ClusterState& cluster) {
  pb::ClusterRecord& record = cluster.record;
  record.set_spki(record.next_spki());
  record.set_certificate_der(record.next_certificate_der());
  record.set_certificate_expires_ms(record.next_certificate_expires_ms());
  record.set_certificate_generation(record.certificate_generation() + 1);
  record.clear_next_spki();
  record.clear_next_certificate_der();
  record.clear_next_certificate_expires_ms();
  record.clear_next_csr_digest();
  Save(turn, cluster);
  Note(turn, {.reason = "CertificateRenewed",
              .subject = SubjectOf(cluster),
              .message = absl::StrCat("certificate ", record.certificate_generation(),
                                      " is in use; the former key is no longer admitted"),
              .throttled = true});
}

absl::Status AcceptClusterByName(Turn& turn, const std::string& name, const std::string& actor) {
  ClusterState* cluster = FindClusterByName(turn.state, ClusterName(name));
  if (cluster == nullptr) {
    return absl::NotFoundError(
        absl::StrCat("accept: no cluster '", name, "' waits; see 'muster get clusters'"));
  }
  if (cluster->enrolled()) return absl::OkStatus();
  Note(turn, {.reason = "ClusterAccepted",
              .subject = SubjectOf(*cluster),
              .message = absl::StrCat("with the words ", cluster->record.words()),
              .actor = actor});
  Admit(turn, *cluster, 0);
  return absl::OkStatus();
}

absl::Status RevokeClusterByName(Turn& turn, const std::string& name, const std::string& actor) {
  State& state = turn.state;
  ClusterState* cluster = FindClusterByName(state, ClusterName(name));
  if (cluster == nullptr) {
    return absl::NotFoundError(
        absl::StrCat("revoke: there is no enrolled or waiting cluster '", name, "'"));
  }
  cluster->record.set_state(pb::ClusterRecord::STATE_REVOKED);
  cluster->record.clear_csr_der();
  state.names.erase(ClusterName(name));
  if (!cluster->record.cluster_uid().empty()) state.uids.erase(cluster->record.cluster_uid());
  Displace(turn, *cluster);
  Save(turn, *cluster);
  ReleaseDeclaration(turn, ClusterName(name));
  turn.out.batch.MarkEssential();
  if (cluster->link != 0) {
    turn.out.closes.push_back({.link = cluster->link,
                               .reason = absl::PermissionDeniedError("the cluster was revoked"),
                               .connection = true});
    state.links.erase(cluster->link);
    cluster->link = 0;
  }
  for (const RequestId request : std::exchange(cluster->waiting, {})) {
    Refuse(turn, request, absl::PermissionDeniedError("enrol: the cluster was revoked"));
  }
  Note(turn, {.reason = "ClusterRevoked",
              .subject = SubjectOf(*cluster),
              .message = "its key is no longer admitted; what it runs stays",
              .actor = actor,
              .warning = true});
  return absl::OkStatus();
}

}  // namespace muster::hub
