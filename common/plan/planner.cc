#include "common/plan/planner.h"

#include <utility>

#include "absl/status/statusor.h"
#include "common/config/resolve.h"

namespace muster {
namespace {

namespace pb = muster::v1;

constexpr size_t kUsesMax = 256;

}  // namespace

Planner::Planner(pb::PlanFleet fleet) : fleet_(std::move(fleet)) {
  for (const pb::PlanCluster& cluster : fleet_.clusters()) {
    labels_.push_back(LabelsOf(cluster.labels()));
  }
  for (const pb::PlanPackage& facts : fleet_.packages()) {
    Package& package = packages_[facts.spec().name()];
    package.facts = &facts;
    package.uses.insert(facts.uses().begin(), facts.uses().end());
    Divide(package);
  }
}

void Planner::Divide(Package& package) const {
  package.groups.clear();
  package.unresolved.clear();
  google::protobuf::RepeatedPtrField<std::string> uses(package.uses.begin(), package.uses.end());
  for (int i = 0; i < fleet_.clusters_size(); ++i) {
    const pb::PlanCluster& cluster = fleet_.clusters(i);
    absl::StatusOr<std::optional<pb::RenderInput>> input =
        ResolvePackage(package.facts->spec(), cluster.name(), labels_[i]);
    if (!input.ok()) {
      package.unresolved[std::string(input.status().message())].push_back(i);
      continue;
    }
    if (!input->has_value()) continue;
    (*input)->set_kubernetes_version(cluster.kubernetes_version());
    Group& group = package.groups[ParamsOf(fleet_.repository(), **input, uses)];
    if (group.clusters.empty()) group.input = **std::move(input);
    group.clusters.push_back(i);
  }
}

std::vector<Planner::Input> Planner::Wanted() const {
  std::vector<Input> wanted;
  for (const auto& [name, package] : packages_) {
    for (const auto& [params, group] : package.groups) {
      if (!group.output.has_value()) wanted.push_back({name, params, group.input});
    }
  }
  return wanted;
}

void Planner::Take(const std::string& name, const Digest& params, Output output) {
  const auto found = packages_.find(name);
  if (found == packages_.end()) return;
  Package& package = found->second;
  const auto group = package.groups.find(params);
  if (group == package.groups.end()) return;
  // Without substitution only a chart can depend on the cluster; and a failure that did not get far
  // is a failure for all that share the input.
  const bool depends = group->second.input.substitute() || !output.uses.empty();
  const bool tells = output.status.ok() || output.uses_known;
  if (depends && tells && !package.uses.contains("*")) {
    std::set<std::string> uses = package.uses;
    uses.insert(output.uses.begin(), output.uses.end());
    if (!output.uses_known || uses.size() > kUsesMax) uses = {"*"};
    if (uses != package.uses) {
      package.uses = std::move(uses);
      Divide(package);
      return;
    }
  }
  group->second.output = std::move(output);
}

pb::PlanComparisons Planner::Comparisons() const {
  pb::PlanComparisons all;
  all.set_repository(fleet_.repository());
  all.set_ruling_commit(fleet_.commit());
  for (const pb::PlanCluster& cluster : fleet_.clusters()) all.add_clusters(cluster.name());
  for (const auto& [name, package] : packages_) {
    std::vector<std::string> current(fleet_.clusters_size());
    for (const pb::PlanCurrent& bundle : package.facts->current()) {
      for (const uint32_t index : bundle.clusters()) {
        if (index < current.size()) current[index] = bundle.bundle_digest();
      }
    }
    const auto add = [&](const std::vector<uint32_t>& clusters, const std::string& next,
                         const std::string& error) {
      std::map<std::string, pb::PlanComparison*> by_current;
      for (const uint32_t index : clusters) {
        pb::PlanComparison*& one = by_current[current[index]];
        if (one == nullptr) {
          one = all.add_comparisons();
          one->set_package(name);
          one->set_current(current[index]);
          one->set_next(next);
          one->set_error(error);
          *one->mutable_sync() = package.facts->spec().sync();
        }
        one->add_clusters(index);
      }
    };
    for (const auto& [params, group] : package.groups) {
      const Output& output = *group.output;
      if (output.status.ok()) {
        add(group.clusters, output.bundle.bytes(), "");
      } else {
        add(group.clusters, "", std::string(output.status.message()));
      }
    }
    for (const auto& [error, clusters] : package.unresolved) add(clusters, "", error);
  }
  return all;
}

}  // namespace muster
