// MemoryStore: the twin of RocksdbStore, for tests and simulation. Nothing of it reaches a disk.
//
// A simulation crashes a process by taking Durable(), destroying everything, and starting again
// from a MemoryStore made of that copy. FailNextCommit decides on which side of a commit the crash
// falls. Any thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/base/mutex.h"
#include "common/store/store.h"

namespace muster {

class MemoryStore final : public Store {
 public:
  using Contents = std::map<std::string, std::string>;

  // Whether a failing commit reached the disk before it failed.
  enum class Fate { kLost, kKept };

  MemoryStore() = default;
  explicit MemoryStore(Contents contents) : contents_(std::move(contents)) {}

  absl::StatusOr<std::string> Get(absl::string_view key) const override;
  absl::Status Visit(const Range& range, Visitor visitor) const override;
  absl::Status Commit(const Batch& batch) override;

  // What a process that is killed now would find again.
  Contents Durable() const;

  // The next commit that is not empty returns `error`, which is not OK. Like the real store, this
  // one refuses every commit after that, unless the error is kResourceExhausted, which loses the
  // batch and lets later ones pass.
  void FailNextCommit(absl::Status error, Fate fate = Fate::kLost);

  // Commits that were acknowledged.
  int64_t commits() const;

 private:
  struct Failure {
    absl::Status error;
    Fate fate;
  };

  void Apply(const Batch& batch) EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable Mutex mutex_;
  Contents contents_ GUARDED_BY(mutex_);
  std::optional<Failure> next_failure_ GUARDED_BY(mutex_);
  absl::Status broken_ GUARDED_BY(mutex_);
  int64_t commits_ GUARDED_BY(mutex_) = 0;
};

}  // namespace muster
