// FleetTargets: which clusters a Fleet bundle goes to, as selectors of Muster. Pure; one thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/import/planned_fleet.h"
#include "common/manifest/value.h"

namespace muster::cli {

class FleetTargets {
 public:
  explicit FleetTargets(PlannedFleet& fleet) : fleet_(fleet) {}

  // Takes note of a ClusterGroup; declares a Cluster with its labels.
  void AddGroup(const Value& object);
  std::string AddCluster(const Value& object);
  bool HasGroup(const std::string& name) const { return groups_.count(name) > 0; }

  // The selectors that a target (clusterName, clusterSelector, clusterGroup, clusterGroupSelector)
  // means; a cluster that one of them selects is meant. kNotFound for a group that is not there.
  absl::StatusOr<std::vector<Value>> SelectorsOf(const Value& target);

 private:
  PlannedFleet& fleet_;
  std::map<std::string, Value> groups_;
};

// What both select.
Value BothSelectors(const Value& a, const Value& b);

// `selector` without what `excluded` selects. kUnimplemented unless that is one label.
absl::StatusOr<Value> WithoutSelected(const Value& selector, const Value& excluded);

}  // namespace muster::cli
