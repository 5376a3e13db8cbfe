#include "hub/core/observed.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/config/names.h"
#include "hub/core/desired_state.h"
#include "hub/core/journal.h"
#include "hub/core/keys.h"
#include "hub/core/liveness.h"
#include "hub/core/records.h"
#include "hub/core/rollouts.h"

namespace muster::hub {
namespace pb = muster::v1;
namespace {

// More than fit into a desired state, with those that are on their way out.
constexpr int kPackagesMax = 2'000;

std::string SubjectOf(const ClusterState& cluster) {
  return absl::StrCat("cluster/", cluster.record.name());
}

// ---------------------------------------------------------------- what runs

// Where a bundle that the cluster says it runs came from.
std::shared_ptr<const AppliedBundle> OriginOf(const ClusterState& cluster,
                                              const ReportedPackage* former,
                                              const PackageName& name, const Digest& bundle,
                                              const std::string& commit) {
  const std::shared_ptr<const PackageEntry> entry = DesiredEntry(cluster, name);
  if (entry != nullptr && entry->bundle == bundle) return entry->source;
  if (former != nullptr && former->applied != nullptr && former->applied->bundle == bundle) {
    return former->applied;
  }
  for (const auto& before : cluster.former) {
    if (before->name == name && before->bundle == bundle) return before->source;
  }
  AppliedBundle applied;
  applied.claimed = true;
  applied.bundle = bundle;
  if (entry != nullptr) applied.repository = entry->source->repository;
  applied.commit = commit;
  return std::make_shared<const AppliedBundle>(std::move(applied));
}

const ReportedPackage* Find(const std::vector<ReportedPackage>& packages, const PackageName& name) {
  const auto at = std::partition_point(packages.begin(), packages.end(),
                                       [&](const auto& package) { return package.name < name; });
  return at != packages.end() && at->name == name ? &*at : nullptr;
}

void WriteHistory(Turn& turn, const ClusterState& cluster, const PackageName& package,
                  const AppliedBundle* applied, uint64_t generation) {
  pb::HistoryRecord record;
  record.set_generation(generation);
  if (applied != nullptr) {
    record.set_bundle_digest(applied->bundle.bytes());
    record.set_commit(applied->commit);
    record.set_repository(applied->repository);
  }
  turn.out.batch.Put(keys::History(cluster.id, turn.state.now_ms(), package),
                     record.SerializeAsString());
}

// Writes down every bundle that came since the former report, and every package that left.
void WriteChanges(Turn& turn, const ClusterState& cluster, const Reported& former,
                  const Reported& next) {
  for (const ReportedPackage& package : next.packages) {
    const ReportedPackage* before = Find(former.packages, package.name);
    const Digest had =
        before == nullptr || before->applied == nullptr ? Digest() : before->applied->bundle;
    if (package.applied == nullptr || package.applied->bundle == had) continue;
    WriteHistory(turn, cluster, package.name, package.applied.get(), next.generation);
  }
  for (const ReportedPackage& before : former.packages) {
    if (before.applied == nullptr || Find(next.packages, before.name) != nullptr) continue;
    WriteHistory(turn, cluster, before.name, nullptr, next.generation);
  }
}

const pb::Condition* ConditionOf(const pb::ObservedState& state, const PackageName& name,
                                 absl::string_view type) {
  for (const pb::ObservedPackage& package : state.packages()) {
    if (package.name() != name.text()) continue;
    for (const pb::Condition& condition : package.conditions()) {
      if (condition.type() == type) return &condition;
    }
  }
  return nullptr;
}

// What a package has come to, and what is over. Each is told when it begins and when it ends, not
// again while it lasts.
void NoteTroubles(Turn& turn, const ClusterState& cluster, const Reported& former,
                  const Reported& next, const pb::ObservedState& state) {
  struct Trouble {
    absl::string_view condition, begun, ended, over;
    bool (*is)(const ReportedPackage&);
  };
  static constexpr Trouble kTroubles[] = {
      {"Failed", "ObjectsFailed", "FailureOver", "no object fails any more",
       [](const ReportedPackage& package) { return package.failed > 0; }},
      {"Held", "DeletionsHeld", "HoldOver", "no deletion is held any more",
       [](const ReportedPackage& package) { return package.held > 0; }},
      {"Unhealthy", "PackageDegraded", "PackageRecovered", "not degraded any more",
       [](const ReportedPackage& package) {
         return package.failed == 0 && package.health == pb::HEALTH_STATUS_DEGRADED;
       }},
  };
  for (const ReportedPackage& package : next.packages) {
    const ReportedPackage* before = Find(former.packages, package.name);
    for (const Trouble& trouble : kTroubles) {
      const bool was = before != nullptr && trouble.is(*before);
      const bool now = trouble.is(package);
      if (was == now) continue;
      // Worse, or not told any more because it is suspended, is no recovery.
      const bool unclear = package.health == pb::HEALTH_STATUS_DEGRADED ||
                           package.health == pb::HEALTH_STATUS_SUSPENDED;
      if (!now && unclear && trouble.condition == "Unhealthy") continue;
      const pb::Condition* why =
          now ? ConditionOf(state, package.name, trouble.condition) : nullptr;
      absl::string_view what = now ? "see muster describe cluster" : trouble.over;
      if (why != nullptr) what = why->message();
      Note(turn, {.reason = now ? trouble.begun : trouble.ended,
                  .subject = SubjectOf(cluster),
                  .message = absl::StrCat("package ", package.name.text(), ": ", what),
                  .actor = cluster.record.name(),
                  .warning = now,
                  .throttled = true});
    }
  }
}

void NoteDrift(Turn& turn, const ClusterState& cluster, const Reported& former,
               const Reported& next) {
  for (const ReportedPackage& package : next.packages) {
    const ReportedPackage* before = Find(former.packages, package.name);
    if (before == nullptr) continue;
    if (package.drift_healed > before->drift_healed) {
      Note(turn, {.reason = "DriftHealed",
                  .subject = SubjectOf(cluster),
                  .message = absl::StrCat("package ", package.name.text(), ": ",
                                          package.drift_healed - before->drift_healed,
                                          " objects were changed by hand and put right"),
                  .actor = cluster.record.name(),
                  .throttled = true});
    } else if (package.drifted > 0 && before->drifted == 0) {
      Note(turn, {.reason = "DriftDetected",
                  .subject = SubjectOf(cluster),
                  .message = absl::StrCat("package ", package.name.text(), ": ", package.drifted,
                                          " objects differ from what Git says"),
                  .actor = cluster.record.name(),
                  .warning = true,
                  .throttled = true});
    }
  }
}

// Remembers when the present content was first seen wholly applied.
void JudgeConvergence(Turn& turn, ClusterState& cluster) {
  Reported& reported = cluster.reported;
  if (!HasPresentContent(cluster) || !HasAllBundles(cluster)) return;
  cluster.former.clear();
  if (reported.converged_generation < cluster.desired.content_generation) {
    reported.converged_ms = turn.state.now_ms();
  }
  if (reported.converged_generation < reported.generation) {
    reported.converged_generation = reported.generation;
    reported.converged_digest = reported.desired_digest;
  }
}

// What a sound agent never sends; it could only fill the hub's memory and history.
absl::Status CheckReport(const pb::ObservedState& state) {
  if (state.packages_size() > kPackagesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("report: ", state.packages_size(), " of at most ", kPackagesMax, " packages"));
  }
  std::set<std::string> names;
  for (const pb::ObservedPackage& package : state.packages()) {
    RETURN_IF_ERROR(Annotate(CheckName(package.name()), "report: a package's name"));
    if (!names.insert(package.name()).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("report: package '", package.name(), "' stands in it twice"));
    }
  }
  return absl::OkStatus();
}

