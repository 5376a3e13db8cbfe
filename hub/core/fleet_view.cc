#include "hub/core/fleet_view.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"

namespace muster::hub {
namespace pb = muster::v1;
namespace {

// Findings name things one by one up to here, then by number.
constexpr int kFindingsPerKind = 20;

std::string StateText(pb::ClusterRecord::State state) {
  switch (state) {
    case pb::ClusterRecord::STATE_PENDING:
      return "Pending";
    case pb::ClusterRecord::STATE_ENROLLED:
      return "Enrolled";
    case pb::ClusterRecord::STATE_REVOKED:
      return "Revoked";
    default:
      return "Declared";
  }
}

std::string RevisionText(const std::set<std::pair<std::string, std::string>>& sources) {
  std::set<std::string> repositories;
  for (const auto& [repository, commit] : sources) repositories.insert(repository);
  if (repositories.empty()) return "";
  if (repositories.size() > 1) return absl::StrCat(repositories.size(), " repositories");
  if (sources.size() > 1) {
    return absl::StrCat(*repositories.begin(), "@", sources.size(), " commits");
  }
  return absl::StrCat(*repositories.begin(), "@", sources.begin()->second.substr(0, 7));
}

// The repository and the commit to show for a bundle that the package has, or should have.
std::pair<std::string, std::string> SourceOf(const FleetView& fleet, const PackageStatus& package,
                                             const AppliedBundle& bundle) {
  std::string commit = bundle.commit;
  if (package.desired != nullptr && package.desired->bundle == bundle.bundle &&
      package.desired->source->repository == bundle.repository) {
    const std::optional<RenderingRow> rendering = RenderingOf(fleet, package);
    if (rendering && !rendering->commit.empty()) commit = rendering->commit;
  }
  return {bundle.repository, std::move(commit)};
}

void AddDetail(const ClusterRow& row, pb::ClusterView& view) {
  pb::ObservedState observed;
  if (row.observed != nullptr) observed.ParseFromString(*row.observed);
  *view.mutable_unmanaged_objects() = observed.unmanaged_objects();
  view.set_suspended_locally(observed.suspended_locally());
  std::map<std::string, const pb::ObservedPackage*> reported;
  for (const pb::ObservedPackage& package : observed.packages()) {
    reported[package.name()] = &package;
  }
  for (const PackageStatus& package : row.packages) {
    pb::ClusterPackageView* out = view.add_packages();
    out->set_name(package.name.text());
    out->set_sync(package.sync);
    out->set_health(package.health);
    if (package.desired != nullptr) {
      out->set_desired_commit(package.desired->source->commit);
      out->set_desired_bundle(package.desired->bundle.bytes());
      out->set_repository(package.desired->source->repository);
      out->set_suspended(package.desired->suspended);
    }
    if (package.applied != nullptr) {
      out->set_applied_commit(package.applied->commit);
      out->set_applied_bundle(package.applied->bundle.bytes());
      if (out->repository().empty()) out->set_repository(package.applied->repository);
    }
    out->set_objects(package.objects);
    out->set_drifted(package.drifted);
    out->set_held(package.held);
    out->set_drift_healed(package.drift_healed);
    if (package.error != nullptr) out->set_message(*package.error);
    const auto found = reported.find(package.name.text());
    if (found == reported.end()) continue;
    out->set_attempted_bundle(found->second->attempted_digest());
    *out->mutable_problems() = found->second->problems();
    *out->mutable_conditions() = found->second->conditions();
    const bool troubled =
        package.failed > 0 || package.held > 0 || package.health >= pb::HEALTH_STATUS_MISSING;
    if (troubled && out->message().empty()) out->set_message(WorstOfPackage(*found->second));
  }
  for (const pb::Condition& condition : row.conditions) *view.add_conditions() = condition;
  for (const pb::Condition& condition : observed.conditions()) *view.add_conditions() = condition;
  std::sort(view.mutable_conditions()->begin(), view.mutable_conditions()->end(),
            [](const auto& a, const auto& b) { return a.type() < b.type(); });
}

// What all clusters together say of one package.
struct PackageTotal {
  int32_t clusters = 0;
  int32_t synced = 0;
  int32_t troubled = 0;               // where something of it failed, is held or degraded
  const ClusterRow* worst = nullptr;  // the first of the worst of these
  pb::HealthStatus worst_health = pb::HEALTH_STATUS_UNSPECIFIED;
  pb::SyncStatus sync = pb::SYNC_STATUS_UNSPECIFIED;
  pb::HealthStatus health = pb::HEALTH_STATUS_UNSPECIFIED;
};

void AddTo(const ClusterRow& cluster, const PackageStatus& package, PackageTotal& total) {
  const bool troubled = package.failed > 0 || package.held > 0 ||
                        package.health == pb::HEALTH_STATUS_DEGRADED ||
                        package.health == pb::HEALTH_STATUS_MISSING;
  if (troubled) {
    ++total.troubled;
    if (package.health > total.worst_health) {
      total.worst = &cluster;
      total.worst_health = package.health;
    }
  }
  if (!package.selected) return;
  ++total.clusters;
  total.synced += package.sync == pb::SYNC_STATUS_SYNCED;
  total.sync = std::max(total.sync, package.sync);
  total.health = std::max(total.health, package.health);
}

// "cluster/edge-1: 2 failed; Deployment web/api: ..., and 3 more clusters".
std::string TroubleOf(const std::string& package, const PackageTotal& total) {
  if (total.worst == nullptr || total.worst->observed == nullptr) return "";
  pb::ObservedState observed;
  observed.ParseFromString(*total.worst->observed);
  std::string why;
  for (const pb::ObservedPackage& one : observed.packages()) {
    if (one.name() == package) why = WorstOfPackage(one);
  }
  if (why.empty()) why = "see muster describe cluster";
  std::string text = absl::StrCat("cluster/", total.worst->name, ": ", why);
  if (total.troubled == 2) absl::StrAppend(&text, "; and 1 more cluster");
  if (total.troubled > 2) absl::StrAppend(&text, "; and ", total.troubled - 1, " more clusters");
  return text;
}

pb::PackageView ViewOf(const PackageRow& row, const PackageTotal& total) {
  pb::PackageView view;
  const pb::Package& spec = row.spec;
  view.set_name(spec.name());
  view.set_project(spec.project());
  view.set_repository(spec.repository());
  view.set_path(spec.path());
  view.set_commit(row.commit);
  view.set_clusters(total.clusters);
  view.set_synced(total.synced);
  view.set_bundles(row.bundles);
  view.set_objects(row.objects);
  view.set_suspended(row.suspended);
  *view.mutable_origin() = spec.origin();
  const bool nowhere = total.clusters == 0;
  view.set_sync(nowhere ? pb::SYNC_STATUS_UNKNOWN : total.sync);
  view.set_health(nowhere ? pb::HEALTH_STATUS_UNKNOWN : total.health);
  for (const pb::Condition& condition : row.conditions) {
    *view.add_conditions() = condition;
    if (condition.status() == pb::CONDITION_STATUS_TRUE) continue;
    if (view.message().empty()) view.set_message(condition.message());
    if (condition.status() == pb::CONDITION_STATUS_FALSE && !nowhere) {
      view.set_sync(pb::SYNC_STATUS_OUT_OF_SYNC);
    }
  }
  if (row.suspended) {
    view.set_health(std::max(view.health(), pb::HEALTH_STATUS_SUSPENDED));
    if (view.message().empty()) view.set_message("suspended");
  }
  if (view.message().empty()) view.set_message(TroubleOf(spec.name(), total));
  return view;
}

// ---------------------------------------------------------------- findings

// Collects findings of one kind, and says how many more there are than it names.
class Findings {
 public:
  Findings(pb::HubView& view, absl::string_view severity, absl::string_view next)
      : view_(view), severity_(severity), next_(next) {}

