#include "agent/kube/open_api.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "agent/kube/api_error.h"
#include "agent/kube/operation.h"
#include "common/base/log.h"
#include "common/base/status_macros.h"
#include "common/manifest/json.h"

namespace muster::agent {
namespace {

constexpr absl::Duration kIndexAge = absl::Minutes(10);
constexpr absl::Duration kBetweenAsking = absl::Seconds(5);  // for a kind that was not told
constexpr absl::Duration kPatience = absl::Seconds(30);
constexpr absl::string_view kRoot = "/openapi/v3";

// Names without a dot, and those that only an approved API may have.
bool IsKubernetesOwn(absl::string_view api_version) {
  const size_t slash = api_version.find('/');
  if (slash == absl::string_view::npos) return true;
  const absl::string_view group = api_version.substr(0, slash);
  return !absl::StrContains(group, '.') || absl::EndsWith(group, ".k8s.io");
}

bool Has(const Value& value, absl::string_view member, absl::string_view text) {
  const Value* found = value.Get(member);
  return found != nullptr && found->is_string() && found->string() == text;
}

// Among the parameters of an operation, or of its path.
bool TakesDryRun(const Value& holder) {
  const Value* parameters = holder.Get("parameters");
  if (parameters == nullptr || !parameters->is_list()) return false;
  for (const Value& parameter : parameters->list()) {
    if (Has(parameter, "name", "dryRun") && Has(parameter, "in", "query")) return true;
  }
  return false;
}

}  // namespace

std::map<std::string, bool> DryRunsIn(const Value& document) {
  std::map<std::string, bool> found;
  const Value* paths = document.Get("paths");
  if (paths == nullptr || !paths->is_map()) return found;
  for (const Member& path : paths->map()) {
    // Subresources, such as .../{name}/status, are of the same kind.
    if (!absl::EndsWith(path.key, "/{name}")) continue;
    const Value* patch = path.value.Get("patch");
    const Value* about = patch == nullptr ? nullptr : patch->Get("x-kubernetes-group-version-kind");
    const Value* kind = about == nullptr ? nullptr : about->Get("kind");
    if (kind == nullptr || !kind->is_string()) continue;
    const bool takes = TakesDryRun(*patch) || TakesDryRun(path.value);
    const auto [at, is_new] = found.try_emplace(kind->string(), takes);
    at->second = at->second && takes;
  }
  return found;
}

absl::Status OpenApi::MayProbe(absl::string_view api_version, absl::string_view kind) {
  if (IsKubernetesOwn(api_version)) return absl::OkStatus();
  const std::string version(api_version);
  const auto known = [&]() -> const bool* {
    const auto document = documents_.find(version);
    if (document == documents_.end()) return nullptr;
    const auto at = document->second.dry_runs.find(std::string(kind));
    return at == document->second.dry_runs.end() ? nullptr : &at->second;
  };
  const absl::Duration age = EventLoop::Now() - asked_;
  if (age >= (known() == nullptr ? kBetweenAsking : kIndexAge)) {
    RETURN_IF_ERROR(AskIndex());
    if (has_index_) RETURN_IF_ERROR(AskDocument(version));
  }
  if (!has_index_) return absl::OkStatus();
  const bool* const takes = known();
  if (takes != nullptr && *takes) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "what it would become cannot be asked: the server behind ", api_version,
      takes == nullptr ? " does not say in its OpenAPI document that it knows dry runs of "
                       : " says in its OpenAPI document that it knows no dry runs of ",
      kind, ", and one that does not know them would write"));
}

absl::StatusOr<Value> OpenApi::Ask(const std::string& path) {
  ApiRequest request;
  request.path = path;
  request.deadline = EventLoop::Now() + kPatience;
  ASSIGN_OR_RETURN(const ApiResponse response, CallOne(loop_, client_, std::move(request)));
  if (!response.ok()) return ParseApiError(response.status, response.body).status;
  return ParseJson(response.body);
}

absl::Status OpenApi::AskIndex() {
  const absl::StatusOr<Value> answer = Ask(std::string(kRoot));
  if (absl::IsNotFound(answer.status())) {
    if (std::exchange(has_index_, false)) {
      log::Warning("the API server has no OpenAPI v3: dry runs are trusted to write nothing");
    }
    asked_ = EventLoop::Now();
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(Annotate(answer.status(), absl::StrCat("read ", kRoot)));
  std::map<std::string, std::string> index;
  if (const Value* paths = answer->Get("paths"); paths != nullptr && paths->is_map()) {
    for (const Member& path : paths->map()) {
      const Value* url = path.value.Get("serverRelativeURL");
      absl::string_view version = path.key;
      // Nothing else is asked for in our name.
      if (!absl::ConsumePrefix(&version, "apis/") || url == nullptr || !url->is_string() ||
          !absl::StartsWith(url->string(), absl::StrCat(kRoot, "/"))) {
        continue;
      }
      index[std::string(version)] = url->string();
    }
  }
  has_index_ = true;
  index_ = std::move(index);
  asked_ = EventLoop::Now();
  return absl::OkStatus();
}

absl::Status OpenApi::AskDocument(const std::string& api_version) {
  const auto at = index_.find(api_version);
  if (at == index_.end()) {
    documents_.erase(api_version);
    return absl::OkStatus();
  }
  const auto document = documents_.find(api_version);
  if (document != documents_.end() && document->second.url == at->second) return absl::OkStatus();
  const absl::StatusOr<Value> answer = Ask(at->second);
  RETURN_IF_ERROR(Annotate(answer.status(), absl::StrCat("read the OpenAPI of ", api_version)));
  documents_[api_version] = Document{.url = at->second, .dry_runs = DryRunsIn(*answer)};
  return absl::OkStatus();
}

}  // namespace muster::agent
