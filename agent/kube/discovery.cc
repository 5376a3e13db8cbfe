#include "agent/kube/discovery.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "agent/kube/api_error.h"
#include "agent/kube/operation.h"
#include "common/base/log.h"
#include "common/base/status_macros.h"
#include "common/manifest/json.h"

namespace muster::agent {
namespace {

constexpr absl::Duration kBetweenAsking = absl::Seconds(5);
constexpr absl::Duration kPatience = absl::Seconds(30);
constexpr absl::string_view kAggregated =
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

}  // namespace

absl::StatusOr<const ApiKind*> Discovery::Find(absl::string_view api_version,
                                               absl::string_view kind) {
  const ApiKind* found = catalog_.Find(api_version, kind);
  if (found == nullptr && EventLoop::Now() - asked_ >= kBetweenAsking) {
    RETURN_IF_ERROR(Ask());
    found = catalog_.Find(api_version, kind);
  }
  if (found == nullptr && catalog_.IsAway(api_version)) {
    return absl::UnavailableError(
        absl::StrCat("the server behind ", api_version,
                     " does not answer; see 'kubectl get apiservices' for why"));
  }
  return found;
}

absl::StatusOr<const ApiCatalog*> Discovery::Catalog() {
  if (catalog_.empty()) RETURN_IF_ERROR(Ask());
  return &catalog_;
}

absl::Status Discovery::Ask() {
  ApiCatalog catalog;
  std::vector<Value> documents;
  for (const char* path : {"/api", "/apis"}) {
    ApiRequest request;
    request.path = path;
    request.accept = std::string(kAggregated);
    request.deadline = EventLoop::Now() + kPatience;
    ASSIGN_OR_RETURN(const ApiResponse response, CallOne(loop_, client_, std::move(request)));
    if (!response.ok()) {
      return Annotate(ParseApiError(response.status, response.body).status,
                      "ask the API server what it serves");
    }
    ASSIGN_OR_RETURN(Value document, ParseJson(response.body));
    documents.push_back(std::move(document));
  }
  if (!catalog.AddAggregated(documents[0]).ok() || !catalog.AddAggregated(documents[1]).ok()) {
    catalog = ApiCatalog();
    RETURN_IF_ERROR(AskOneByOne(catalog, documents[0], documents[1]));
  }
  catalog_ = std::move(catalog);
  asked_ = EventLoop::Now();
  return absl::OkStatus();
}

absl::Status Discovery::AskOneByOne(ApiCatalog& catalog, const Value& core, const Value& groups) {
  std::vector<std::string> versions = GroupVersionsIn(core);
  for (std::string& version : GroupVersionsIn(groups)) versions.push_back(std::move(version));
  for (const std::string& version : versions) {
    ApiRequest request;
    request.path = absl::StrCat(absl::StrContains(version, '/') ? "/apis/" : "/api/", version);
    request.deadline = EventLoop::Now() + kPatience;
    ASSIGN_OR_RETURN(const ApiResponse response, CallOne(loop_, client_, std::move(request)));
    const absl::StatusOr<Value> document = ParseJson(response.body);
    // A group whose own server is away (APIService) must not hide the others.
    if (response.ok() && document.ok() && catalog.AddResources(*document).ok()) continue;
    catalog.AddAway(version);
    log::Warning("the API server does not tell what is in a group", {{"group", version}});
  }
  return absl::OkStatus();
}

}  // namespace muster::agent
