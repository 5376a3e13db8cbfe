// Store: where hub and agent keep what must survive. A sorted map from byte strings to byte strings
// that changes by whole batches only.
//
//   Batch batch;
//   batch.Put("cluster/7f", bytes);
//   batch.Delete("token/12");
//   RETURN_IF_ERROR(store.Commit(batch));
//
// Implementations: MemoryStore (tests, simulation) and RocksdbStore; both pass the suite in
// store_conformance.h. Any thread. Promises:
//   1. Commit is all or nothing, and on OK the batch survives a kill and a power cut.
//   2. Commits have one order; what is read after Commit returned includes it.
//   3. After a restart the store holds the effect of the first n commits, for some n that includes
//      every acknowledged one: a prefix without a hole. If it cannot, it refuses to open.
//   4. A value that is not what was written is kDataLoss, never returned.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace muster {

// One atomic change. Operations take effect in the order given: of two on one key the later counts.
// One thread at a time.
class Batch {
 public:
  enum class Kind { kPut, kDelete, kDeletePrefix };
  struct Operation {
    Kind kind;
    std::string key;
    std::string value;  // of kPut only
  };

  // Requires of all three: `key` or `prefix` is not empty.
  void Put(absl::string_view key, absl::string_view value);
  // Removes `key`; an absent key is no error.
  void Delete(absl::string_view key);
  // Removes every key that starts with `prefix`, also those put earlier in this batch.
  void DeletePrefix(absl::string_view prefix);

  // Says that the batch must be kept even when the disk is nearly full: what frees space, and what
  // safety needs (a revocation, a used token, an agent's last good state).
  void MarkEssential() { essential_ = true; }
  bool essential() const { return essential_; }

  bool empty() const { return operations_.empty(); }
  size_t size() const { return operations_.size(); }
  absl::Span<const Operation> operations() const { return operations_; }
  // Keys and values together.
  size_t bytes() const { return bytes_; }
  void Clear();

 private:
  std::vector<Operation> operations_;
  size_t bytes_ = 0;
  bool essential_ = false;
};

struct Record {
  std::string key;
  std::string value;

  friend bool operator==(const Record&, const Record&) = default;
};

// Which records, and in which order. To read page by page, give the last key seen as `start_after`.
struct Range {
  std::string prefix;       // "" means all keys
  std::string start_after;  // exclusive, in reading order; "" starts at the first
  size_t limit = 0;         // 0 means no limit
  bool reverse = false;     // greatest key first
};

class Store {
 public:
  virtual ~Store() = default;

  // Returns kNotFound when the key is absent.
  virtual absl::StatusOr<std::string> Get(absl::string_view key) const = 0;

  // Shows the records of `range` in order to `visitor` until it returns false. Sees one consistent
  // state, whatever is committed meanwhile. The views live during the call only.
  using Visitor = absl::FunctionRef<bool(absl::string_view key, absl::string_view value)>;
  virtual absl::Status Visit(const Range& range, Visitor visitor) const = 0;

  // Makes `batch` durable. An empty batch is OK and costs nothing.
  // kResourceExhausted: nothing was written (the disk is nearly full); a later commit may succeed.
  // Any other error: whether the batch was kept is unknown until the store is opened again, and all
  // further commits are refused with the same error. The caller has to die: CHECK_OK.
  virtual absl::Status Commit(const Batch& batch) = 0;

  // Visit, collected.
  absl::StatusOr<std::vector<Record>> Scan(const Range& range) const;
  // Every record under `prefix`, in the order of keys.
  absl::StatusOr<std::vector<Record>> Scan(absl::string_view prefix) const;
};

// The least string greater than every string that starts with `prefix`; "" when there is none.
std::string PrefixEnd(absl::string_view prefix);

}  // namespace muster
