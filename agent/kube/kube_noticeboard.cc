#include "agent/kube/kube_noticeboard.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "agent/kube/api_error.h"
#include "agent/kube/managed_fields.h"
#include "agent/kube/operation.h"
#include "common/base/digest.h"
#include "common/base/log.h"
#include "common/base/status_macros.h"
#include "common/manifest/annotations.h"
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

absl::StatusOr<std::string> KubeNoticeboard::Suspended() {
  ApiRequest request{.path = Path(), .deadline = EventLoop::Now() + kPatience};
  ASSIGN_OR_RETURN(const ApiResponse response, CallOne(loop_, client_, std::move(request)));
  if (response.status == 404) return "";
  if (!response.ok()) {
    return Annotate(ParseApiError(response.status, response.body).status,
                    absl::StrCat("look whether the agent is suspended, at ", Path()));
  }
  ASSIGN_OR_RETURN(const Value object, ParseJson(response.body));
  const absl::string_view text = AnnotationOf(object, kSuspendAnnotation);
  if (text == "false") return "";
  if (!text.empty()) return std::string(text);
  // An empty text stops the agent too: whoever wrote it meant something.
  const Value* annotations = object.Find("/metadata/annotations");
  const bool there = annotations != nullptr && annotations->Get(kSuspendAnnotation) != nullptr;
  return there ? "suspended" : "";
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
  // Events on what has no namespace live in `default`.
  const std::string home = about.namespace_.empty() ? "default" : about.namespace_;
  const std::string message = happening.message.substr(0, kEventMessageMax);
  const std::string name =
      absl::StrCat(about.name.substr(0, kNameMax), ".",
                   Digest::Of(absl::StrCat(about.text(), "\n", happening.reason, "\n", message))
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
                                                               {"name", about.name}}},
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
