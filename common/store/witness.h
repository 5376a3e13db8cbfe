// Witness: remembers, beside a store's data, how far its commits were acknowledged. A log that lost
// its tail, by bit rot or by a half-restored copy, still opens; the witness is what notices.
//
// Written after each commit without a sync of its own, which keeps a commit at one sync: after a
// power cut the witness may lag behind the data, never lead it, so it raises no false alarm. Two
// slots are written in turn, so that a torn write costs one of them at most. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/mutex.h"

namespace muster {

class Witness {
 public:
  // Opens the file at `path`, or makes it.
  static absl::StatusOr<Witness> Open(const std::string& path);

  ~Witness();
  Witness(Witness&& other) noexcept
      : file_(std::exchange(other.file_, -1)), number_(other.number_), slot_(other.slot_) {}
  Witness& operator=(Witness&&) = delete;

  // The greatest number that was recorded; zero for none.
  uint64_t number() const;

  // Records `number`, unless a greater one is recorded.
  absl::Status Record(uint64_t number);

  // Makes what was recorded durable.
  absl::Status Sync();

 private:
  explicit Witness(int file) : file_(file) {}
  void Load();

  int file_;
  mutable Mutex mutex_;
  uint64_t number_ GUARDED_BY(mutex_) = 0;
  int slot_ GUARDED_BY(mutex_) = 0;  // of the next write
};

}  // namespace muster
