// The real HubClient: the services of the operator listener over mutual TLS. The only
// file here that knows gRPC.
#include "cli/hub_client.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/limits.h"
#include "common/net/rpc_status.h"
#include "common/net/tls.h"
#include "common/trust/certificate.h"
#include "grpcpp/grpcpp.h"
#include "proto/console_service.grpc.pb.h"
#include "proto/operator_service.grpc.pb.h"
#include "proto/plan.grpc.pb.h"
#include "proto/review.grpc.pb.h"
#include "proto/rollout.grpc.pb.h"

namespace muster::cli {
namespace {

// That our certificate is not valid now; empty when it is, or cannot be read.
std::string Expired(const std::string& certificate_pem) {
  const absl::StatusOr<std::string> der = CertificateFromPem(certificate_pem);
  if (!der.ok()) return "";
  const absl::StatusOr<CertificateInfo> info = ParseCertificate(*der);
  if (!info.ok() || info->not_after > absl::Now()) return "";
  return absl::StrCat("this context's certificate expired at ",
                      absl::FormatTime(absl::RFC3339_sec, info->not_after, absl::UTCTimeZone()),
                      ": ask for another one");
}

// gRPC's words for a broken connection, in ours where the cause is a known one: "failed to connect
// to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:1: Failed to connect to remote host:
// Connection refused" is "connection refused: nothing listens there". `certificate_pem` is ours.
std::string ConnectionCause(absl::string_view message, const std::string& certificate_pem) {
  struct Known {
    absl::string_view words;
    absl::string_view cause;
  };
  static constexpr Known kKnown[] = {
      {"Connection refused", "connection refused: nothing listens there"},
      {"certificate verify failed",
       "its certificate is not by this context's authority: it is another hub, or caFile is wrong"},
      {"DNS resolution failed", "the host's name cannot be resolved"},
      {"No route to host", "there is no route to the host"},
      {"wrong version number", "what listens there does not speak TLS: is it another program?"},
  };
  for (const Known& known : kKnown) {
    if (absl::StrContains(message, known.words)) return std::string(known.cause);
  }
  // A server that does not accept our certificate only hangs up.
  if (absl::StrContains(message, "Socket closed") ||
      absl::StrContains(message, "Connection reset") || absl::StrContains(message, "Broken pipe")) {
    const std::string expired = Expired(certificate_pem);
    return expired.empty() ? "it closed the connection: it does not accept this context's "
                             "certificate (issued by another hub?), or is stopping"
                           : expired;
  }
  for (absl::string_view before : {"last error: ", "Failed to connect to remote host: "}) {
    const size_t at = message.rfind(before);
    if (at != absl::string_view::npos) message.remove_prefix(at + before.size());
  }
  return std::string(message);
}

// A call that takes one message and brings one.
#define CALL(Method, Request, Response)                                      \
  absl::StatusOr<pb::Response> Method(const pb::Request& request) override { \
    return Call(&Stub::Method, request);                                     \
  }

class GrpcHubClient final : public HubClient {
 public:
  GrpcHubClient(const std::shared_ptr<grpc::Channel>& channel, const HubAddress& hub,
                absl::Duration call_timeout)
      : stub_(pb::OperatorService::NewStub(channel)),
        console_(pb::ConsoleService::NewStub(channel)),
        plan_stub_(pb::PlanService::NewStub(channel)),
        rollout_stub_(pb::RolloutService::NewStub(channel)),
        review_stub_(pb::ReviewService::NewStub(channel)),
        address_(hub.address),
        certificate_pem_(hub.certificate_pem),
        call_timeout_(call_timeout) {}

  absl::StatusOr<pb::HubView> GetHub() override { return Call(&Stub::GetHub, pb::GetHubRequest()); }
  CALL(ListClusters, ListRequest, ListClustersResponse)
  CALL(ListPackages, ListRequest, ListPackagesResponse)
  CALL(ListRepositories, ListRequest, ListRepositoriesResponse)
  CALL(ListCommits, ListRequest, ListCommitsResponse)
  CALL(ListObjects, ListRequest, ListObjectsResponse)
  CALL(ListTokens, ListRequest, ListTokensResponse)
  CALL(ListEvents, ListRequest, ListEventsResponse)
  CALL(ListHistory, ListRequest, ListHistoryResponse)
  CALL(GetBlob, GetBlobRequest, GetBlobResponse)
  CALL(CreateToken, CreateTokenRequest, CreateTokenResponse)
  CALL(RevokeToken, NameRequest, DoneResponse)
  CALL(AcceptCluster, NameRequest, DoneResponse)
  CALL(RevokeCluster, NameRequest, DoneResponse)
  CALL(Sync, NameRequest, DoneResponse)
  CALL(Suspend, SuspendRequest, DoneResponse)
  CALL(AcceptRewrite, AcceptRewriteRequest, DoneResponse)
  CALL(PutCredential, PutCredentialRequest, DoneResponse)
  CALL(DeleteCredential, NameRequest, DoneResponse)
  absl::StatusOr<pb::CreateLoginResponse> CreateLogin() override {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + call_timeout_));
    pb::CreateLoginResponse response;
    const grpc::Status status =
        console_->CreateLogin(&context, pb::CreateLoginRequest(), &response);
    if (status.error_code() == grpc::StatusCode::UNIMPLEMENTED) {
      return absl::FailedPreconditionError("this hub is older than the console");
    }
    if (!status.ok()) return Explained(status);
    return response;
  }
  absl::Status Watch(absl::Time deadline,
                     const std::function<bool(const pb::WatchNotice&)>& on_notice) override;

