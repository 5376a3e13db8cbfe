// MemoryHubClient: the twin of a hub's operator service: a small fleet in memory that answers and
// obeys. For the tests of commands; one thread.
//
//   MemoryHubClient hub;
//   hub.clusters.push_back(...);
//   hub.Then([](MemoryHubClient& hub) { hub.clusters[0].set_sync(...); });  // before a notice
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/hub_client.h"

namespace muster::cli {

class MemoryHubClient final : public HubClient {
 public:
  // What the lists answer with, in this order.
  pb::HubView hub;
  std::vector<pb::ClusterView> clusters;
  std::vector<pb::PackageView> packages;
  std::vector<pb::RepositoryView> repositories;
  std::vector<pb::CommitView> commits;
  std::map<std::string, std::vector<pb::ObjectView>> objects;  // by cluster
  std::vector<pb::TokenView> tokens;
  std::vector<pb::EventView> events;
  std::vector<pb::HistoryView> history;
  std::map<std::string, std::string> blobs;                     // by digest
  std::map<std::string, pb::PutCredentialRequest> credentials;  // by name
  pb::FleetPlan plan;                                           // of any revision
  std::vector<pb::RolloutView> rollouts;
  std::vector<pb::RolloutDecision> decisions;  // in order
  pb::PlanFleet plan_fleet;                    // of any repository

  pb::Snowflakes snowflakes;               // whatever is asked
  pb::SnowflakesRequest asked_snowflakes;  // the last one
  std::vector<pb::AuditView> audit;        // newest first
  pb::AuditLines audit_lines;              // all of them; handed out two at a time

  pb::CreateLoginResponse login;

  std::vector<std::string> calls;      // the names of the methods called, in order
  std::vector<pb::ListRequest> asked;  // the requests of the lists, in order
  pb::PlanRequest asked_plan;          // the last one
  int page_size = 500;
  // What a watch does that runs into its deadline: lets the test's clock get there.
  std::function<void(absl::Time)> pass_time;

  // The next call of `method` ("Sync", "ListClusters") fails.
  void Fail(const std::string& method, absl::Status status);

  // Adds a step of the story that Watch tells: it changes the fleet, then a notice goes out. When
  // no step is left, a watch runs into its deadline.
  void Then(std::function<void(MemoryHubClient&)> step);

  absl::StatusOr<pb::HubView> GetHub() override;
  absl::StatusOr<pb::ListClustersResponse> ListClusters(const pb::ListRequest&) override;
  absl::StatusOr<pb::ListPackagesResponse> ListPackages(const pb::ListRequest&) override;
  absl::StatusOr<pb::ListRepositoriesResponse> ListRepositories(const pb::ListRequest&) override;
  absl::StatusOr<pb::ListCommitsResponse> ListCommits(const pb::ListRequest&) override;
  absl::StatusOr<pb::ListObjectsResponse> ListObjects(const pb::ListRequest&) override;
  absl::StatusOr<pb::ListTokensResponse> ListTokens(const pb::ListRequest&) override;
  absl::StatusOr<pb::ListEventsResponse> ListEvents(const pb::ListRequest&) override;
  absl::StatusOr<pb::ListHistoryResponse> ListHistory(const pb::ListRequest&) override;
  absl::StatusOr<pb::GetBlobResponse> GetBlob(const pb::GetBlobRequest&) override;
  absl::Status Watch(absl::Time deadline,
                     const std::function<bool(const pb::WatchNotice&)>& on_notice) override;
  absl::StatusOr<pb::CreateTokenResponse> CreateToken(const pb::CreateTokenRequest&) override;
  absl::StatusOr<pb::DoneResponse> RevokeToken(const pb::NameRequest&) override;
  absl::StatusOr<pb::DoneResponse> AcceptCluster(const pb::NameRequest&) override;
  absl::StatusOr<pb::DoneResponse> RevokeCluster(const pb::NameRequest&) override;
  absl::StatusOr<pb::DoneResponse> Sync(const pb::NameRequest&) override;
  absl::StatusOr<pb::DoneResponse> Suspend(const pb::SuspendRequest&) override;
  absl::StatusOr<pb::DoneResponse> AcceptRewrite(const pb::AcceptRewriteRequest&) override;
  absl::StatusOr<pb::DoneResponse> PutCredential(const pb::PutCredentialRequest&) override;
  absl::StatusOr<pb::DoneResponse> DeleteCredential(const pb::NameRequest&) override;
  absl::StatusOr<pb::CreateLoginResponse> CreateLogin() override;
  absl::StatusOr<pb::FleetPlan> Plan(const pb::PlanRequest&, absl::Duration timeout) override;
  absl::StatusOr<pb::PlanFleet> GetPlanFleet(const pb::PlanFleetRequest&) override;
  absl::StatusOr<pb::ListRolloutsResponse> ListRollouts(const pb::ListRolloutsRequest&) override;
  absl::StatusOr<pb::RolloutAnswer> DecideRollout(const pb::RolloutDecision&) override;
  absl::StatusOr<pb::Snowflakes> GetSnowflakes(const pb::SnowflakesRequest&) override;
  absl::StatusOr<pb::ListAuditResponse> ListAudit(const pb::ListRequest&) override;
  absl::StatusOr<pb::AuditLines> GetAuditLines(const pb::AuditLinesRequest&) override;

 private:
  // Notes the call and returns the failure that waits for it.
  absl::Status Enter(const std::string& method);

  std::map<std::string, absl::Status> failures_;
  std::deque<std::function<void(MemoryHubClient&)>> steps_;
  uint64_t version_ = 0;
  int next_token_ = 1;
};

}  // namespace muster::cli
