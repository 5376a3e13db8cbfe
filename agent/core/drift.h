// Drift: what a look at the cluster says of an object, and what came of putting it right.
//
// Modes, per package: `correct` writes back what somebody changed or deleted; `report` shows it and
// leaves it; `ignore` does not look. An object that somebody keeps changing is said to be recurring
// and corrected at the pace of the resync, then more and more rarely: two controllers that fight
// are a matter for people. Pure; the core's thread.
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "agent/core/event.h"
#include "agent/core/outbox.h"
#include "agent/core/state.h"
#include "common/store/store.h"

namespace muster::agent {

// So many corrections of one object within kDriftWindow are a fight.
inline constexpr int kDriftRecurs = 3;
inline constexpr absl::Duration kDriftWindow = absl::Hours(1);

// The longest pause between two corrections in a fight.
inline constexpr absl::Duration kDriftPauseMax = absl::Minutes(30);

// What to ask of the cluster about `item`.
Look LookAt(const PackageState& package, const Item& item);

// Takes in what was found under the item's key; `found` is null when nothing is there. Returns
// false when the item is not the package's any more (it is gone, or another object took its place):
// the caller erases it; its record is dropped already.
bool TakeIn(PackageState& package, Item& item, const ListedObject* found, bool observe_only,
            absl::Time now, Batch& batch);

// Whether somebody changed or deleted what was wholly written before.
bool IsDrifted(const Item& item);

// After a successful correction: counts it and remembers what it was.
void NoteHealed(PackageState& package, const Item& item, absl::Time now);

// Whether somebody fights over the object.
bool IsRecurring(const Trouble& trouble, absl::Time now);

// How long a recurring drift is left alone after it was corrected.
absl::Duration PauseOf(const Trouble& trouble, absl::Duration resync);

// "Deployment web/frontend", for people.
std::string Describe(const ObjectKey& key);

}  // namespace muster::agent
