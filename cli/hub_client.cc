// The real HubClient: OperatorService over mutual TLS. The only file here that knows gRPC.
#include "cli/hub_client.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/limits.h"
#include "common/net/rpc_status.h"
#include "common/net/tls.h"
#include "grpcpp/grpcpp.h"
#include "proto/operator_service.grpc.pb.h"

namespace muster::cli {
namespace {

// "failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:1: Failed to connect to
// remote host: Connection refused" is "Connection refused".
std::string ConnectionCause(absl::string_view message) {
  for (absl::string_view before : {"last error: ", "Failed to connect to remote host: "}) {
    const size_t at = message.rfind(before);
    if (at != absl::string_view::npos) message.remove_prefix(at + before.size());
  }
  return std::string(message);
}

class GrpcHubClient final : public HubClient {
 public:
  GrpcHubClient(const std::shared_ptr<grpc::Channel>& channel, std::string address,
                absl::Duration call_timeout)
      : stub_(pb::OperatorService::NewStub(channel)),
        address_(std::move(address)),
        call_timeout_(call_timeout) {}

  absl::StatusOr<pb::HubView> GetHub() override { return Call(&Stub::GetHub, pb::GetHubRequest()); }
  absl::StatusOr<pb::ListClustersResponse> ListClusters(const pb::ListRequest& request) override {
    return Call(&Stub::ListClusters, request);
  }
  absl::StatusOr<pb::ListPackagesResponse> ListPackages(const pb::ListRequest& request) override {
    return Call(&Stub::ListPackages, request);
  }
  absl::StatusOr<pb::ListRepositoriesResponse> ListRepositories(
      const pb::ListRequest& request) override {
    return Call(&Stub::ListRepositories, request);
  }
  absl::StatusOr<pb::ListCommitsResponse> ListCommits(const pb::ListRequest& request) override {
    return Call(&Stub::ListCommits, request);
  }
  absl::StatusOr<pb::ListObjectsResponse> ListObjects(const pb::ListRequest& request) override {
    return Call(&Stub::ListObjects, request);
  }
  absl::StatusOr<pb::ListTokensResponse> ListTokens(const pb::ListRequest& request) override {
    return Call(&Stub::ListTokens, request);
  }
  absl::StatusOr<pb::ListEventsResponse> ListEvents(const pb::ListRequest& request) override {
    return Call(&Stub::ListEvents, request);
  }
  absl::StatusOr<pb::ListHistoryResponse> ListHistory(const pb::ListRequest& request) override {
    return Call(&Stub::ListHistory, request);
  }
  absl::StatusOr<pb::GetBlobResponse> GetBlob(const pb::GetBlobRequest& request) override {
    return Call(&Stub::GetBlob, request);
  }
  absl::Status Watch(absl::Time deadline,
                     const std::function<bool(const pb::WatchNotice&)>& on_notice) override;
  absl::StatusOr<pb::CreateTokenResponse> CreateToken(
      const pb::CreateTokenRequest& request) override {
    return Call(&Stub::CreateToken, request);
  }
  absl::StatusOr<pb::DoneResponse> RevokeToken(const pb::NameRequest& request) override {
    return Call(&Stub::RevokeToken, request);
  }
  absl::StatusOr<pb::DoneResponse> AcceptCluster(const pb::NameRequest& request) override {
    return Call(&Stub::AcceptCluster, request);
  }
  absl::StatusOr<pb::DoneResponse> RevokeCluster(const pb::NameRequest& request) override {
    return Call(&Stub::RevokeCluster, request);
  }
  absl::StatusOr<pb::DoneResponse> Sync(const pb::NameRequest& request) override {
    return Call(&Stub::Sync, request);
  }
  absl::StatusOr<pb::DoneResponse> Suspend(const pb::SuspendRequest& request) override {
    return Call(&Stub::Suspend, request);
  }
  absl::StatusOr<pb::DoneResponse> AcceptRewrite(const pb::AcceptRewriteRequest& request) override {
    return Call(&Stub::AcceptRewrite, request);
  }
  absl::StatusOr<pb::DoneResponse> PutCredential(const pb::PutCredentialRequest& request) override {
    return Call(&Stub::PutCredential, request);
  }
  absl::StatusOr<pb::DoneResponse> DeleteCredential(const pb::NameRequest& request) override {
    return Call(&Stub::DeleteCredential, request);
  }

 private:
  using Stub = pb::OperatorService::Stub;

  template <typename Request, typename Response>
  absl::StatusOr<Response> Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                             Response*),
                                const Request& request) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + call_timeout_));
    Response response;
    const grpc::Status status = ((*stub_).*method)(&context, request, &response);
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
      return absl::UnavailableError(ConnectionCause(status.error_message()));
    }
    return FromGrpc(status);
  }

  const std::unique_ptr<Stub> stub_;
  const std::string address_;
  const absl::Duration call_timeout_;
};

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
  return std::make_unique<GrpcHubClient>(channel, hub.address, call_timeout);
}

}  // namespace muster::cli
