#include "agent/rpc/enroller.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/backoff.h"
#include "common/base/log.h"
#include "common/base/status_macros.h"
#include "common/net/hub_root.h"
#include "common/net/rpc_status.h"
#include "common/net/tls.h"
#include "common/trust/certificate.h"
#include "common/trust/ed25519.h"
#include "proto/join_service.grpc.pb.h"

namespace muster::agent {

namespace pb = muster::v1;

namespace {

constexpr absl::Duration kCallTimeout = absl::Seconds(15);
constexpr absl::Duration kRetryFirst = absl::Seconds(1);
constexpr absl::Duration kRetryMax = absl::Seconds(30);
constexpr absl::Duration kPollMin = absl::Milliseconds(200);
constexpr absl::Duration kPollMax = absl::Minutes(1);

// The world's fault: worth another try with the same request.
bool IsTransient(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) ||
         absl::IsResourceExhausted(status) || absl::IsAborted(status);
}

// What an enrolment with this token repeats: from the store, or made and stored now.
absl::StatusOr<pb::AgentEnrolmentRecord> PrepareEnrolment(const EnrolOptions& options) {
  const absl::StatusOr<std::string> stored = options.store.Get(kEnrolmentKey);
  if (!stored.ok() && !absl::IsNotFound(stored.status())) return stored.status();
  pb::AgentEnrolmentRecord record;
  if (stored.ok()) {
    if (!record.ParseFromString(*stored)) {
      return absl::DataLossError("the stored enrolment is damaged; remove the data directory");
    }
    if (record.token_id() == options.token.id.text()) return record;
  }
  // Another token is another enrolment, but of the same cluster.
  const std::string uid = record.cluster_uid();
  record.Clear();
  record.set_token_id(options.token.id.text());
  const P256Key key = P256Key::Generate();
  record.set_private_key_pem(key.ToPem());
  record.set_csr_der(MakeCsr(key));
  record.set_identity_seed(options.random.Bytes(32));
  record.set_cluster_uid(uid.empty() ? absl::BytesToHexString(options.random.Bytes(16)) : uid);
  Batch batch;
  batch.Put(kEnrolmentKey, record.SerializeAsString());
  batch.MarkEssential();
  RETURN_IF_ERROR(options.store.Commit(batch));
  return record;
}

pb::EnrollRequest MakeRequest(const EnrolOptions& options, const pb::AgentEnrolmentRecord& record) {
  pb::EnrollRequest request;
  request.set_token_id(record.token_id());
  request.set_csr_der(record.csr_der());
  request.set_identity_public_key(
      Ed25519PrivateKey::FromSeed(record.identity_seed()).public_key().bytes());
  request.set_cluster_name(options.cluster_name);
  request.set_cluster_uid(record.cluster_uid());
  request.set_agent_version(options.agent_version);
  JoinClaim claim;
  claim.token_id = request.token_id();
  claim.hub_id = options.token.root_fingerprint.hex();
  claim.csr_der = request.csr_der();
  claim.identity_public_key = request.identity_public_key();
  claim.cluster_name = request.cluster_name();
  claim.cluster_uid = request.cluster_uid();
  request.set_proof(JoinProof(TokenKey(options.token.secret), claim));
  return request;
}

// One call, from finding the root to the answer.
absl::StatusOr<pb::EnrollResponse> Ask(const EnrolOptions& options,
                                       const pb::EnrollRequest& request) {
  ASSIGN_OR_RETURN(const std::string root_der,
                   FetchHubRoot(options.join_address, options.token.root_fingerprint, kCallTimeout,
                                options.proxy));
  const auto stub = pb::JoinService::NewStub(
      DialHub(options.join_address, CertificateToPem(root_der), std::nullopt));
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kCallTimeout));
  pb::EnrollResponse response;
  RETURN_IF_ERROR(FromGrpc(stub->Enroll(&context, request, &response)));
  return response;
}

