// State: what the hub's core knows, in memory, and the one turn in which it changes.
//
// Rooms of the core (sources, placement, ...) are functions over a Turn. They change the state,
// mark what has to be written and what has to be worked out again, and add to the outbox; Settle
// (in hub_core.cc) then runs the line placement -> rendering -> desired state, and writes each
// marked record once. Pure; the core's thread.
//
// Invariants
//  1. Memory and store agree after each turn: what a record holds is what its struct here holds.
//  2. A pointer to a Variant in a placement is counted in Variant::clusters.
//  3. `names` has exactly the pending and enrolled clusters.
//  4. A cluster's desired generation never falls, and its payload is never signed with two
//  contents.
//  5. `now` never goes back, over restarts too.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "absl/time/time.h"
#include "common/audit/chain.h"
#include "common/base/backoff.h"
#include "common/base/digest.h"
#include "common/base/ids.h"
#include "common/base/random.h"
#include "common/plan/planner.h"
#include "hub/core/fleet_view.h"
#include "hub/core/hub_core.h"
#include "hub/core/outbox.h"
#include "hub/core/rollout/rollout.h"
#include "proto/child.pb.h"
#include "proto/storage.pb.h"

namespace muster::hub {

// ---------------------------------------------------------------- repositories

struct RepositoryState {
  v1::RepositoryRecord record;

  // Found again after a restart.
  absl::Time next_poll = absl::InfinitePast();
  bool fetching = false;
  uint64_t fetch_job = 0;    // the number of the one under way
  std::string fetch_source;  // URL and ref of the fetch under way
  std::string fetch_verify;  // and the policy that it looks at signatures by
  bool again = false;        // nudged while a fetch was under way
  bool read_config = false;  // fleet repository: the declarations are wanted at any commit
  int failures = 0;          // of fetches, in a row
  Backoff fetch_backoff{absl::Seconds(2), absl::Minutes(5)};
  bool rendering = false;                          // a RenderJob is under way
  absl::Time render_after = absl::InfinitePast();  // after a failure that was not the user's
  int render_failures = 0;
  Backoff render_backoff{absl::Seconds(1), absl::Minutes(2)};
  v1::ChartLock frozen_charts;  // of record.frozen_commit, as last seen
  uint64_t head_number = 0;     // of the newest commit record; zero: none
  v1::CommitRecord head;        // the newest commit record
};

// ---------------------------------------------------------------- packages

// One distinct input of a package: all clusters that agree on it share one rendering.
struct Variant {
  Digest params;
  v1::RenderInput input;
  int clusters = 0;                           // that are placed on it
  std::optional<v1::RenderRecord> good;       // the last good rendering
  std::shared_ptr<const PackageEntry> entry;  // of `good`; null without one
  std::string tried_commit;                   // of the newest attempt since the start
  std::shared_ptr<const std::string> error;   // of the newest attempt; null when it succeeded
  bool changed = false;                       // its clusters have to be composed again
  // The declared repositories that the newest attempt took bases from, or meant to; and whether
  // one of them moved since, so that the same commit is rendered again (remote_bases.h).
  std::set<RepositoryName> repositories;
  bool again = false;
  std::vector<v1::ChartWant> charts;  // that the newest attempt asked of registries
};

struct PackageState {
  v1::PackageRecord record;
  std::map<Digest, Variant> variants;  // by params
};

// ---------------------------------------------------------------- clusters

// A package that selects the cluster.
struct Placement {
  PackageState* package = nullptr;
  Variant* variant = nullptr;                // null when it could not be resolved
  std::shared_ptr<const std::string> error;  // why not
  // For what its rollout lets it wait; null: it does not. Found again by the next look.
  std::shared_ptr<const std::string> waiting;
};

// The rollouts of one governed package, the newest of them.
struct RolloutState {
  Rollout rollout;
  std::string commit;                // of the package's repository, when it began
  Digest declared;                   // what the declaration said of the content, when it began
  std::map<Digest, Digest> targets;  // by params: the entries that go out
  std::map<Digest, std::shared_ptr<const PackageEntry>> entries;  // that members and targets name

