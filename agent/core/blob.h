// Blobs in an agent's store: an object's canonical JSON or a manifest, compressed, under its
// digest.
//
// Pure; any thread.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/base/digest.h"
#include "common/store/store.h"

namespace muster::agent {

// The store's key.
std::string BlobKey(const Digest& digest);

// The key of what a manifest is kept as when it was made from another one that is in the store: a
// serialized ManifestDelta, instead of the manifest.
std::string DeltaKey(const Digest& digest);

// The record of `content`, and of content that is compressed already.
std::string BlobRecordOf(absl::string_view content);
std::string BlobRecordOf(uint64_t size, absl::string_view zstd);

// The content of a record. kDataLoss when it is not what `digest` names.
absl::StatusOr<std::string> BlobContentOf(absl::string_view record, const Digest& digest);

// The most that a blob's content may have: the largest object, and the largest manifest.
inline constexpr uint64_t kBlobContentMax = 40u << 20;

}  // namespace muster::agent