  ~Findings() {
    if (count_ <= kFindingsPerKind) return;
    pb::Finding* finding = view_.add_findings();
    finding->set_severity(severity_);
    finding->set_subject("fleet");
    finding->set_message(absl::StrCat("and ", count_ - kFindingsPerKind, " more like it"));
    finding->set_next(next_);
  }

  void Add(std::string subject, std::string message, std::string next) {
    if (++count_ > kFindingsPerKind) return;
    pb::Finding* finding = view_.add_findings();
    finding->set_severity(severity_);
    finding->set_subject(std::move(subject));
    finding->set_message(std::move(message));
    finding->set_next(std::move(next));
  }

 private:
  pb::HubView& view_;
  const std::string severity_;
  const std::string next_;
  int count_ = 0;
};

void FindInRepositories(const FleetView& view, pb::HubView& out) {
  Findings findings(out, "error", "muster get repositories");
  view.repositories().VisitAll([&](const std::string& name, const RepositoryRow& row) {
    const pb::RepositoryView& repository = row.view;
    if (repository.suspended() || repository.message().empty()) return;
    if (repository.commit().empty() && repository.failures() == 0 &&
        repository.conditions().empty()) {
      return;  // being fetched for the first time
    }
    findings.Add(absl::StrCat("repository/", name), repository.message(),
                 absl::StrCat("muster describe repository ", name));
  });
}

void FindInPackages(const FleetView& view, pb::HubView& out) {
  Findings errors(out, "error", "muster get packages");
  Findings warnings(out, "warning", "muster get packages");
  view.packages().VisitAll([&](const std::string& name, const PackageRow& row) {
    for (const pb::Condition& condition : row.conditions) {
      if (condition.status() == pb::CONDITION_STATUS_TRUE) continue;
      const bool bad = condition.status() == pb::CONDITION_STATUS_FALSE;
      (bad ? errors : warnings)
          .Add(absl::StrCat("package/", name), condition.message(),
               absl::StrCat("muster describe package ", name));
    }
  });
}

void FindInClusters(const FleetView& view, pb::HubView& out) {
  Findings errors(out, "error", "muster get clusters");
  Findings warnings(out, "warning", "muster get clusters");
  view.clusters().VisitAll([&](const std::string& name, const ClusterRow& row) {
    const std::string subject = absl::StrCat("cluster/", name);
    const std::string describe = absl::StrCat("muster describe cluster ", name);
    if (row.state == pb::ClusterRecord::STATE_PENDING) {
      warnings.Add(subject, row.message, absl::StrCat("muster accept ", name));
    }
    if (row.state != pb::ClusterRecord::STATE_ENROLLED) return;
    for (const pb::Condition& condition : row.conditions) {
      if (condition.type() != kReceiptsMissing) continue;
      warnings.Add(subject, condition.message(), absl::StrCat("muster events --cluster ", name));
    }
    if (row.certificate_expires_ms > 0 && row.certificate_expires_ms <= view.hub().now_ms) {
      errors.Add(subject, "its certificate has expired: it cannot connect any more",
                 absl::StrCat("muster revoke ", name, " && muster join ", name));
    } else if (row.connection != pb::CONNECTION_STATUS_CONNECTED) {
      warnings.Add(subject, row.message, describe);
    } else if (row.health == pb::HEALTH_STATUS_DEGRADED ||
               row.health == pb::HEALTH_STATUS_MISSING) {
      errors.Add(subject, row.message, describe);
    }
  });
}

}  // namespace

std::shared_ptr<const ClusterRow> FleetView::ClusterById(const ClusterId& id) const {
  const std::shared_ptr<const std::string> name = names_.Find(id.text());
  return name == nullptr ? nullptr : clusters_.Find(*name);
}

std::optional<ClusterId> FleetView::Admitted(const Digest& spki) const {
  const std::shared_ptr<const std::string> id = admitted_.Find(spki.view());
  if (id == nullptr) return std::nullopt;
  return ClusterId(*id);
}

std::vector<Digest> FleetView::BundlesOf(const ClusterId& id) const {
  std::vector<Digest> bundles;
  const std::shared_ptr<const ClusterRow> row = ClusterById(id);
  if (row == nullptr) return bundles;
  for (const PackageStatus& package : row->packages) {
    if (package.desired != nullptr) bundles.push_back(package.desired->bundle);
  }
  std::sort(bundles.begin(), bundles.end());
  bundles.erase(std::unique(bundles.begin(), bundles.end()), bundles.end());
  return bundles;
}

std::vector<Digest> FleetView::BasesOf(const ClusterId& id) const {
  std::vector<Digest> bases = BundlesOf(id);
  const std::shared_ptr<const ClusterRow> row = ClusterById(id);
  if (row == nullptr) return bases;
  for (const PackageStatus& package : row->packages) {
    if (package.applied != nullptr && !package.applied->claimed) {
      bases.push_back(package.applied->bundle);
    }
  }
  std::sort(bases.begin(), bases.end());
  bases.erase(std::unique(bases.begin(), bases.end()), bases.end());
  return bases;
}

std::optional<RenderingRow> RenderingOf(const FleetView& fleet, const PackageStatus& package) {
  if (!package.selected || !package.current) return std::nullopt;
  const std::shared_ptr<const PackageRow> row = fleet.packages().Find(package.name.text());
  if (row == nullptr) return std::nullopt;
  for (const RenderingRow& rendering : row->renderings) {
    if (rendering.id == package.rendering) return rendering;
  }
  return std::nullopt;
}

std::string DesiredRevision(const FleetView& fleet, const ClusterRow& row) {
  std::set<std::pair<std::string, std::string>> sources;
  for (const PackageStatus& package : row.packages) {
    if (package.desired != nullptr)
      sources.insert(SourceOf(fleet, package, *package.desired->source));
  }
  return RevisionText(sources);
}

std::string AppliedRevision(const FleetView& fleet, const ClusterRow& row) {
  std::set<std::pair<std::string, std::string>> sources;
  for (const PackageStatus& package : row.packages) {
    if (package.applied != nullptr) sources.insert(SourceOf(fleet, package, *package.applied));
  }
  return RevisionText(sources);
}

pb::ClusterView MakeClusterView(const FleetView& fleet, const ClusterRow& row, bool detail) {
  pb::ClusterView view;
  view.set_name(row.name);
  view.set_id(row.id.text());
  view.set_project(row.project);
  for (const pb::Label& label : row.labels) *view.add_labels() = label;
  view.set_state(StateText(row.state));
  view.set_connection(row.connection);
  view.set_sync(row.sync);
  view.set_health(row.health);
  view.set_mode(row.mode);
  view.set_desired_generation(row.desired_generation);
  view.set_applied_generation(row.applied_generation);
  view.set_desired_revision(DesiredRevision(fleet, row));
  view.set_applied_revision(AppliedRevision(fleet, row));
  view.set_last_seen_ms(row.last_seen_ms);
  view.set_enrolled_ms(row.enrolled_ms);
  view.set_agent_version(row.agent_version);
  view.set_driver(row.driver);
  view.set_recipient(row.recipient);
  view.set_message(row.message);
  for (const PackageStatus& package : row.packages) {
    view.set_objects(view.objects() + package.objects);
    view.set_drifted(view.drifted() + package.drifted);
  }
  view.set_unmanaged(row.unmanaged);
  view.set_suspended(row.suspended);
  view.set_certificate_expires_ms(row.certificate_expires_ms);
  view.set_words(row.words);
  view.set_applied_ms(row.applied_ms);
  if (!row.desired_digest.empty()) view.set_desired_digest(row.desired_digest.bytes());
  if (detail) AddDetail(row, view);
  return view;
}

pb::PackageView MakePackageView(const FleetView& view, const PackageRow& row) {
  PackageTotal total;
  const PackageName name(row.spec.name());
  view.clusters().VisitAll([&](const std::string&, const ClusterRow& cluster) {
    const auto at =
        std::partition_point(cluster.packages.begin(), cluster.packages.end(),
                             [&](const PackageStatus& package) { return package.name < name; });
    if (at != cluster.packages.end() && at->name == name) AddTo(cluster, *at, total);
  });
  return ViewOf(row, total);
}

std::string WorstOfPackage(const pb::ObservedPackage& package) {
  if (package.problems_size() > 0) {
    const pb::ObjectProblem& problem = package.problems(0);
    return absl::StrCat(problem.kind(), " ", problem.namespace_(),
                        problem.namespace_().empty() ? "" : "/", problem.name(),
                        problem.message().empty() ? "" : ": ", problem.message());
  }
  // Troubles that are no object's: a namespace that cannot be made, health rules that are wrong.
  static constexpr absl::string_view kBad[] = {"Failed", "Held", "Unhealthy", "HealthUnknown"};
  for (const absl::string_view type : kBad) {
    for (const pb::Condition& condition : package.conditions()) {
      const bool is = condition.type() == type && condition.status() == pb::CONDITION_STATUS_TRUE;
      if (is && !condition.message().empty()) return condition.message();
    }
  }
  return "";
}

std::vector<pb::PackageView> MakePackageViews(const FleetView& view) {
  std::map<PackageName, PackageTotal> totals;
  view.clusters().VisitAll([&](const std::string&, const ClusterRow& cluster) {
    for (const PackageStatus& package : cluster.packages) {
      AddTo(cluster, package, totals[package.name]);
    }
  });
  std::vector<pb::PackageView> views;
  views.reserve(view.packages().size());
  view.packages().VisitAll([&](const std::string& name, const PackageRow& row) {
    views.push_back(ViewOf(row, totals[PackageName(name)]));
  });
  return views;
}

pb::HubView MakeHubView(const FleetView& view) {
  pb::HubView out;
  const HubFacts& hub = view.hub();
  out.set_version(hub.version);
  out.set_hub_id(hub.hub_id);
  out.set_agent_address(hub.agent_address);
  out.set_join_address(hub.join_address);
  out.set_started_ms(hub.started_ms);
  out.set_now_ms(hub.now_ms);
  out.set_fleet_url(hub.fleet_url);
  out.set_fleet_path(hub.fleet_path);
  out.set_fleet_commit(hub.fleet_commit);
  for (const pb::Condition& condition : hub.conditions) *out.add_conditions() = condition;
  view.clusters().VisitAll([&](const std::string&, const ClusterRow& row) {
    if (row.state == pb::ClusterRecord::STATE_PENDING) {
      out.set_pending_clusters(out.pending_clusters() + 1);
    }
    if (row.state != pb::ClusterRecord::STATE_ENROLLED) return;
    out.set_clusters(out.clusters() + 1);
    if (row.connection == pb::CONNECTION_STATUS_CONNECTED) out.set_connected(out.connected() + 1);
    if (row.converged) out.set_converged(out.converged() + 1);
  });
  for (const pb::Condition& condition : hub.conditions) {
    Findings(out, "error", "date").Add("hub", condition.message(), "date");
  }
  FindInRepositories(view, out);
  FindInPackages(view, out);
  FindInClusters(view, out);
  return out;
}

CommitCount CountCommit(const FleetView& view, absl::string_view repository,
                        absl::string_view commit) {
  CommitCount count;
  const auto is_well = [](const PackageStatus& package) {
    return package.sync == pb::SYNC_STATUS_SYNCED &&
           (package.health == pb::HEALTH_STATUS_HEALTHY ||
            package.health == pb::HEALTH_STATUS_SUSPENDED);
  };
  // The commit that first gave the bundle, or the newest that does.
  const auto is = [&](const PackageStatus& package, const AppliedBundle& bundle) {
    return bundle.repository == repository &&
           (bundle.commit == commit || SourceOf(view, package, bundle).second == commit);
  };
  view.clusters().VisitAll([&](const std::string&, const ClusterRow& row) {
    bool desired = false;
    bool applied = false;
    bool whole = true;  // as far as this commit goes
    bool well = true;
    for (const PackageStatus& package : row.packages) {
      const bool wanted = package.desired != nullptr && is(package, *package.desired->source);
      const bool runs = package.applied != nullptr && is(package, *package.applied);
      if (!wanted && !runs) continue;
      desired |= wanted;
      applied |= runs;
      whole &= (runs || !wanted) && package.held == 0 && package.failed == 0;
      well &= is_well(package);
    }
    count.clusters_desired += desired;
    count.clusters_applied += applied && whole;
    count.clusters_healthy += applied && whole && well;
  });
  return count;
}

}  // namespace muster::hub
