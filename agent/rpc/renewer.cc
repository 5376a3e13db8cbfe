#include "agent/rpc/renewer.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "agent/rpc/enroller.h"
#include "common/base/backoff.h"
#include "common/base/log.h"
#include "common/base/status_macros.h"
#include "common/net/rpc_status.h"
#include "common/trust/certificate.h"
#include "proto/agent_service.grpc.pb.h"

namespace muster::agent {

namespace pb = muster::v1;

namespace {

constexpr absl::string_view kRenewalKey = "renewal";  // an AgentEnrolmentRecord
constexpr absl::Duration kCallTimeout = absl::Seconds(30);
constexpr absl::Duration kRetryFirst = absl::Minutes(1);
constexpr absl::Duration kRetryMax = absl::Hours(1);
constexpr absl::Duration kLookAgain = absl::Hours(1);  // clocks jump, machines sleep

// The key that waits for its certificate: from the store, or made and stored now.
absl::StatusOr<pb::AgentEnrolmentRecord> PrepareRenewal(Store& store) {
  const absl::StatusOr<std::string> stored = store.Get(kRenewalKey);
  pb::AgentEnrolmentRecord record;
  if (stored.ok() && record.ParseFromString(*stored)) return record;
  if (!stored.ok() && !absl::IsNotFound(stored.status())) return stored.status();
  const P256Key key = P256Key::Generate();
  record.set_private_key_pem(key.ToPem());
  record.set_csr_der(MakeCsr(key));
  Batch batch;
  batch.Put(kRenewalKey, record.SerializeAsString());
  batch.MarkEssential();
  RETURN_IF_ERROR(store.Commit(batch));
  return record;
}

}  // namespace

TlsKeyPair ClientKeyPair(const pb::AgentIdentityRecord& identity) {
  return TlsKeyPair{CertificateToPem(identity.certificate_der()), identity.private_key_pem()};
}

Renewer::Renewer(Options options, pb::AgentIdentityRecord identity)
    : options_(std::move(options)), identity_(std::move(identity)) {}

Renewer::~Renewer() { Stop(); }

void Renewer::Start() {
  thread_ = std::thread([this] { Run(); });
}

void Renewer::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.SignalAll();
  if (thread_.joinable()) thread_.join();
}

absl::Time Renewer::Due() const {
  const absl::StatusOr<CertificateInfo> info = ParseCertificate(identity_.certificate_der());
  if (!info.ok()) return absl::InfinitePast();
  return info->not_before + (info->not_after - info->not_before) / 3;
}

absl::Status Renewer::Renew() {
  ASSIGN_OR_RETURN(const pb::AgentEnrolmentRecord renewal, PrepareRenewal(options_.store));
  const auto stub = pb::AgentService::NewStub(options_.channel.Current());
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kCallTimeout));
  pb::RenewRequest request;
  request.set_csr_der(renewal.csr_der());
  pb::RenewResponse response;
  RETURN_IF_ERROR(FromGrpc(stub->Renew(&context, request, &response)));

  pb::AgentIdentityRecord next = identity_;
  next.set_private_key_pem(renewal.private_key_pem());
  next.set_certificate_der(response.certificate_der());
  if (response.signer_der_size() > 0) *next.mutable_signer_der() = response.signer_der();
  RETURN_IF_ERROR(
      Annotate(CheckCertificate(next, options_.clock.Now()).status(), "check the hub's answer"));
  Batch batch;
  batch.Put(kIdentityKey, next.SerializeAsString());
  batch.Delete(kRenewalKey);
  batch.MarkEssential();
  RETURN_IF_ERROR(options_.store.Commit(batch));
  identity_ = std::move(next);
  options_.channel.UseCertificate(ClientKeyPair(identity_));
  options_.on_renewed();
  return absl::OkStatus();
}

void Renewer::Run() {
  Backoff backoff(kRetryFirst, kRetryMax);
  absl::Duration wait = Due() - options_.clock.Now();
  while (Pause(std::min(wait, kLookAgain))) {
    if (options_.clock.Now() < Due()) {
      wait = Due() - options_.clock.Now();
      continue;
    }
    const absl::Status status = Renew();
    if (status.ok()) {
      backoff.Reset();
      wait = Due() - options_.clock.Now();
      log::Info("certificate renewed", {{"cluster", identity_.cluster_name()}});
    } else {
      wait = backoff.NextAtLeastHalf(options_.random);
      log::Warning("cannot renew the certificate yet", {{"reason", status.ToString()}});
    }
  }
}

bool Renewer::Pause(absl::Duration wait) {
  const absl::Time until = absl::Now() + wait;
  MutexLock lock(mutex_);
  while (!stopping_) {
    const absl::Duration left = until - absl::Now();
    if (left <= absl::ZeroDuration()) return true;
    changed_.WaitFor(mutex_, left);
  }
  return false;
}

}  // namespace muster::agent
