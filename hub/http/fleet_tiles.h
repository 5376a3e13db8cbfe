// FleetTiles: the whole fleet on one page: for each cluster one word, the worst that is to be said
// of it. The Fleet page, its counts and the metric muster_clusters are fed from here, so that they
// agree.
//
// Pure functions of a picture of the fleet; any thread.
#pragma once

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "hub/core/fleet_view.h"

namespace muster::hub {

// The word for one cluster: the worst of connection, sync and health; "Declared", "Pending" and
// "Revoked" for one that is not enrolled; "Converged" when it has what it should and is healthy.
// Nothing is Converged above a broken part.
std::string TileState(const ClusterRow& row);

// The same for one package of the cluster.
std::string TileState(const ClusterRow& row, const PackageStatus& package);

// How many clusters each word has; every word that there is, zeros too.
std::map<std::string, int> TileCounts(const FleetView& fleet);

struct TilesQuery {
  std::string selector;  // kubectl's syntax; empty: all
  std::string text;      // in the name, in lower case; empty: all
  std::string group_by;  // a label's key; empty: none
  std::string package;   // only clusters that have it or should, with its states; empty: all
};

// JSON: {"apiVersion", "kind": "FleetTiles", "total", "matching", "groupBy", "labelKeys",
// "states": [{"state", "count"}, worst first], "clusters": [[name, group, state, drifted,
// message]]}. Compact, because it is asked for again with each change. kInvalidArgument for a bad
// selector.
absl::StatusOr<std::string> TilesJson(const FleetView& fleet, const TilesQuery& query);

}  // namespace muster::hub
