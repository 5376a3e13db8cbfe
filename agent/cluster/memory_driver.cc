#include "agent/cluster/memory_driver.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace muster::agent {

absl::StatusOr<std::vector<LiveObject>> MemoryDriver::List(const std::vector<ObjectKey>& keys,
                                                           bool contents) {
  MutexLock lock(mutex_);
  ++calls_.list;
  calls_.listed_keys += static_cast<int64_t>(keys.size());
  if (failing_lists_ > 0) {
    --failing_lists_;
    return list_failure_;
  }
  std::vector<LiveObject> found;
  for (const ObjectKey& key : keys) {
    const auto at = objects_.find(key);
    if (at == objects_.end()) continue;
    const Live& live = at->second;
    found.push_back(LiveObject{.key = key,
                               .uid = live.uid,
                               .digest = live.digest,
                               .json = contents ? live.json : "",
                               .changed_by = live.changed_by});
  }
  return found;
}

std::vector<DriverResult> MemoryDriver::Apply(const std::vector<ApplyRequest>& requests) {
  MutexLock lock(mutex_);
  std::vector<DriverResult> results;
  for (const ApplyRequest& request : requests) results.push_back(ApplyOne(request));
  return results;
}

DriverResult MemoryDriver::ApplyOne(const ApplyRequest& request) {
  DriverResult result{.key = request.key};
  if (const auto failing = failing_.find(request.key); failing != failing_.end()) {
    result.status = failing->second;
    return result;
  }
  const Digest digest = Digest::Of(request.json);
  const auto [at, is_new] = objects_.try_emplace(request.key);
  Live& live = at->second;
  if (!is_new && !request.ours && live.digest != digest) {
    result.status = absl::AlreadyExistsError(
        absl::StrCat("apply ", request.key.text(), ": there is another one that is not managed"));
    return result;
  }
  if (is_new) live.uid = NewUid();
  if (is_new || live.digest != digest) {
    ++calls_.applied;
    live.digest = digest;
    live.json = keep_json_ ? request.json : "";
    live.changed_by.clear();
  }
  result.uid = live.uid;
  result.digest = digest;
  return result;
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
  if (at->second.uid != request.uid) {
    result.status = absl::AbortedError(
        absl::StrCat("remove ", request.key.text(), ": it was made anew by somebody else"));
    return result;
  }
  objects_.erase(at);
  ++calls_.removed;
  return result;
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
    live.digest = Digest::Of(json);
    live.json = keep_json_ ? std::string(json) : "";
    live.changed_by = std::string(by);
  }
  Tell();
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
