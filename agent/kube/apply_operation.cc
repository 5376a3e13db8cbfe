#include "agent/kube/apply_operation.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "agent/cluster/fields.h"
#include "agent/cluster/unmanaged.h"
#include "agent/kube/api_error.h"
#include "agent/kube/managed_fields.h"
#include "agent/kube/remove_operation.h"
#include "common/base/status_macros.h"
#include "common/manifest/json.h"
#include "common/manifest/string_data.h"

namespace muster::agent {
namespace {

constexpr absl::Duration kBetweenPolls = absl::Milliseconds(250);
constexpr int kPollsMax = 12;  // three seconds for what is to be made anew to go; then the next try

constexpr const char* kServersOwn[] = {
    "/metadata/managedFields",
    "/metadata/resourceVersion",
    "/metadata/uid",
    "/metadata/generation",
    "/metadata/creationTimestamp",
    "/metadata/selfLink",
    "/status",
};

// An empty map that stayed behind would be a claim on all that others put into it.
void RemoveWithEmptyParents(Value& object, absl::string_view pointer) {
  while (!pointer.empty() && object.Remove(pointer)) {
    pointer = pointer.substr(0, pointer.rfind('/'));
    const Value* above = object.Find(pointer);
    if (above == nullptr || !above->is_map() || !above->map().empty()) return;
  }
}

}  // namespace

std::string ApplyBody(const std::string& json, bool namespaced) {
  // Few objects have any of it: the others are not read for nothing.
  const bool suspect =
      (!namespaced && absl::StrContains(json, "\"namespace\":")) ||
      absl::StrContains(json, "\"status\":") || absl::StrContains(json, "\"uid\":") ||
      absl::StrContains(json, "\"managedFields\":") ||
      absl::StrContains(json, "\"resourceVersion\":") ||
      absl::StrContains(json, "\"generation\":") || absl::StrContains(json, "\"selfLink\":") ||
      absl::StrContains(json, "\"creationTimestamp\":") ||
      absl::StrContains(json, "\"stringData\":");
  if (!suspect) return json;
  absl::StatusOr<Value> object = ParseJson(json);
  if (!object.ok()) return json;
  // What cannot be folded is for the server to refuse, in its own words.
  if (Value folded = *object; FoldStringData(folded).ok()) object = std::move(folded);
  for (const char* pointer : kServersOwn) object->Remove(pointer);
  if (!namespaced) object->Remove("/metadata/namespace");
  return CanonicalJson(*object);
}

ApplyOperation::ApplyOperation(const ApplyRequest& request, ServedObject served,
                               absl::Time deadline, LiveCache& cache)
    : request_(request),
      key_(std::move(served.key)),
      path_(std::move(served.path)),
      may_probe_(std::move(served.may_probe)),
      deadline_(deadline),
      cache_(cache),
      body_(ApplyBody(request.json, /*namespaced=*/!key_.namespace_.empty())),
      result_{.key = request.key} {
  bool look = request.dry_run || !request.keep.empty();
  if (!look && !request.ours) {
    const LiveCache::Known known = cache.Find(key_);
    const bool may_write = known.presence == LiveCache::Presence::kAbsent ||
                           (known.presence == LiveCache::Presence::kPresent && known.ours);
    look = !may_write;
  }
  step_ = look ? Step::kLook : Step::kWrite;
}

std::optional<ApiRequest> ApplyOperation::Next() {
  ApiRequest request{.path = path_,
                     .service_account = terms() == nullptr ? "" : terms()->service_account,
                     .deadline = deadline_};
  switch (step_) {
    case Step::kDone:
      return std::nullopt;
    case Step::kLook:
      return request;
    case Step::kAwaitGone:
      request.wait = polls_ == 0 ? absl::ZeroDuration() : kBetweenPolls;
      return request;
    case Step::kDelete:
      request.method = "DELETE";
      request.content_type = "application/json";
      request.body = DeleteBody(result_.uid, live_.has_value() ? VersionOf(*live_) : 0);
      return request;
    case Step::kProbe:
    case Step::kWrite:
    case Step::kWriteForced:
      break;
  }
  request.method = "PATCH";
  request.content_type = "application/apply-patch+yaml";
  request.body = body_;
  const bool force = step_ != Step::kWrite || request_.force;
  absl::StrAppend(&request.path, "?fieldManager=", kFieldManager, force ? "&force=true" : "",
                  step_ == Step::kProbe ? "&dryRun=All" : "", "&fieldValidation=Strict");
  return request;
}

void ApplyOperation::Take(absl::StatusOr<ApiResponse> response) {
  if (!response.ok()) return Fail(response.status());
  switch (step_) {
    case Step::kLook:
      return TakeLook(*response);
    case Step::kProbe:
      return TakeProbe(*response);
    case Step::kWrite:
    case Step::kWriteForced:
      return TakeWrite(*response);
    case Step::kDelete:
      return TakeDelete(*response);
    case Step::kAwaitGone:
      return TakeAwaited(*response);
    case Step::kDone:
      return;
  }
}

void ApplyOperation::Fail(absl::Status status) {
  step_ = Step::kDone;
  result_.status = Annotate(status, absl::StrCat("apply ", request_.key.text()));
}

void ApplyOperation::Refuse(const ApiResponse& response) {
  const absl::StatusOr<Value> desired = ParseJson(body_);
  ApiError error =
      ParseApiError(response.status, response.body, desired.ok() ? &*desired : nullptr);
  result_.conflicts = std::move(error.conflicts);
  result_.immutable = error.immutable;
  Fail(std::move(error.status));
}

// ---------------------------------------------------------------- looking

void ApplyOperation::TakeLook(const ApiResponse& response) {
  looked_ = true;
  if (response.status == 404) {
    live_.reset();
    cache_.SawGone(key_, 0);
    return Looked();
  }
  if (!response.ok()) return Refuse(response);
  absl::StatusOr<Value> live = ParseJson(response.body);
  if (!live.ok()) return Fail(absl::UnavailableError("the server's answer cannot be read"));
  cache_.Saw(key_, *live);
  live_ = *std::move(live);
  if (const Value* uid = live_->Find("/metadata/uid"); uid != nullptr && uid->is_string()) {
    result_.uid = uid->string();
  }
  Looked();
}

void ApplyOperation::Looked() {
  if (replacing_) {
    step_ = live_.has_value() ? Step::kDelete : Step::kWrite;
    return;
  }
  if (live_.has_value()) LeaveToOthers();
  if (request_.dry_run) {
    if (absl::Status known = MayProbe(); !known.ok()) return Fail(std::move(known));
    step_ = Step::kProbe;
    return;
  }
  step_ = Step::kWrite;
  if (!live_.has_value() || request_.ours || request_.adopt == AdoptRule::kAlways) return;
  if (AppliedFields(*live_, kFieldManager) != nullptr) return;
  if (request_.adopt == AdoptRule::kNever) {
    return Fail(absl::AlreadyExistsError("there is another one that Muster did not make"));
  }
  if (const absl::Status known = MayProbe(); !known.ok()) {
    return Fail(absl::AlreadyExistsError(
        absl::StrCat("there is another one that Muster did not make; ", known.message())));
  }
  step_ = Step::kProbe;
}

absl::Status ApplyOperation::MayProbe() const {
  return may_probe_ == nullptr ? absl::OkStatus() : may_probe_();
}

// What the package leaves to others is not sent at all, so that it stays theirs; only what we own
// ourselves has to be repeated, because what an apply leaves out it takes away.
void ApplyOperation::LeaveToOthers() {
  if (request_.keep.empty()) return;
  absl::StatusOr<Value> desired = ParseJson(body_);
  if (!desired.ok()) return;
  const Value* owned = AppliedFields(*live_, kFieldManager);
  std::vector<std::string> repeated;
  for (const std::string& pointer : request_.keep) {
    if (live_->Find(pointer) == nullptr) continue;
    // A place in a list would be another once something before it is left out.
    bool in_list = false;
    for (size_t at = pointer.find('/', 1); at != std::string::npos;
         at = pointer.find('/', at + 1)) {
      const Value* above = desired->Find(pointer.substr(0, at));
      in_list = in_list || (above != nullptr && above->is_list());
    }
    if (in_list || (owned != nullptr && Covers(*owned, pointer))) {
      repeated.push_back(pointer);
    } else {
      RemoveWithEmptyParents(*desired, pointer);
    }
  }
  body_ = CanonicalJson(KeepFields(*std::move(desired), *live_, repeated));
}

void ApplyOperation::TakeProbe(const ApiResponse& response) {
  if (!response.ok()) return Refuse(response);
  const absl::StatusOr<Value> become = ParseJson(response.body);
  if (!become.ok()) return Fail(absl::UnavailableError("the server's answer cannot be read"));
  if (!request_.dry_run) {
    if (!EqualButForWriting(*live_, *become)) {
      return Fail(absl::AlreadyExistsError(
          "there is another one that Muster did not make, and it differs"));
    }
    step_ = Step::kWrite;
    return;
  }
  step_ = Step::kDone;
  if (!live_.has_value()) {
    result_.changes = {WholeObject()};
    return;
  }
  // Both, as far as we own it now or would own it then.
  static const auto& none = *new Value(Value::Map());
  const Value* now = AppliedFields(*live_, kFieldManager);
  const Value* then = AppliedFields(*become, kFieldManager);
  const Value fields = UnionOfFields(now == nullptr ? none : *now, then == nullptr ? none : *then);
  result_.changes = DifferentFields(request_.key, Project(*become, fields), Project(*live_, fields),
                                    request_.keep);
}

// ---------------------------------------------------------------- writing

void ApplyOperation::TakeWrite(const ApiResponse& response) {
  if (response.ok()) {
    const absl::StatusOr<Value> object = ParseJson(response.body);
    if (!object.ok()) return Fail(absl::UnavailableError("the server's answer cannot be read"));
    step_ = Step::kDone;
    cache_.WantAlso(key_, request_.terms);
    cache_.Saw(key_, *object);
    LiveObject live = Describe(key_, *object, terms());
    live.terminating = live.kept = false;  // which our result does not tell
    cache_.Told(key_, &live);
    result_.uid = std::move(live.uid);
    result_.digest = live.digest;
    result_.health = std::move(live.health);
    result_.replaced = replacing_;
    return;
  }
  const ApiError error = ParseApiError(response.status, response.body);
  const bool hand_made =
      !error.conflicts.empty() &&
      std::all_of(error.conflicts.begin(), error.conflicts.end(),
                  [](const FieldConflict& each) { return IsHandTool(each.manager); });
  if (!error.conflicts.empty() && !request_.ours && !looked_) {
    step_ = Step::kLook;  // It was not there a moment ago.
    return;
  }
  if (hand_made && step_ == Step::kWrite) {
    step_ = Step::kWriteForced;
    return;
  }
  if (error.immutable && request_.may_replace && !replacing_) {
    replacing_ = true;
    step_ = Step::kLook;
    return;
  }
  Refuse(response);
}

void ApplyOperation::TakeDelete(const ApiResponse& response) {
  if (!response.ok() && response.status != 404) {
    if (response.status == 409 && ++polls_ < kPollsMax) {
      step_ = Step::kLook;
      return;
    }
    return Refuse(response);
  }
  polls_ = 0;
  step_ = Step::kAwaitGone;
}

void ApplyOperation::TakeAwaited(const ApiResponse& response) {
  if (response.status == 404) {
    cache_.SawGone(key_, 0);
    step_ = Step::kWrite;
    return;
  }
  if (!response.ok()) return Refuse(response);
  if (++polls_ < kPollsMax) return;
  Fail(absl::DeadlineExceededError(
      "it is to be made anew, and what stands there does not go yet: see its finalizers"));
}

}  // namespace muster::agent
