#include "agent/core/blob.h"

#include "absl/strings/str_cat.h"
#include "common/base/compression.h"
#include "proto/storage.pb.h"

namespace muster::agent {
namespace pb = muster::v1;

std::string BlobKey(const Digest& digest) { return absl::StrCat("blob/", digest.hex()); }

std::string DeltaKey(const Digest& digest) { return absl::StrCat("delta/", digest.hex()); }

std::string BlobRecordOf(absl::string_view content) {
  return BlobRecordOf(content.size(), Compress(content));
}

std::string BlobRecordOf(uint64_t size, absl::string_view zstd) {
  pb::BlobRecord record;
  record.set_size(size);
  record.set_zstd(std::string(zstd));
  return record.SerializeAsString();
}

absl::StatusOr<std::string> BlobContentOf(absl::string_view record, const Digest& digest) {
  const auto damaged = [&](absl::string_view why) {
    return absl::DataLossError(absl::StrCat("read blob ", digest.hex(), ": ", why));
  };
  pb::BlobRecord blob;
  if (!blob.ParseFromArray(record.data(), static_cast<int>(record.size()))) {
    return damaged("not a blob record");
  }
  if (blob.size() > kBlobContentMax) return damaged("too large");
  absl::StatusOr<std::string> content = Decompress(blob.zstd(), blob.size());
  if (!content.ok() || Digest::Of(*content) != digest) return damaged("the content is damaged");
  return content;
}

}  // namespace muster::agent
