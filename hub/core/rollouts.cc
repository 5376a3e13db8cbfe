#include "hub/core/rollouts.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "hub/core/desired_state.h"
#include "hub/core/fleet_config.h"
#include "hub/core/journal.h"
#include "hub/core/keys.h"
#include "hub/core/records.h"

namespace muster::hub {
namespace pb = muster::v1;
namespace {

// Reports come in crowds.
constexpr absl::Duration kLookDelay = absl::Milliseconds(100);
constexpr char kCondition[] = "RolloutProgressing";

using Entry = std::shared_ptr<const PackageEntry>;

// Suspension reaches all clusters at once, whatever the rollout does.
Entry WithSuspension(const Entry& entry, bool suspended) {
  if (entry == nullptr || entry->suspended == suspended) return entry;
  pb::DesiredPackage package;
  package.ParseFromString(entry->bytes);
  package.set_suspended(suspended);
  return MakeEntry(package);
}

const Placement* PlacementOf(const ClusterState& cluster, const std::string& package) {
  const auto at = std::partition_point(cluster.placements.begin(), cluster.placements.end(),
                                       [&](const Placement& placement) {
                                         return placement.package->record.spec().name() < package;
                                       });
  const bool found = at != cluster.placements.end() && at->package->record.spec().name() == package;
  return found ? &*at : nullptr;
}

const ReportedPackage* ReportedOf(const ClusterState& cluster, const PackageName& name) {
  for (const ReportedPackage& package : cluster.reported.packages) {
    if (package.name == name) return &package;
  }
  return nullptr;
}

std::string WhyApart(const State& state, const ClusterState& cluster) {
  if (cluster.record.suspended()) return "suspended";
  const pb::DeclarationRecord* declaration = DeclarationOf(state, cluster);
  const bool observes =
      declaration != nullptr && declaration->spec().mode() == pb::CLUSTER_MODE_OBSERVE;
  if (observes || cluster.reported.observes) return "it only observes";
  return cluster.connection == pb::CONNECTION_STATUS_OFFLINE ? "offline" : "";
}

// What the agent says of `entry`, from `generation` on.
Progress ProgressOf(const ClusterState& cluster, const PackageName& name, const PackageEntry& entry,
                    uint64_t generation) {
  const ReportedPackage* said = ReportedOf(cluster, name);
  if (said == nullptr || cluster.reported.generation < generation) return Progress::kWorking;
  const bool applied = said->applied != nullptr && said->applied->bundle == entry.bundle;
  const bool attempted = said->attempted == entry.bundle;
  if ((applied || attempted) && (said->health == pb::HEALTH_STATUS_DEGRADED || said->failed > 0)) {
    return Progress::kFailed;
  }
  const bool well =
      said->sync == pb::SYNC_STATUS_SYNCED &&
      (said->health == pb::HEALTH_STATUS_HEALTHY || said->health == pb::HEALTH_STATUS_SUSPENDED);
  return applied && well ? Progress::kHealthy : Progress::kWorking;
}

const pb::RolloutPlan* PlanOf(const State& state, const std::string& name) {
  const auto found = state.rollout_plans.find(name);
  if (found != state.rollout_plans.end()) return &found->second;
  static const auto* const standard = new pb::RolloutPlan(StandardPlan());
  return name == kStandardPlan ? standard : nullptr;
}

// Everything of the package was looked at, at the commit that rules: no release is half seen.
bool IsRendered(const State& state, const PackageState& package) {
  const auto found = state.repositories.find(RepositoryName(package.record.spec().repository()));
  if (found == state.repositories.end()) return true;
  const std::string& commit = found->second.record.commit();
  return std::all_of(package.variants.begin(), package.variants.end(), [&](const auto& entry) {
    const Variant& variant = entry.second;
    return variant.clusters == 0 || (variant.tried_commit == commit && !variant.again);
  });
}

class Evaluation {
 public:
  Evaluation(Turn& turn, const PackageName& name, PackageState& package,
             const pb::RolloutPlan& plan)
      : turn_(turn),
        state_(turn.state),
        name_(name),
        package_(package),
        plan_(plan),
        mine_(turn.state.rollouts[name]) {}

