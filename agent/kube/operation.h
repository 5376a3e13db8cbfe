// Operation: one object's way through one or several requests, as steps that a caller drives.
//
//   std::optional<ApiRequest> request = operation.Next();   // what to send now; nullopt: it is
//   done operation.Take(response);                               // and its answer
//
// RunAll drives many of them at once: all first requests go out together, each next one as soon as
// the answer before it was taken in. Answers are read on the caller's thread while the loop's
// thread sends and receives. Operations themselves are pure state machines.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/kube/api_client.h"
#include "agent/kube/event_loop.h"
#include "common/manifest/object.h"

namespace muster::agent {

// Where the server has an object: its path, and its key as the server would write it (without a
// namespace where the kind has none).
struct ServedObject {
  ObjectKey key;
  std::string path;
  // Whether a dry run of it writes nothing. May ask the server, and block; null: it is known to.
  std::function<absl::Status()> may_probe = nullptr;
};

class Operation {
 public:
  virtual ~Operation() = default;
  virtual std::optional<ApiRequest> Next() = 0;
  virtual void Take(absl::StatusOr<ApiResponse> response) = 0;
};

// Returns when all of them are done. Blocks: any thread but the loop's. An operation that the
// loop's end cuts short is told kCancelled.
void RunAll(EventLoop& loop, ApiClient& client, const std::vector<Operation*>& operations);

// One request, likewise.
absl::StatusOr<ApiResponse> CallOne(EventLoop& loop, ApiClient& client, ApiRequest request);

}  // namespace muster::agent
