#include "common/store/memory_store.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/check.h"

namespace muster {

absl::StatusOr<std::string> MemoryStore::Get(absl::string_view key) const {
  MutexLock lock(mutex_);
  const auto found = contents_.find(std::string(key));
  if (found == contents_.end()) {
    return absl::NotFoundError(absl::StrCat("no record '", key, "'"));
  }
  return found->second;
}

absl::Status MemoryStore::Visit(const Range& range, Visitor visitor) const {
  // The records are copied, so that the visitor may use the store and sees one state.
  std::vector<Record> records;
  {
    MutexLock lock(mutex_);
    for (auto at = contents_.lower_bound(range.prefix);
         at != contents_.end() && absl::StartsWith(at->first, range.prefix); ++at) {
      records.push_back({at->first, at->second});
    }
  }
  if (range.reverse) std::reverse(records.begin(), records.end());
  size_t shown = 0;
  for (const Record& record : records) {
    const bool before_start =
        !range.start_after.empty() &&
        (range.reverse ? record.key >= range.start_after : record.key <= range.start_after);
    if (before_start) continue;
    if (range.limit != 0 && shown == range.limit) break;
    ++shown;
    if (!visitor(record.key, record.value)) break;
  }
  return absl::OkStatus();
}

absl::Status MemoryStore::Commit(const Batch& batch) {
  MutexLock lock(mutex_);
  if (!broken_.ok()) return broken_;
  if (batch.empty()) return absl::OkStatus();
  if (next_failure_.has_value()) {
    const Failure failure = *std::exchange(next_failure_, std::nullopt);
    if (absl::IsResourceExhausted(failure.error)) return failure.error;
    if (failure.fate == Fate::kKept) Apply(batch);
    broken_ = failure.error;
    return broken_;
  }
  Apply(batch);
  ++commits_;
  return absl::OkStatus();
}

void MemoryStore::Apply(const Batch& batch) {
  for (const Batch::Operation& operation : batch.operations()) {
    switch (operation.kind) {
      case Batch::Kind::kPut:
        contents_[operation.key] = operation.value;
        break;
      case Batch::Kind::kDelete:
        contents_.erase(operation.key);
        break;
      case Batch::Kind::kDeletePrefix: {
        const auto first = contents_.lower_bound(operation.key);
        auto last = first;
        while (last != contents_.end() && absl::StartsWith(last->first, operation.key)) ++last;
        contents_.erase(first, last);
        break;
      }
    }
  }
}

MemoryStore::Contents MemoryStore::Durable() const {
  MutexLock lock(mutex_);
  return contents_;
}

void MemoryStore::FailNextCommit(absl::Status error, Fate fate) {
  CHECK(!error.ok());
  MutexLock lock(mutex_);
  next_failure_ = Failure{std::move(error), fate};
}

int64_t MemoryStore::commits() const {
  MutexLock lock(mutex_);
  return commits_;
}

}  // namespace muster
