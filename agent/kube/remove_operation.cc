#include "agent/kube/remove_operation.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/kube/api_error.h"
#include "common/base/status_macros.h"
#include "common/manifest/annotations.h"
#include "common/manifest/json.h"

namespace muster::agent {
namespace {

constexpr int kLooksMax = 8;  // it is busily written to; the next round tries again

}  // namespace

std::string DeleteBody(const std::string& uid, uint64_t version) {
  Value::Map preconditions{{"uid", uid}};
  if (version != 0) preconditions.Insert("resourceVersion", absl::StrCat(version));
  return CanonicalJson(Value::Map{{"apiVersion", "v1"},
                                  {"kind", "DeleteOptions"},
                                  {"preconditions", std::move(preconditions)},
                                  {"propagationPolicy", "Background"}});
}

RemoveOperation::RemoveOperation(const RemoveRequest& request, ServedObject served,
                                 absl::Time deadline, LiveCache& cache)
    : request_(request),
      key_(std::move(served.key)),
      path_(std::move(served.path)),
      deadline_(deadline),
      cache_(cache),
      result_{.key = request.key} {
  const LiveCache::Known known = cache.Find(key_);
  // Only what is known to be as it was meant is deleted without a look; the version sees to it that
  // it is still so.
  if (known.presence == LiveCache::Presence::kPresent && known.live.uid == request.uid &&
      known.live.version != 0) {
    Judge(known.live);
  }
}

std::optional<ApiRequest> RemoveOperation::Next() {
  if (step_ == Step::kDone) return std::nullopt;
  ApiRequest request{
      .path = path_,
      .service_account = request_.terms == nullptr ? "" : request_.terms->service_account,
      .deadline = deadline_};
  if (step_ == Step::kDelete) {
    request.method = "DELETE";
    request.content_type = "application/json";
    request.body = DeleteBody(request_.uid, version_);
  }
  return request;
}

void RemoveOperation::End(absl::Status status) {
  step_ = Step::kDone;
  result_.status = Annotate(status, absl::StrCat("remove ", request_.key.text()));
}

void RemoveOperation::Judge(const LiveObject& live) {
  if (live.uid != request_.uid) {
    return End(absl::AbortedError("it was made anew by somebody else"));
  }
  if (live.kept) {
    return End(absl::FailedPreconditionError(
        absl::StrCat("its annotation ", kPruneAnnotation, " says that it stays")));
  }
  if (live.terminating) return End(absl::OkStatus());  // Its finalizers are at work.
  version_ = live.version;
  step_ = Step::kDelete;
}

void RemoveOperation::Take(absl::StatusOr<ApiResponse> response) {
  if (!response.ok()) return End(response.status());
  if (step_ == Step::kDelete) return TakeDelete(*response);
  if (response->status == 404) {
    cache_.SawGone(key_, 0);
    return End(absl::OkStatus());
  }
  if (!response->ok()) return End(ParseApiError(response->status, response->body).status);
  const absl::StatusOr<Value> object = ParseJson(response->body);
  if (!object.ok()) return End(absl::UnavailableError("the server's answer cannot be read"));
  cache_.Saw(key_, *object);
  Judge(Describe(key_, *object, request_.terms.get()));
}

void RemoveOperation::TakeDelete(const ApiResponse& response) {
  if (response.status == 404) {
    cache_.SawGone(key_, 0);
    return End(absl::OkStatus());
  }
  if (response.ok()) {
    // Either what became of it, with the time of its deletion while it goes, or a bare success. The
    // latter does not prove that it is gone: the next look is at the object itself.
    const absl::StatusOr<Value> body = ParseJson(response.body);
    const bool goes = body.ok() && body->Find("/metadata/deletionTimestamp") != nullptr;
    if (goes) {
      cache_.Saw(key_, *body);
    } else {
      cache_.Doubt(key_);
    }
    return End(absl::OkStatus());
  }
  const ApiError error = ParseApiError(response.status, response.body);
  if (error.version_changed && ++looks_ < kLooksMax) {
    step_ = Step::kLook;
    return;
  }
  // Whoever forbids a removal means the object, not us: that waits for a person.
  End(error.by_webhook ? absl::FailedPreconditionError(error.status.message()) : error.status);
}

}  // namespace muster::agent
