#include "hub/core/fleet_config.h"

#include <map>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "hub/core/journal.h"
#include "hub/core/keys.h"
#include "hub/core/placement.h"
#include "hub/core/rollouts.h"
#include "hub/core/sources.h"

namespace muster::hub {
namespace pb = muster::v1;
namespace {

constexpr int kErrorsShown = 5;

// What may not be removed by this config, because its absence is not proven.
class Absence {
 public:
  Absence(const State& state, const pb::FleetConfig& config) {
    std::set<std::string> known_files;
    for (const auto& [name, repository] : state.repositories) {
      if (name.text() == keys::kFleetRepository) continue;  // declared nowhere
      known_files.insert(repository.record.spec().origin().file());
    }
    for (const auto& [name, package] : state.packages) {
      known_files.insert(package.record.spec().origin().file());
    }
    for (const auto& [name, plan] : state.rollout_plans) known_files.insert(plan.origin().file());
    for (const auto& [name, declaration] : state.declarations) {
      known_files.insert(declaration.spec().origin().file());
    }
    for (const pb::ConfigError& error : config.errors()) {
      broken_files_.insert(error.file());
      named_.insert({error.kind(), error.name()});
      // A broken file that declared nothing so far may be where something was moved to.
      if (!known_files.contains(error.file())) unknown_broken_ = error.file();
    }
  }

  bool Broken(const pb::Origin& origin) const { return broken_files_.contains(origin.file()); }

  // Whether a thing that the config does not name is really gone.
  bool Proven(absl::string_view kind, const std::string& name, const pb::Origin& origin) const {
    if (Broken(origin) || named_.contains({std::string(kind), name})) return false;
    return unknown_broken_.empty();
  }