absl::StatusOr<pb::AgentIdentityRecord> KeepIdentity(const EnrolOptions& options,
                                                     const pb::AgentEnrolmentRecord& enrolment,
                                                     const pb::EnrollResponse& response) {
  if (Digest::Of(response.root_der()) != options.token.root_fingerprint) {
    return absl::PermissionDeniedError("the hub answered with another root than the token's");
  }
  pb::AgentIdentityRecord identity;
  identity.set_hub_id(options.token.root_fingerprint.hex());
  identity.set_cluster_id(response.cluster_id());
  identity.set_cluster_name(response.cluster_name());
  identity.set_private_key_pem(enrolment.private_key_pem());
  identity.set_certificate_der(response.certificate_der());
  identity.set_identity_seed(enrolment.identity_seed());
  identity.set_root_der(response.root_der());
  identity.add_signer_der(response.signer_der());
  identity.set_agent_address(response.agent_address());
  RETURN_IF_ERROR(
      Annotate(CheckCertificate(identity, options.clock.Now()).status(), "check the hub's answer"));
  Batch batch;
  batch.Put(kIdentityKey, identity.SerializeAsString());
  batch.Delete(kEnrolmentKey);
  batch.MarkEssential();
  RETURN_IF_ERROR(options.store.Commit(batch));
  return identity;
}

absl::Duration PollWait(const pb::EnrollResponse& response) {
  return std::clamp(absl::Milliseconds(response.retry_after_ms()), kPollMin, kPollMax);
}

}  // namespace

absl::StatusOr<pb::AgentIdentityRecord> LoadIdentity(const Store& store) {
  ASSIGN_OR_RETURN(const std::string bytes, store.Get(kIdentityKey));
  pb::AgentIdentityRecord identity;
  if (!identity.ParseFromString(bytes)) {
    return absl::DataLossError("the stored identity is damaged; enroll again with a new token");
  }
  return identity;
}

absl::StatusOr<absl::Time> CheckCertificate(const pb::AgentIdentityRecord& identity,
                                            absl::Time now) {
  if (Digest::Of(identity.root_der()).hex() != identity.hub_id()) {
    return absl::PermissionDeniedError("the root is not the pinned one");
  }
  RETURN_IF_ERROR(CheckIssuedBy(identity.root_der(), identity.certificate_der(), now));
  ASSIGN_OR_RETURN(const CertificateInfo info, ParseCertificate(identity.certificate_der()));
  ASSIGN_OR_RETURN(const Identity who, IdentityOf(info));
  if (who != Identity{Identity::Kind::kCluster, identity.hub_id(), identity.cluster_id()}) {
    return absl::PermissionDeniedError("the certificate is for somebody else");
  }
  ASSIGN_OR_RETURN(const P256Key key, P256Key::FromPem(identity.private_key_pem()));
  if (info.spki != key.Spki()) {
    return absl::PermissionDeniedError("the certificate is for another key");
  }
  if (identity.signer_der().empty()) {
    return absl::PermissionDeniedError("no key that may sign desired states was named");
  }
  for (const std::string& signer : identity.signer_der()) {
    RETURN_IF_ERROR(SignerKey(identity.root_der(), signer, now).status());
  }
  return info.not_after;
}

absl::StatusOr<pb::AgentIdentityRecord> Enroll(const EnrolOptions& options) {
  ASSIGN_OR_RETURN(const pb::AgentEnrolmentRecord enrolment, PrepareEnrolment(options));
  const pb::EnrollRequest request = MakeRequest(options, enrolment);
  Backoff backoff(kRetryFirst, kRetryMax);
  bool told = false;
  while (true) {
    const absl::StatusOr<pb::EnrollResponse> response = Ask(options, request);
    absl::Duration wait;
    if (!response.ok()) {
      if (!IsTransient(response.status())) return Annotate(response.status(), "enroll");
      log::Warning("cannot enroll yet", {{"reason", std::string(response.status().message())}});
      wait = backoff.NextAtLeastHalf(options.random);
    } else if (response->state() == pb::EnrollResponse::STATE_ACCEPTED) {
      return KeepIdentity(options, enrolment, *response);
    } else {
      if (!told) options.on_pending(response->words());
      told = true;
      backoff.Reset();
      wait = PollWait(*response);
    }
    if (!options.pause(wait)) return absl::CancelledError("enroll: stopped before it was done");
  }
}

}  // namespace muster::agent
