// Views: what the operator service answers to reads, made of the published picture of the fleet and
// of the journals in the store. Plain functions of a snapshot, so that an answer never shows two
// states at once.
//
// Sizes: each list is filtered here, and paged. Reads the store: for worker threads. Errors:
// kNotFound when a name is given and nothing has it, kInvalidArgument for a bad filter.
#pragma once

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/store/store.h"
#include "hub/core/fleet_view.h"
#include "proto/audit.pb.h"
#include "proto/operator_service.pb.h"
#include "proto/rollout.pb.h"

namespace muster::hub {

// What an answer is made of.
struct Reading {
  const FleetView& fleet;
  const Store& store;
  absl::Time now;
  // Asks the core, which alone knows them, and waits. Where there is none, they cannot be asked.
  std::function<absl::StatusOr<v1::ListRolloutsResponse>(const v1::ListRolloutsRequest&)> rollouts =
      nullptr;
};

// Where the hub stands: what the picture of the fleet does not say.
struct HubPlace {
  std::string data_directory;  // for the figures of the disk
  // OK, or why the hub can write nothing at present. Any thread.
  std::function<absl::Status()> obstacle;
};

// views_hub.cc
v1::HubView GetHub(const Reading& reading, const HubPlace& place);

// views_fleet.cc
absl::StatusOr<v1::ListClustersResponse> ListClusters(const Reading& reading,
                                                      const v1::ListRequest& request);
absl::StatusOr<v1::ListPackagesResponse> ListPackages(const Reading& reading,
                                                      const v1::ListRequest& request);
absl::StatusOr<v1::ListRepositoriesResponse> ListRepositories(const Reading& reading,
                                                              const v1::ListRequest& request);

// views_journal.cc
absl::StatusOr<v1::ListCommitsResponse> ListCommits(const Reading& reading,
                                                    const v1::ListRequest& request);
absl::StatusOr<v1::ListTokensResponse> ListTokens(const Reading& reading,
                                                  const v1::ListRequest& request);
absl::StatusOr<v1::ListEventsResponse> ListEvents(const Reading& reading,
                                                  const v1::ListRequest& request);
absl::StatusOr<v1::ListHistoryResponse> ListHistory(const Reading& reading,
                                                    const v1::ListRequest& request);

// views_audit.cc; newest first, `limit` and `page_token` of the request count
absl::StatusOr<v1::ListAuditResponse> ListAudit(const Reading& reading,
                                                const v1::ListRequest& request);
// Lines behind number `after`, oldest first, without a checkpoint. kDataLoss when one is gone.
absl::StatusOr<v1::AuditLines> ReadAuditLines(const Reading& reading, uint64_t after, int limit);

// views_objects.cc
absl::StatusOr<v1::ListObjectsResponse> ListObjects(const Reading& reading,
                                                    const v1::ListRequest& request);
absl::StatusOr<v1::GetBlobResponse> GetBlob(const Reading& reading,
                                            const v1::GetBlobRequest& request);

}  // namespace muster::hub
