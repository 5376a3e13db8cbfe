// ClusterDriver: the cluster that an agent acts on, whatever it is made of.
//
// Real: Kubernetes; a directory (objects as files). Twin: MemoryDriver. All of them pass
// driver_conformance.h. Calls may block and are made from job threads, one at a time; Watch's
// callback may come from any thread.
//
// Every verb is idempotent: a crash between any two calls is mended by calling again. Nothing is
// remembered between calls but what makes them cheap: what a driver says is what is there now.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "agent/health/object_health.h"
#include "common/base/digest.h"
#include "common/manifest/object.h"

namespace muster::agent {

class HealthRules;  // agent/health/rules.h

// ---------------------------------------------------------------- looking

// How a package wants its objects to be treated; one value for all of its requests.
struct Terms {
  // "namespace/name" of the service account as which every call for the package's objects is made;
  // empty: the agent's own.
  std::string service_account;
  // The package's own rules, asked before those that are built in; null for none.
  std::shared_ptr<const HealthRules> health;
};

// One object to look at.
struct Query {
  // Implicit, because most of them are a key and nothing else.
  Query(ObjectKey k, std::shared_ptr<const Terms> t = nullptr)
      : key(std::move(k)), terms(std::move(t)) {}

  ObjectKey key;
  std::shared_ptr<const Terms> terms;  // null: the defaults
};

// One object as it is in the cluster now.
struct LiveObject {
  ObjectKey key;
  std::string uid;  // the driver's identity for it: a recreated object has another
  // Another number after any change of anything in the object, its status too; zero when the
  // driver has none. What was compared once at a version need not be compared again.
  uint64_t version = 0;
  Digest digest;     // of the canonical JSON of the fields that we own; the same while nobody
                     // changes one of them
  std::string json;  // those fields, canonical; empty unless asked for
  ObjectHealth health;
  bool ours = false;         // the driver knows that we wrote it: our field manager, our header
  bool terminating = false;  // its deletion has begun
  bool kept = false;         // an annotation on the live object forbids its removal
  // Who changed it last, besides us, when the driver knows: a field manager, a user id.
  std::string changed_by;
  absl::Time changed_at = absl::InfinitePast();
  // Not OK: we may not read it. Then nothing but its key, this and a health of kUnknown is set, and
  // it counts neither as there nor as absent: it is not forgotten, nor compared.
  absl::Status unreadable;
};

// ---------------------------------------------------------------- writing

// Whether an object that is there and not in the inventory may be taken over.
enum class AdoptRule : uint8_t {
  kIfEqual,  // when the apply would change nothing
  kNever,
  kAlways,
};

// One object to write.
struct ApplyRequest {
  ObjectKey key;
  std::string json;  // canonical
  // Whether the agent's inventory has the object: then whatever stands under the key is written
  // over; so is what the driver itself knows us to have written (our field manager, our header).
  // Otherwise `adopt` decides on the object that stands there.
  bool ours = false;
  AdoptRule adopt = AdoptRule::kIfEqual;
  // Take fields from other managers too. Without it a field that another controller owns and that
  // would change is a conflict, and nothing is written; what people's tools own (IsHandTool) never
  // is one.
  bool force = false;
  // A field that cannot be changed: delete the object and make it anew. Without it that is
  // kInvalidArgument with `immutable`.
  bool may_replace = false;
  // Write nothing; say what would change.
  bool dry_run = false;
  // JSON pointers that are left to others: where the live object has a value, it stays and is no
  // change.
  std::vector<std::string> keep;
  std::shared_ptr<const Terms> terms;  // null: the defaults
};

// One object to remove, and only that one: another uid under the same key is not touched.
struct RemoveRequest {
  ObjectKey key;
  std::string uid;
  std::shared_ptr<const Terms> terms;  // null: the defaults
};

// A field that another manager owns.
struct FieldConflict {
  std::string manager;
  std::string pointer;  // JSON pointer; the manager's own words where they cannot be made one

  friend bool operator==(const FieldConflict&, const FieldConflict&) = default;
};

// A field that an apply changes, or would change.
struct FieldChange {
  std::string pointer;  // JSON pointer; "" stands for the whole object
  // As JSON, shortened, never a secret's (fields.h makes them); empty: absent.
  std::string live;
  std::string desired;

  friend bool operator==(const FieldChange&, const FieldChange&) = default;
};

// What became of one request.
//
// Codes, of which the status' message is the server's own where there is one:
//   kAlreadyExists       to apply: it is there, not ours, and the rule forbids to adopt it
//   kFailedPrecondition  to apply: `conflicts`; to remove: it is annotated to be kept, or a webhook
//                        denies its removal
//   kInvalidArgument     the server finds the object invalid; see `immutable`
//   kNotFound            to apply: its kind is not known, or its namespace is not there (yet)
//   kAborted             to remove: another uid stands there; to apply: it changed meanwhile, or
//   its
//                        namespace is going
//   kPermissionDenied    rights or a webhook deny it
//   kResourceExhausted, kUnavailable, kDeadlineExceeded, kUnauthenticated: try again later
struct DriverResult {
  ObjectKey key;
  absl::Status status;
  std::string uid;      // after an apply
  Digest digest;        // after an apply: what List will say while nobody changes it
  ObjectHealth health;  // after an apply
  std::vector<FieldConflict> conflicts;  // of an apply that was refused for them
  std::vector<FieldChange> changes;      // of a dry run: at most limits::kFieldsPerProblemMax
  bool immutable = false;                // kInvalidArgument: a field cannot be changed in place
  bool replaced = false;                 // it was deleted and made anew
};

// ---------------------------------------------------------------- what nobody manages

struct UnmanagedQuery {
  std::vector<std::string> namespaces;
  std::vector<ObjectKey> managed;  // these are not listed, whatever the version of their API
  size_t keys_max = 0;             // the count is whole all the same
};

struct Unmanaged {
  int64_t count = 0;
  std::vector<ObjectKey> keys;  // the first ones, sorted
};

class ClusterDriver {
 public:
  virtual ~ClusterDriver() = default;

  // "directory", "kubernetes", "memory".
  virtual std::string Name() const = 0;

  // The live objects among those asked for; one that is not there is left out, also because its
  // kind or namespace is not known. With `contents`, their JSON too. A failure is a failure of the
  // whole call: absence is proved, never inferred. What the last call asked for is what is worth
  // watching.
  virtual absl::StatusOr<std::vector<LiveObject>> List(const std::vector<Query>& queries,
                                                       bool contents) = 0;

  // Writes the objects in order; one that fails does not stop the rest. One result a request.
  virtual std::vector<DriverResult> Apply(const std::vector<ApplyRequest>& requests) = 0;

  // Removes the objects in order, likewise. An object that is gone already is a success, one that
  // goes later (finalizers) too: List tells when it is gone.
  virtual std::vector<DriverResult> Remove(const std::vector<RemoveRequest>& requests) = 0;

  // The objects of these namespaces that are not managed: without those that another object owns
  // and without what Kubernetes itself makes (unmanaged.h). Dear: called once in many minutes.
  // kUnimplemented: this kind of cluster does not tell.
  virtual absl::StatusOr<Unmanaged> ListUnmanaged(const UnmanagedQuery& query) = 0;

  // Calls `changed` soon after something in the cluster may have changed, until the driver is
  // destroyed. A hint: the agent also lists at an interval. At most once.
  virtual void Watch(std::function<void()> changed) = 0;
};

}  // namespace muster::agent
