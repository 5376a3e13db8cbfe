#include "agent/kube/api_error.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/manifest/json.h"

namespace muster::agent {
namespace {

constexpr size_t kMessageMax = 2000;

std::string Text(const Value* map, absl::string_view key) {
  const Value* value = map == nullptr ? nullptr : map->Get(key);
  return value != nullptr && value->is_string() ? value->string() : "";
}

absl::StatusCode CodeOf(int http) {
  switch (http) {
    case 401:
      return absl::StatusCode::kUnauthenticated;
    case 403:
      return absl::StatusCode::kPermissionDenied;
    case 404:
      return absl::StatusCode::kNotFound;
    case 405:
    case 406:
    case 415:
      return absl::StatusCode::kUnimplemented;
    case 409:
      return absl::StatusCode::kAborted;
    case 410:
      return absl::StatusCode::kOutOfRange;
    case 429:
      return absl::StatusCode::kResourceExhausted;
    case 504:
      return absl::StatusCode::kDeadlineExceeded;
    default:
      return http >= 500 ? absl::StatusCode::kUnavailable : absl::StatusCode::kInvalidArgument;
  }
}

bool SaysImmutable(absl::string_view message) {
  for (const char* words :
       {"field is immutable", "is immutable", "may not change once set",
        "updates to statefulset spec for fields other than", "updates to provisioner are forbidden",
        "updates to parameters are forbidden", "cannot change roleRef",
        "spec is immutable after creation"}) {
    if (absl::StrContains(message, words)) return true;
  }
  return false;
}

// The name in `conflict with "kubectl" using apps/v1`.
std::string ManagerIn(absl::string_view message) {
  const size_t open = message.find('"');
  const size_t close = open == message.npos ? open : message.find('"', open + 1);
  if (close == message.npos) return std::string(message);
  return std::string(message.substr(open + 1, close - open - 1));
}

void ReadCauses(const Value& status, const Value* object, ApiError& error) {
  const Value* causes = status.Find("/details/causes");
  if (causes == nullptr || !causes->is_list()) return;
  for (const Value& cause : causes->list()) {
    const std::string reason = Text(&cause, "reason");
    if (reason == "FieldManagerConflict") {
      error.conflicts.push_back(FieldConflict{.manager = ManagerIn(Text(&cause, "message")),
                                              .pointer = PointerOf(Text(&cause, "field"), object)});
    } else if (reason == "NamespaceTerminating") {
      error.status = absl::AbortedError(error.status.message());
    }
  }
}

// One step of a path, from the front of `rest`: a member of `at` or an element of it.
const Value* Step(absl::string_view& rest, const Value& at, std::string& pointer) {
  if (absl::ConsumePrefix(&rest, ".")) {
    if (!at.is_map()) return nullptr;
    const Member* best = nullptr;  // Keys may have dots: the longest that fits.
    for (const Member& member : at.map()) {
      const absl::string_view after = absl::StripPrefix(rest, member.key);
      if (!absl::StartsWith(rest, member.key)) continue;
      if (!after.empty() && after[0] != '.' && after[0] != '[') continue;
      if (best == nullptr || member.key.size() > best->key.size()) best = &member;
    }
    if (best == nullptr) return nullptr;
    rest.remove_prefix(best->key.size());
    pointer = JoinPointer(pointer, best->key);
    return &best->value;
  }
  const size_t end = rest.find(']');
  if (!absl::ConsumePrefix(&rest, "[") || end == rest.npos || !at.is_list()) return nullptr;
  const absl::string_view keys = rest.substr(0, end - 1);
  rest.remove_prefix(end);
  for (size_t i = 0; i < at.list().size(); ++i) {
    const Value& element = at.list()[i];
    bool fits = true;
    for (absl::string_view key : absl::StrSplit(keys, ',')) {
      if (absl::ConsumePrefix(&key, "=")) {  // of a set: the value itself
        fits = fits && CanonicalJson(element) == key;
        continue;
      }
      const std::pair<std::string, std::string> pair = absl::StrSplit(key, absl::MaxSplits('=', 1));
      const Value* value = element.Get(pair.first);
      fits = fits && value != nullptr && CanonicalJson(*value) == pair.second;
    }
    if (!fits) continue;
    pointer = JoinPointer(pointer, absl::StrCat(i));
    return &element;
  }
  return nullptr;
}

}  // namespace

std::string PointerOf(absl::string_view path, const Value* object) {
  std::string pointer;
  absl::string_view rest = path;
  while (object != nullptr && !rest.empty()) object = Step(rest, *object, pointer);
  return object == nullptr ? std::string(path) : pointer;
}

ApiError ParseApiError(int http, absl::string_view body, const Value* object) {
  ApiError error;
  const absl::StatusOr<Value> parsed = ParseJson(body);
  const bool is_status = parsed.ok() && Text(&*parsed, "kind") == "Status";
  std::string message = is_status ? Text(&*parsed, "message") : "";
  if (message.empty()) {
    message = absl::StrCat("HTTP ", http, body.empty() ? "" : ": ",
                           absl::CHexEscape(body.substr(0, 200)));
  }
  if (message.size() > kMessageMax) message = absl::StrCat(message.substr(0, kMessageMax), "...");
  error.status = absl::Status(CodeOf(http), message);
  if (!is_status) return error;
  error.reason = Text(&*parsed, "reason");
  error.by_webhook = absl::StrContains(message, "admission webhook") &&
                     absl::StrContains(message, "denied the request");
  if (error.by_webhook) error.status = absl::PermissionDeniedError(message);
  // Some servers call a field that no schema knows their own fault.
  if (http == 500 && absl::StrContains(message, "failed to create typed patch object")) {
    error.status = absl::InvalidArgumentError(message);
  }
  ReadCauses(*parsed, object, error);
  if (!error.conflicts.empty()) {
    error.status = absl::FailedPreconditionError(message);
  } else if (error.reason == "AlreadyExists") {
    error.status = absl::AlreadyExistsError(message);
  } else if (http == 409) {
    error.version_changed = true;
  }
  error.immutable = absl::IsInvalidArgument(error.status) && http == 422 && SaysImmutable(message);
  return error;
}

}  // namespace muster::agent