  std::string written;  // its record, as the store has it
  // Found again after a restart.
  Step last;             // of the newest look
  bool queued = false;   // a newer release waits for this one to end
  bool planned = false;  // a look is planned, because something was heard
};

// What was last signed for a cluster.
struct Desired {
  uint64_t generation = 0;  // zero: nothing yet
  uint64_t recovery = 0;
  Digest previous;
  Digest digest;  // of the payload
  Digest content;
  uint64_t content_generation = 0;
  int64_t issued_ms = 0;
  int64_t not_after_ms = 0;
  v1::ClusterMode mode = v1::CLUSTER_MODE_ENFORCE;
  bool suspended = false;
  std::vector<std::shared_ptr<const PackageEntry>> packages;  // sorted by name
  // The payload, from when it was issued until it was written; null otherwise: see PayloadOf.
  std::shared_ptr<const std::string> payload;
};

// What the cluster last said of a package.
struct ReportedPackage {
  PackageName name;
  Digest attempted;                              // that the status speaks of
  std::shared_ptr<const AppliedBundle> applied;  // null: never
  v1::SyncStatus sync = v1::SYNC_STATUS_UNKNOWN;
  v1::HealthStatus health = v1::HEALTH_STATUS_UNKNOWN;
  uint32_t objects = 0;
  uint32_t drifted = 0;
  uint32_t held = 0;
  uint32_t failed = 0;
  uint64_t drift_healed = 0;
};

struct Reported {
  Digest digest;  // of the report; empty: never reported
  int64_t received_ms = 0;
  uint64_t generation = 0;
  Digest desired_digest;
  v1::SyncStatus sync = v1::SYNC_STATUS_UNKNOWN;
  v1::HealthStatus health = v1::HEALTH_STATUS_UNKNOWN;
  uint32_t unmanaged = 0;
  bool observes = false;                     // it changes nothing, because it was told so somewhere
  std::string message;                       // the worst thing it says
  std::string suspended_locally;             // as its own people wrote; empty: not
  std::shared_ptr<const std::string> state;  // the report, an ObservedState
  std::vector<ReportedPackage> packages;     // sorted by name
  Digest converged_digest;
  int64_t converged_ms = 0;
  uint64_t converged_generation = 0;
};

inline constexpr size_t kFormerKept = 16;

struct ClusterState {
  v1::ClusterRecord record;
  ClusterId id;
  std::vector<Placement> placements;  // sorted by package name
  Desired desired;
  Reported reported;
  Digest receipt;  // payload of the newest; empty: none came yet
  uint64_t receipt_generation = 0;
  std::vector<v1::Condition> conditions;  // the hub's own; found again after a restart
  // What was desired before, newest last, while the cluster may still come to report it: at most
  // kFormerKept. Soft.
  std::vector<std::shared_ptr<const PackageEntry>> former;

  // Found again after a restart.
  LinkId link = 0;  // zero: none
  absl::Time heard = absl::InfinitePast();
  bool told = false;  // since its agent connected it is known that `reported` is what it says
  absl::Time look_at = absl::InfiniteFuture();  // the next wake that asks whether it is heard
  v1::ConnectionStatus connection = v1::CONNECTION_STATUS_OFFLINE;
  uint64_t agent_generation = 0;  // what the agent said that it has accepted
  Digest agent_digest;
  bool behind =
      false;  // whether its last heartbeat spoke of less than it was sent, or than we have
  std::set<RequestId> waiting;           // enrolments that wait for the certificate
  std::map<RequestId, Digest> renewals;  // under way, with their CSR
  bool issuing = false;

