#include "agent/kube/get_operation.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/kube/api_error.h"
#include "agent/kube/managed_fields.h"
#include "common/base/status_macros.h"
#include "common/manifest/json.h"

namespace muster::agent {

GetOperation::GetOperation(ServedObject served, std::shared_ptr<const Terms> terms, bool contents,
                           absl::Time deadline, LiveCache& cache)
    : served_(std::move(served)),
      terms_(std::move(terms)),
      contents_(contents),
      deadline_(deadline),
      cache_(cache) {}

std::optional<ApiRequest> GetOperation::Next() {
  if (std::exchange(done_, true)) return std::nullopt;
  return ApiRequest{.path = served_.path,
                    .service_account = terms_ == nullptr ? "" : terms_->service_account,
                    .deadline = deadline_};
}

void GetOperation::Take(absl::StatusOr<ApiResponse> response) {
  const std::string what = absl::StrCat("get ", served_.key.text());
  if (!response.ok()) {
    result_ = Annotate(response.status(), what);
    return;
  }
  answered_ = true;
  result_ = Read(*response);
  if (!result_.ok()) result_ = Annotate(result_.status(), what);
}

absl::StatusOr<std::optional<LiveObject>> GetOperation::Read(const ApiResponse& response) {
  if (response.status == 404) {
    cache_.SawGone(served_.key, 0);
    return std::nullopt;
  }
  if (!response.ok()) return ParseApiError(response.status, response.body).status;
  ASSIGN_OR_RETURN(const Value object, ParseJson(response.body));
  cache_.Saw(served_.key, object);
  LiveObject live = Describe(served_.key, object, terms_.get());
  if (contents_) live.json = CanonicalJson(ProjectWithHandEdits(object, kFieldManager));
  return live;
}

}  // namespace muster::agent
