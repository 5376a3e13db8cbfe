#include "hub/rpc/blob_access.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/compression.h"
#include "common/base/limits.h"
#include "common/base/status_macros.h"
#include "common/manifest/bundle.h"
#include "hub/core/keys.h"

namespace muster::hub {

namespace pb = muster::v1;

absl::StatusOr<pb::BlobRecord> ReadBlob(const Store& store, const Digest& digest) {
  absl::StatusOr<std::string> bytes = store.Get(keys::Blob(digest));
  if (absl::IsNotFound(bytes.status())) {
    return absl::NotFoundError(absl::StrCat("blob ", digest.short_hex(), " is not in the hub"));
  }
  if (!bytes.ok()) return bytes.status();
  pb::BlobRecord record;
  if (!record.ParseFromString(*bytes)) {
    return absl::DataLossError(absl::StrCat("blob ", digest.short_hex(), ": record is damaged"));
  }
  return record;
}

absl::StatusOr<std::string> ReadBlobContent(const Store& store, const Digest& digest) {
  ASSIGN_OR_RETURN(const pb::BlobRecord record, ReadBlob(store, digest));
  ASSIGN_OR_RETURN(std::string content, Decompress(record.zstd(), record.size()));
  if (Digest::Of(content) != digest) {
    return absl::DataLossError(absl::StrCat("blob ", digest.short_hex(), ": content is damaged"));
  }
  return content;
}

std::optional<pb::ManifestDelta> DeltaBetween(const Store& store, absl::Span<const Digest> bases,
                                              const Digest& base, const Digest& wanted,
                                              size_t bytes) {
  if (!std::binary_search(bases.begin(), bases.end(), base)) return std::nullopt;
  const absl::StatusOr<std::string> from = ReadBlobContent(store, base);
  const absl::StatusOr<std::string> to = ReadBlobContent(store, wanted);
  if (!from.ok() || !to.ok()) return std::nullopt;
  absl::StatusOr<pb::ManifestDelta> delta = MakeManifestDelta(*from, *to);
  if (!delta.ok() || delta->ByteSizeLong() >= bytes) return std::nullopt;
  return *std::move(delta);
}

absl::Status BlobAccess::Check(absl::Span<const Digest> bundles, absl::Span<const Digest> wanted) {
  std::vector<Objects> reached;
  size_t loaded = 0;
  for (const Digest& digest : wanted) {
    const auto holds = [&digest](const Objects& objects) {
      return objects != nullptr && std::binary_search(objects->begin(), objects->end(), digest);
    };
    if (std::find(bundles.begin(), bundles.end(), digest) != bundles.end()) continue;
    bool allowed = std::any_of(reached.begin(), reached.end(), holds);
    while (!allowed && loaded < bundles.size()) {
      reached.push_back(ObjectsOf(bundles[loaded++]));
      allowed = holds(reached.back());
    }
    if (!allowed) {
      return absl::PermissionDeniedError(absl::StrCat(
          "blob ", digest.short_hex(), ": the cluster's desired state does not reach it"));
    }
  }
  return absl::OkStatus();
}

BlobAccess::Objects BlobAccess::ObjectsOf(const Digest& bundle) {
  {
    MutexLock lock(mutex_);
    const auto found = entries_.find(bundle);
    if (found != entries_.end()) {
      found->second.used = ++clock_;
      return found->second.objects;
    }
  }
  const absl::StatusOr<std::string> content = ReadBlobContent(store_, bundle);
  pb::Manifest manifest;
  if (!content.ok() || !manifest.ParseFromString(*content)) return nullptr;
  std::vector<Digest> objects;
  objects.reserve(manifest.entries_size());
  for (const pb::ManifestEntry& entry : manifest.entries()) {
    const absl::StatusOr<Digest> digest = Digest::FromBytes(entry.digest());
    if (digest.ok()) objects.push_back(*digest);
  }
  std::sort(objects.begin(), objects.end());
  auto shared = std::make_shared<const std::vector<Digest>>(std::move(objects));
  Remember(bundle, shared);
  return shared;
}

void BlobAccess::Remember(const Digest& bundle, Objects objects) {
  MutexLock lock(mutex_);
  const auto [entry, added] = entries_.emplace(bundle, Entry{objects, ++clock_});
  if (!added) return;
  digests_ += objects->size() + 1;
  while (digests_ > limits::kBlobAccessDigestsMax && entries_.size() > 1) {
    const auto oldest = std::min_element(
        entries_.begin(), entries_.end(),
        [](const auto& a, const auto& b) { return a.second.used < b.second.used; });
    digests_ -= oldest->second.objects->size() + 1;
    entries_.erase(oldest);
  }
}

}  // namespace muster::hub