 private:
  std::set<std::string> broken_files_;
  std::set<std::pair<std::string, std::string>> named_;
  std::string unknown_broken_;
};

template <typename Spec>
std::map<std::string, const Spec*> ByName(const google::protobuf::RepeatedPtrField<Spec>& specs,
                                          const Absence& absence) {
  std::map<std::string, const Spec*> by_name;
  for (const Spec& spec : specs) {
    if (!absence.Broken(spec.origin())) by_name.try_emplace(spec.name(), &spec);
  }
  return by_name;
}

// Whether two declarations say the same, wherever they stand.
template <typename Spec>
bool SameBut(const Spec& a, Spec b) {
  *b.mutable_origin() = a.origin();
  return a.SerializeAsString() == b.SerializeAsString();
}

void ApplyRepositories(Turn& turn, const pb::FleetConfig& config, const Absence& absence,
                       std::vector<std::string>& held) {
  State& state = turn.state;
  const auto wanted = ByName(config.repositories(), absence);
  std::vector<RepositoryName> gone;
  for (const auto& [name, repository] : state.repositories) {
    if (name.text() == keys::kFleetRepository || wanted.contains(name.text())) continue;
    if (absence.Proven("Repository", name.text(), repository.record.spec().origin())) {
      gone.push_back(name);
    } else {
      held.push_back(absl::StrCat("repository/", name.text()));
    }
  }
  for (const RepositoryName& name : gone) RemoveRepository(turn, name);
  for (const auto& [name, spec] : wanted) {
    if (name != keys::kFleetRepository) DeclareRepository(turn, *spec);
  }
}

void ApplyPackages(Turn& turn, const pb::FleetConfig& config, const Absence& absence,
                   std::vector<std::string>& held) {
  State& state = turn.state;
  const auto wanted = ByName(config.packages(), absence);
  std::vector<PackageName> gone;
  for (auto& [name, package] : state.packages) {
    if (wanted.contains(name.text())) continue;
    const bool proven = absence.Proven("Package", name.text(), package.record.spec().origin());
    // Whoever suspended it wants it left alone; ResumePackage reads the declarations again.
    if (proven && !package.record.suspended()) {
      gone.push_back(name);
    } else {
      held.push_back(absl::StrCat("package/", name.text()));
    }
  }
  for (const PackageName& name : gone) {
    Note(turn, {.reason = "PackageRemoved",
                .subject = absl::StrCat("package/", name.text()),
                .message = "its declaration left the fleet repository"});
    RemovePackage(turn, name);
  }
  for (const auto& [name, spec] : wanted) {
    PackageState& package = state.packages[PackageName(name)];
    const bool same = SameBut(package.record.spec(), *spec);
    *package.record.mutable_spec() = *spec;
    state.marks.packages.insert(PackageName(name));
    state.marks.view_packages.insert(PackageName(name));
    if (!same) state.marks.place_packages.insert(PackageName(name));
    state.marks.rollouts.insert(PackageName(name));
  }
}

void ApplyRolloutPlans(Turn& turn, const pb::FleetConfig& config, const Absence& absence,
                       std::vector<std::string>& held) {
  const auto wanted = ByName(config.rollout_plans(), absence);
  std::vector<std::string> gone;
  for (const auto& [name, plan] : turn.state.rollout_plans) {
    if (wanted.contains(name)) continue;
    if (absence.Proven("RolloutPlan", name, plan.origin())) {
      gone.push_back(name);
    } else {
      held.push_back(absl::StrCat("rolloutplan/", name));
    }
  }
  for (const std::string& name : gone) RemoveRolloutPlan(turn, name);
  for (const auto& [name, spec] : wanted) DeclareRolloutPlan(turn, *spec);
}

void ClusterDeclared(Turn& turn, const ClusterName& name) {
  State& state = turn.state;
  state.marks.declarations.insert(name);
  state.marks.view_clusters.insert(name);
  if (const ClusterState* cluster = FindClusterByName(state, name)) {
    state.marks.place_clusters.insert(cluster->id);
    state.marks.compose.insert(cluster->id);
  }
}

void ApplyClusters(Turn& turn, const pb::FleetConfig& config, const Absence& absence,
                   std::vector<std::string>& held) {
  State& state = turn.state;
  const auto wanted = ByName(config.clusters(), absence);
  std::vector<ClusterName> gone;
  for (auto& [name, declaration] : state.declarations) {
    if (wanted.contains(name.text())) continue;
    if (!absence.Proven("Cluster", name.text(), declaration.spec().origin())) {
      held.push_back(absl::StrCat("cluster/", name.text()));
    } else if (FindClusterByName(state, name) != nullptr) {
      // Other labels could take packages away from a cluster that is alive.
      if (declaration.removed()) continue;
      declaration.set_removed(true);
      ClusterDeclared(turn, name);
    } else {
      gone.push_back(name);
    }
  }
  for (const ClusterName& name : gone) {
    state.declarations.erase(name);
    state.marks.declarations.insert(name);
    state.marks.view_clusters.insert(name);
  }
  for (const auto& [name, spec] : wanted) {
    pb::DeclarationRecord& declaration = state.declarations[ClusterName(name)];
    if (declaration.spec().SerializeAsString() == spec->SerializeAsString() &&
        !declaration.removed()) {
      continue;
    }
    *declaration.mutable_spec() = *spec;
    declaration.set_removed(false);
    ClusterDeclared(turn, ClusterName(name));
  }
}

// "fleet/web.yaml:7: spec.pth: unknown field".
std::string ErrorsText(const pb::FleetConfig& config) {
  std::vector<std::string> lines;
  for (const pb::ConfigError& error : config.errors()) {
    if (static_cast<int>(lines.size()) == kErrorsShown) break;
    lines.push_back(error.line() > 0
                        ? absl::StrCat(error.file(), ":", error.line(), ": ", error.message())
                        : absl::StrCat(error.file(), ": ", error.message()));
  }
  std::string text = absl::StrJoin(lines, "\n");
  const int more = config.errors_size() - static_cast<int>(lines.size());
  if (more > 0) absl::StrAppend(&text, "\nand ", more, " more");
  return text;
}

void Judge(Turn& turn, RepositoryState& fleet, pb::Condition condition) {
  pb::RepositoryRecord& record = fleet.record;
  const bool good = condition.status() == pb::CONDITION_STATUS_TRUE;
  SetCommitResult(turn, fleet, record.commit(), good ? "Rendered" : "Failed",
                  good ? "" : condition.message());
  const std::string message = condition.message();
  const bool changed =
      SetCondition(*record.mutable_conditions(), std::move(condition), turn.state.now_ms());
  turn.state.marks.repositories.insert(RepositoryName(keys::kFleetRepository));
  turn.state.marks.view_repositories.insert(RepositoryName(keys::kFleetRepository));
  if (changed && !good) {
    Note(turn, {.reason = "ConfigRefused",
                .subject = "repository/.fleet",
                .message = message,
                .warning = true});
  }
}

}  // namespace

void ApplyConfig(Turn& turn, RepositoryState& fleet, const pb::FleetConfig& config) {
  const std::string commit = fleet.record.commit();
  if (config.files() == 0) {
    const std::string path = turn.state.meta.fleet_path();
    Judge(turn, fleet,
          MakeCondition("ConfigValid", pb::CONDITION_STATUS_FALSE, "Empty",
                        absl::StrCat("read '", path, "' of ", fleet.record.spec().url(), " at ",
                                     ShortCommit(commit),
                                     ": no YAML file is there; all former declarations are kept"),
                        commit));
    return;
  }
  const Absence absence(turn.state, config);
  std::vector<std::string> held;
  ApplyRepositories(turn, config, absence, held);
  ApplyRolloutPlans(turn, config, absence, held);
  ApplyPackages(turn, config, absence, held);
  ApplyClusters(turn, config, absence, held);
  if (config.errors_size() > 0) {
    const std::string kept =
        held.empty() ? "" : absl::StrCat("\nkept as they were: ", absl::StrJoin(held, ", "));
    Judge(turn, fleet,
          MakeCondition("ConfigValid", pb::CONDITION_STATUS_FALSE, "Errors",
                        absl::StrCat(ErrorsText(config), kept), commit));
    return;
  }
  Judge(turn, fleet,
        MakeCondition("ConfigValid", pb::CONDITION_STATUS_TRUE, "Valid",
                      held.empty()
                          ? absl::StrCat("every declaration at ", ShortCommit(commit), " rules")
                          : absl::StrCat("held while suspended: ", absl::StrJoin(held, ", ")),
                      commit));
}

const google::protobuf::RepeatedPtrField<pb::Label>& LabelsInForce(const State& state,
                                                                   const ClusterState& cluster) {
  const pb::DeclarationRecord* declaration = DeclarationOf(state, cluster);
  return declaration != nullptr ? declaration->spec().labels() : cluster.record.token_labels();
}

void ReleaseDeclaration(Turn& turn, const ClusterName& name) {
  const auto found = turn.state.declarations.find(name);
  turn.state.marks.view_clusters.insert(name);
  if (found == turn.state.declarations.end() || !found->second.removed()) return;
  turn.state.declarations.erase(found);
  turn.state.marks.declarations.insert(name);
}

}  // namespace muster::hub
