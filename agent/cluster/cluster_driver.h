// ClusterDriver: the cluster that an agent acts on, whatever it is made of.
//
// Real: a directory (objects as files); Kubernetes follows. Twin: MemoryDriver. All of them pass
// driver_conformance.h. Calls may block and are made from job threads, one at a time; Watch's
// callback may come from any thread.
//
// Every verb is idempotent: a crash between any two calls is mended by calling again.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/digest.h"
#include "common/manifest/object.h"

namespace muster::agent {

// One object as it is in the cluster now.
struct LiveObject {
  ObjectKey key;
  std::string uid;         // the driver's identity for it: a recreated object has another
  Digest digest;           // of the canonical JSON of the fields that we own
  std::string json;        // those fields, canonical; empty unless asked for
  std::string changed_by;  // who changed it last, when the driver knows
};

// One object to write.
struct ApplyRequest {
  ObjectKey key;
  std::string json;  // canonical
  // Whether the agent's inventory has the object: then whatever stands under the key is written
  // over. Otherwise another object under the key is a conflict, unless it is equal: then it is
  // adopted as it stands.
  bool ours = false;
};

// One object to remove, and only that one: another uid under the same key is not touched.
struct RemoveRequest {
  ObjectKey key;
  std::string uid;
};

// What became of one request.
struct DriverResult {
  ObjectKey key;
  // kAborted: the object to remove has another uid. kAlreadyExists: the object to apply is there,
  // differs and is not ours.
  absl::Status status;
  std::string uid;  // after an apply
  Digest digest;    // after an apply: what List will say while nobody changes it
};

class ClusterDriver {
 public:
  virtual ~ClusterDriver() = default;

  // "directory", "kubernetes", "memory".
  virtual std::string Name() const = 0;

  // The live objects among `keys`; one that is not there is left out. With `contents`, their JSON
  // too. A failure is a failure of the whole call: absence is proved, never inferred.
  virtual absl::StatusOr<std::vector<LiveObject>> List(const std::vector<ObjectKey>& keys,
                                                       bool contents) = 0;

  // Writes the objects in order; one that fails does not stop the rest. One result a request.
  virtual std::vector<DriverResult> Apply(const std::vector<ApplyRequest>& requests) = 0;

  // Removes the objects in order, likewise. An object that is gone already is a success.
  virtual std::vector<DriverResult> Remove(const std::vector<RemoveRequest>& requests) = 0;

  // Calls `changed` soon after something in the cluster may have changed, until the driver is
  // destroyed. A hint: the agent also lists at an interval. At most once.
  virtual void Watch(std::function<void()> changed) = 0;
};

}  // namespace muster::agent