  void Run() {
    TakeTargets();
    CollectClusters();
    const Rollout before = mine_.rollout;
    mine_.last = Advance(plan_, clusters_, state_.now_ms(), mine_.rollout);
    for (const std::string& id : mine_.last.moves) Give(id, mine_.rollout.members.at(id).to);
    for (const std::string& id : mine_.last.returns) {
      turn_.state.marks.compose.insert(ClusterId(id));
    }
    Tell(before);
    Judge();
    ShowWaiting();
    ForgetEntries();
    const bool goes_on = mine_.rollout.phase == RolloutPhase::kProgressing ||
                         mine_.rollout.phase == RolloutPhase::kPaused;
    if (mine_.queued && !goes_on) {
      state_.wakes.insert({state_.now + kLookDelay, Wake::Kind::kRollout, name_.text()});
    }
    if (mine_.last.wake_ms) {
      state_.wakes.insert(
          {absl::FromUnixMillis(*mine_.last.wake_ms), Wake::Kind::kRollout, name_.text()});
    }
  }

 private:
  // What the package renders to now; whether that is another release than the one on its way.
  void TakeTargets() {
    mine_.queued = false;
    if (!IsRendered(state_, package_)) return;
    std::map<Digest, Digest> now;
    for (const auto& [params, variant] : package_.variants) {
      if (variant.clusters > 0 && variant.entry != nullptr) now[params] = variant.entry->digest;
    }
    if (now.empty()) return;
    const std::string commit = CommitNow();
    bool common = false, changed = mine_.targets.empty();
    for (const auto& [params, entry] : now) {
      const auto known = mine_.targets.find(params);
      if (known == mine_.targets.end()) continue;
      common = true;
      changed = changed || known->second != entry;
    }
    // All told apart by other facts than before, at another commit.
    changed = changed || (!common && commit != mine_.commit);
    const bool goes_on = mine_.rollout.phase == RolloutPhase::kProgressing ||
                         mine_.rollout.phase == RolloutPhase::kPaused;
    if (changed && goes_on && mine_.rollout.number > 0 &&
        plan_.on_newer() == pb::ROLLOUT_NEWER_QUEUE) {
      mine_.queued = true;
      return;
    }
    if (changed) Begin(now, commit);
    mine_.targets = std::move(now);
    for (const auto& [params, variant] : package_.variants) {
      if (variant.entry != nullptr) mine_.entries[variant.entry->digest] = variant.entry;
    }
  }

  std::string CommitNow() const {
    const auto found =
        state_.repositories.find(RepositoryName(package_.record.spec().repository()));
    return found == state_.repositories.end() ? "" : found->second.record.commit();
  }

  void Begin(const std::map<Digest, Digest>& targets, const std::string& commit) {
    std::string bytes;
    for (const auto& [params, entry] : targets) {
      absl::StrAppend(&bytes, params.view(), entry.view());
    }
    const Rollout former = mine_.rollout;
    mine_.rollout = StartRollout(former, Digest::Of(bytes), state_.now_ms());
    mine_.commit = commit;
    // What a person has stopped goes on when a person says so.
    if (former.phase == RolloutPhase::kPaused && !former.actor.empty()) {
      mine_.rollout.phase = former.phase;
      mine_.rollout.actor = former.actor;
      mine_.rollout.message = former.message;
    }
  }

  void CollectClusters() {
    std::map<std::string, RolloutCluster> sorted;
    for (auto& [id, cluster] : state_.clusters) {
      if (!cluster.enrolled()) continue;
      const Placement* placement = PlacementOf(cluster, name_.text());
      if (placement == nullptr || placement->variant == nullptr) continue;
      RolloutCluster one;
      one.id = id.text();
      one.name = cluster.record.name();
      one.labels = LabelsOf(LabelsInForce(state_, cluster));
      one.apart = WhyApart(state_, cluster);
      const auto target = mine_.targets.find(placement->variant->params);
      if (target != mine_.targets.end()) one.target = target->second;
      const Entry desired = WithSuspension(DesiredEntry(cluster, name_), false);
      if (desired != nullptr) {
        one.desired = desired->digest;
        mine_.entries.try_emplace(desired->digest, desired);
      }
      const auto member = mine_.rollout.members.find(one.id);
      if (member != mine_.rollout.members.end() && one.desired == member->second.to &&
          member->second.generation == 0) {
        member->second.generation = cluster.desired.generation;
      }
      if (desired != nullptr && one.desired == one.target) {
        const uint64_t from = member == mine_.rollout.members.end() ? 0 : member->second.generation;
        one.progress = ProgressOf(cluster, name_, *desired, from);
      }
      sorted.emplace(one.name, std::move(one));
    }
    for (auto& [name, cluster] : sorted) clusters_.push_back(std::move(cluster));
  }