  absl::StatusOr<pb::FleetPlan> Plan(const pb::PlanRequest& request,
                                     absl::Duration timeout) override {
    return CallOn(*plan_stub_, &pb::PlanService::Stub::Plan, request, timeout);
  }
  absl::StatusOr<pb::PlanFleet> GetPlanFleet(const pb::PlanFleetRequest& request) override {
    return CallOn(*plan_stub_, &pb::PlanService::Stub::GetPlanFleet, request, call_timeout_);
  }
  absl::StatusOr<pb::ListRolloutsResponse> ListRollouts(
      const pb::ListRolloutsRequest& request) override {
    return CallOn(*rollout_stub_, &pb::RolloutService::Stub::ListRollouts, request, call_timeout_);
  }
  absl::StatusOr<pb::RolloutAnswer> DecideRollout(const pb::RolloutDecision& request) override {
    return CallOn(*rollout_stub_, &pb::RolloutService::Stub::DecideRollout, request, call_timeout_);
  }
  absl::StatusOr<pb::Snowflakes> GetSnowflakes(const pb::SnowflakesRequest& request) override {
    return CallOn(*review_stub_, &pb::ReviewService::Stub::GetSnowflakes, request, call_timeout_);
  }
  absl::StatusOr<pb::ListAuditResponse> ListAudit(const pb::ListRequest& request) override {
    return CallOn(*review_stub_, &pb::ReviewService::Stub::ListAudit, request, call_timeout_);
  }
  absl::StatusOr<pb::AuditLines> GetAuditLines(const pb::AuditLinesRequest& request) override {
    return CallOn(*review_stub_, &pb::ReviewService::Stub::GetAuditLines, request, call_timeout_);
  }

 private:
  using Stub = pb::OperatorService::Stub;

  template <typename Request, typename Response>
  absl::StatusOr<Response> Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                             Response*),
                                const Request& request) {
    return CallOn(*stub_, method, request, call_timeout_);
  }

  template <typename AnyStub, typename Request, typename Response>
  absl::StatusOr<Response> CallOn(AnyStub& stub,
                                  grpc::Status (AnyStub::*method)(grpc::ClientContext*,
                                                                  const Request&, Response*),
                                  const Request& request, absl::Duration timeout) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + timeout));
    Response response;
    const grpc::Status status = (stub.*method)(&context, request, &response);
    if (!status.ok()) return Explained(status);
    return response;
  }

  // gRPC's own words for a broken connection mean little to people; the hub's words stay.
  absl::Status Explained(const grpc::Status& status) const {
    // We cancel nothing that we still wait for: it was the hub, on its way down.
    if (status.error_code() == grpc::StatusCode::CANCELLED) {
      return absl::UnavailableError("the hub is stopping");
    }
    if (status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED) {
      return absl::DeadlineExceededError(
          absl::StrCat("the hub at ", address_, " did not answer in time"));
    }
    if (status.error_code() == grpc::StatusCode::UNAVAILABLE) {
      return absl::UnavailableError(ConnectionCause(status.error_message(), certificate_pem_));
    }
    return FromGrpc(status);
  }

  const std::unique_ptr<Stub> stub_;
  const std::unique_ptr<pb::ConsoleService::Stub> console_;
  const std::unique_ptr<pb::PlanService::Stub> plan_stub_;
  const std::unique_ptr<pb::RolloutService::Stub> rollout_stub_;
  const std::unique_ptr<pb::ReviewService::Stub> review_stub_;
  const std::string address_;
  const std::string certificate_pem_;
  const absl::Duration call_timeout_;
};

#undef CALL

absl::Status GrpcHubClient::Watch(absl::Time deadline,
                                  const std::function<bool(const pb::WatchNotice&)>& on_notice) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(deadline));
  const auto reader = stub_->Watch(&context, pb::WatchRequest());
  pb::WatchNotice notice;
  bool wanted = true;
  while (wanted && reader->Read(&notice)) wanted = on_notice(notice);
  if (!wanted) context.TryCancel();
  const grpc::Status status = reader->Finish();
  if (!wanted) return absl::OkStatus();
  if (status.ok()) return absl::UnavailableError("the hub ended the watch");
  return Explained(status);
}

}  // namespace

absl::StatusOr<std::unique_ptr<HubClient>> ConnectHub(const HubAddress& hub,
                                                      absl::Duration call_timeout) {
  if (hub.ca_pem.empty() || hub.certificate_pem.empty() || hub.key_pem.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("connect to the hub at ", hub.address,
                     ": the authority, the certificate and the key must all be given"));
  }
  const auto channel =
      DialHub(hub.address, hub.ca_pem,
              TlsKeyPair{.certificate_pem = hub.certificate_pem, .private_key_pem = hub.key_pem});
  return std::make_unique<GrpcHubClient>(channel, hub, call_timeout);
}

}  // namespace muster::cli
