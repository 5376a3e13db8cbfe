// Reconciler: keeps one cluster job going until the cluster is as the state says: look, compare,
// act, and note down what came of it.
//
// At most one job runs at a time, and the state's packages are given new targets only while none
// does, so that each result meets the items that it was started for. Pure; the core's thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "agent/core/diff.h"
#include "agent/core/event.h"
#include "agent/core/order.h"
#include "agent/core/outbox.h"
#include "agent/core/settings.h"
#include "agent/core/state.h"
#include "common/base/backoff.h"
#include "common/base/digest.h"
#include "common/base/random.h"

namespace muster::agent {

class Reconciler {
 public:
  // All must outlive it. `next_job` numbers the jobs of the whole core.
  Reconciler(const AgentSettings& settings, State& state, Random& random, uint64_t& next_job)
      : settings_(settings), state_(state), random_(random), next_job_(next_job) {}

  // Looks at everything as soon as may be.
  void LookSoon(absl::Time now) { next_look_ = std::min(next_look_, now); }

  void OnListed(absl::Time now, const Listed& event, Outbox& outbox);
  void OnActed(absl::Time now, const Acted& event, Outbox& outbox);

  // Starts what is due, if nothing runs. Returns whether packages may have changed.
  void Advance(absl::Time now, Outbox& outbox);

  // A job runs.
  bool busy() const { return job_ != 0; }
  // Nothing is left to do now but to wait for the next look.
  bool settled() const;
  absl::Time NextWake() const;

  // Why the last look failed; OK when it did not.
  const absl::Status& look_failure() const { return look_failure_; }

  // Blobs that were not in the store when they were needed; the caller takes them.
  std::vector<Digest> TakeMissingBlobs() { return std::exchange(missing_blobs_, {}); }

 private:
  // One request of the job that runs, in the order of the job.
  struct Doing {
    std::string package;
    ObjectKey key;
    Digest object;  // what is written; empty: the package's namespace
  };

  bool StartLook(absl::Time now, Outbox& outbox);
  bool StartAct(absl::Time now, Outbox& outbox);
  void PlanPackage(PackageState& package, const Order& order, absl::Time now, ActJob& job,
                   Outbox& outbox);
  void AddApply(PackageState& package, Item& item, ActJob& job, Outbox& outbox);
  // What is to be counted besides what we manage; nothing when it is not time.
  std::optional<UnmanagedQuery> WhatToCount(absl::Time now);
  void TakeInCounted(const Listed& event);
  // Objects that failed because their kind was not known are tried again now that it is.
  void RetryKinds(absl::string_view group);
  void TakeFailure(PackageState& package, Item& item, const DriverResult& result, absl::Time now);
  void TakeInPackage(PackageState& package, const std::vector<const ListedObject*>& found,
                     absl::Time now, Outbox& outbox);
  void TakeApplied(const Doing& doing, const DriverResult& result, absl::Time now, Outbox& outbox);
  void TakeRemoved(const Doing& doing, const DriverResult& result, absl::Time now, Outbox& outbox);
  void Settle(absl::Time now, Outbox& outbox);
  void SettlePackage(PackageState& package, absl::Time now, Outbox& outbox);
  bool IsLookedAt(const PackageState& package) const;
  bool MayTouch(const PackageState& package) const;

  const AgentSettings& settings_;
  State& state_;
  Random& random_;
  uint64_t& next_job_;

  uint64_t job_ = 0;  // that runs; zero for none
  std::vector<Doing> applying_;
  std::vector<Doing> removing_;

  absl::Time next_look_ = absl::InfiniteFuture();
  absl::Time last_look_ = absl::InfinitePast();
  absl::Time next_recheck_ = absl::InfiniteFuture();  // of removals that are not seen done
  absl::Status look_failure_;
  Backoff look_backoff_{absl::Seconds(1), absl::Minutes(1)};
  std::vector<Digest> missing_blobs_;
  absl::Time next_count_ = absl::InfinitePast();
  std::vector<std::string> counted_namespaces_;
};

}  // namespace muster::agent
