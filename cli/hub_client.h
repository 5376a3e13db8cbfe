// HubClient: the hub as the commands see it: one method for each call of OperatorService,
// ConsoleService, PlanService, RolloutService and ReviewService.
//
// Real: ConnectHub, over mutual TLS (hub_client.cc). Twin: MemoryHubClient, a fleet in memory.
// Calls block, at most for the client's timeout; one thread. Errors are the hub's own, and
// kUnavailable when it cannot be reached, kDeadlineExceeded when it does not answer in time,
// kUnauthenticated and kPermissionDenied when it refuses us.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "proto/console_service.pb.h"
#include "proto/operator_service.pb.h"
#include "proto/plan.pb.h"
#include "proto/review.pb.h"
#include "proto/rollout.pb.h"

namespace muster::cli {

namespace pb = ::muster::v1;

class HubClient {
 public:
  virtual ~HubClient() = default;

  virtual absl::StatusOr<pb::HubView> GetHub() = 0;

  virtual absl::StatusOr<pb::ListClustersResponse> ListClusters(const pb::ListRequest&) = 0;
  virtual absl::StatusOr<pb::ListPackagesResponse> ListPackages(const pb::ListRequest&) = 0;
  virtual absl::StatusOr<pb::ListRepositoriesResponse> ListRepositories(const pb::ListRequest&) = 0;
  virtual absl::StatusOr<pb::ListCommitsResponse> ListCommits(const pb::ListRequest&) = 0;
  virtual absl::StatusOr<pb::ListObjectsResponse> ListObjects(const pb::ListRequest&) = 0;
  virtual absl::StatusOr<pb::ListTokensResponse> ListTokens(const pb::ListRequest&) = 0;
  virtual absl::StatusOr<pb::ListEventsResponse> ListEvents(const pb::ListRequest&) = 0;
  virtual absl::StatusOr<pb::ListHistoryResponse> ListHistory(const pb::ListRequest&) = 0;
  virtual absl::StatusOr<pb::GetBlobResponse> GetBlob(const pb::GetBlobRequest&) = 0;

  // Calls `on_notice` for each notice until it answers false (then returns OK), until `deadline`
  // (kDeadlineExceeded) or until the stream breaks.
  virtual absl::Status Watch(absl::Time deadline,
                             const std::function<bool(const pb::WatchNotice&)>& on_notice) = 0;

  virtual absl::StatusOr<pb::CreateTokenResponse> CreateToken(const pb::CreateTokenRequest&) = 0;
  virtual absl::StatusOr<pb::DoneResponse> RevokeToken(const pb::NameRequest&) = 0;
  virtual absl::StatusOr<pb::DoneResponse> AcceptCluster(const pb::NameRequest&) = 0;
  virtual absl::StatusOr<pb::DoneResponse> RevokeCluster(const pb::NameRequest&) = 0;
  virtual absl::StatusOr<pb::DoneResponse> Sync(const pb::NameRequest&) = 0;
  virtual absl::StatusOr<pb::DoneResponse> Suspend(const pb::SuspendRequest&) = 0;
  virtual absl::StatusOr<pb::DoneResponse> AcceptRewrite(const pb::AcceptRewriteRequest&) = 0;
  virtual absl::StatusOr<pb::DoneResponse> PutCredential(const pb::PutCredentialRequest&) = 0;
  virtual absl::StatusOr<pb::DoneResponse> DeleteCredential(const pb::NameRequest&) = 0;

  // Of ConsoleService.
  virtual absl::StatusOr<pb::CreateLoginResponse> CreateLogin() = 0;

  // May take as long as a fetch and the rendering of the whole fleet: at most `timeout`.
  virtual absl::StatusOr<pb::FleetPlan> Plan(const pb::PlanRequest&, absl::Duration timeout) = 0;
  virtual absl::StatusOr<pb::PlanFleet> GetPlanFleet(const pb::PlanFleetRequest&) = 0;

  virtual absl::StatusOr<pb::ListRolloutsResponse> ListRollouts(const pb::ListRolloutsRequest&) = 0;
  virtual absl::StatusOr<pb::RolloutAnswer> DecideRollout(const pb::RolloutDecision&) = 0;

  virtual absl::StatusOr<pb::Snowflakes> GetSnowflakes(const pb::SnowflakesRequest&) = 0;
  virtual absl::StatusOr<pb::ListAuditResponse> ListAudit(const pb::ListRequest&) = 0;
  virtual absl::StatusOr<pb::AuditLines> GetAuditLines(const pb::AuditLinesRequest&) = 0;
};

// Where a hub is and who we are. Certificates and the key are PEM.
struct HubAddress {
  std::string address;  // host:port
  std::string ca_pem;
  std::string certificate_pem;
  std::string key_pem;
};

// A client whose every call, but Watch, takes at most `call_timeout`. Does not connect yet: the
// first call does. Returns kInvalidArgument for credentials that cannot be used.
absl::StatusOr<std::unique_ptr<HubClient>> ConnectHub(const HubAddress& hub,
                                                      absl::Duration call_timeout);

}  // namespace muster::cli
