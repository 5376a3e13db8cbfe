#include "hub/core/rollouts.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/limits.h"
#include "hub/core/desired_state.h"
#include "hub/core/fleet_config.h"
#include "hub/core/journal.h"
#include "hub/core/keys.h"
#include "hub/core/placement.h"
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

bool Observes(const State& state, const ClusterState& cluster) {
  return ModeOf(state, cluster) == pb::CLUSTER_MODE_OBSERVE;
}

std::string WhyApart(const State& state, const ClusterState& cluster, const Placement& placement) {
  if (cluster.record.suspended()) return "suspended";
  if (Observes(state, cluster) || cluster.reported.observes) return "it only observes";
  if (placement.variant == nullptr) return "what it should get cannot be told";
  return cluster.connection == pb::CONNECTION_STATUS_OFFLINE ? "offline" : "";
}

// What the agent says of `entry`, from `generation` on.
Progress ProgressOf(const ClusterState& cluster, const PackageName& name, const PackageEntry& entry,
                    uint64_t generation) {
  const ReportedPackage* said = ReportedOf(cluster, name);
  if (said == nullptr || !cluster.told || cluster.reported.generation < generation) {
    return Progress::kWorking;
  }
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

// What the declaration says of the content: another digest is another release, whatever Git says.
Digest DeclaredOf(const pb::Package& spec) {
  pb::Package content = spec;
  content.clear_origin();
  content.clear_rollout();
  return Digest::Of(content.SerializeAsString());
}

absl::Duration AgentsHaveTime(const State& state) {
  return limits::kOfflineAfterHeartbeats * state.settings.heartbeat;
}

// Whether a hub that has just started still waits for agents to say how things are. What the store
// has of them may be old, and a wave must not be passed on it.
bool AwaitsAgents(const State& state, const PackageName& name) {
  if (state.now >= state.started + AgentsHaveTime(state)) return false;
  if (!state.rollouts.contains(name)) return false;
  return std::any_of(state.clusters.begin(), state.clusters.end(), [&](const auto& entry) {
    const ClusterState& cluster = entry.second;
    return cluster.enrolled() && !cluster.told &&
           cluster.connection != pb::CONNECTION_STATUS_OFFLINE &&
           PlacementOf(cluster, name.text()) != nullptr;
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
    mine_.last = Advance(plan_, clusters_, state_.now_ms(), mine_.rollout, WhyStill());
    for (const std::string& id : mine_.last.moves) state_.marks.compose.insert(ClusterId(id));
    for (const std::string& id : mine_.last.returns) state_.marks.compose.insert(ClusterId(id));
    Tell(before);
    Judge();
    ShowWaiting();
    ForgetEntries();
    if (mine_.queued && !GoesOn()) {
      state_.wakes.insert({state_.now + kLookDelay, Wake::Kind::kRollout, name_.text()});
    }
    if (mine_.last.wake_ms) {
      state_.wakes.insert(
          {absl::FromUnixMillis(*mine_.last.wake_ms), Wake::Kind::kRollout, name_.text()});
    }
  }

  // Decides nothing: people and views see how things stood.
  void Show() {
    CollectClusters();
    mine_.last = Survey(plan_, clusters_, mine_.rollout);
    ShowWaiting();
  }

 private:
  bool GoesOn() const {
    return mine_.rollout.phase == RolloutPhase::kProgressing ||
           mine_.rollout.phase == RolloutPhase::kPaused;
  }

  // Why nothing moves, whatever the rollout says; empty: it may.
  std::string WhyStill() const {
    if (package_.record.suspended()) return "the package is suspended";
    if (mine_.rollout.number == 0 || mine_.declared != DeclaredOf(package_.record.spec())) {
      return "waits for the rendering of what is declared now";
    }
    const bool unknown =
        std::any_of(clusters_.begin(), clusters_.end(),
                    [](const RolloutCluster& cluster) { return cluster.target.empty(); });
    return unknown && !rendered_ ? "waits for the rendering of what is new" : "";
  }

  // What the package renders to now; whether that is another release than the one on its way.
  void TakeTargets() {
    mine_.queued = false;
    rendered_ = false;
    if (!IsWhollyRendered(state_, package_)) return;
    std::map<Digest, Digest> now;
    for (const auto& [params, variant] : package_.variants) {
      if (variant.clusters > 0 && variant.entry != nullptr) now[params] = variant.entry->digest;
    }
    if (now.empty()) return;
    rendered_ = true;
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
    // What another declaration would have given cannot be rendered any more: it waits for nobody.
    const bool declared_anew = mine_.declared != DeclaredOf(package_.record.spec());
    if (changed && !declared_anew && GoesOn() && mine_.rollout.number > 0 &&
        plan_.on_newer() == pb::ROLLOUT_NEWER_QUEUE) {
      mine_.queued = true;
      return;
    }
    if (changed || declared_anew) Begin(now, commit);
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
    mine_.declared = DeclaredOf(package_.record.spec());
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
      if (placement == nullptr) continue;
      RolloutCluster one = ClusterNow(cluster, *placement);
      sorted.emplace(one.name, std::move(one));
    }
    for (auto& [name, cluster] : sorted) clusters_.push_back(std::move(cluster));
  }

  RolloutCluster ClusterNow(const ClusterState& cluster, const Placement& placement) {
    RolloutCluster one;
    one.id = cluster.id.text();
    one.name = cluster.record.name();
    one.labels = LabelsOf(LabelsInForce(state_, cluster));
    one.apart = WhyApart(state_, cluster, placement);
    if (placement.variant != nullptr) {
      const auto target = mine_.targets.find(placement.variant->params);
      if (target != mine_.targets.end()) one.target = target->second;
    }
    const Entry desired = WithSuspension(DesiredEntry(cluster, name_), false);
    if (desired != nullptr) mine_.entries.try_emplace(desired->digest, desired);
    one.desired = RunsOf(cluster, one, desired == nullptr ? Digest() : desired->digest);
    const auto member = mine_.rollout.members.find(one.id);
    const bool known = member != mine_.rollout.members.end();
    if (known && one.desired == member->second.to && member->second.generation == 0) {
      member->second.generation = cluster.desired.generation;
    }
    if (desired != nullptr && one.desired == one.target) {
      one.progress =
          ProgressOf(cluster, name_, *desired, known ? member->second.generation : uint64_t{0});
    }
    return one;
  }

  // What the cluster runs by its rollout. One that was told to observe is shown what the release
  // gives it, because it writes nothing; when that ends, it goes on from what it had before.
  Digest RunsOf(const ClusterState& cluster, const RolloutCluster& one, const Digest& has) {
    const auto found = mine_.rollout.members.find(one.id);
    const bool shown = found != mine_.rollout.members.end() && found->second.observes;
    if (Observes(state_, cluster)) {
      RolloutMember& member = mine_.rollout.members[one.id];
      if (!shown) member.before = has;
      member.observes = true;
      if (!one.target.empty() && has != one.target) state_.marks.compose.insert(cluster.id);
      return member.before;
    }
    if (!shown) return has;
    const Digest before = found->second.before;
    if (has == before) {
      found->second.observes = false;
      found->second.before = Digest();
    } else {
      state_.marks.compose.insert(cluster.id);
    }
    return before;
  }

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
      const bool known = member != mine_.rollout.members.end();
      const bool gets = known && member->second.to == one.target &&
                        member->second.rollout == mine_.rollout.number &&
                        mine_.rollout.phase != RolloutPhase::kRolledBack;
      const bool shown = known && member->second.observes;
      const bool waits = !one.target.empty() && one.desired != one.target && !gets && !shown;
      Placement& placement = *PlacementOf(cluster, name_.text());
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
    for (const auto& [id, member] : mine_.rollout.members) {
      used.insert({member.from, member.to, member.before});
    }
    std::erase_if(mine_.entries, [&](const auto& entry) { return !used.contains(entry.first); });
  }

  Turn& turn_;
  State& state_;
  const PackageName& name_;
  PackageState& package_;
  const pb::RolloutPlan& plan_;
  RolloutState& mine_;
  std::vector<RolloutCluster> clusters_;
  bool rendered_ = false;  // all that its clusters should get, as far as it can be
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
  const auto found = turn.state.rollouts.find(name);
  if (found != turn.state.rollouts.end()) {
    StandStill(absl::StrCat("RolloutPlan '", spec.rollout(), "' is not declared"),
               found->second.rollout);
  }
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
    Placement* placement = PlacementOf(cluster, name.text());
    if (placement == nullptr) continue;
    placement->waiting = nullptr;
    state.marks.compose.insert(id);
    ShowCluster(state, cluster);
  }
}

}  // namespace

