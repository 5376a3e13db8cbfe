// ObjectHealth: how one object does, in the words of the product.
//
// A plain value: made by HealthOf (health.h) from a live object, carried by ClusterDriver, summed
// up by the agent's core. Any thread.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace muster::agent {

// By badness, worst last, as in HealthStatus of fleet.proto.
enum class HealthWord : uint8_t {
  kHealthy,      // kstatus: Current
  kSuspended,    // told not to go on; whoever did that knows
  kProgressing,  // InProgress and Terminating: it gets there, or goes
  kUnknown,      // it cannot be told
  kMissing,      // NotFound
  kDegraded,     // Failed
};

struct ObjectHealth {
  HealthWord word = HealthWord::kHealthy;
  // Why it is not healthy, for people: "2 of 3 replicas are ready". Empty when it is.
  std::string message;
  // Since when the object itself says so; absl::InfinitePast() when it does not say.
  absl::Time since = absl::InfinitePast();

  friend bool operator==(const ObjectHealth&, const ObjectHealth&) = default;
};

// "Healthy", "Progressing", ...
absl::string_view HealthWordName(HealthWord word);

}  // namespace muster::agent
