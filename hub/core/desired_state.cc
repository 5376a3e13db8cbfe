#include "hub/core/desired_state.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/check.h"
#include "hub/core/journal.h"
#include "hub/core/records.h"
#include "hub/core/rollouts.h"

namespace muster::hub {
namespace pb = muster::v1;
namespace {

// Whether it is known what the fleet is to run. Before the fleet repository was read, and while it
// declares no package at all, an empty desired state would be a guess.
bool FleetIsKnown(const State& state) {
  return state.meta.fleet_url().empty() || !state.packages.empty();
}

// Whether a first rendering is on its way. The first desired state waits for it, so that an agent
// that still has things from an earlier life does not see them leave and come back.
bool IsComing(const State& state, const Placement& placement) {
  if (placement.variant == nullptr || placement.variant->good) return false;
  if (placement.variant->error != nullptr) return false;
  const auto repository =
      state.repositories.find(RepositoryName(placement.package->record.spec().repository()));
  if (repository == state.repositories.end()) return false;
  const RepositoryState& source = repository->second;
  return source.failures == 0 && source.render_failures == 0 && !source.record.suspended();
}

// Whether a rollout has not come to the cluster yet, which has nothing of the package so far.
bool IsHeldBack(const State& state, const Placement& placement, const ClusterState& cluster) {
  return IsGoverned(placement.package->record.spec()) && placement.variant != nullptr &&
         placement.variant->good && EntryUnderRollout(state, cluster, placement) == nullptr;
}

// Whether the agent may have the package from an earlier life: a first desired state without it
// would take that away.
bool MayHave(const ClusterState& cluster, const Placement& placement) {
  if (cluster.heard == absl::InfinitePast()) return true;  // who knows
  if (cluster.agent_generation == 0) return false;
  if (cluster.reported.digest.empty()) return true;  // it has not said so yet
  return ReportedOf(cluster, PackageName(placement.package->record.spec().name())) != nullptr;
}

// Whether the first desired state, with what `next` has, has to wait. What a rollout holds back is
// left out of it, for as long as that may take: nothing else must wait for it.
bool FirstWaits(const State& state, const ClusterState& cluster, const Desired& next) {
  if (!FleetIsKnown(state)) return true;
  return std::any_of(cluster.placements.begin(), cluster.placements.end(),
                     [&](const Placement& placement) {
                       if (IsComing(state, placement)) return true;
                       return IsHeldBack(state, placement, cluster) &&
                              (next.packages.empty() || MayHave(cluster, placement));
                     });
}

std::vector<std::shared_ptr<const PackageEntry>> EntriesFor(const State& state,
                                                            const ClusterState& cluster) {
  std::vector<std::shared_ptr<const PackageEntry>> entries;
  entries.reserve(cluster.placements.size());
  for (const Placement& placement : cluster.placements) {
    if (IsGoverned(placement.package->record.spec())) {
      if (auto entry = EntryUnderRollout(state, cluster, placement)) {
        entries.push_back(std::move(entry));
      }
      continue;
    }
    if (placement.variant != nullptr && placement.variant->entry != nullptr) {
      entries.push_back(placement.variant->entry);
      continue;
    }
    const PackageName name(placement.package->record.spec().name());
    if (auto former = DesiredEntry(cluster, name)) entries.push_back(std::move(former));
  }
  return entries;
}

// The generation after the present one, and after the one that the agent says it has: a hub that
// was restored from a backup catches up. Zero when the agent is impossibly far ahead.
uint64_t NextGeneration(const ClusterState& cluster) {
  const uint64_t own = cluster.desired.generation;
  if (cluster.agent_generation <= own) return own + 1;
  if (cluster.agent_generation - own > limits::kGenerationJumpMax) return 0;
  return cluster.agent_generation + 1;
}

// One wake a cluster is enough: when it fires too early, it is planned again. Never for now: what
// cannot be issued would be planned again and again.
void PlanRefresh(State& state, const ClusterState& cluster) {
  const absl::Duration refresh = state.settings.desired_state_refresh;
  const absl::Time due = absl::FromUnixMillis(cluster.desired.issued_ms) + refresh;
  state.wakes.insert(
      {due > state.now ? due : state.now + refresh, Wake::Kind::kRefresh, cluster.id.text()});
}

// Remembers what `next` does away with: the cluster may be about to apply it, and to say so.
void KeepFormer(ClusterState& cluster, const Desired& next) {
  auto other = next.packages.begin();
  for (const auto& entry : cluster.desired.packages) {
    while (other != next.packages.end() && (*other)->name < entry->name) ++other;
    const bool stays = other != next.packages.end() && (*other)->name == entry->name &&
                       (*other)->bundle == entry->bundle;
    if (!stays) cluster.former.push_back(entry);
  }
  const size_t more = cluster.former.size() - std::min(cluster.former.size(), kFormerKept);
  cluster.former.erase(cluster.former.begin(), cluster.former.begin() + more);
}

// Signs off `next`, whose mode, suspension and packages are set, as the next generation.
void Issue(Turn& turn, ClusterState& cluster, Desired next) {
  State& state = turn.state;
  const uint64_t generation = NextGeneration(cluster);
  if (generation == 0) {
    SetCondition(cluster.conditions,
                 MakeCondition("GenerationFits", pb::CONDITION_STATUS_FALSE, "AgentFarAhead",
                               absl::StrCat("the agent is at generation ", cluster.agent_generation,
                                            ", the hub at ", cluster.desired.generation,
                                            ": too far apart for a restored backup; revoke the "
                                            "cluster and join it again"),
                               ""),
                 state.now_ms());
    ShowCluster(state, cluster);
    return;
  }
  ClearCondition(cluster.conditions, "GenerationFits");
  next.content = ContentOf(next);
  const bool same_content =
      cluster.desired.generation > 0 && next.content == cluster.desired.content;
  next.generation = generation;
  next.recovery = cluster.desired.recovery;
  next.previous = cluster.desired.digest;
  next.content_generation = same_content ? cluster.desired.content_generation : generation;
  next.issued_ms = state.now_ms();
  next.not_after_ms = absl::ToUnixMillis(state.now + state.settings.desired_state_lifetime);
  std::string payload = PayloadOf(state.settings.hub_id, cluster.id, next);
  if (payload.size() > limits::kDesiredStateBytesMax) {
    SetCondition(cluster.conditions,
                 MakeCondition("DesiredStateFits", pb::CONDITION_STATUS_FALSE, "TooLarge",
                               absl::StrCat(next.packages.size(), " packages need ", payload.size(),
                                            " of at most ", limits::kDesiredStateBytesMax,
                                            " bytes; the former desired state is kept; merge "
                                            "packages or let fewer select this cluster"),
                               ""),
                 state.now_ms());
    ShowCluster(state, cluster);
    return;
  }
  ClearCondition(cluster.conditions, "DesiredStateFits");
  next.digest = Digest::Of(payload);
  next.payload = std::make_shared<const std::string>(std::move(payload));
  CHECK_GT(next.generation, cluster.desired.generation);
  const bool first = cluster.desired.generation == 0;
  KeepFormer(cluster, next);
  cluster.desired = std::move(next);
  state.marks.desired.insert(cluster.id);
  if (first) PlanRefresh(state, cluster);
  ShowCluster(state, cluster);
  PushIfNews(turn, cluster);
}

void ComposeOne(Turn& turn, ClusterState& cluster) {
  State& state = turn.state;
  const bool first = cluster.desired.generation == 0;
  Desired next;
  next.mode = ModeOf(state, cluster);
  next.suspended = cluster.record.suspended();
  next.packages = EntriesFor(state, cluster);
  if (first && FirstWaits(state, cluster, next)) {
    state.waiting_first.insert(cluster.id);
    return;
  }
  const bool ahead = cluster.agent_generation > cluster.desired.generation ||
                     (cluster.agent_generation == cluster.desired.generation && !first &&
                      cluster.agent_digest != cluster.desired.digest);
  if (!first && !ahead && ContentOf(next) == cluster.desired.content) return;
  Issue(turn, cluster, std::move(next));
}

}  // namespace

pb::ClusterMode ModeOf(const State& state, const ClusterState& cluster) {
  const pb::DeclarationRecord* declaration = DeclarationOf(state, cluster);
  const bool observes =
      declaration != nullptr && declaration->spec().mode() == pb::CLUSTER_MODE_OBSERVE;
  return observes ? pb::CLUSTER_MODE_OBSERVE : pb::CLUSTER_MODE_ENFORCE;
}

const ReportedPackage* ReportedOf(const ClusterState& cluster, const PackageName& name) {
  const auto& packages = cluster.reported.packages;
  const auto at = std::partition_point(packages.begin(), packages.end(),
                                       [&](const auto& package) { return package.name < name; });
  return at != packages.end() && at->name == name ? &*at : nullptr;
}

std::shared_ptr<const PackageEntry> DesiredEntry(const ClusterState& cluster,
                                                 const PackageName& name) {
  const auto& entries = cluster.desired.packages;
  const auto at = std::partition_point(entries.begin(), entries.end(),
                                       [&](const auto& entry) { return entry->name < name; });
  return at != entries.end() && (*at)->name == name ? *at : nullptr;
}

void Compose(Turn& turn) {
  State& state = turn.state;
  for (const ClusterId& id : std::exchange(state.marks.compose, {})) {
    ClusterState* cluster = FindCluster(state, id);
    if (cluster != nullptr && cluster->enrolled()) ComposeOne(turn, *cluster);
  }
}

void PushIfNews(Turn& turn, ClusterState& cluster) {
  const Desired& desired = cluster.desired;
  if (cluster.link == 0 || desired.generation == 0) return;
  if (cluster.agent_generation == desired.generation && cluster.agent_digest == desired.digest) {
    return;
  }
  PushDesired push;
  push.payload = desired.payload != nullptr
                     ? *desired.payload
                     : PayloadOf(turn.state.settings.hub_id, cluster.id, desired);
  for (const auto& entry : desired.packages) {
    const ReportedPackage* reported = ReportedOf(cluster, entry->name);
    const bool has =
        reported != nullptr && reported->applied != nullptr && !reported->applied->claimed;
    const Digest have = has ? reported->applied->bundle : Digest();
    if (have != entry->bundle) push.bases.push_back({have, entry->bundle});
  }
  turn.out.sends.push_back({cluster.link, std::move(push)});
}

void RefreshIfDue(Turn& turn, ClusterState& cluster) {
  const Desired& desired = cluster.desired;
  if (cluster.link == 0 || desired.generation == 0) return;
  const absl::Time due =
      absl::FromUnixMillis(desired.issued_ms) + turn.state.settings.desired_state_refresh;
  if (due > turn.state.now) {
    PlanRefresh(turn.state, cluster);
    return;
  }
  Desired next;
  next.mode = desired.mode;
  next.suspended = desired.suspended;
  next.packages = desired.packages;
  Issue(turn, cluster, std::move(next));
  PlanRefresh(turn.state, cluster);
}

bool HasPresentContent(const ClusterState& cluster) {
  const Desired& desired = cluster.desired;
  const Reported& reported = cluster.reported;
  if (desired.generation == 0 || reported.generation < desired.content_generation) return false;
  return reported.generation < desired.generation || reported.desired_digest == desired.digest;
}

bool HasAllBundles(const ClusterState& cluster) {
  const auto& wanted = cluster.desired.packages;
  const auto& seen = cluster.reported.packages;
  return std::equal(wanted.begin(), wanted.end(), seen.begin(), seen.end(),
                    [](const auto& entry, const ReportedPackage& package) {
                      return entry->name == package.name && package.applied != nullptr &&
                             package.applied->bundle == entry->bundle;
                    });
}

}  // namespace muster::hub
