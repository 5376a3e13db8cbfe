#include "agent/kube/kube_noticeboard.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/kube/api_error.h"
#include "agent/kube/managed_fields.h"
#include "agent/kube/operation.h"
#include "common/base/digest.h"
#include "common/base/log.h"
#include "common/base/status_macros.h"
#include "common/manifest/json.h"

namespace muster::agent {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(20);
constexpr absl::string_view kApiVersion = "muster.dev/v1alpha1";
constexpr absl::string_view kKind = "Muster";
constexpr absl::string_view kName = "agent";
constexpr size_t kCountsMax = 1000;
constexpr size_t kEventMessageMax = 1024;  // the server's own limit
constexpr size_t kNameMax = 230;           // of an object's within its Event's

}  // namespace

KubeNoticeboard::KubeNoticeboard(Parts parts)
    : loop_(parts.loop),
      client_(parts.client),
      clock_(parts.clock),
      namespace_(std::move(parts.namespace_)),
      uid_of_(std::move(parts.uid_of)),
      changed_(std::move(parts.changed)),
      own_(std::string(kName), changed_) {}

std::string KubeNoticeboard::Path() const {
  return absl::StrCat("/apis/", kApiVersion, "/namespaces/", namespace_, "/musters/", kName);
}

absl::StatusOr<ApiResponse> KubeNoticeboard::Call(const char* method, std::string path,
                                                  const Value& body) {
  ApiRequest request{.method = method, .path = std::move(path), .body = CanonicalJson(body)};
  request.content_type =
      request.method == "POST" ? "application/json" : "application/merge-patch+json";
  request.deadline = EventLoop::Now() + kPatience;
  return CallOne(loop_, client_, std::move(request));
}

// Whether what the watch told is what is so, up to what is on its way.
bool KubeNoticeboard::Watched() {
  bool live = false;
  loop_.Call([&] {
    if (watch_ == nullptr) {
      watch_ = std::make_unique<Reflector>(
          client_, own_,
          View{.api_version = std::string(kApiVersion),
               .kind = std::string(kKind),
               .namespace_ = namespace_},
          ApiKind{.plural = "musters", .namespaced = true, .lists = true, .watches = true},
          changed_);
    }
    live = watch_->live();
  });
  return live;
}

absl::StatusOr<std::string> KubeNoticeboard::Suspended() {
  if (Watched()) return own_.TellSuspension();
  ApiRequest request{.path = Path(), .deadline = EventLoop::Now() + kPatience};
  ASSIGN_OR_RETURN(const ApiResponse response, CallOne(loop_, client_, std::move(request)));
  std::string suspended;
  if (response.ok()) {
    ASSIGN_OR_RETURN(const Value object, ParseJson(response.body));
    suspended = SuspensionIn(object);
  } else if (response.status != 404) {
    return Annotate(ParseApiError(response.status, response.body).status,
                    absl::StrCat("look whether the agent is suspended, at ", Path()));
  }
  own_.Told(suspended);
  return suspended;
}

// By server-side apply, so that the object is made when it is not there and the annotations that
// people put on it stay.
absl::StatusOr<ApiResponse> KubeNoticeboard::Apply(const std::string& path, const Value* status) {
  Value object = Value::Map{{"apiVersion", kApiVersion},
                            {"kind", kKind},
                            {"metadata", Value::Map{{"name", kName}, {"namespace", namespace_}}}};
  if (status != nullptr) object.Set("/status", *status);
  ApiRequest request{.method = "PATCH",
                     .path = absl::StrCat(path, "?fieldManager=", kFieldManager, "&force=true"),
                     .body = CanonicalJson(object),
                     .content_type = "application/apply-patch+yaml",
                     .deadline = EventLoop::Now() + kPatience};
  return CallOne(loop_, client_, std::move(request));
}

absl::Status KubeNoticeboard::Post(const Value& status, const std::vector<Happening>& happenings) {
  const std::string path = Path() + "/status";
  ASSIGN_OR_RETURN(ApiResponse response, Apply(path, &status));
  if (response.status == 404) {
    ASSIGN_OR_RETURN(const ApiResponse made, Apply(Path(), nullptr));
    if (made.ok()) {
      ASSIGN_OR_RETURN(response, Apply(path, &status));
    }
  }
  if (!response.ok() && response.status != 404) {
    return Annotate(ParseApiError(response.status, response.body).status,
                    absl::StrCat("write the agent's status to ", Path()));
  }
  if (const absl::StatusOr<Value> own = ParseJson(response.body); response.ok() && own.ok()) {
    own_.Saw({.name = std::string(kName)}, *own);
  }
  for (const Happening& happening : happenings) Announce(happening);
  return absl::OkStatus();
}

void KubeNoticeboard::Announce(const Happening& happening) {
  ObjectKey about = happening.about;
  if (about.kind.empty()) {
    about = {.api_version = std::string(kApiVersion),
             .kind = std::string(kKind),
             .namespace_ = namespace_,
             .name = std::string(kName)};
  }
  // Without it `kubectl describe` does not find the Event.
  const std::string uid = happening.about.kind.empty() ? own_.uid() : uid_of_(about);
  // Events on what has no namespace live in `default`.
  const std::string home = about.namespace_.empty() ? "default" : about.namespace_;
  const std::string message = happening.message.substr(0, kEventMessageMax);
  const std::string name = absl::StrCat(
      about.name.substr(0, kNameMax), ".",
      Digest::Of(absl::StrCat(about.text(), "\n", uid, "\n", happening.reason, "\n", message))
          .hex()
          .substr(0, 16));
  if (counts_.size() >= kCountsMax) counts_.clear();
  const int64_t count = ++counts_[name];
  const std::string now =
      absl::FormatTime("%Y-%m-%d%ET%H:%M:%SZ", clock_.Now(), absl::UTCTimeZone());
  const std::string path = absl::StrCat("/api/v1/namespaces/", home, "/events");
  const Value event = Value::Map{{"apiVersion", "v1"},
                                 {"kind", "Event"},
                                 {"metadata", Value::Map{{"name", name}, {"namespace", home}}},
                                 {"involvedObject", Value::Map{{"apiVersion", about.api_version},
                                                               {"kind", about.kind},
                                                               {"namespace", about.namespace_},
                                                               {"name", about.name},
                                                               {"uid", uid}}},
                                 {"reason", happening.reason},
                                 {"message", message},
                                 {"type", happening.warning ? "Warning" : "Normal"},
                                 {"source", Value::Map{{"component", "muster-agent"}}},
                                 {"reportingComponent", "muster.dev/agent"},
                                 {"reportingInstance", namespace_},
                                 {"firstTimestamp", now},
                                 {"lastTimestamp", now},
                                 {"count", count}};
  absl::StatusOr<ApiResponse> response = Call("POST", path, event);
  if (response.ok() && response->status == 409) {
    response = Call("PATCH", absl::StrCat(path, "/", name),
                    Value::Map{{"lastTimestamp", now}, {"count", count}});
  }
  if (response.ok() && response->ok()) return;
  log::Debug("an event could not be written",
             {{"object", about.text()}, {"reason", happening.reason}});
}

}  // namespace muster::agent
