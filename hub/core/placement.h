// Placement: which packages a cluster gets, and from which rendering.
//
// Clusters that agree on everything that a package's text may use share one Variant, so that a
// fleet of equals is rendered once. Pure; the core's thread.
#pragma once

#include <string>

#include "hub/core/state.h"

namespace muster::hub {

// Places what the marks name anew: packages on all clusters, clusters on all packages.
void Place(Turn& turn);

// The cluster's placement of a package; null when none of its targets selects the cluster.
const Placement* PlacementOf(const ClusterState& cluster, const std::string& package);
Placement* PlacementOf(ClusterState& cluster, const std::string& package);

// Takes the package from every cluster, and forgets it.
void RemovePackage(Turn& turn, const PackageName& name);

// Takes the cluster's placements away: it gets nothing any more. What it runs stays.
void Displace(Turn& turn, ClusterState& cluster);

}  // namespace muster::hub
