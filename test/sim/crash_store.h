// CrashStore: a store whose process may die on either side of a commit.
//
//   store.CrashAtCommit(CrashStore::Side::kAfter);
//   try { hub.Turn(now); } catch (const Crash&) { ... start again from what is durable ... }
//
// Crash is the one exception of this code base: it stands for kill -9, passes through the code
// under test as a kill would, and is caught by the world. One thread.
#pragma once

#include <optional>

#include "common/store/memory_store.h"
#include "common/store/store.h"

namespace muster::sim {

struct Crash {};

class CrashStore final : public Store {
 public:
  enum class Side { kBefore, kAfter };

  // `disk` survives; it must outlive this.
  explicit CrashStore(MemoryStore& disk) : disk_(disk) {}

  void CrashAtCommit(Side side) { armed_ = side; }

  absl::StatusOr<std::string> Get(absl::string_view key) const override { return disk_.Get(key); }
  absl::Status Visit(const Range& range, Visitor visitor) const override {
    return disk_.Visit(range, visitor);
  }
  absl::Status Commit(const Batch& batch) override {
    if (batch.empty()) return absl::OkStatus();
    if (armed_ == Side::kBefore) throw Crash();
    const absl::Status status = disk_.Commit(batch);
    if (armed_ == Side::kAfter) throw Crash();
    return status;
  }

 private:
  MemoryStore& disk_;
  std::optional<Side> armed_;
};

}  // namespace muster::sim
