// RocksdbStore: the embedded store of hub and agent, a directory on a local disk.
//
// Every commit is one synced write; every value carries a checksum that binds it to its key; a
// witness file beside the data remembers the newest acknowledged commit, and a directory that has
// lost it does not open. Any error of the write-ahead log is final: the process has to restart.
// docs/storage.md gives the settings and their reasons. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/base/limits.h"
#include "common/store/store.h"

namespace muster {

struct RocksdbStoreOptions {
  std::string directory;  // made, with mode 0700, if its parent exists

  // Commits that are not essential are refused while less than this is free; 0 switches that off.
  uint64_t free_bytes_min = limits::kHubDiskReserveBytes;

  // Bytes that unprivileged processes may still write into the directory's file system. Tests bring
  // their own; unset means statvfs.
  std::function<absl::StatusOr<uint64_t>()> free_bytes;

  // The most that unflushed writes take in memory, and that the cache of blocks does: together the
  // store's share of the process. An agent takes less than a hub.
  size_t write_buffer_bytes = 8u << 20;
  size_t block_cache_bytes = 8u << 20;
};

// Opens the store, or makes it if the directory is empty or absent.
// kFailedPrecondition: another process uses the directory; kDataLoss: it has lost acknowledged
// commits or is corrupt. The message says what to do.
absl::StatusOr<std::unique_ptr<Store>> OpenRocksdbStore(RocksdbStoreOptions options);

}  // namespace muster
