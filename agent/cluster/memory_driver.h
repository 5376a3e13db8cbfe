// MemoryDriver: a cluster in a map: the twin of the real drivers, for tests, simulations and the
// bench.
//
// Beyond ClusterDriver it lets a test play the world: change or delete objects behind the agent's
// back, make objects or whole calls fail, and count calls. Any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
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
    int64_t dry_runs = 0;
  };

  // With `keep_json` false only digests are kept, which saves memory in a bench; then List has no
  // contents to give.
  explicit MemoryDriver(bool keep_json = true) : keep_json_(keep_json) {}

  std::string Name() const override { return "memory"; }
  absl::StatusOr<std::vector<LiveObject>> List(const std::vector<Query>& queries,
                                               bool contents) override;
  std::vector<DriverResult> Apply(const std::vector<ApplyRequest>& requests) override;
  std::vector<DriverResult> Remove(const std::vector<RemoveRequest>& requests) override;
  absl::StatusOr<Unmanaged> ListUnmanaged(const UnmanagedQuery& query) override;
  void Watch(std::function<void()> changed) override;

  // ---- the world

  // Somebody else writes `json`; an object that was not there gets a new uid.
  void Change(const ObjectKey& key, absl::string_view json, absl::string_view by);

  // The object says so of itself from now on; without a word it is healthy.
  void SetHealth(const ObjectKey& key, ObjectHealth health);

  // Objects made under this key say so of themselves, as workloads do that take their time.
  void SetHealthWhenMade(const ObjectKey& key, ObjectHealth health);

  // Somebody annotates the live object so that it is kept, or no longer.
  void SetKept(const ObjectKey& key, bool kept);

  // Objects of this kind are not known (or known again): they are not there and cannot be applied.
  void SetUnknownKind(const std::string& kind, bool unknown);

  // The object does not change in place.
  void SetImmutable(const ObjectKey& key);

  // Other managers own these fields: an apply that is not forced and would change the object is
  // refused. Empty: nobody.
  void SetConflicts(const ObjectKey& key, std::vector<FieldConflict> conflicts);

  // A removal of this object only begins, until FinishRemoval.
  void SetFinalizer(const ObjectKey& key);
  void FinishRemoval(const ObjectKey& key) { Delete(key); }

  // As whom the object was last written or removed; empty: the agent itself.
  std::string WrittenAs(const ObjectKey& key) const;

  // From now on the cluster keeps objects in another form than they are applied in, as Kubernetes
  // does, which adds defaults: digests are not those of what was applied.
  void AddDefaults();

  // The clock of `changed_at`; InfinitePast at first.
  void SetTime(absl::Time now);

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
    uint64_t version = 0;
    ObjectHealth health;
    bool ours = false;  // we wrote it once
    bool kept = false;
    bool finalizer = false;
    bool terminating = false;
    std::string changed_by;
    absl::Time changed_at = absl::InfinitePast();
    std::vector<FieldConflict> conflicts;
  };

  DriverResult ApplyOne(const ApplyRequest& request) EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Write(const ApplyRequest& request, Live& live, std::string json, DriverResult& result)
      EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Why the live object stands in the way of a request that would change it.
  absl::Status MayWrite(const ApplyRequest& request, const Live& live, DriverResult& result)
      EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  DriverResult RemoveOne(const RemoveRequest& request) EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Digest DigestOf(absl::string_view json) const EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::string NewUid() EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Tell();

  const bool keep_json_;

  mutable Mutex mutex_;
  std::map<ObjectKey, Live> objects_ GUARDED_BY(mutex_);
  std::map<ObjectKey, absl::Status> failing_ GUARDED_BY(mutex_);
  std::map<ObjectKey, ObjectHealth> health_when_made_ GUARDED_BY(mutex_);
  std::set<ObjectKey> immutable_ GUARDED_BY(mutex_);
  std::set<std::string> unknown_kinds_ GUARDED_BY(mutex_);
  std::map<ObjectKey, std::string> written_as_ GUARDED_BY(mutex_);
  absl::Time now_ GUARDED_BY(mutex_) = absl::InfinitePast();
  uint64_t next_version_ GUARDED_BY(mutex_) = 1;
  bool defaults_ GUARDED_BY(mutex_) = false;
  int failing_lists_ GUARDED_BY(mutex_) = 0;
  absl::Status list_failure_ GUARDED_BY(mutex_);
  Calls calls_ GUARDED_BY(mutex_);
  uint64_t next_uid_ GUARDED_BY(mutex_) = 1;
  std::function<void()> changed_ GUARDED_BY(mutex_);
};

}  // namespace muster::agent
