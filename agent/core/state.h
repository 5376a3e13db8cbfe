// State: what an agent knows, and how that is kept on disk.
//
// Plain values on the core's thread. The rooms of the core read and change them; each change that
// must survive goes into the turn's batch through the Put and Drop functions below, and nothing
// else writes records.
//
// Invariants
//   S1. `items` of a package is sorted by key, without duplicates.
//   S2. An item has `written` exactly while its inventory record exists.
//   S3. `live` is meaningful only while `written` is set.
//   S4. `target` is the bundle that the items' `desired` was taken from; empty before the first.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "agent/cluster/cluster_driver.h"
#include "agent/health/object_health.h"
#include "common/base/backoff.h"
#include "common/base/digest.h"
#include "common/manifest/bundle.h"
#include "common/manifest/object.h"
#include "common/store/store.h"
#include "proto/fleet.pb.h"
#include "proto/storage.pb.h"

namespace muster::agent {

// What the last look, or our own last write, says of an object.
enum class Live : uint8_t {
  kUnknown,    // not looked at yet
  kExpected,   // there, and as we left it; or different in ignored fields only
  kDifferent,  // there, and changed by somebody
  kMissing,
};

// One object of a package: what it should be, what was written, what is there. About 260 bytes,
// because an agent has one for each of its objects all the time.
struct Item {
  ObjectKey key;
  Digest desired;         // empty: has no place in the desired state
  Digest written;         // empty: not in the inventory
  Digest live;            // what the driver lists while nobody changes it
  std::string uid;        // empty until it was written
  uint64_t compared = 0;  // LiveObject::version at which it was compared with `desired`
  uint32_t size = 0;
  int32_t wave = 0;
  Live seen = Live::kUnknown;
  HealthWord health = HealthWord::kHealthy;  // details: PackageState::ailing
  bool keep = false;                         // annotated in Git: never removed
  bool sealed = false;                       // `desired` is a sealed form (manifest/sealed.h)
  bool kept_live = false;                    // annotated in the cluster: not removed while it is
  bool terminating = false;                  // its deletion has begun
  bool orphaned = false;                     // in the inventory, left on purpose
  bool removed = false;    // removal was accepted by the driver; waits to be seen gone
  bool contested = false;  // another package has it; not written by this one
  bool busy = false;       // is being looked at by the job that runs

  bool is_desired() const { return !desired.empty(); }
  bool in_inventory() const { return !written.empty(); }
};

// When a removed item is wanted again: it may be gone by now, or go any moment.
void Revive(Item& item);

// What is wrong with an item; few items have one.
struct Trouble {
  absl::Status failure;  // of the last try; OK when there is none
  Backoff backoff{absl::Seconds(1), absl::Minutes(5)};
  absl::Time next_try = absl::InfinitePast();
  std::vector<FieldChange> changes;      // that would put it right
  std::vector<FieldConflict> conflicts;  // why the last apply was refused
  std::string changed_by;
  absl::Time changed_at = absl::InfinitePast();
  absl::Time since;
  // Corrections of this object, for telling a fight from an accident.
  int healed = 0;
  absl::Time first_healed;
  absl::Time last_healed;
};

// The health of an item that is not healthy.
struct Ailment {
  ObjectHealth health;
  // When we first saw it so. Time limits count from here: an object's own times may be those of
  // an older trouble.
  absl::Time seen;
};

// Whether the namespace that a package asks for is there.
enum class NamespaceSeen : uint8_t { kUnknown, kPresent, kAbsent };

struct PackageState {
  static constexpr int kDeltasMax = 16;

  std::string name;
  // The accepted word on it; absent while it is being removed.
  std::optional<v1::DesiredPackage> desired;
  v1::AgentPackageRecord record;
  Digest target;
  std::vector<Item> items;
  std::map<ObjectKey, Trouble> troubles;
  std::map<ObjectKey, Ailment> ailing;  // of the items that are not healthy
  // How the package wants its objects to be treated; made of what it says. Never null.
  std::shared_ptr<const Terms> terms = std::make_shared<const Terms>();
  absl::Status terms_failure;  // its health rules cannot be read
  NamespaceSeen namespace_seen = NamespaceSeen::kUnknown;
  absl::Status namespace_failure;
  bool looked = false;                               // all items were looked at since the start
  bool plan_due = true;                              // something changed since the last plan
  absl::Time next_try = absl::InfiniteFuture();      // of what failed before
  absl::Time progress_since = absl::InfinitePast();  // when `target` last changed
  // Manifests in a row of which only the delta was stored; reading the last one reads them all.
  int deltas = kDeltasMax;
  std::string held_message;     // why the removals of the last plan were held as a whole; or empty
  std::string waiting_for;      // dependencies that were not ready at the last plan; or empty
  std::string waiting_objects;  // what objects wait for that are there, but not ready; or empty
  std::string last_healed;      // what was put right last, for people; or empty

  bool removing() const { return !desired.has_value(); }
  bool targets_known() const {
    return removing() || (!target.empty() && target.view() == desired->bundle_digest());
  }
  Item* Find(const ObjectKey& key);
  const Item* Find(const ObjectKey& key) const;
};

// Takes in what an object says of itself. Returns whether that is another word than before.
bool NoteHealth(PackageState& package, Item& item, const ObjectHealth& health, absl::Time now);

// An object that was put right.
struct Healed {
  ObjectKey key;
  std::string what;  // for people
};

struct State {
  v1::AcceptedRecord accepted;
  v1::DesiredState desired;  // of the accepted envelope; default before the first
  std::map<std::string, PackageState> packages;
  std::vector<Digest> bundles;  // as in AgentBundlesRecord
  // What the cluster's own administrator wrote to suspend the agent, as of the last look; empty:
  // not suspended.
  std::string suspended_locally;
  Unmanaged unmanaged;         // of the last time that it was counted
  std::vector<Healed> healed;  // since it was last told; the first few

  bool observe_locally = false;  // whoever runs the agent said so; not stored

  bool has_accepted() const { return accepted.generation() != 0; }
  bool observe_only() const {
    return observe_locally || desired.mode() == v1::CLUSTER_MODE_OBSERVE;
  }
};

// max(now, the latest time acted upon): a clock that was set back makes nothing valid again.
absl::Time EffectiveTime(const State& state, absl::Time now);

// ---------------------------------------------------------------- what packages say, with defaults

v1::DriftMode DriftModeOf(const PackageState& package);

absl::Duration HealthTimeoutOf(const PackageState& package);

AdoptRule AdoptRuleOf(const PackageState& package);

// The ignore rules that fit `key`, as JSON pointers.
std::vector<std::string> IgnoredPaths(const PackageState& package, const ObjectKey& key);

ObjectKey NamespaceKey(const std::string& name);

// ---------------------------------------------------------------- disk

// Reads what Put wrote. Packages' desired parts are filled in from the accepted envelope, whose
// payload was verified when it was accepted.
absl::StatusOr<State> LoadState(const std::vector<Record>& records);

// Gives each package its word of `state.desired`, and turns those that it does not name any more
// into packages that are being removed. Writes the records that change.
void AssignPackages(State& state, Batch& batch);

void PutAccepted(const State& state, Batch& batch);
void PutBundles(const State& state, Batch& batch);
void PutPackage(const PackageState& package, Batch& batch);
void DropPackage(const PackageState& package, Batch& batch);
void PutItem(const PackageState& package, const Item& item, Batch& batch);
void DropItem(const PackageState& package, const Item& item, Batch& batch);

}  // namespace muster::agent
