// Diff: what stands between a package as it is and as it should be: what to write, what to remove,
// and what a rail forbids.
//
// Pure functions on the core's thread. Removal is the dangerous half: an object goes only when it
// is in the inventory, has no place in the verified desired state, is of no protected kind, and the
// package stays within its deletion budget.
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "agent/core/order.h"
#include "agent/core/settings.h"
#include "agent/core/state.h"
#include "common/store/store.h"
#include "proto/fleet.pb.h"

namespace muster::agent {

// Gives the items of `package` the places that `manifest`, the bundle `bundle`, has for them. What
// has none and was never written is forgotten; what has none and was written is left to be removed.
void Retarget(PackageState& package, const Digest& bundle, const v1::Manifest& manifest,
              absl::Time now);

// After packages changed: an object that left one package and entered another, or came back under
// another version of its API, keeps its identity and is not removed; an object that two packages
// want goes to the one that has it, or else to the first by name, and is contested in the other.
void SettleOwners(State& state, Batch& batch);

// Whether the item is to be written.
bool NeedsApply(const PackageState& package, const Item& item);

// Whether the item has lost its place and is to go, as far as its package is concerned.
bool IsLeftover(const Item& item);

// Why an object is never removed, for people; empty when it may be.
std::string ProtectedReason(const Item& item, const AgentSettings& settings);

// How many objects of the package one change may remove.
int DeletionBudget(const PackageState& package);

struct Plan {
  bool create_namespace = false;  // before everything else
  std::vector<Item*> apply;       // in order
  std::vector<Item*> remove;      // in order
  std::vector<Item*> orphan;      // left on purpose from now on
  int held = 0;                   // removals that a rail stopped
  std::string held_message;       // of the whole package; empty when none or only protected ones
  std::string waiting;            // what objects wait for that are there but not ready; or empty
  absl::Time next_try = absl::InfiniteFuture();  // of what failed and has to wait
};

// With `ready` false, the package waits for others: what drifted is put right, what is new waits.
Plan MakePlan(PackageState& package, const AgentSettings& settings, const Order& order, bool ready,
              absl::Time now);

}  // namespace muster::agent