  void Give(const std::string& id, const Digest&) { state_.marks.compose.insert(ClusterId(id)); }

  // The journal hears what happened, but not of a rollout that had nothing to do.
  void Tell(const Rollout& before) {
    const Rollout& now = mine_.rollout;
    const std::string what =
        absl::StrCat("rollout ", now.number, " (", now.release.short_hex(), ")");
    const bool idle = now.members.empty() && now.phase == RolloutPhase::kComplete;
    if (idle) return;
    for (const std::string& news : mine_.last.news) {
      const bool bad = now.phase != before.phase && now.phase != RolloutPhase::kComplete;
      Note(turn_, {.reason = bad ? "RolloutStopped" : "Rollout",
                   .subject = absl::StrCat("package/", name_.text()),
                   .message = absl::StrCat(what, ": ", news),
                   .warning = bad});
    }
  }

  void Judge() {
    const Rollout& rollout = mine_.rollout;
    auto& conditions = *package_.record.mutable_conditions();
    bool changed = false;
    const bool stopped =
        rollout.phase != RolloutPhase::kProgressing && rollout.phase != RolloutPhase::kComplete;
    if (stopped || rollout.waits_for == "approval") {
      const std::string next =
          rollout.waits_for == "approval"
              ? absl::StrCat("; see 'muster describe rollout ", name_.text(),
                             "', then 'muster rollout approve ", name_.text(), "'")
              : absl::StrCat("; see 'muster describe rollout ", name_.text(), "'");
      changed = SetCondition(
          conditions,
          MakeCondition(kCondition,
                        stopped ? pb::CONDITION_STATUS_FALSE : pb::CONDITION_STATUS_UNKNOWN,
                        stopped ? std::string(PhaseWord(rollout.phase)) : "WaitsForApproval",
                        absl::StrCat(rollout.message, next), rollout.release.hex()),
          state_.now_ms());
    } else {
      changed = ClearCondition(conditions, kCondition);
    }
    if (!changed) return;
    state_.marks.packages.insert(name_);
    state_.marks.view_packages.insert(name_);
  }

  // A cluster that waits is not in sync, and says for what it waits.
  void ShowWaiting() {
    const auto text = std::make_shared<const std::string>(
        absl::StrCat("WaitingForWave: rollout ", mine_.rollout.number, " is ",
                     PhaseWord(mine_.rollout.phase), ": ", mine_.rollout.message));
    for (const RolloutCluster& one : clusters_) {
      ClusterState& cluster = state_.clusters.at(ClusterId(one.id));
      const auto member = mine_.rollout.members.find(one.id);
      const bool gets = member != mine_.rollout.members.end() && member->second.to == one.target &&
                        mine_.rollout.phase != RolloutPhase::kRolledBack;
      const bool waits = !one.target.empty() && one.desired != one.target && !gets;
      auto& placement = const_cast<Placement&>(*PlacementOf(cluster, name_.text()));
      const bool same = waits ? placement.waiting != nullptr && *placement.waiting == *text
                              : placement.waiting == nullptr;
      if (same) continue;
      placement.waiting = waits ? text : nullptr;
      ShowCluster(state_, cluster);
    }
  }

  void ForgetEntries() {
    std::set<Digest> used;
    for (const auto& [params, entry] : mine_.targets) used.insert(entry);
    for (const auto& [id, member] : mine_.rollout.members) used.insert({member.from, member.to});
    std::erase_if(mine_.entries, [&](const auto& entry) { return !used.contains(entry.first); });
  }

