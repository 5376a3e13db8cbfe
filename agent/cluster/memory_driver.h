// MemoryDriver: a cluster in a map: the twin of the real drivers, for tests, simulations and the
// bench.
//
// Beyond ClusterDriver it lets a test play the world: change or delete objects behind the agent's
// back, make objects or whole calls fail, and count calls. Any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/cluster/cluster_driver.h"
#include "common/base/mutex.h"

namespace muster::agent {

class MemoryDriver final : public ClusterDriver {
 public:
  struct Calls {
    int64_t list = 0;
    int64_t listed_keys = 0;
    int64_t applied = 0;  // objects written; adopted ones are not
    int64_t removed = 0;  // objects removed; those that were gone are not
  };

  // With `keep_json` false only digests are kept, which saves memory in a bench; then List has no
  // contents to give.
  explicit MemoryDriver(bool keep_json = true) : keep_json_(keep_json) {}

  std::string Name() const override { return "memory"; }
  absl::StatusOr<std::vector<LiveObject>> List(const std::vector<ObjectKey>& keys,
                                               bool contents) override;
  std::vector<DriverResult> Apply(const std::vector<ApplyRequest>& requests) override;
  std::vector<DriverResult> Remove(const std::vector<RemoveRequest>& requests) override;
  void Watch(std::function<void()> changed) override;

  // ---- the world

  // Somebody else writes `json`; an object that was not there gets a new uid.
  void Change(const ObjectKey& key, absl::string_view json, absl::string_view by);

  // Somebody else deletes the object. Returns whether it was there.
  bool Delete(const ObjectKey& key);

  // From now on each apply and removal of `key` fails with `status`; OK ends that.
  void FailObject(const ObjectKey& key, absl::Status status);

  // The next `count` calls of List fail as a whole.
  void FailLists(int count, absl::Status status);

  // Everything that is there, as canonical JSON (empty without keep_json), by key.
  std::map<ObjectKey, std::string> Objects() const;
  size_t size() const;
  Calls calls() const;

 private:
  struct Live {
    std::string uid;
    Digest digest;
    std::string json;
    std::string changed_by;
  };

  DriverResult ApplyOne(const ApplyRequest& request) EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  DriverResult RemoveOne(const RemoveRequest& request) EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::string NewUid() EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Tell();

  const bool keep_json_;

  mutable Mutex mutex_;
  std::map<ObjectKey, Live> objects_ GUARDED_BY(mutex_);
  std::map<ObjectKey, absl::Status> failing_ GUARDED_BY(mutex_);
  int failing_lists_ GUARDED_BY(mutex_) = 0;
  absl::Status list_failure_ GUARDED_BY(mutex_);
  Calls calls_ GUARDED_BY(mutex_);
  uint64_t next_uid_ GUARDED_BY(mutex_) = 1;
  std::function<void()> changed_ GUARDED_BY(mutex_);
};

}  // namespace muster::agent
