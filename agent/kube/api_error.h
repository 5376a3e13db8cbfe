// ApiError: what an API server says when it does not do what it was asked: its Status object, as
// absl::Status with the server's own message.
//
// Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "agent/cluster/cluster_driver.h"
#include "common/manifest/value.h"

namespace muster::agent {

struct ApiError {
  // kInvalidArgument (400, 413, 422), kUnauthenticated (401), kPermissionDenied (403), kNotFound
  // (404), kAlreadyExists and kAborted (409), kOutOfRange (410), kUnimplemented (405, 406, 415),
  // kResourceExhausted (429), kDeadlineExceeded (504), kUnavailable (other 5xx). kAborted also for
  // a namespace that is going; kFailedPrecondition for fields that others own.
  absl::Status status;
  std::string reason;  // the server's word: "Invalid", "Conflict"
  std::vector<FieldConflict> conflicts;
  bool immutable = false;        // a field cannot be changed in place
  bool by_webhook = false;       // an admission webhook denied it
  bool version_changed = false;  // a precondition on the version or the uid does not hold
};

// `http` is at least 400; `body` may be no Status object at all. `object` is what was applied, if
// anything was: the pointers of conflicts are found in it.
ApiError ParseApiError(int http, absl::string_view body, const Value* object = nullptr);

// The JSON pointer into `object` of a field path as the server writes it, such as
// `.spec.containers[name="app"].image`; the path itself when it leads nowhere.
std::string PointerOf(absl::string_view path, const Value* object);

}  // namespace muster::agent
