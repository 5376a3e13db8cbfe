#include "agent/core/reconcile.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/core/drift.h"
#include "agent/core/health.h"
#include "common/base/check.h"
#include "common/base/limits.h"
#include "common/plan/rails.h"

namespace muster::agent {
namespace pb = muster::v1;
namespace {

// One job writes so many objects at most, so that progress is kept and shown along the way.
constexpr size_t kActionsPerJobMax = 500;

// Looks that are only hinted at come no closer together than this.
constexpr absl::Duration kLookPause = absl::Milliseconds(500);

// Corrections that are told one by one; of more, how many there were says enough.
constexpr size_t kHealedMax = 10;

std::string NamespaceJson(const std::string& name) {
  return absl::StrCat("{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"",
                      name, "\"}}");
}

// What a person can do about a refused request; empty when there is nothing to say.
absl::string_view AdviceFor(const DriverResult& result) {
  if (result.immutable) {
    return "put the field back, or let the object be made anew with the annotation "
           "muster.dev/replace: \"true\"";
  }
  if (!result.conflicts.empty()) {
    return "leave the field to its owner with sync.ignore, or take it over with the annotation "
           "muster.dev/force: \"true\"";
  }
  if (absl::IsAlreadyExists(result.status)) {
    return "let it be adopted with sync.adopt: always or the annotation muster.dev/adopt: always, "
           "or remove it";
  }
  return "";
}

bool IsRecheck(const Item& item) { return item.removed; }

}  // namespace

bool Reconciler::MayTouch(const PackageState& package) const {
  if (!state_.suspended_locally.empty() || state_.desired.suspended()) return false;
  return !state_.observe_only() && (package.removing() || !package.desired->suspended());
}

// Whether a look at everything includes the package. What is suspended is looked at too: people
// want to know what became of it meanwhile.
bool Reconciler::IsLookedAt(const PackageState& package) const {
  if (package.removing()) return !package.items.empty();
  if (!package.targets_known()) return false;
  return !package.looked || state_.observe_only() || DriftModeOf(package) != pb::DRIFT_MODE_IGNORE;
}

void Reconciler::Advance(absl::Time now, Outbox& outbox) {
  if (busy() || !state_.has_accepted()) return;
  if (StartLook(now, outbox)) return;
  if (StartAct(now, outbox)) return;
  Settle(now, outbox);
  StartAct(now, outbox);  // what waited for what has settled
}

// ---------------------------------------------------------------- looking

bool Reconciler::StartLook(absl::Time now, Outbox& outbox) {
  // Always at everything: a driver watches what it was asked for last, and nothing else.
  if (now < std::min(next_recheck_, std::max(next_look_, last_look_ + kLookPause))) return false;
  ListJob job;
  for (auto& [name, package] : state_.packages) {
    const bool whole = IsLookedAt(package);
    for (Item& item : package.items) {
      item.busy = whole || IsRecheck(item);
      if (item.busy) job.looks.push_back(LookAt(package, item));
    }
    if (whole && !package.removing() && !package.desired->namespace_().empty()) {
      job.looks.push_back(Look{.key = NamespaceKey(package.desired->namespace_())});
    }
    // Nothing to look at is looked at already.
    if (whole && package.items.empty() && !std::exchange(package.looked, true)) {
      package.plan_due = true;
    }
  }
  next_recheck_ = absl::InfiniteFuture();
  last_look_ = now;
  // Spread by a tenth, so that many agents do not look in step.
  const int64_t interval_ms = absl::ToInt64Milliseconds(settings_.resync_interval);
  next_look_ = now + absl::Milliseconds(interval_ms - interval_ms / 10 +
                                        random_.Below(std::max<int64_t>(interval_ms / 5, 1)));
  job.unmanaged = WhatToCount(now);
  if (job.looks.empty()) return false;
  job_ = job.job = ++next_job_;
  outbox.jobs.emplace_back(std::move(job));
  return true;
}

std::optional<UnmanagedQuery> Reconciler::WhatToCount(absl::Time now) {
  std::set<std::string> namespaces;
  UnmanagedQuery query{.keys_max = limits::kUnmanagedObjectsMax};
  for (const auto& [name, package] : state_.packages) {
    for (const Item& item : package.items) {
      if (item.is_desired()) namespaces.insert(item.key.namespace_);
    }
  }
  namespaces.erase("");
  for (const std::string& kept : settings_.protected_namespaces) namespaces.erase(kept);
  query.namespaces.assign(namespaces.begin(), namespaces.end());
  if (query.namespaces.empty()) state_.unmanaged = Unmanaged();
  if (query.namespaces == counted_namespaces_ && now < next_count_) return std::nullopt;
  counted_namespaces_ = query.namespaces;
  next_count_ = now + settings_.count_interval;
  if (query.namespaces.empty()) return std::nullopt;
  for (const auto& [name, package] : state_.packages) {
    for (const Item& item : package.items) query.managed.push_back(item.key);
  }
  return query;
}

void Reconciler::TakeInCounted(const Listed& event) {
  if (state_.suspended_locally.empty() != event.suspended.empty()) {
    for (auto& [name, package] : state_.packages) package.plan_due = true;
  }
  state_.suspended_locally = event.suspended;
  if (event.unmanaged.has_value()) state_.unmanaged = *event.unmanaged;
}

void Reconciler::RetryKinds(absl::string_view group) {
  for (auto& [name, package] : state_.packages) {
    for (auto& [key, trouble] : package.troubles) {
      if (key.group() != group || !absl::IsNotFound(trouble.failure)) continue;
      trouble.next_try = absl::InfinitePast();
      package.plan_due = true;
    }
  }
}

void Reconciler::OnListed(absl::Time now, const Listed& event, Outbox& outbox) {
  if (event.job != job_) return;
  job_ = 0;
  if (!event.objects.ok()) {
    look_failure_ = event.objects.status();
    next_look_ = now + look_backoff_.NextAtLeastHalf(random_);
    for (auto& [name, package] : state_.packages) {
      for (Item& item : package.items) {
        if (item.busy && IsRecheck(item)) next_recheck_ = next_look_;
        item.busy = false;
      }
    }
    return;
  }
  look_failure_ = absl::OkStatus();
  look_backoff_.Reset();
  std::vector<const ListedObject*> found;
  found.reserve(event.objects->size());
  for (const ListedObject& object : *event.objects) found.push_back(&object);
  std::sort(found.begin(), found.end(),
            [](const ListedObject* a, const ListedObject* b) { return a->key < b->key; });
  for (auto& [name, package] : state_.packages) TakeInPackage(package, found, now, outbox);
  TakeInCounted(event);
}

void Reconciler::TakeInPackage(PackageState& package, const std::vector<const ListedObject*>& found,
                               absl::Time now, Outbox& outbox) {
  const auto find = [&](const ObjectKey& key) -> const ListedObject* {
    const auto at =
        std::lower_bound(found.begin(), found.end(), key,
                         [](const ListedObject* a, const ObjectKey& k) { return a->key < k; });
    return at != found.end() && (*at)->key == key ? *at : nullptr;
  };
  if (IsLookedAt(package)) {
    if (!package.looked) package.plan_due = true;
    package.looked = true;
    if (!package.removing() && !package.desired->namespace_().empty()) {
      const bool there = find(NamespaceKey(package.desired->namespace_())) != nullptr;
      if (!there) package.plan_due = true;
      package.namespace_seen = there ? NamespaceSeen::kPresent : NamespaceSeen::kAbsent;
      if (there) package.namespace_failure = absl::OkStatus();
    }
  }
  std::vector<ObjectKey> definitions_ready;
  std::erase_if(package.items, [&](Item& item) {
    if (!std::exchange(item.busy, false)) return false;
    const HealthWord before = item.health;
    if (!TakeIn(package, item, find(item.key), state_.observe_only(), now, outbox.batch)) {
      return true;
    }
    if (IsDefinition(item.key) && item.health == HealthWord::kHealthy && before != item.health) {
      definitions_ready.push_back(item.key);
    }
    if (IsRecheck(item)) {
      Trouble& trouble = package.troubles[item.key];
      next_recheck_ = std::min(next_recheck_, now + trouble.backoff.NextAtLeastHalf(random_));
    }
    return false;
  });
  for (const ObjectKey& key : definitions_ready) RetryKinds(GroupOfDefinition(key));
  // What waits for others waits no longer when one of them got better.
  if (package.plan_due) {
    for (auto& [name, other] : state_.packages) {
      if (!other.waiting_for.empty() || !other.waiting_objects.empty()) other.plan_due = true;
    }
  }
}

// ---------------------------------------------------------------- acting

bool Reconciler::StartAct(absl::Time now, Outbox& outbox) {
  ActJob job;
  std::optional<Order> order;  // made only when there is something to plan
  for (auto& [name, package] : state_.packages) {
    if (!package.plan_due && package.next_try > now) continue;
    if (!MayTouch(package) || !package.targets_known() || !package.looked) {
      package.plan_due = false;
      continue;
    }
    if (job.apply.size() + job.remove.size() >= kActionsPerJobMax) break;
    if (!order.has_value()) order.emplace(state_);
    PlanPackage(package, *order, now, job, outbox);
  }
  if (job.apply.empty() && job.remove.empty()) return false;
  CHECK_EQ(applying_.size(), job.apply.size());
  CHECK_EQ(removing_.size(), job.remove.size());
  job_ = job.job = ++next_job_;
  outbox.jobs.emplace_back(std::move(job));
  return true;
}

void Reconciler::PlanPackage(PackageState& package, const Order& order, absl::Time now, ActJob& job,
                             Outbox& outbox) {
  package.waiting_for = WaitsFor(state_, package, settings_, now);
  const bool ready = package.waiting_for.empty();
  const Plan plan = MakePlan(package, settings_, order, ready, now);
  package.waiting_objects = plan.waiting;
  package.held_message = plan.held_message;
  package.next_try = plan.next_try;
  for (Item* item : plan.orphan) {
    item->orphaned = true;
    PutItem(package, *item, outbox.batch);
  }
  if (plan.create_namespace) {
    const std::string& name = package.desired->namespace_();
    job.apply.push_back(ApplyAction{.key = NamespaceKey(name), .json = NamespaceJson(name)});
    applying_.push_back(Doing{.package = package.name, .key = NamespaceKey(name)});
  }
  size_t room = kActionsPerJobMax - std::min(kActionsPerJobMax, job.apply.size());
  for (Item* item : plan.apply) {
    if (room == 0) return;  // plan_due stays
    --room;
    AddApply(package, *item, job, outbox);
  }
  for (Item* item : plan.remove) {
    if (room == 0) return;
    --room;
    job.remove.push_back(RemoveRequest{.key = item->key, .uid = item->uid, .terms = package.terms});
    removing_.push_back(Doing{.package = package.name, .key = item->key});
  }
  package.plan_due = false;
}

void Reconciler::AddApply(PackageState& package, Item& item, ActJob& job, Outbox& outbox) {
  const bool ours = item.in_inventory() && !item.uid.empty();
  if (!item.in_inventory()) {  // The intent is durable before the object exists (A5).
    item.written = item.live = item.desired;
    item.uid.clear();
    PutItem(package, item, outbox.batch);
  }
  job.apply.push_back(ApplyAction{.key = item.key,
                                  .object = item.desired,
                                  .sealed = item.sealed,
                                  .ours = ours,
                                  .adopt = AdoptRuleOf(package),
                                  .force = ours && IsDrifted(item),
                                  .may_replace = !IsProtectedKind(item.key.kind),
                                  .keep = IgnoredPaths(package, item.key),
                                  .terms = package.terms});
  applying_.push_back(Doing{.package = package.name, .key = item.key, .object = item.desired});
}

void Reconciler::OnActed(absl::Time now, const Acted& event, Outbox& outbox) {
  if (event.job != job_) return;
  job_ = 0;
  const std::vector<Doing> applying = std::exchange(applying_, {});
  const std::vector<Doing> removing = std::exchange(removing_, {});
  if (!event.suspended.empty()) {  // Nothing was done.
    state_.suspended_locally = event.suspended;
    return;
  }
  CHECK_EQ(applying.size(), event.applied.size());
  CHECK_EQ(removing.size(), event.removed.size());
  for (size_t i = 0; i < applying.size(); ++i) {
    TakeApplied(applying[i], event.applied[i], now, outbox);
  }
  for (size_t i = 0; i < removing.size(); ++i) {
    TakeRemoved(removing[i], event.removed[i], now, outbox);
  }
  // Others may have waited for what is there now.
  for (auto& [name, package] : state_.packages) {
    if (!package.waiting_for.empty() || !package.waiting_objects.empty()) package.plan_due = true;
  }
}

void Reconciler::TakeApplied(const Doing& doing, const DriverResult& result, absl::Time now,
                             Outbox& outbox) {
  PackageState& package = state_.packages.at(doing.package);
  if (doing.object.empty()) {
    const bool there = result.status.ok() || absl::IsAlreadyExists(result.status);
    if (there) LookSoon(now);
    package.namespace_seen = there ? NamespaceSeen::kPresent : NamespaceSeen::kUnknown;
    package.namespace_failure = there ? absl::OkStatus() : result.status;
    return;
  }
  Item* item = package.Find(doing.key);
  CHECK(item != nullptr) << doing.key.text();
  if (result.status.ok()) {
    // A driver watches what it was asked for last: what is new has to be asked for.
    if (item->uid.empty()) LookSoon(now);
    if (IsDrifted(*item)) {
      NoteHealed(package, *item, now);
      if (state_.healed.size() < kHealedMax) {
        state_.healed.push_back({item->key, package.last_healed});
      }
      PutPackage(package, outbox.batch);
    }
    item->written = item->desired;
    item->live = result.digest;
    item->uid = result.uid;
    item->seen = Live::kExpected;
    item->orphaned = false;
    item->terminating = false;
    NoteHealth(package, *item, result.health, now);
    if (result.health.word == HealthWord::kHealthy && IsDefinition(item->key)) {
      RetryKinds(GroupOfDefinition(item->key));
    }
    PutItem(package, *item, outbox.batch);
    Trouble& trouble = package.troubles[item->key];
    trouble.failure = absl::OkStatus();
    trouble.conflicts.clear();
    trouble.backoff.Reset();
    trouble.next_try = IsRecurring(trouble, now) ? now + PauseOf(trouble, settings_.resync_interval)
                                                 : absl::InfinitePast();
    if (trouble.healed == 0) package.troubles.erase(item->key);
    return;
  }
  if (absl::IsDataLoss(result.status)) missing_blobs_.push_back(doing.object);
  TakeFailure(package, *item, result, now);
  if (item->uid.empty() && absl::IsAlreadyExists(result.status)) {
    // Not written by us: the intent is withdrawn, so that nothing foreign is ever removed.
    DropItem(package, *item, outbox.batch);
    item->written = Digest();
  }
}

void Reconciler::TakeFailure(PackageState& package, Item& item, const DriverResult& result,
                             absl::Time now) {
  Trouble& trouble = package.troubles[item.key];
  if (trouble.failure.ok()) trouble.since = now;
  trouble.failure = result.status;
  trouble.conflicts = result.conflicts;
  if (const absl::string_view advice = AdviceFor(result); !advice.empty()) {
    trouble.failure =
        absl::Status(result.status.code(), absl::StrCat(result.status.message(), ": ", advice));
  }
  trouble.next_try = now + trouble.backoff.NextAtLeastHalf(random_);
  package.next_try = std::min(package.next_try, trouble.next_try);
}

void Reconciler::TakeRemoved(const Doing& doing, const DriverResult& result, absl::Time now,
                             Outbox& outbox) {
  PackageState& package = state_.packages.at(doing.package);
  Item* item = package.Find(doing.key);
  CHECK(item != nullptr) << doing.key.text();
  if (result.status.ok()) {
    // The entry leaves when a look has seen it gone: finalizers may keep it for long.
    item->removed = true;
    package.troubles.erase(item->key);
    next_recheck_ = now;
    return;
  }
  if (absl::IsAborted(result.status)) {
    // Somebody made another object under that name; ours is gone.
    package.troubles.erase(item->key);
    package.ailing.erase(item->key);
    DropItem(package, *item, outbox.batch);
    std::erase_if(package.items, [&](const Item& other) { return other.key == doing.key; });
    package.plan_due = true;
    return;
  }
  TakeFailure(package, *item, result, now);
}

// ---------------------------------------------------------------- settling

void Reconciler::Settle(absl::Time now, Outbox& outbox) {
  std::vector<std::string> gone;
  for (auto& [name, package] : state_.packages) {
    if (package.removing()) {
      if (package.items.empty()) gone.push_back(name);
    } else if (MayTouch(package)) {
      SettlePackage(package, now, outbox);
    }
  }
  for (const std::string& name : gone) {
    DropPackage(state_.packages.at(name), outbox.batch);
    state_.packages.erase(name);
  }
}

void Reconciler::SettlePackage(PackageState& package, absl::Time now, Outbox& outbox) {
  const pb::DesiredPackage& desired = *package.desired;
  pb::AgentPackageRecord& record = package.record;
  const bool same_bundle =
      record.has_applied() && record.applied().bundle_digest() == desired.bundle_digest();
  if (same_bundle && record.applied().source().commit() == desired.source().commit()) return;
  if (!IsWhole(package, Count(state_, package, settings_))) return;
  *record.mutable_applied() = desired;
  if (!same_bundle) record.set_applied_ms(absl::ToUnixMillis(now));
  PutPackage(package, outbox.batch);
  for (auto& [name, other] : state_.packages) {
    if (!other.waiting_for.empty()) other.plan_due = true;
  }
}

bool Reconciler::settled() const {
  if (busy()) return false;
  for (const auto& [name, package] : state_.packages) {
    if (package.plan_due) return false;
  }
  return true;
}

absl::Time Reconciler::NextWake() const {
  if (busy() || !state_.has_accepted()) return absl::InfiniteFuture();
  absl::Time wake = std::min(next_recheck_, std::max(next_look_, last_look_ + kLookPause));
  for (const auto& [name, package] : state_.packages) {
    if (package.plan_due) return absl::InfinitePast();
    if (MayTouch(package)) wake = std::min(wake, package.next_try);
  }
  return wake;
}

}  // namespace muster::agent