  bool enrolled() const { return record.state() == v1::ClusterRecord::STATE_ENROLLED; }
};

// ---------------------------------------------------------------- the rest

// Renderings that the store holds, by input, so that equal inputs are rendered once.
struct RenderCache {
  std::map<Digest, v1::RenderCacheRecord> by_input;
  std::map<Digest, std::vector<Digest>> by_params;  // inputs, oldest first; at most kRendersKept
};
inline constexpr size_t kRendersKept = 16;

// A RenderJob under way.
struct RenderUnderWay {
  RepositoryName repository;
  std::string commit;
  struct Input {
    PackageName package;
    Digest params;
  };
  std::vector<Input> inputs;                       // in the order of the job's
  std::map<RepositoryName, std::string> declared;  // and their commits, as the job was told
};

// A plan under way. Soft: whoever asked asks again after a restart.
struct PlanUnderWay {
  RequestId request = 0;
  RepositoryName repository;
  std::string revision;
  bool tag_tried = false;                     // a name is a branch first, then a tag
  v1::FetchResponse head;                     // once it was fetched
  std::unique_ptr<Planner> planner;           // likewise
  uint64_t fetch_job = 0;                     // the FetchJob under way
  uint64_t job = 0;                           // the RenderJob under way
  std::vector<RenderUnderWay::Input> inputs;  // in the order of the job's
  int failures = 0;                           // of jobs that said nothing about their inputs
};

// Events that agents and strangers cause, of one subject in one hour; see journal.h.
struct ThrottledEvents {
  struct Event {
    uint64_t number = 0;
    uint32_t times = 0;
    int64_t first_ms = 0;
  };
  int64_t since_ms = 0;
  std::map<Digest, Event> events;  // by what they say
};

// Something to be looked at when its time comes. Whoever handles it checks whether it still holds.
struct Wake {
  enum class Kind { kPoll, kRender, kLiveness, kRefresh, kToken, kRollout };
  absl::Time at;
  Kind kind;
  std::string id;
  friend bool operator<(const Wake& a, const Wake& b) {
    return std::tie(a.at, a.kind, a.id) < std::tie(b.at, b.kind, b.id);
  }
};

// What the turn changed.
struct Marks {
  // To be written.
  bool meta = false;
  std::set<RepositoryName> repositories;
  std::set<PackageName> packages;
  std::set<ClusterName> declarations;
  std::set<ClusterId> clusters;
  std::set<ClusterId> desired;
  std::set<TokenId> tokens;
  // To be worked out again, in this order.
  std::set<PackageName> place_packages;
  std::set<ClusterId> place_clusters;
  std::set<RepositoryName> render;
  std::set<PackageName> rollouts;
  bool spread = false;  // some variant's `changed` is set
  std::set<ClusterId> compose;
  // To be shown anew. Clusters by name, because some are only declared.
  std::set<PackageName> view_packages;
  std::set<RepositoryName> view_repositories;
  std::set<ClusterName> view_clusters;
  bool view_hub = false;  // the hub itself or its journal: whoever watches has to look again
  std::set<ClusterId> view_heard;  // nothing changed but when they were last heard
};

class Interner;

struct State {
  State(Settings settings, Random& random);
  ~State();

  const Settings settings;
  Random& random;
  absl::Time now = absl::InfinitePast();      // of the event in hand
  absl::Time started = absl::InfinitePast();  // of the first event
  bool clock_behind = false;                  // the machine's clock is well before `now`

