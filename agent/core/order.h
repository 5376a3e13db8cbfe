// Order: what has to wait although nothing is wrong with it, because something that it needs is not
// ready.
//
// Three things are waited for, and nothing else, so that one bad object never blocks the rest:
// - a wave waits for the objects of the package's earlier waves to be healthy, but no longer than
//   the package's health timeout;
// - an object of a custom kind waits for the definition of its kind to be established;
// - an object waits while its namespace is being deleted.
// Only what is new waits; drift is put right at once. Within a job the order of kinds is kept
// (AppliesBefore). Pure; the core's thread; made anew for each plan.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <string>

#include "absl/time/time.h"
#include "agent/core/state.h"

namespace muster::agent {

class Order {
 public:
  explicit Order(const State& state);

  // Where the waves of one package stand.
  struct Waves {
    int32_t open = std::numeric_limits<int32_t>::max();  // the last wave that may be written
    std::string waits_for;                               // what holds the next one
    absl::Time until = absl::InfiniteFuture();           // from when on it goes without
  };
  static Waves WavesOf(const PackageState& package, absl::Time now);

  // What the new item has to wait for, for people; empty when it may be written.
  std::string Obstacle(const PackageState& package, const Item& item, const Waves& waves) const;

 private:
  // Definitions that are there and not established, by group; namespaces that go, by name.
  std::map<std::string, std::string, std::less<>> definitions_;
  std::map<std::string, std::string, std::less<>> namespaces_;
  // Definitions that a package is about to write, by package and group.
  std::map<std::string, std::map<std::string, std::string, std::less<>>> coming_;
};

// "widgets.example.com" defines kinds of group "example.com".
absl::string_view GroupOfDefinition(const ObjectKey& key);
bool IsDefinition(const ObjectKey& key);

}  // namespace muster::agent
