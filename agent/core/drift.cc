#include "agent/core/drift.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace muster::agent {
namespace pb = muster::v1;
namespace {

void Forget(PackageState& package, const Item& item, Batch& batch) {
  package.troubles.erase(item.key);
  package.ailing.erase(item.key);
  DropItem(package, item, batch);
}

// There, and as it should be: a trouble that was only about its looks has ended.
void SettleTrouble(PackageState& package, const Item& item) {
  const auto found = package.troubles.find(item.key);
  if (found == package.troubles.end()) return;
  Trouble& trouble = found->second;
  trouble.changes.clear();
  trouble.conflicts.clear();
  if (item.in_inventory()) trouble.failure = absl::OkStatus();
  if (trouble.failure.ok() && trouble.healed == 0) package.troubles.erase(found);
}

void MarkDrift(PackageState& package, Item& item, Live seen, const ListedObject* found,
               absl::Time now) {
  Trouble& trouble = package.troubles[item.key];
  if (item.seen != seen || trouble.since == absl::Time()) trouble.since = now;
  if (found != nullptr) {
    if (!found->known) trouble.changes = found->changes;
    trouble.changed_by = found->live.changed_by;
    trouble.changed_at = found->live.changed_at;
  } else {
    trouble.changes.clear();
    trouble.changed_by.clear();
    trouble.changed_at = absl::InfinitePast();
  }
  item.seen = seen;
}

bool TakeInAbsent(PackageState& package, Item& item, absl::Time now, Batch& batch) {
  if (!item.is_desired()) {
    Forget(package, item, batch);
    return false;
  }
  item.health = HealthWord::kHealthy;  // that it is missing is said by `seen`
  item.terminating = item.kept_live = false;
  package.ailing.erase(item.key);
  MarkDrift(package, item, Live::kMissing, nullptr, now);
  return true;
}

// Something stands under the key of an object that has lost its place.
bool TakeInUnwanted(PackageState& package, Item& item, const ListedObject& found, absl::Time now,
                    Batch& batch) {
  if (found.live.uid != item.uid) {
    Forget(package, item, batch);
    return false;
  }
  if (item.kept_live) {
    // It stays while it is annotated: that its removal was refused for that is no failure.
    package.troubles.erase(item.key);
  } else if (item.removed) {  // Still going: look again later.
    Trouble& trouble = package.troubles[item.key];
    if (trouble.since == absl::Time()) trouble.since = now;
  }
  item.seen = found.live.digest == item.live ? Live::kExpected : Live::kDifferent;
  return true;
}

// As it should be, whether we had written that down or not.
void TakeInEqual(PackageState& package, Item& item, const ListedObject& found, bool observe_only,
                 Batch& batch) {
  SettleTrouble(package, item);
  item.seen = Live::kExpected;
  if (!item.in_inventory() || observe_only) return;
  if (item.written == item.desired && item.live == found.live.digest && item.uid == found.live.uid)
    return;
  item.written = item.desired;
  item.live = found.live.digest;
  item.uid = found.live.uid;
  PutItem(package, item, batch);
}

}  // namespace

Look LookAt(const PackageState& package, const Item& item) {
  Look look{.key = item.key, .terms = package.terms};
  if (!item.is_desired()) {
    look.expected = item.live;
    return look;
  }
  if (item.in_inventory() && item.written == item.desired) look.expected = item.live;
  look.object = item.desired;
  look.sealed = item.sealed;
  look.ignore = IgnoredPaths(package, item.key);
  look.compared = item.compared;
  return look;
}

bool TakeIn(PackageState& package, Item& item, const ListedObject* found, bool observe_only,
            absl::Time now, Batch& batch) {
  if (found != nullptr && !found->live.unreadable.ok()) {
    // No reason to forget it, nor to believe anything of it.
    if (NoteHealth(package, item, found->live.health, now)) package.plan_due = true;
    return true;
  }
  const Live before = item.seen;
  bool stays = true;
  bool other_plan = false;
  if (found != nullptr) {
    other_plan = NoteHealth(package, item, found->live.health, now) ||
                 item.terminating != found->live.terminating || item.kept_live != found->live.kept;
    item.terminating = found->live.terminating;
    item.kept_live = found->live.kept;
  }
  if (found != nullptr && item.in_inventory() && item.uid.empty() &&
      (found->live.digest == item.live || found->live.ours)) {
    item.uid = found->live.uid;  // We wrote it, and died before that was written down.
    if (!observe_only) PutItem(package, item, batch);
  }
  if (found == nullptr) {
    stays = TakeInAbsent(package, item, now, batch);
  } else if (!item.is_desired()) {
    stays = TakeInUnwanted(package, item, *found, now, batch);
  } else if ((item.written == item.desired && found->live.digest == item.live) ||
             (found->known ? item.seen == Live::kExpected : found->changes.empty())) {
    TakeInEqual(package, item, *found, observe_only, batch);
  } else {
    MarkDrift(package, item, Live::kDifferent, found, now);
  }
  if (stays) item.compared = found == nullptr ? 0 : found->live.version;
  if (!stays || other_plan || item.seen != before) package.plan_due = true;
  return stays;
}

bool IsDrifted(const Item& item) {
  return item.is_desired() && item.written == item.desired && !item.uid.empty() &&
         (item.seen == Live::kDifferent || item.seen == Live::kMissing);
}

void NoteHealed(PackageState& package, const Item& item, absl::Time now) {
  Trouble& trouble = package.troubles[item.key];
  std::string what;
  if (item.seen == Live::kMissing) {
    what = absl::StrCat(Describe(item.key), " was deleted and is back");
  } else {
    const size_t shown = std::min<size_t>(trouble.changes.size(), 3);
    what = absl::StrCat(
        Describe(item.key), " was changed",
        trouble.changed_by.empty() ? "" : absl::StrCat(" by ", trouble.changed_by), " at ",
        absl::StrJoin(trouble.changes.begin(), trouble.changes.begin() + shown, ", ",
                      [](std::string* out, const FieldChange& change) {
                        absl::StrAppend(out, change.pointer);
                      }),
        trouble.changes.size() > shown ? " and more" : "", " and is put right");
  }
  package.last_healed = what;
  package.record.set_drift_healed(package.record.drift_healed() + 1);
  // A fight goes on while the last blow is not long ago; single edits are counted by the hour.
  const bool fight = trouble.healed >= kDriftRecurs;
  const absl::Time since = fight ? trouble.last_healed : trouble.first_healed;
  if (trouble.healed == 0 || now - since > kDriftWindow) {
    trouble.healed = 0;
    trouble.first_healed = now;
  }
  ++trouble.healed;
  trouble.last_healed = now;
  trouble.changes.clear();
}

bool IsRecurring(const Trouble& trouble, absl::Time now) {
  return trouble.healed >= kDriftRecurs && now - trouble.last_healed <= kDriftWindow;
}

absl::Duration PauseOf(const Trouble& trouble, absl::Duration resync) {
  const int doublings = std::clamp(trouble.healed - kDriftRecurs, 0, 16);
  return std::min(kDriftPauseMax, resync * (int64_t{1} << doublings));
}

std::string Describe(const ObjectKey& key) {
  return absl::StrCat(key.kind, " ", key.namespace_, key.namespace_.empty() ? "" : "/", key.name);
}

}  // namespace muster::agent
