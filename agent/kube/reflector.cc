#include "agent/kube/reflector.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "agent/kube/api_error.h"
#include "agent/kube/url.h"
#include "common/manifest/json.h"

namespace muster::agent {
namespace {

constexpr int kPage = 250;
constexpr absl::Duration kListPatience = absl::Minutes(2);
constexpr int kWatchSecondsMin = 300;  // then the server ends it, and it is resumed
constexpr absl::Duration kGoodWatch = absl::Seconds(10);

// The server, or the one behind it that serves the kind, cannot do it now.
bool IsTrouble(const absl::Status& failure) {
  return absl::IsUnavailable(failure) || absl::IsResourceExhausted(failure) ||
         absl::IsDeadlineExceeded(failure);
}

std::string Text(const Value& object, absl::string_view pointer) {
  const Value* value = object.Find(pointer);
  return value != nullptr && value->is_string() ? value->string() : "";
}

}  // namespace

Reflector::Reflector(ApiClient& client, ViewSink& sink, View view, ApiKind kind,
                     std::function<void()> settled)
    : client_(client),
      sink_(sink),
      view_(std::move(view)),
      kind_(std::move(kind)),
      settled_(std::move(settled)),
      backoff_(absl::Milliseconds(250), absl::Seconds(30)) {
  List();
}

Reflector::~Reflector() {
  *alive_ = false;
  if (timer_ != 0) client_.loop().Cancel(timer_);
  if (watch_ != 0) client_.Cancel(watch_);
}

void Reflector::Hurry() {
  if (timer_ == 0 || (answered_ && IsTrouble(failure_))) return;
  client_.loop().Cancel(std::exchange(timer_, 0));
  Continue();
}

void Reflector::Continue() {
  // While the server is in trouble with this view, that is what is known of it.
  if (!answered_ || !IsTrouble(failure_)) failure_ = absl::OkStatus();
  if (version_.empty()) {
    List();
  } else {
    Watch();
  }
}

bool Reflector::KeyOf(const Value& object, ObjectKey& key) const {
  key = ObjectKey{.api_version = view_.api_version,
                  .kind = view_.kind,
                  .namespace_ = Text(object, "/metadata/namespace"),
                  .name = Text(object, "/metadata/name")};
  return !key.name.empty();
}

// ---------------------------------------------------------------- listing

void Reflector::List() {
  if (continue_.empty()) {
    mark_ = sink_.BeginList();
    page_deadline_ = EventLoop::Now() + kListPatience;
  }
  ApiRequest request;
  request.path = absl::StrCat(
      ApiCatalog::CollectionPath(kind_, view_.api_version, view_.namespace_), "?limit=", kPage);
  if (!continue_.empty()) absl::StrAppend(&request.path, "&continue=", UrlEscape(continue_));
  request.deadline = page_deadline_;
  client_.Send(std::move(request), [this, alive = alive_](absl::StatusOr<ApiResponse> response) {
    if (*alive) TakePage(response);
  });
}

void Reflector::TakePage(const absl::StatusOr<ApiResponse>& response) {
  if (!response.ok()) return Fail(response.status(), /*answered=*/false);
  if (!response->ok()) {
    continue_.clear();
    return Fail(ParseApiError(response->status, response->body).status, /*answered=*/true);
  }
  JsonSplitter items(JsonSplitter::Of::kItems, [this](absl::string_view text) {
    absl::StatusOr<Value> object = ParseJson(text);
    ObjectKey key;
    if (!object.ok() || !KeyOf(*object, key)) return;
    // The elements of a list leave out what the list says of all.
    object->Set("/apiVersion", view_.api_version);
    object->Set("/kind", view_.kind);
    sink_.Saw(key, *object);
  });
  const absl::Status fed = items.Feed(response->body);
  const absl::StatusOr<Value> rest = ParseJson(items.rest());
  if (!fed.ok() || !rest.ok()) {
    return Fail(absl::UnavailableError("the API server's list cannot be read"), /*answered=*/true);
  }
  continue_ = Text(*rest, "/metadata/continue");
  if (!continue_.empty()) return List();
  version_ = Text(*rest, "/metadata/resourceVersion");
  sink_.EndList(view_, mark_, VersionOf(*rest));
  SetLive(true);
  Watch();
}

// ---------------------------------------------------------------- watching

void Reflector::Watch() {
  const int seconds = kWatchSecondsMin + static_cast<int>(client_.random().Below(kWatchSecondsMin));
  ApiRequest request;
  request.path =
      absl::StrCat(ApiCatalog::CollectionPath(kind_, view_.api_version, view_.namespace_),
                   "?watch=true&allowWatchBookmarks=true&resourceVersion=", UrlEscape(version_),
                   "&timeoutSeconds=", seconds);
  heard_ = expired_ = false;
  watch_began_ = EventLoop::Now();
  splitter_ = std::make_unique<JsonSplitter>(JsonSplitter::Of::kSequence,
                                             [this](absl::string_view text) { TakeEvent(text); });
  watch_ =
      client_.Stream(std::move(request), {.opened = [this] { SetLive(true); },
                                          .data =
                                              [this](absl::string_view bytes) {
                                                if (!splitter_->Feed(bytes).ok()) expired_ = true;
                                              },
                                          .end =
                                              [this](const absl::StatusOr<ApiResponse>& response) {
                                                watch_ = 0;
                                                WatchEnded(response);
                                              }});
}

void Reflector::TakeEvent(absl::string_view text) {
  if (expired_) return;
  const absl::StatusOr<Value> event = ParseJson(text);
  const Value* object = event.ok() ? event->Get("object") : nullptr;
  if (object == nullptr) {
    expired_ = true;  // What was it? Only a list can tell.
    return;
  }
  const std::string type = Text(*event, "/type");
  if (type == "ERROR") {
    expired_ = true;
    return;
  }
  heard_ = true;
  const std::string version = Text(*object, "/metadata/resourceVersion");
  if (!version.empty()) version_ = version;
  ObjectKey key;
  if (type == "BOOKMARK" || !KeyOf(*object, key)) return;
  if (type == "DELETED") {
    sink_.SawGone(key, VersionOf(*object));
  } else {
    sink_.Saw(key, *object);
  }
}

void Reflector::WatchEnded(const absl::StatusOr<ApiResponse>& response) {
  splitter_.reset();
  if (heard_ || EventLoop::Now() - watch_began_ >= kGoodWatch) backoff_.Reset();
  if (expired_ || (response.ok() && response->status == 410)) {
    // A server that keeps saying so is asked ever less often.
    version_.clear();
    SetLive(false);
    return Later();
  }
  if (response.ok() && response->ok()) {
    // An orderly end: the watch's time was over. One that ends at once is not asked again at once.
    if (EventLoop::Now() - watch_began_ >= kGoodWatch || heard_) return Watch();
    return Later();
  }
  if (!response.ok()) return Fail(response.status(), /*answered=*/false);
  Fail(ParseApiError(response->status, response->body).status, /*answered=*/true);
}

void Reflector::Fail(absl::Status why, bool answered) {
  failure_ = std::move(why);
  answered_ = answered;
  live_ = false;
  // What is wrong with a place in the versions is wrong with it for ever.
  if (absl::IsOutOfRange(failure_) || absl::IsInvalidArgument(failure_) ||
      absl::IsNotFound(failure_)) {
    version_.clear();
    continue_.clear();
  }
  settled_();
  Later();
}

void Reflector::Later() {
  timer_ = client_.loop().After(backoff_.NextAtLeastHalf(client_.random()), [this] {
    timer_ = 0;
    Continue();
  });
}

void Reflector::SetLive(bool live) {
  if (live) {
    failure_ = absl::OkStatus();
    answered_ = false;
  }
  if (std::exchange(live_, live) != live) settled_();
}

}  // namespace muster::agent
