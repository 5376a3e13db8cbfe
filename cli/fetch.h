// Fetch: all pages of a list of the hub, or as many items as asked for. One thread.
//
//   ASSIGN_OR_RETURN(auto found, Fetch<pb::ClusterView>(hub, request));
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "cli/hub_client.h"
#include "cli/output/listing.h"
#include "cli/problem.h"
#include "common/base/status_macros.h"

namespace muster::cli {

template <typename View>
struct Fetched {
  std::vector<View> items;
  std::string next_page_token;  // empty unless a limit cut the list
  int total = 0;                // that match, on all pages
};

inline auto ListPage(HubClient& hub, const pb::ListRequest& request, pb::ClusterView*) {
  return hub.ListClusters(request);
}
inline auto ListPage(HubClient& hub, const pb::ListRequest& request, pb::PackageView*) {
  return hub.ListPackages(request);
}
inline auto ListPage(HubClient& hub, const pb::ListRequest& request, pb::RepositoryView*) {
  return hub.ListRepositories(request);
}
inline auto ListPage(HubClient& hub, const pb::ListRequest& request, pb::CommitView*) {
  return hub.ListCommits(request);
}
inline auto ListPage(HubClient& hub, const pb::ListRequest& request, pb::ObjectView*) {
  return hub.ListObjects(request);
}
inline auto ListPage(HubClient& hub, const pb::ListRequest& request, pb::TokenView*) {
  return hub.ListTokens(request);
}
inline auto ListPage(HubClient& hub, const pb::ListRequest& request, pb::EventView*) {
  return hub.ListEvents(request);
}
inline auto ListPage(HubClient& hub, const pb::ListRequest& request, pb::HistoryView*) {
  return hub.ListHistory(request);
}

inline auto ListPage(HubClient& hub, const pb::ListRequest& request, pb::AuditView*) {
  return hub.ListAudit(request);
}

inline auto ListPage(HubClient& hub, const pb::ListRequest& request, pb::RolloutView*) {
  pb::ListRolloutsRequest asked;
  asked.set_package(request.name().empty() ? request.package() : request.name());
  return hub.ListRollouts(asked);
}

inline auto* PageItems(pb::ListAuditResponse& page) { return page.mutable_entries(); }
inline auto* PageItems(pb::ListRolloutsResponse& page) { return page.mutable_rollouts(); }
inline auto* PageItems(pb::ListClustersResponse& page) { return page.mutable_clusters(); }
inline auto* PageItems(pb::ListPackagesResponse& page) { return page.mutable_packages(); }
inline auto* PageItems(pb::ListRepositoriesResponse& page) { return page.mutable_repositories(); }
inline auto* PageItems(pb::ListCommitsResponse& page) { return page.mutable_commits(); }
inline auto* PageItems(pb::ListObjectsResponse& page) { return page.mutable_objects(); }
inline auto* PageItems(pb::ListTokensResponse& page) { return page.mutable_tokens(); }
inline auto* PageItems(pb::ListEventsResponse& page) { return page.mutable_events(); }
inline auto* PageItems(pb::ListHistoryResponse& page) { return page.mutable_entries(); }

// What `request` asks for; every page when its limit is zero. Errors say what was attempted.
template <typename View>
absl::StatusOr<Fetched<View>> Fetch(HubClient& hub, pb::ListRequest request) {
  const std::string attempt =
      request.name().empty() ? absl::StrCat("list ", ListingOf<View>().plural)
                             : absl::StrCat("get ", ListingOf<View>().noun, "/", request.name());
  const int limit = request.limit();
  Fetched<View> fetched;
  do {
    if (limit > 0) request.set_limit(limit - static_cast<int>(fetched.items.size()));
    ASSIGN_OR_RETURN(auto page,
                     Tried(attempt, ListPage(hub, request, static_cast<View*>(nullptr))));
    for (View& view : *PageItems(page)) fetched.items.push_back(std::move(view));
    fetched.total = page.total();
    fetched.next_page_token = page.next_page_token();
    request.set_page_token(page.next_page_token());
  } while (!fetched.next_page_token.empty() &&
           (limit == 0 || static_cast<int>(fetched.items.size()) < limit));
  return fetched;
}

// The one called `name`. Errors as above; kNotFound when there is none.
template <typename View>
absl::StatusOr<View> FetchOne(HubClient& hub, pb::ListRequest request) {
  const std::string subject = absl::StrCat(ListingOf<View>().noun, "/", request.name());
  ASSIGN_OR_RETURN(Fetched<View> fetched, Fetch<View>(hub, std::move(request)));
  if (fetched.items.empty()) {
    return ProblemStatus(absl::StatusCode::kNotFound, {.what = absl::StrCat("cannot get ", subject),
                                                       .why = "the hub has none of this name"});
  }
  return std::move(fetched.items.front());
}

}  // namespace muster::cli