bool IsWhollyRendered(const State& state, const PackageState& package) {
  const auto found = state.repositories.find(RepositoryName(package.record.spec().repository()));
  if (found == state.repositories.end()) return true;
  const std::string& commit = found->second.record.commit();
  return std::all_of(package.variants.begin(), package.variants.end(), [&](const auto& entry) {
    const Variant& variant = entry.second;
    return variant.clusters == 0 || (variant.tried_commit == commit && !variant.again);
  });
}

std::shared_ptr<const PackageEntry> EntryUnderRollout(const State& state,
                                                      const ClusterState& cluster,
                                                      const Placement& placement) {
  const pb::PackageRecord& record = placement.package->record;
  const PackageName name(record.spec().name());
  const Entry had = WithSuspension(DesiredEntry(cluster, name), record.suspended());
  const auto found = state.rollouts.find(name);
  if (found == state.rollouts.end()) return had;
  const RolloutState& mine = found->second;
  const auto known = mine.rollout.members.find(cluster.id.text());
  if (known == mine.rollout.members.end()) return had;
  const RolloutMember& member = known->second;
  Digest given;
  if (member.observes && Observes(state, cluster)) {
    const auto target = placement.variant == nullptr ? mine.targets.end()
                                                     : mine.targets.find(placement.variant->params);
    if (target != mine.targets.end()) given = target->second;
  } else if (mine.rollout.phase == RolloutPhase::kRolledBack && !member.from.empty()) {
    given = member.from;
  } else if (member.rollout == mine.rollout.number && !member.to.empty()) {
    given = member.to;
  } else if (member.observes) {
    if (member.before.empty()) return nullptr;
    given = member.before;
  }
  const auto entry = mine.entries.find(given);
  return entry == mine.entries.end() ? had : WithSuspension(entry->second, record.suspended());
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
    const pb::RolloutPlan* plan = PlanOf(state, package->record.spec().rollout());
    if (plan == nullptr) {
      HoldWithoutPlan(turn, name, *package);
    } else if (AwaitsAgents(state, name)) {
      Evaluation(turn, name, *package, *plan).Show();
      state.wakes.insert(
          {state.started + AgentsHaveTime(state), Wake::Kind::kRollout, name.text()});
    } else {
      Evaluation(turn, name, *package, *plan).Run();
    }
    // In each case: a person's decision has to be durable before it is answered.
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

}  // namespace muster::hub