  v1::HubMeta meta;
  std::map<RepositoryName, RepositoryState> repositories;
  std::map<PackageName, PackageState> packages;
  std::map<PackageName, RolloutState> rollouts;          // of governed packages
  std::map<std::string, v1::RolloutPlan> rollout_plans;  // declared
  std::map<ClusterName, v1::DeclarationRecord> declarations;
  std::map<ClusterId, ClusterState> clusters;
  std::map<ClusterName, ClusterId> names;
  std::map<TokenId, v1::TokenRecord> tokens;
  std::set<std::string> credentials;
  std::map<LinkId, ClusterId> links;
  RenderCache renders;
  std::set<ClusterId> waiting_first;  // for renderings, before their first desired state
  std::map<Digest, ClusterId> spkis;  // every key ever admitted: none may come back as another's
  std::map<std::string, ClusterId> uids;  // of the pending and enrolled clusters that have one
  int64_t refusal_noted_ms = 0;           // of a token that nobody knows
  std::map<uint64_t, RenderUnderWay> renders_under_way;  // by job
  uint64_t last_job = 0;
  std::map<uint64_t, PlanUnderWay> plans;  // by number
  uint64_t last_plan = 0;
  uint64_t last_event = 0;                           // number in the journal
  std::map<std::string, ThrottledEvents> throttled;  // by subject; soft
  AuditChain audit{settings.hub_id};
  int64_t time_high_written_ms = 0;

  std::unique_ptr<Interner> interner;  // while records are loaded

  std::set<Wake> wakes;
  Marks marks;
  std::shared_ptr<const FleetView> view;  // last built

  int64_t now_ms() const { return absl::ToUnixMillis(now); }
};

// The event in hand: the state it changes and what it wants done.
struct Turn {
  State& state;
  Outbox& out;
};

// ---------------------------------------------------------------- records

// One record of the store into the state; see HubCore::LoadRecord.
absl::Status LoadRecord(State& state, absl::string_view key, absl::string_view value);

// Checks that the loaded records fit together and links them.
absl::Status LinkRecords(State& state);

// Writes every marked record into the batch and clears those marks.
void WriteMarked(Turn& turn);

// ---------------------------------------------------------------- small things that all rooms need

// Sets the condition of `type`, keeping the list sorted. Returns whether anything but the time
// changed; `since_ms` moves only with the status.
template <typename List>
bool SetCondition(List& conditions, v1::Condition condition, int64_t now_ms);

// Removes it; returns whether it was there.
template <typename List>
bool ClearCondition(List& conditions, absl::string_view type);

ClusterState* FindCluster(State& state, const ClusterId& id);
// The pending or enrolled cluster of that name.
ClusterState* FindClusterByName(State& state, const ClusterName& name);
// The declaration of a cluster; null when there is none.
const v1::DeclarationRecord* DeclarationOf(const State& state, const ClusterState& cluster);

void ShowCluster(State& state, const ClusterState& cluster);

// ---------------------------------------------------------------- inline

template <typename List>
bool SetCondition(List& conditions, v1::Condition condition, int64_t now_ms) {
  auto at = conditions.begin();
  while (at != conditions.end() && at->type() < condition.type()) ++at;
  if (at == conditions.end() || at->type() != condition.type()) {
    condition.set_since_ms(now_ms);
    const auto index = at - conditions.begin();
    if constexpr (requires { conditions.push_back(condition); }) {
      conditions.insert(conditions.begin() + index, std::move(condition));
    } else {
      *conditions.Add() = std::move(condition);
      for (int i = conditions.size() - 1; i > index; --i) conditions.SwapElements(i, i - 1);
    }
    return true;
  }
  const bool same_status = at->status() == condition.status();
  condition.set_since_ms(same_status ? at->since_ms() : now_ms);
  const bool changed = !same_status || at->reason() != condition.reason() ||
                       at->message() != condition.message() ||
                       at->observed() != condition.observed();
  *at = std::move(condition);
  return changed;
}

template <typename List>
bool ClearCondition(List& conditions, absl::string_view type) {
  for (auto at = conditions.begin(); at != conditions.end(); ++at) {
    if (at->type() != type) continue;
    conditions.erase(at);
    return true;
  }
  return false;
}

inline v1::Condition MakeCondition(absl::string_view type, v1::ConditionStatus status,
                                   absl::string_view reason, std::string message,
                                   std::string observed) {
  v1::Condition condition;
  condition.set_type(std::string(type));
  condition.set_status(status);
  condition.set_reason(std::string(reason));
  condition.set_message(std::move(message));
  condition.set_observed(std::move(observed));
  return condition;
}

}  // namespace muster::hub
