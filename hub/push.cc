#include "hub/push.h"

#include <set>
#include <string>

#include "common/base/compression.h"
#include "common/base/limits.h"
#include "common/base/status_macros.h"
#include "common/manifest/bundle.h"
#include "hub/core/keys.h"
#include "proto/storage.pb.h"

namespace muster::hub {
namespace pb = muster::v1;
namespace {

// Pairs of bundles that are remembered; each costs at most limits::kInlineBytesMax.
constexpr size_t kHintsMax = 64;

absl::StatusOr<pb::BlobRecord> ReadBlob(const Store& store, const Digest& digest) {
  ASSIGN_OR_RETURN(const std::string bytes, store.Get(keys::Blob(digest)));
  pb::BlobRecord record;
  if (!record.ParseFromString(bytes)) return absl::DataLossError("the record is no blob");
  return record;
}

absl::StatusOr<std::string> ReadManifest(const Store& store, const Digest& bundle) {
  ASSIGN_OR_RETURN(const pb::BlobRecord record, ReadBlob(store, bundle));
  return Decompress(record.zstd(), record.size());
}

pb::InlineBlob Inline(const Digest& digest, pb::BlobRecord record) {
  pb::InlineBlob blob;
  blob.set_digest(digest.bytes());
  blob.set_size(record.size());
  blob.set_zstd(std::move(*record.mutable_zstd()));
  return blob;
}

std::set<std::string> ObjectsOf(absl::string_view manifest_bytes) {
  std::set<std::string> digests;
  pb::Manifest manifest;
  if (!manifest.ParseFromArray(manifest_bytes.data(), static_cast<int>(manifest_bytes.size()))) {
    return digests;
  }
  for (const pb::ManifestEntry& entry : manifest.entries()) digests.insert(entry.digest());
  return digests;
}

}  // namespace

absl::StatusOr<pb::Push> PushBuilder::Build(const PushDesired& push) {
  pb::Push message;
  ASSIGN_OR_RETURN(*message.mutable_desired_state(), signer_.Sign(kDesiredStateType, push.payload));
  size_t room = limits::kInlineBytesMax;
  std::set<std::string> sent;
  for (const PushDesired::Base& base : push.bases) {
    const std::shared_ptr<const Hint> hint = HintFor(base.have, base.want);
    if (hint->bytes > room) continue;
    room -= hint->bytes;
    for (const pb::ManifestDelta& delta : hint->manifest) *message.add_manifests() = delta;
    for (const pb::InlineBlob& blob : hint->blobs) {
      if (sent.insert(blob.digest()).second) *message.add_blobs() = blob;
    }
  }
  return message;
}

std::shared_ptr<const PushBuilder::Hint> PushBuilder::HintFor(const Digest& have,
                                                              const Digest& want) {
  const Pair pair(have, want);
  {
    MutexLock lock(mutex_);
    const auto found = hints_.find(pair);
    if (found != hints_.end()) return found->second;
  }
  auto hint = std::make_shared<const Hint>(Compute(have, want));
  MutexLock lock(mutex_);
  const auto [at, added] = hints_.try_emplace(pair, hint);
  if (!added) return at->second;
  oldest_first_.push_back(pair);
  if (oldest_first_.size() > kHintsMax) {
    hints_.erase(oldest_first_.front());
    oldest_first_.pop_front();
  }
  return hint;
}

PushBuilder::Hint PushBuilder::Compute(const Digest& have, const Digest& want) const {
  Hint hint;
  const absl::StatusOr<std::string> target = ReadManifest(store_, want);
  if (!target.ok()) return hint;
  const absl::StatusOr<std::string> base =
      have.empty() ? absl::NotFoundError("none") : ReadManifest(store_, have);
  const auto fits = [&hint](size_t bytes) { return hint.bytes + bytes <= limits::kInlineBytesMax; };
  absl::StatusOr<pb::ManifestDelta> delta =
      base.ok() ? MakeManifestDelta(*base, *target) : base.status();
  if (delta.ok() && delta->ByteSizeLong() < target->size() && fits(delta->ByteSizeLong())) {
    hint.bytes += delta->ByteSizeLong();
    hint.manifest.push_back(*std::move(delta));
  } else if (absl::StatusOr<pb::BlobRecord> record = ReadBlob(store_, want);
             record.ok() && fits(record->zstd().size())) {
    hint.bytes += record->zstd().size();
    hint.blobs.push_back(Inline(want, *std::move(record)));
  }
  const std::set<std::string> known = base.ok() ? ObjectsOf(*base) : std::set<std::string>();
  for (const std::string& object : ObjectsOf(*target)) {
    if (known.contains(object)) continue;
    const absl::StatusOr<Digest> digest = Digest::FromBytes(object);
    if (!digest.ok()) continue;
    absl::StatusOr<pb::BlobRecord> record = ReadBlob(store_, *digest);
    if (!record.ok() || !fits(record->zstd().size())) continue;
    hint.bytes += record->zstd().size();
    hint.blobs.push_back(Inline(*digest, *std::move(record)));
  }
  return hint;
}

}  // namespace muster::hub
