// Health: how a package does, in numbers and in the words of product.md.
//
// What each object says of itself comes with the looks (agent/health); here it is summed up: the
// worst wins, and what does not get there within the package's health timeout is degraded. Pure;
// the core's thread.
#pragma once

#include <cstdint>

#include "absl/time/time.h"
#include "agent/core/settings.h"
#include "agent/core/state.h"
#include "proto/fleet.pb.h"

namespace muster::agent {

// How many objects of a package are in which state.
struct Counts {
  uint32_t objects = 0;  // in the inventory, orphans not counted
  uint32_t pending = 0;  // desired, not written yet
  uint32_t drifted = 0;
  uint32_t missing = 0;    // of the desired
  uint32_t failed = 0;     // could not be written or removed at the last try
  uint32_t leftover = 0;   // lost their place, still there
  uint32_t held = 0;       // of the leftovers: a rail stops their removal
  uint32_t unmanaged = 0;  // orphans
  // Of the desired that are there, by what they say of themselves.
  uint32_t degraded = 0, progressing = 0, unknown = 0, suspended = 0;
  uint32_t would_add = 0, would_change = 0, would_delete = 0;  // observe mode

  uint32_t unhealthy() const { return degraded + progressing + unknown; }
  uint32_t would() const { return would_add + would_change + would_delete; }
};

Counts Count(const State& state, const PackageState& package, const AgentSettings& settings);

v1::SyncStatus SyncOf(const State& state, const PackageState& package, const Counts& counts);
v1::HealthStatus HealthOf(const State& state, const PackageState& package, const Counts& counts,
                          absl::Time now);

// Whether an object that is not there yet where it should be had its time.
bool IsLate(const PackageState& package, const Ailment& ailment, absl::Time now);

// Whether the package's desired bundle is in the cluster as a whole.
bool IsWhole(const PackageState& package, const Counts& counts);

// Names, with commas, of the packages that `package` has to wait for: those that it depends on and
// that are not there, not wholly applied or not healthy. Empty when it may go on.
std::string WaitsFor(const State& state, const PackageState& package, const AgentSettings& settings,
                     absl::Time now);

}  // namespace muster::agent
