// BlobAccess: which blobs a cluster may read. A digest is not a capability: a blob is given out
// only when the cluster's desired state reaches it, as a bundle's manifest or as an object in one.
//
// What a bundle holds is remembered, for the bundles used last, so that a thousand agents that
// fetch the same change cost one look. Reads the store: for worker threads. Any number of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/base/digest.h"
#include "common/base/mutex.h"
#include "common/store/store.h"
#include "proto/fleet.pb.h"
#include "proto/storage.pb.h"

namespace muster::hub {

// The stored form of a blob. kNotFound when the hub does not have it.
absl::StatusOr<v1::BlobRecord> ReadBlob(const Store& store, const Digest& digest);

// Its content, decompressed and checked.
absl::StatusOr<std::string> ReadBlobContent(const Store& store, const Digest& digest);

// What leads from the manifest `base` to the manifest `wanted`. Nullopt unless `base` is one of
// `bases`, which are sorted: for any other it is as if the hub had never heard of it. Nullopt, too,
// unless the delta is smaller than `bytes`.
std::optional<v1::ManifestDelta> DeltaBetween(const Store& store, absl::Span<const Digest> bases,
                                              const Digest& base, const Digest& wanted,
                                              size_t bytes);

class BlobAccess {
 public:
  explicit BlobAccess(const Store& store) : store_(store) {}

  // kPermissionDenied, naming the first of `wanted` that is neither one of `bundles` nor an object
  // in one.
  absl::Status Check(absl::Span<const Digest> bundles, absl::Span<const Digest> wanted);

 private:
  // The objects of one bundle, sorted.
  using Objects = std::shared_ptr<const std::vector<Digest>>;
  struct Entry {
    Objects objects;
    uint64_t used = 0;
  };

  // Null when the hub does not have the bundle.
  Objects ObjectsOf(const Digest& bundle);
  void Remember(const Digest& bundle, Objects objects);

  const Store& store_;

  Mutex mutex_;
  uint64_t clock_ GUARDED_BY(mutex_) = 0;
  size_t digests_ GUARDED_BY(mutex_) = 0;  // in all entries
  std::map<Digest, Entry> entries_ GUARDED_BY(mutex_);
};

}  // namespace muster::hub
