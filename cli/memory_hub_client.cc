#include "cli/memory_hub_client.h"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"

namespace muster::cli {
namespace {

// One page of what `keep` lets through. The page token is the index to go on at.
template <typename View, typename Response, typename Add>
absl::StatusOr<Response> Page(const std::vector<View>& all, const pb::ListRequest& request,
                              int page_size, const std::function<bool(const View&)>& keep,
                              const Add& add) {
  std::vector<const View*> matching;
  for (const View& view : all) {
    if (keep(view)) matching.push_back(&view);
  }
  if (matching.empty() && !request.name().empty()) {
    return absl::NotFoundError(absl::StrCat("there is no '", request.name(), "'"));
  }
  int from = 0;
  if (!request.page_token().empty() && !absl::SimpleAtoi(request.page_token(), &from)) {
    return absl::InvalidArgumentError("the page token is not one of this hub");
  }
  int limit = page_size;
  if (request.limit() > 0) limit = std::min(limit, request.limit());
  Response response;
  response.set_total(static_cast<int>(matching.size()));
  const int end = std::min(from + limit, static_cast<int>(matching.size()));
  for (int i = from; i < end; ++i) *add(response) = *matching[i];
  if (end < static_cast<int>(matching.size())) response.set_next_page_token(absl::StrCat(end));
  return response;
}

bool Fits(const std::string& wanted, const std::string& value) {
  return wanted.empty() || wanted == value;
}

// "env=prod,region=eu": as much of the syntax as the tests of commands need.
bool Selects(const std::string& selector, const pb::ClusterView& cluster) {
  if (selector.empty()) return true;
  for (const pb::Label& label : cluster.labels()) {
    if (absl::StrCat(label.key(), "=", label.value()) == selector) return true;
  }
  return false;
}

pb::DoneResponse Done(absl::string_view message) {
  pb::DoneResponse response;
  response.set_message(std::string(message));
  return response;
}

}  // namespace

void MemoryHubClient::Fail(const std::string& method, absl::Status status) {
  failures_[method] = std::move(status);
}

void MemoryHubClient::Then(std::function<void(MemoryHubClient&)> step) {
  steps_.push_back(std::move(step));
}

absl::Status MemoryHubClient::Enter(const std::string& method) {
  calls.push_back(method);
  const auto failure = failures_.find(method);
  if (failure == failures_.end()) return absl::OkStatus();
  absl::Status status = failure->second;
  failures_.erase(failure);
  return status;
}

absl::StatusOr<pb::HubView> MemoryHubClient::GetHub() {
  RETURN_IF_ERROR(Enter("GetHub"));
  return hub;
}

absl::StatusOr<pb::ListClustersResponse> MemoryHubClient::ListClusters(
    const pb::ListRequest& request) {
  RETURN_IF_ERROR(Enter("ListClusters"));
  asked.push_back(request);
  auto response = Page<pb::ClusterView, pb::ListClustersResponse>(
      clusters, request, page_size,
      [&](const pb::ClusterView& view) {
        return Fits(request.name(), view.name()) && Selects(request.selector(), view);
      },
      [](auto& response) { return response.add_clusters(); });
  if (response.ok() && !request.detail()) {
    for (pb::ClusterView& view : *response->mutable_clusters()) {
      view.clear_packages();
      view.clear_conditions();
    }
  }
  return response;
}

absl::StatusOr<pb::ListPackagesResponse> MemoryHubClient::ListPackages(
    const pb::ListRequest& request) {
  RETURN_IF_ERROR(Enter("ListPackages"));
  asked.push_back(request);
  return Page<pb::PackageView, pb::ListPackagesResponse>(
      packages, request, page_size,
      [&](const pb::PackageView& view) {
        return Fits(request.name(), view.name()) && Fits(request.repository(), view.repository());
      },
      [](auto& response) { return response.add_packages(); });
}

absl::StatusOr<pb::ListRepositoriesResponse> MemoryHubClient::ListRepositories(
    const pb::ListRequest& request) {
  RETURN_IF_ERROR(Enter("ListRepositories"));
  asked.push_back(request);
  return Page<pb::RepositoryView, pb::ListRepositoriesResponse>(
      repositories, request, page_size,
      [&](const pb::RepositoryView& view) { return Fits(request.name(), view.name()); },
      [](auto& response) { return response.add_repositories(); });
}

absl::StatusOr<pb::ListCommitsResponse> MemoryHubClient::ListCommits(
    const pb::ListRequest& request) {
  RETURN_IF_ERROR(Enter("ListCommits"));
  asked.push_back(request);
  return Page<pb::CommitView, pb::ListCommitsResponse>(
      commits, request, page_size,
      [&](const pb::CommitView& view) {
        return Fits(request.name(), view.commit().id()) &&
               Fits(request.repository(), view.repository());
      },
      [](auto& response) { return response.add_commits(); });
}

absl::StatusOr<pb::ListObjectsResponse> MemoryHubClient::ListObjects(
    const pb::ListRequest& request) {
  RETURN_IF_ERROR(Enter("ListObjects"));
  asked.push_back(request);
  if (request.cluster().empty()) return absl::InvalidArgumentError("no cluster is named");
  if (!objects.contains(request.cluster())) {
    return absl::NotFoundError(absl::StrCat("there is no cluster '", request.cluster(), "'"));
  }
  return Page<pb::ObjectView, pb::ListObjectsResponse>(
      objects[request.cluster()], request, page_size,
      [&](const pb::ObjectView& view) {
        return Fits(request.name(), view.entry().name()) && Fits(request.package(), view.package());
      },
      [](auto& response) { return response.add_objects(); });
}

absl::StatusOr<pb::ListTokensResponse> MemoryHubClient::ListTokens(const pb::ListRequest& request) {
  RETURN_IF_ERROR(Enter("ListTokens"));
  asked.push_back(request);
  return Page<pb::TokenView, pb::ListTokensResponse>(
      tokens, request, page_size,
      [&](const pb::TokenView& view) { return Fits(request.name(), view.id()); },
      [](auto& response) { return response.add_tokens(); });
}

absl::StatusOr<pb::ListEventsResponse> MemoryHubClient::ListEvents(const pb::ListRequest& request) {
  RETURN_IF_ERROR(Enter("ListEvents"));
  asked.push_back(request);
  const std::string cluster =
      request.cluster().empty() ? "" : absl::StrCat("cluster/", request.cluster());
  const std::string package =
      request.package().empty() ? "" : absl::StrCat("package/", request.package());
  return Page<pb::EventView, pb::ListEventsResponse>(
      events, request, page_size,
      [&](const pb::EventView& view) {
        return Fits(cluster, view.subject()) && Fits(package, view.subject());
      },
      [](auto& response) { return response.add_events(); });
}

absl::StatusOr<pb::ListHistoryResponse> MemoryHubClient::ListHistory(
    const pb::ListRequest& request) {
  RETURN_IF_ERROR(Enter("ListHistory"));
  asked.push_back(request);
  return Page<pb::HistoryView, pb::ListHistoryResponse>(
      history, request, page_size,
      [&](const pb::HistoryView& view) {
        return view.cluster() == request.cluster() && Fits(request.package(), view.package());
      },
      [](auto& response) { return response.add_entries(); });
}

absl::StatusOr<pb::GetBlobResponse> MemoryHubClient::GetBlob(const pb::GetBlobRequest& request) {
  RETURN_IF_ERROR(Enter("GetBlob"));
  const auto blob = blobs.find(request.digest());
  if (blob == blobs.end()) return absl::NotFoundError("the hub keeps no such blob");
  pb::GetBlobResponse response;
  response.set_content(blob->second);
  return response;
}

absl::Status MemoryHubClient::Watch(absl::Time deadline,
                                    const std::function<bool(const pb::WatchNotice&)>& on_notice) {
  RETURN_IF_ERROR(Enter("Watch"));
  while (!steps_.empty()) {
    const auto step = std::move(steps_.front());
    steps_.pop_front();
    step(*this);
    pb::WatchNotice notice;
    notice.set_version(++version_);
    if (!on_notice(notice)) return absl::OkStatus();
  }
  if (pass_time) pass_time(deadline);
  return absl::DeadlineExceededError("the watch ran into its deadline");
}

absl::StatusOr<pb::CreateTokenResponse> MemoryHubClient::CreateToken(
    const pb::CreateTokenRequest& request) {
  RETURN_IF_ERROR(Enter("CreateToken"));
  pb::TokenView& token = tokens.emplace_back();
  token.set_id(absl::StrFormat("%016d", next_token_++));
  token.set_cluster_name(request.cluster_name());
  *token.mutable_labels() = request.labels();
  token.set_state("Valid");
  token.set_created_ms(hub.now_ms());
  const int64_t lifetime = request.lifetime_ms() == 0 ? 3'600'000 : request.lifetime_ms();
  token.set_expires_ms(hub.now_ms() + lifetime);
  token.set_needs_accept(request.needs_accept());
  pb::CreateTokenResponse response;
  response.set_token(absl::StrCat(token.id(), ".secret.fingerprint"));
  response.set_token_id(token.id());
  response.set_expires_ms(token.expires_ms());
  response.set_join_address(hub.join_address());
  return response;
}

absl::StatusOr<pb::DoneResponse> MemoryHubClient::RevokeToken(const pb::NameRequest& request) {
  RETURN_IF_ERROR(Enter("RevokeToken"));
  for (pb::TokenView& token : tokens) {
    if (token.id() != request.name()) continue;
    token.set_state("Revoked");
    return Done(absl::StrCat("token/", request.name(), " revoked"));
  }
  return absl::NotFoundError(absl::StrCat("there is no token '", request.name(), "'"));
}

absl::StatusOr<pb::DoneResponse> MemoryHubClient::AcceptCluster(const pb::NameRequest& request) {
  RETURN_IF_ERROR(Enter("AcceptCluster"));
  for (pb::ClusterView& cluster : clusters) {
    if (cluster.name() != request.name() || cluster.state() != "Pending") continue;
    cluster.set_state("Enrolled");
    return Done(absl::StrCat("cluster/", request.name(), " accepted"));
  }
  return absl::NotFoundError(absl::StrCat("no enrolment of '", request.name(), "' is pending"));
}

absl::StatusOr<pb::DoneResponse> MemoryHubClient::RevokeCluster(const pb::NameRequest& request) {
  RETURN_IF_ERROR(Enter("RevokeCluster"));
  for (pb::ClusterView& cluster : clusters) {
    if (cluster.name() != request.name()) continue;
    cluster.set_state("Revoked");
    return Done(absl::StrCat("cluster/", request.name(), " revoked"));
  }
  return absl::NotFoundError(absl::StrCat("there is no cluster '", request.name(), "'"));
}

absl::StatusOr<pb::DoneResponse> MemoryHubClient::Sync(const pb::NameRequest& request) {
  RETURN_IF_ERROR(Enter("Sync"));
  int polled = 0;
  for (const pb::RepositoryView& repository : repositories) {
    polled += Fits(request.name(), repository.name());
  }
  if (polled == 0 && !request.name().empty()) {
    return absl::NotFoundError(absl::StrCat("there is no repository '", request.name(), "'"));
  }
  return Done(request.name().empty() ? absl::StrCat("polling ", polled, " repositories")
                                     : absl::StrCat("polling repository/", request.name()));
}

absl::StatusOr<pb::DoneResponse> MemoryHubClient::Suspend(const pb::SuspendRequest& request) {
  RETURN_IF_ERROR(Enter("Suspend"));
  const auto set = [&](auto& views) {
    for (auto& view : views) {
      if (view.name() != request.name()) continue;
      view.set_suspended(request.suspended());
      return true;
    }
    return false;
  };
  const bool found = request.kind() == "cluster"   ? set(clusters)
                     : request.kind() == "package" ? set(packages)
                                                   : set(repositories);
  const std::string subject = absl::StrCat(request.kind(), "/", request.name());
  if (!found) return absl::NotFoundError(absl::StrCat("there is no ", subject));
  return Done(absl::StrCat(subject, request.suspended() ? " suspended" : " resumed"));
}

absl::StatusOr<pb::DoneResponse> MemoryHubClient::AcceptRewrite(
    const pb::AcceptRewriteRequest& request) {
  RETURN_IF_ERROR(Enter("AcceptRewrite"));
  for (pb::RepositoryView& repository : repositories) {
    if (repository.name() != request.repository()) continue;
    if (!repository.frozen() || repository.seen_commit() != request.commit()) {
      return absl::FailedPreconditionError(
          absl::StrCat("repository/", request.repository(), " is not frozen at that commit"));
    }
    repository.set_frozen(false);
    repository.set_commit(request.commit());
    return Done(absl::StrCat("repository/", request.repository(), " goes on at ",
                             request.commit().substr(0, 7)));
  }
  return absl::NotFoundError(absl::StrCat("there is no repository '", request.repository(), "'"));
}

absl::StatusOr<pb::DoneResponse> MemoryHubClient::PutCredential(
    const pb::PutCredentialRequest& request) {
  RETURN_IF_ERROR(Enter("PutCredential"));
  credentials[request.name()] = request;
  return Done(absl::StrCat("credential/", request.name(), " kept"));
}

absl::StatusOr<pb::DoneResponse> MemoryHubClient::DeleteCredential(const pb::NameRequest& request) {
  RETURN_IF_ERROR(Enter("DeleteCredential"));
  if (credentials.erase(request.name()) == 0) {
    return absl::NotFoundError(absl::StrCat("there is no credential '", request.name(), "'"));
  }
  return Done(absl::StrCat("credential/", request.name(), " deleted"));
}

absl::StatusOr<pb::CreateLoginResponse> MemoryHubClient::CreateLogin() {
  RETURN_IF_ERROR(Enter("CreateLogin"));
  return login;
}

absl::StatusOr<pb::FleetPlan> MemoryHubClient::Plan(const pb::PlanRequest& request,
                                                    absl::Duration) {
  RETURN_IF_ERROR(Enter("Plan"));
  asked_plan = request;
  return plan;
}

absl::StatusOr<pb::PlanFleet> MemoryHubClient::GetPlanFleet(const pb::PlanFleetRequest&) {
  RETURN_IF_ERROR(Enter("GetPlanFleet"));
  return plan_fleet;
}

absl::StatusOr<pb::ListRolloutsResponse> MemoryHubClient::ListRollouts(
    const pb::ListRolloutsRequest& request) {
  RETURN_IF_ERROR(Enter("ListRollouts"));
  pb::ListRolloutsResponse response;
  for (const pb::RolloutView& view : rollouts) {
    if (Fits(request.package(), view.package())) *response.add_rollouts() = view;
  }
  response.set_total(response.rollouts_size());
  if (!request.package().empty() && response.rollouts_size() == 0) {
    return absl::NotFoundError(absl::StrCat("package '", request.package(), "' has no rollout"));
  }
  return response;
}

absl::StatusOr<pb::RolloutAnswer> MemoryHubClient::DecideRollout(
    const pb::RolloutDecision& decision) {
  RETURN_IF_ERROR(Enter("DecideRollout"));
  decisions.push_back(decision);
  pb::RolloutAnswer answer;
  answer.set_message(absl::StrCat("rollout/", decision.package(), " ", decision.action()));
  return answer;
}

absl::StatusOr<pb::Snowflakes> MemoryHubClient::GetSnowflakes(
    const pb::SnowflakesRequest& request) {
  RETURN_IF_ERROR(Enter("GetSnowflakes"));
  asked_snowflakes = request;
  return snowflakes;
}

absl::StatusOr<pb::ListAuditResponse> MemoryHubClient::ListAudit(const pb::ListRequest&) {
  RETURN_IF_ERROR(Enter("ListAudit"));
  pb::ListAuditResponse response;
  for (const pb::AuditView& view : audit) *response.add_entries() = view;
  response.set_total(response.entries_size());
  return response;
}

absl::StatusOr<pb::AuditLines> MemoryHubClient::GetAuditLines(
    const pb::AuditLinesRequest& request) {
  RETURN_IF_ERROR(Enter("GetAuditLines"));
  pb::AuditLines answer = audit_lines;
  answer.clear_lines();
  for (int i = static_cast<int>(request.after()); i < audit_lines.lines_size(); ++i) {
    if (answer.lines_size() == 2) break;
    answer.add_lines(audit_lines.lines(i));
  }
  return answer;
}

}  // namespace muster::cli