  Turn& turn_;
  State& state_;
  const PackageName& name_;
  PackageState& package_;
  const pb::RolloutPlan& plan_;
  RolloutState& mine_;
  std::vector<RolloutCluster> clusters_;
};

void Save(Turn& turn, const PackageName& name) {
  const auto found = turn.state.rollouts.find(name);
  if (found == turn.state.rollouts.end()) {
    turn.out.batch.Delete(keys::Rollout(name));
    return;
  }
  std::string bytes = RolloutBytes(found->second);
  if (bytes == found->second.written) return;
  turn.out.batch.Put(keys::Rollout(name), bytes);
  found->second.written = std::move(bytes);
}

// Without its plan nothing moves: what the plan would have held back must not go out at once.
void HoldWithoutPlan(Turn& turn, const PackageName& name, PackageState& package) {
  const pb::Package& spec = package.record.spec();
  const bool changed = SetCondition(
      *package.record.mutable_conditions(),
      MakeCondition(kCondition, pb::CONDITION_STATUS_FALSE, "PlanMissing",
                    absl::StrCat(spec.origin().file(), ":", spec.origin().line(), ": package '",
                                 spec.name(), "' names RolloutPlan '", spec.rollout(),
                                 "', which is not declared; its clusters keep what they have"),
                    ""),
      turn.state.now_ms());
  if (!changed) return;
  turn.state.marks.packages.insert(name);
  turn.state.marks.view_packages.insert(name);
}

// A package that is no longer governed goes to all its clusters at once.
void Release(Turn& turn, const PackageName& name, PackageState* package) {
  State& state = turn.state;
  if (state.rollouts.erase(name) == 0) return;
  Save(turn, name);
  if (package == nullptr) return;
  ClearCondition(*package->record.mutable_conditions(), kCondition);
  state.marks.packages.insert(name);
  state.marks.view_packages.insert(name);
  for (auto& [id, cluster] : state.clusters) {
    auto* placement = const_cast<Placement*>(PlacementOf(cluster, name.text()));
    if (placement == nullptr) continue;
    placement->waiting = nullptr;
    state.marks.compose.insert(id);
    ShowCluster(state, cluster);
  }
}

}  // namespace

std::shared_ptr<const PackageEntry> EntryUnderRollout(const State& state,
                                                      const ClusterState& cluster,
                                                      const Placement& placement) {
  const pb::PackageRecord& record = placement.package->record;
  const PackageName name(record.spec().name());
  Entry entry = DesiredEntry(cluster, name);
  const auto found = state.rollouts.find(name);
  if (found != state.rollouts.end()) {
    const Rollout& rollout = found->second.rollout;
    const auto member = rollout.members.find(cluster.id.text());
    if (member != rollout.members.end() && !member->second.to.empty()) {
      const bool back = rollout.phase == RolloutPhase::kRolledBack && !member->second.from.empty();
      const auto given = found->second.entries.find(back ? member->second.from : member->second.to);
      if (given != found->second.entries.end()) entry = given->second;
    }
  }
  return WithSuspension(entry, record.suspended());
}

void RunRollouts(Turn& turn) {
  State& state = turn.state;
  for (const PackageName& name : std::exchange(state.marks.rollouts, {})) {
    const auto found = state.packages.find(name);
    PackageState* package = found == state.packages.end() ? nullptr : &found->second;
    if (package == nullptr || !IsGoverned(package->record.spec())) {
      Release(turn, name, package);
      continue;
    }
    if (package->record.suspended()) continue;
    const pb::RolloutPlan* plan = PlanOf(state, package->record.spec().rollout());
    if (plan == nullptr) {
      HoldWithoutPlan(turn, name, *package);
      continue;
    }
    Evaluation(turn, name, *package, *plan).Run();
    Save(turn, name);
  }
}

void MarkRollouts(State& state) {
  for (const auto& [name, package] : state.packages) {
    if (IsGoverned(package.record.spec())) state.marks.rollouts.insert(name);
  }
}

void RolloutsMayGoOn(State& state, const ClusterState& cluster) {
  for (const Placement& placement : cluster.placements) {
    const pb::Package& spec = placement.package->record.spec();
    if (!IsGoverned(spec)) continue;
    const auto found = state.rollouts.find(PackageName(spec.name()));
    if (found == state.rollouts.end() || found->second.planned) continue;
    found->second.planned = true;
    state.wakes.insert({state.now + kLookDelay, Wake::Kind::kRollout, spec.name()});
  }
}

void RolloutWakes(State& state, const std::string& package) {
  const auto found = state.rollouts.find(PackageName(package));
  if (found == state.rollouts.end()) return;
  found->second.planned = false;
  state.marks.rollouts.insert(found->first);
}

void DeclareRolloutPlan(Turn& turn, const pb::RolloutPlan& spec) {
  State& state = turn.state;
  pb::RolloutPlan& plan = state.rollout_plans[spec.name()];
  if (plan.SerializeAsString() == spec.SerializeAsString()) return;
  plan = spec;
  pb::RolloutPlanRecord record;
  *record.mutable_spec() = spec;
  turn.out.batch.Put(keys::RolloutPlan(spec.name()), record.SerializeAsString());
  MarkRollouts(state);
}

void RemoveRolloutPlan(Turn& turn, const std::string& name) {
  if (turn.state.rollout_plans.erase(name) == 0) return;
  turn.out.batch.Delete(keys::RolloutPlan(name));
  MarkRollouts(turn.state);
}

absl::StatusOr<pb::RolloutAnswer> DecideRollout(Turn& turn, const pb::RolloutDecision& decision,
                                                const std::string& actor) {
  State& state = turn.state;
  const PackageName name(decision.package());
  const auto found = state.rollouts.find(name);
  const auto package = state.packages.find(name);
  if (found == state.rollouts.end() || package == state.packages.end()) {
    return absl::NotFoundError(absl::StrCat("there is no rollout of a package '",
                                            decision.package(), "'; see 'muster get rollouts'"));
  }
  Rollout& rollout = found->second.rollout;
  const std::string& action = decision.action();
  const std::string hex = rollout.release.hex();
  const bool named = !decision.release().empty() && absl::StartsWith(hex, decision.release());
  if (!decision.release().empty() && !named) {
    return absl::FailedPreconditionError(absl::StrCat(action, ": the release on its way is ",
                                                      hex.substr(0, 12), ", not ",
                                                      decision.release(), "; look at it first"));
  }
  const pb::RolloutPlan* plan = PlanOf(state, package->second.record.spec().rollout());
  absl::Status status;
  if (action == "approve" && decision.release().size() < 7) {
    status = absl::InvalidArgumentError(
        "approve: name at least 7 digits of the release that you looked at");
  } else if (action == "approve" && plan == nullptr) {
    status = absl::FailedPreconditionError("approve: the rollout's plan is not declared");
  } else if (action == "approve") {
    status =
        Approve(*plan, {decision.wave(), false, actor, state.now_ms(), decision.reason()}, rollout);
  } else if (action == "pause") {
    status = Pause(actor, decision.reason(), rollout);
  } else if (action == "resume") {
    status = Resume(rollout);
  } else if (action == "abort") {
    status = Abort(actor, decision.reason(), state.now_ms(), rollout);
  } else if (action == "rollback") {
    status = RollBack(actor, decision.reason(), state.now_ms(), rollout);
  } else if (action == "retry") {
    status = Retry(state.now_ms(), rollout);
  } else {
    status = absl::InvalidArgumentError(absl::StrCat("'", action, "' is nothing to decide"));
  }
  if (!status.ok()) return status;
  const std::string done = action == "approve"    ? "approved"
                           : action == "pause"    ? "paused"
                           : action == "resume"   ? "resumed"
                           : action == "abort"    ? "aborted"
                           : action == "rollback" ? "rolled back"
                                                  : "begun anew";
  Note(turn,
       {.reason = "RolloutDecided",
        .subject = absl::StrCat("package/", decision.package()),
        .message = absl::StrCat("rollout ", rollout.number, " (", hex.substr(0, 12), ") ", done,
                                decision.reason().empty() ? "" : ": ", decision.reason()),
        .actor = actor});
  state.marks.rollouts.insert(name);
  pb::RolloutAnswer answer;
  answer.set_message(
      absl::StrCat("rollout/", decision.package(), " ", done, " (", hex.substr(0, 12), ")"));
  return answer;
}

}  // namespace muster::hub
