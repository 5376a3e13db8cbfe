#include "hub/http/fleet_tiles.h"

#include <set>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/config/selector.h"
#include "common/document/document.h"
#include "common/manifest/json.h"

namespace muster::hub {

namespace pb = muster::v1;

namespace {

// Worst first.
constexpr absl::string_view kStates[] = {
    "Degraded", "Missing",     "Offline",   "Stale",   "Drifted",  "OutOfSync", "Unknown",
    "Pending",  "Progressing", "Suspended", "Revoked", "Declared", "Converged"};

constexpr size_t kLabelKeysMax = 100;

std::string Quoted(absl::string_view text) { return CanonicalJson(Value(text)); }

std::string LabelOf(const ClusterRow& row, absl::string_view key) {
  for (const pb::Label& label : row.labels) {
    if (label.key() == key) return label.value();
  }
  return "";
}

uint32_t DriftedOf(const ClusterRow& row) {
  uint32_t drifted = 0;
  for (const PackageStatus& package : row.packages) drifted += package.drifted;
  return drifted;
}

// What a cluster, or one package of it, is.
struct Facts {
  pb::SyncStatus sync;
  pb::HealthStatus health;
  uint32_t drifted;
  bool converged;
};

// "" for an enrolled one.
std::string StateBeforeEnrolment(const ClusterRow& row) {
  switch (row.state) {
    case pb::ClusterRecord::STATE_ENROLLED:
      return "";
    case pb::ClusterRecord::STATE_PENDING:
      return "Pending";
    case pb::ClusterRecord::STATE_REVOKED:
      return "Revoked";
    default:
      return "Declared";
  }
}

std::string WorstOf(const ClusterRow& row, const Facts& facts) {
  if (std::string state = StateBeforeEnrolment(row); !state.empty()) return state;
  if (facts.health == pb::HEALTH_STATUS_DEGRADED) return "Degraded";
  if (facts.health == pb::HEALTH_STATUS_MISSING) return "Missing";
  if (row.connection == pb::CONNECTION_STATUS_OFFLINE) return "Offline";
  if (row.connection == pb::CONNECTION_STATUS_STALE) return "Stale";
  if (facts.drifted > 0) return "Drifted";
  // What an administrator has stopped is out of step on purpose.
  if (row.suspended || facts.health == pb::HEALTH_STATUS_SUSPENDED) return "Suspended";
  if (facts.sync == pb::SYNC_STATUS_OUT_OF_SYNC) return "OutOfSync";
  if (facts.health == pb::HEALTH_STATUS_PROGRESSING) return "Progressing";
  if (facts.sync != pb::SYNC_STATUS_SYNCED || facts.health != pb::HEALTH_STATUS_HEALTHY) {
    return "Unknown";
  }
  return facts.converged ? "Converged" : "Progressing";
}

// Null when the cluster has nothing to do with it.
const PackageStatus* FindPackage(const ClusterRow& row, absl::string_view name) {
  for (const PackageStatus& package : row.packages) {
    if (package.name.text() == name) return &package;
  }
  return nullptr;
}

// One tile: what it shows, and under which word it is counted.
struct Tile {
  std::string state;
  uint32_t drifted = 0;
  std::string message;
};

Tile TileOf(const ClusterRow& row, const PackageStatus* package) {
  if (package == nullptr) return {TileState(row), DriftedOf(row), row.message};
  return {TileState(row, *package), package->drifted,
          package->error != nullptr ? *package->error : row.message};
}

}  // namespace

std::string TileState(const ClusterRow& row) {
  return WorstOf(row, {row.sync, row.health, DriftedOf(row), row.converged});
}

std::string TileState(const ClusterRow& row, const PackageStatus& package) {
  const bool arrived = package.desired != nullptr && package.applied != nullptr &&
                       package.applied->bundle == package.desired->bundle;
  return WorstOf(row, {package.sync, package.health, package.drifted, arrived});
}

std::map<std::string, int> TileCounts(const FleetView& fleet) {
  std::map<std::string, int> counts;
  for (absl::string_view state : kStates) counts[std::string(state)] = 0;
  fleet.clusters().VisitAll(
      [&](const std::string&, const ClusterRow& row) { ++counts[TileState(row)]; });
  return counts;
}

absl::StatusOr<std::string> TilesJson(const FleetView& fleet, const TilesQuery& query) {
  ASSIGN_OR_RETURN(const pb::LabelSelector selector, ParseSelector(query.selector));
  if (!query.package.empty() && fleet.packages().Find(query.package) == nullptr) {
    return absl::NotFoundError(absl::StrCat("no package is named '", query.package, "'"));
  }
  std::map<std::string, int> counts;
  std::set<std::string> keys;
  int matching = 0;
  std::string tiles;
  fleet.clusters().VisitAll([&](const std::string& name, const ClusterRow& row) {
    for (const pb::Label& label : row.labels) {
      if (keys.size() < kLabelKeysMax) keys.insert(label.key());
    }
    if (!query.text.empty() && !absl::StrContains(absl::AsciiStrToLower(name), query.text)) return;
    if (!query.selector.empty()) {
      Labels labels;
      for (const pb::Label& label : row.labels) labels[label.key()] = label.value();
      if (!Matches(selector, labels)) return;
    }
    const PackageStatus* const package =
        query.package.empty() ? nullptr : FindPackage(row, query.package);
    if (package == nullptr && !query.package.empty()) return;
    const Tile tile = TileOf(row, package);
    ++counts[tile.state];
    absl::StrAppend(&tiles, matching++ == 0 ? "" : ",", "[", Quoted(name), ",",
                    Quoted(query.group_by.empty() ? "" : LabelOf(row, query.group_by)), ",",
                    Quoted(tile.state), ",", tile.drifted, ",",
                    Quoted(tile.state == "Converged" ? "" : tile.message), "]");
  });
  std::string states;
  for (absl::string_view state : kStates) {
    const auto found = counts.find(std::string(state));
    absl::StrAppend(&states, states.empty() ? "" : ",", "{\"state\":", Quoted(state),
                    ",\"count\":", found == counts.end() ? 0 : found->second, "}");
  }
  std::string label_keys;
  for (const std::string& key : keys) {
    absl::StrAppend(&label_keys, label_keys.empty() ? "" : ",", Quoted(key));
  }
  return absl::StrCat("{\"apiVersion\":", Quoted(kApiVersion),
                      ",\"kind\":\"FleetTiles\",\"total\":", fleet.clusters().size(),
                      ",\"matching\":", matching, ",\"groupBy\":", Quoted(query.group_by),
                      ",\"labelKeys\":[", label_keys, "],\"states\":[", states, "],\"clusters\":[",
                      tiles, "]}\n");
}

}  // namespace muster::hub
