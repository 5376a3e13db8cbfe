#include "agent/cluster/memory_driver.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/cluster/fields.h"
#include "agent/cluster/unmanaged.h"
#include "common/manifest/annotations.h"
#include "common/manifest/json.h"

namespace muster::agent {

absl::StatusOr<std::vector<LiveObject>> MemoryDriver::List(const std::vector<Query>& queries,
                                                           bool contents) {
  MutexLock lock(mutex_);
  ++calls_.list;
  calls_.listed_keys += static_cast<int64_t>(queries.size());
  if (failing_lists_ > 0) {
    --failing_lists_;
    return list_failure_;
  }
  std::vector<LiveObject> found;
  for (const Query& query : queries) {
    const auto at = objects_.find(query.key);
    if (at == objects_.end() || unknown_kinds_.contains(query.key.kind)) continue;
    const Live& live = at->second;
    found.push_back(LiveObject{.key = query.key,
                               .uid = live.uid,
                               .version = live.version,
                               .digest = live.digest,
                               .json = contents ? live.json : "",
                               .health = live.health,
                               .ours = live.ours,
                               .terminating = live.terminating,
                               .kept = live.kept,
                               .changed_by = live.changed_by,
                               .changed_at = live.changed_at});
  }
  return found;
}

std::vector<DriverResult> MemoryDriver::Apply(const std::vector<ApplyRequest>& requests) {
  MutexLock lock(mutex_);
  std::vector<DriverResult> results;
  for (const ApplyRequest& request : requests) results.push_back(ApplyOne(request));
  return results;
}

absl::Status MemoryDriver::MayWrite(const ApplyRequest& request, const Live& live,
                                    DriverResult& result) {
  const std::string what = absl::StrCat("apply ", request.key.text(), ": ");
  if (!request.ours && !live.ours && request.adopt != AdoptRule::kAlways) {
    return absl::AlreadyExistsError(absl::StrCat(what, "there is another one that is not managed"));
  }
  if (!request.force && !live.conflicts.empty()) {
    result.conflicts = live.conflicts;
    return absl::FailedPreconditionError(
        absl::StrCat(what, "conflict with \"", live.conflicts[0].manager, "\""));
  }
  if (immutable_.contains(request.key) && !request.may_replace) {
    result.immutable = true;
    return absl::InvalidArgumentError(absl::StrCat(what, "field is immutable"));
  }
  return absl::OkStatus();
}

DriverResult MemoryDriver::ApplyOne(const ApplyRequest& request) {
  DriverResult result{.key = request.key};
  calls_.dry_runs += request.dry_run;
  if (const auto failing = failing_.find(request.key); failing != failing_.end()) {
    result.status = failing->second;
    return result;
  }
  if (unknown_kinds_.contains(request.key.kind)) {
    result.status = absl::NotFoundError(absl::StrCat(
        "apply ", request.key.text(), ": the cluster does not know kind ", request.key.kind));
    return result;
  }
  const auto at = objects_.find(request.key);
  const bool there = at != objects_.end();
  std::string json = request.json;
  const bool compare = there && keep_json_ && (request.dry_run || !request.keep.empty());
  if (compare && at->second.json != json) {
    const absl::StatusOr<Value> desired = ParseJson(json);
    const absl::StatusOr<Value> live = ParseJson(at->second.json);
    if (desired.ok() && live.ok()) {
      Value kept = KeepFields(*desired, *live, request.keep);
      result.changes = DifferentFields(request.key, kept, *live, request.keep);
      json = CanonicalJson(kept);
    } else {
      result.changes = {WholeObject()};
    }
  } else if (!there || at->second.digest != DigestOf(json)) {
    result.changes = {WholeObject()};
  }
  if (!request.dry_run) {
    const bool changes = !there || !result.changes.empty();
    const bool adopts = !request.ours && request.adopt == AdoptRule::kNever;
    if (there && (changes || adopts)) result.status = MayWrite(request, at->second, result);
    result.changes.clear();
    if (result.status.ok()) {
      Live& live = objects_[request.key];
      if (there && changes && immutable_.contains(request.key)) {
        live = Live();
        result.replaced = true;
      }
      Write(request, live, std::move(json), result);
    }
  }
  return result;
}

void MemoryDriver::Write(const ApplyRequest& request, Live& live, std::string json,
                         DriverResult& result) {
  const Digest digest = DigestOf(json);
  if (live.uid.empty()) {
    live.uid = NewUid();
    const auto health = health_when_made_.find(request.key);
    if (health != health_when_made_.end()) live.health = health->second;
  }
  live.ours = true;
  if (live.digest != digest) {
    ++calls_.applied;
    live.digest = digest;
    live.json = keep_json_ ? std::move(json) : "";
    live.version = next_version_++;
    live.changed_by.clear();
    live.changed_at = absl::InfinitePast();
    written_as_[request.key] = request.terms == nullptr ? "" : request.terms->service_account;
  }
  result.uid = live.uid;
  result.digest = digest;
  result.health = live.health;
}

std::vector<DriverResult> MemoryDriver::Remove(const std::vector<RemoveRequest>& requests) {
  MutexLock lock(mutex_);
  std::vector<DriverResult> results;
  for (const RemoveRequest& request : requests) results.push_back(RemoveOne(request));
  return results;
}

DriverResult MemoryDriver::RemoveOne(const RemoveRequest& request) {
  DriverResult result{.key = request.key};
  if (const auto failing = failing_.find(request.key); failing != failing_.end()) {
    result.status = failing->second;
    return result;
  }
  const auto at = objects_.find(request.key);
  if (at == objects_.end()) return result;
  Live& live = at->second;
  if (live.uid != request.uid) {
    result.status = absl::AbortedError(
        absl::StrCat("remove ", request.key.text(), ": it was made anew by somebody else"));
    return result;
  }
  if (live.kept) {
    result.status = absl::FailedPreconditionError(
        absl::StrCat("remove ", request.key.text(), ": it is annotated to be kept"));
    return result;
  }
  written_as_[request.key] = request.terms == nullptr ? "" : request.terms->service_account;
  if (live.finalizer) {
    live.terminating = true;
    live.version = next_version_++;
    return result;
  }
  objects_.erase(at);
  ++calls_.removed;
  return result;
}

absl::StatusOr<Unmanaged> MemoryDriver::ListUnmanaged(const UnmanagedQuery& query) {
  const auto identity = [](const ObjectKey& key) {
    return std::tuple(key.group(), absl::string_view(key.kind), absl::string_view(key.namespace_),
                      absl::string_view(key.name));
  };
  std::set<std::tuple<absl::string_view, absl::string_view, absl::string_view, absl::string_view>>
      managed;
  for (const ObjectKey& key : query.managed) managed.insert(identity(key));
  Unmanaged found;
  MutexLock lock(mutex_);
  for (const auto& [key, live] : objects_) {
    const auto& in = query.namespaces;
    if (std::find(in.begin(), in.end(), key.namespace_) == in.end()) continue;
    if (managed.contains(identity(key)) || IsMadeByKubernetes(key)) continue;
    if (found.keys.size() < query.keys_max) found.keys.push_back(key);
    ++found.count;
  }
  return found;
}

void MemoryDriver::Watch(std::function<void()> changed) {
  MutexLock lock(mutex_);
  changed_ = std::move(changed);
}

void MemoryDriver::Change(const ObjectKey& key, absl::string_view json, absl::string_view by) {
  {
    MutexLock lock(mutex_);
    const auto [at, is_new] = objects_.try_emplace(key);
    Live& live = at->second;
    if (is_new) live.uid = NewUid();
    live.digest = DigestOf(json);
    live.json = keep_json_ ? std::string(json) : "";
    live.version = next_version_++;
    const absl::StatusOr<Value> value = ParseJson(json);
    live.kept = value.ok() && AsksToBeKept(*value);
    live.changed_by = std::string(by);
    live.changed_at = now_;
  }
  Tell();
}

void MemoryDriver::SetHealth(const ObjectKey& key, ObjectHealth health) {
  {
    MutexLock lock(mutex_);
    const auto at = objects_.find(key);
    if (at == objects_.end()) return;
    at->second.health = std::move(health);
    at->second.version = next_version_++;
  }
  Tell();
}

void MemoryDriver::SetHealthWhenMade(const ObjectKey& key, ObjectHealth health) {
  MutexLock lock(mutex_);
  health_when_made_[key] = std::move(health);
}

void MemoryDriver::SetKept(const ObjectKey& key, bool kept) {
  MutexLock lock(mutex_);
  objects_[key].kept = kept;
}

void MemoryDriver::SetUnknownKind(const std::string& kind, bool unknown) {
  {
    MutexLock lock(mutex_);
    if (unknown) {
      unknown_kinds_.insert(kind);
    } else {
      unknown_kinds_.erase(kind);
    }
  }
  Tell();
}

void MemoryDriver::SetImmutable(const ObjectKey& key) {
  MutexLock lock(mutex_);
  immutable_.insert(key);
}

void MemoryDriver::SetConflicts(const ObjectKey& key, std::vector<FieldConflict> conflicts) {
  MutexLock lock(mutex_);
  objects_[key].conflicts = std::move(conflicts);
}

void MemoryDriver::SetFinalizer(const ObjectKey& key) {
  MutexLock lock(mutex_);
  objects_[key].finalizer = true;
}

std::string MemoryDriver::WrittenAs(const ObjectKey& key) const {
  MutexLock lock(mutex_);
  const auto found = written_as_.find(key);
  return found == written_as_.end() ? "" : found->second;
}

void MemoryDriver::SetTime(absl::Time now) {
  MutexLock lock(mutex_);
  now_ = now;
}

bool MemoryDriver::Delete(const ObjectKey& key) {
  bool there;
  {
    MutexLock lock(mutex_);
    there = objects_.erase(key) > 0;
  }
  Tell();
  return there;
}

void MemoryDriver::FailObject(const ObjectKey& key, absl::Status status) {
  MutexLock lock(mutex_);
  if (status.ok()) {
    failing_.erase(key);
  } else {
    failing_[key] = std::move(status);
  }
}

void MemoryDriver::FailLists(int count, absl::Status status) {
  MutexLock lock(mutex_);
  failing_lists_ = count;
  list_failure_ = std::move(status);
}

std::map<ObjectKey, std::string> MemoryDriver::Objects() const {
  MutexLock lock(mutex_);
  std::map<ObjectKey, std::string> objects;
  for (const auto& [key, live] : objects_) objects[key] = live.json;
  return objects;
}

size_t MemoryDriver::size() const {
  MutexLock lock(mutex_);
  return objects_.size();
}

MemoryDriver::Calls MemoryDriver::calls() const {
  MutexLock lock(mutex_);
  return calls_;
}

void MemoryDriver::AddDefaults() {
  MutexLock lock(mutex_);
  defaults_ = true;
}

Digest MemoryDriver::DigestOf(absl::string_view json) const {
  return defaults_ ? Digest::Of(absl::StrCat("with defaults\n", json)) : Digest::Of(json);
}

std::string MemoryDriver::NewUid() { return absl::StrCat("uid-", next_uid_++); }

void MemoryDriver::Tell() {
  std::function<void()> changed;
  {
    MutexLock lock(mutex_);
    changed = changed_;
  }
  if (changed) changed();
}

}  // namespace muster::agent