void TakeReport(Turn& turn, ClusterState& cluster, const pb::Report& report, const Digest& digest) {
  const Reported former = std::exchange(cluster.reported, {});
  Reported& next = cluster.reported;
  ReadState(report.state(), next);
  next.digest = digest;
  next.received_ms = turn.state.now_ms();
  next.state = std::make_shared<const std::string>(report.state().SerializeAsString());
  next.converged_digest = former.converged_digest;
  next.converged_ms = former.converged_ms;
  next.converged_generation = former.converged_generation;
  for (const pb::ObservedPackage& package : report.state().packages()) {
    const absl::StatusOr<Digest> bundle = Digest::FromBytes(package.bundle_digest());
    if (!bundle.ok()) continue;  // never applied
    const PackageName name(package.name());
    const auto one = std::partition_point(next.packages.begin(), next.packages.end(),
                                          [&](const auto& other) { return other.name < name; });
    one->applied = OriginOf(cluster, Find(former.packages, name), name, *bundle, package.commit());
  }
  JudgeConvergence(turn, cluster);
  ShowCluster(turn.state, cluster);
  WriteChanges(turn, cluster, former, next);
  NoteDrift(turn, cluster, former, next);
  NoteTroubles(turn, cluster, former, next, report.state());
  turn.out.batch.Put(keys::Observed(cluster.id),
                     ReportedRecord(next, report.state()).SerializeAsString());
}

}  // namespace

void OnAgentReport(Turn& turn, const AgentReport& event) {
  ClusterState* cluster = ClusterOfLink(turn.state, event.link);
  if (cluster == nullptr) return;
  const pb::ObservedState& state = event.report.state();
  if (const absl::Status good = CheckReport(state); !good.ok()) {
    Note(turn, {.reason = "ReportRefused",
                .subject = SubjectOf(*cluster),
                .message = std::string(good.message()),
                .warning = true,
                .throttled = true});
    turn.out.closes.push_back({.link = event.link, .reason = good});
    turn.state.links.erase(event.link);
    cluster->link = 0;
    return;
  }
  const Digest digest = Digest::Of(state.SerializeAsString());
  const bool news = digest != cluster->reported.digest;
  if (news) TakeReport(turn, *cluster, event.report, digest);
  if (news || !cluster->told) RolloutsMayGoOn(turn.state, *cluster);
  cluster->told = true;
  // What it has from an earlier life is known now.
  if (turn.state.waiting_first.erase(cluster->id) > 0) turn.state.marks.compose.insert(cluster->id);
  cluster->agent_generation = state.generation();
  const absl::StatusOr<Digest> accepted = Digest::FromBytes(state.desired_digest());
  cluster->agent_digest = accepted.ok() ? *accepted : Digest();
  Heard(turn, *cluster);
  pb::ReportAck ack;
  ack.set_number(event.report.number());
  turn.out.sends.push_back({event.link, std::move(ack)});
}

}  // namespace muster::hub
