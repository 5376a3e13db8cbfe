#include "hub/core/placement.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/config/resolve.h"
#include "hub/core/fleet_config.h"
#include "hub/core/rendering.h"

namespace muster::hub {
namespace pb = muster::v1;
namespace {

// A cluster and what decides its placement.
struct Candidate {
  ClusterState& cluster;
  Labels labels;
};

// Where the package's placement stands, or would.
template <typename Placements>
auto PlaceFor(Placements& placements, const std::string& package) {
  return std::partition_point(placements.begin(), placements.end(),
                              [&package](const Placement& placement) {
                                return placement.package->record.spec().name() < package;
                              });
}

Variant& VariantFor(Turn& turn, PackageState& package, pb::RenderInput input) {
  const pb::Package& spec = package.record.spec();
  const Digest params = ParamsOf(spec.repository(), input, package.record.uses());
  auto [at, added] = package.variants.try_emplace(params);
  Variant& variant = at->second;
  if (added) {
    variant.params = params;
    variant.input = std::move(input);
    RecallRendering(turn.state, package, variant);
    turn.state.marks.render.insert(RepositoryName(spec.repository()));
  }
  return variant;
}

Placement Resolve(Turn& turn, PackageState& package, const Candidate& candidate, bool& selected) {
  Placement placement;
  placement.package = &package;
  absl::StatusOr<std::optional<pb::RenderInput>> input =
      ResolvePackage(package.record.spec(), candidate.cluster.record.name(), candidate.labels);
  selected = !input.ok() || input->has_value();
  if (input.ok() && selected) {
    (*input)->set_kubernetes_version(candidate.cluster.record.kubernetes_version());
  }
  if (!input.ok()) {
    placement.error = std::make_shared<const std::string>(input.status().message());
  } else if (selected) {
    placement.variant = &VariantFor(turn, package, *std::move(*input));
  }
  return placement;
}

void PlaceOne(Turn& turn, PackageState& package, const Candidate& candidate) {
  ClusterState& cluster = candidate.cluster;
  const std::string& name = package.record.spec().name();
  auto at = PlaceFor(cluster.placements, name);
  const bool placed = at != cluster.placements.end() && at->package == &package;
  bool selected = false;
  turn.state.marks.rollouts.insert(PackageName(name));
  Placement placement = Resolve(turn, package, candidate, selected);
  if (placement.variant != nullptr) ++placement.variant->clusters;
  const bool same = placed == selected &&
                    (!placed || (at->variant == placement.variant && at->variant != nullptr));
  if (placed && at->variant != nullptr) --at->variant->clusters;
  if (placed && selected) {
    *at = std::move(placement);
  } else if (selected) {
    cluster.placements.insert(at, std::move(placement));
  } else if (placed) {
    cluster.placements.erase(at);
  }
  if (same) return;
  turn.state.marks.compose.insert(cluster.id);
  ShowCluster(turn.state, cluster);
}

Candidate CandidateOf(const State& state, ClusterState& cluster) {
  return Candidate{cluster, LabelsOf(LabelsInForce(state, cluster))};
}

// Renderings that nobody needs are let go; the render cache remembers them.
void Prune(Turn& turn, const PackageName& name, PackageState& package) {
  const size_t before = package.variants.size();
  std::erase_if(package.variants, [](const auto& entry) { return entry.second.clusters == 0; });
  turn.state.marks.view_packages.insert(name);
  if (before != package.variants.size()) KeepRenderings(turn, name, package);
  JudgePackage(turn, name, package);
}

}  // namespace

const Placement* PlacementOf(const ClusterState& cluster, const std::string& package) {
  const auto at = PlaceFor(cluster.placements, package);
  const bool found = at != cluster.placements.end() && at->package->record.spec().name() == package;
  return found ? &*at : nullptr;
}

Placement* PlacementOf(ClusterState& cluster, const std::string& package) {
  const auto at = PlaceFor(cluster.placements, package);
  const bool found = at != cluster.placements.end() && at->package->record.spec().name() == package;
  return found ? &*at : nullptr;
}

void Place(Turn& turn) {
  State& state = turn.state;
  if (state.marks.place_packages.empty() && state.marks.place_clusters.empty()) return;
  const std::set<PackageName> packages = std::exchange(state.marks.place_packages, {});
  const std::set<ClusterId> clusters = std::exchange(state.marks.place_clusters, {});
  std::set<PackageName> touched;
  if (!packages.empty()) {
    for (auto& [id, cluster] : state.clusters) {
      if (!cluster.enrolled()) continue;
      const Candidate candidate = CandidateOf(state, cluster);
      for (const PackageName& name : packages) {
        const auto package = state.packages.find(name);
        if (package != state.packages.end()) PlaceOne(turn, package->second, candidate);
      }
    }
    touched = packages;
  }
  for (const ClusterId& id : clusters) {
    ClusterState* cluster = FindCluster(state, id);
    if (cluster == nullptr || !cluster->enrolled()) continue;
    const Candidate candidate = CandidateOf(state, *cluster);
    for (auto& [name, package] : state.packages) {
      PlaceOne(turn, package, candidate);
      touched.insert(name);
    }
  }
  for (const PackageName& name : touched) {
    const auto package = state.packages.find(name);
    if (package == state.packages.end()) continue;
    if (packages.contains(name)) RefreshEntries(turn, package->second);
    Prune(turn, name, package->second);
  }
}

void RemovePackage(Turn& turn, const PackageName& name) {
  State& state = turn.state;
  const auto package = state.packages.find(name);
  if (package == state.packages.end()) return;
  for (auto& [id, cluster] : state.clusters) {
    const auto at = PlaceFor(cluster.placements, name.text());
    if (at == cluster.placements.end() || at->package != &package->second) continue;
    cluster.placements.erase(at);
    state.marks.compose.insert(id);
    ShowCluster(state, cluster);
  }
  state.packages.erase(package);
  state.marks.rollouts.insert(name);
  state.marks.packages.insert(name);
  state.marks.view_packages.insert(name);
}

void Displace(Turn& turn, ClusterState& cluster) {
  std::set<PackageName> touched;
  for (Placement& placement : cluster.placements) {
    if (placement.variant != nullptr) --placement.variant->clusters;
    touched.insert(PackageName(placement.package->record.spec().name()));
  }
  cluster.placements.clear();
  for (const PackageName& name : touched) Prune(turn, name, turn.state.packages.at(name));
}

}  // namespace muster::hub
