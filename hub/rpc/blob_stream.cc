#include "hub/rpc/blob_stream.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/limits.h"
#include "common/base/status_macros.h"
#include "common/net/rpc_status.h"

namespace muster::hub {

namespace pb = muster::v1;

void BlobStream::Start() {
  self_ = shared_from_this();
  Run(&BlobStream::Admit);
}

void BlobStream::Run(absl::Status (BlobStream::*step)()) {
  const bool queued = parts_.workers.Run([this, step] {
    const absl::Status status = (this->*step)();
    if (!status.ok()) Finish(ToGrpc(status));
  });
  if (!queued) Finish(ToGrpc(absl::UnavailableError("the hub is stopping")));
}

absl::Status BlobStream::Admit() {
  if (request_.blobs_size() > limits::kBlobsPerFetchMax) {
    return absl::InvalidArgumentError(absl::StrCat("fetch of ", request_.blobs_size(),
                                                   " blobs: at most ", limits::kBlobsPerFetchMax));
  }
  std::vector<Digest> wanted;
  for (const pb::BlobRequest& blob : request_.blobs()) {
    ASSIGN_OR_RETURN(const Digest digest, Digest::FromBytes(blob.digest()));
    wanted.push_back(digest);
  }
  RETURN_IF_ERROR(parts_.access.Check(bundles_, wanted));
  return Load();
}

absl::Status BlobStream::Load() {
  batch_.Clear();
  batch_bytes_ = 0;
  while (batch_bytes_ < limits::kChunkBytesMax) {
    if (opened()) {
      AddChunk();
    } else if (next_ < request_.blobs_size()) {
      RETURN_IF_ERROR(OpenNext());
    } else {
      break;
    }
  }
  if (batch_.chunks().empty()) {
    Finish(grpc::Status::OK);
  } else {
    StartWrite(&batch_);
  }
  return absl::OkStatus();
}

absl::Status BlobStream::OpenNext() {
  const pb::BlobRequest& wanted = request_.blobs(next_++);
  ASSIGN_OR_RETURN(const Digest digest, Digest::FromBytes(wanted.digest()));
  ASSIGN_OR_RETURN(record_, ReadBlob(parts_.store, digest));
  if (wanted.offset() > record_.zstd().size()) {
    return absl::OutOfRangeError(absl::StrCat("blob ", digest.short_hex(), ": offset ",
                                              wanted.offset(), " is past its end"));
  }
  head_.set_digest(wanted.digest());
  head_.set_size(record_.size());
  head_.set_stored_size(record_.zstd().size());
  offset_ = wanted.offset();
  if (AddDelta(wanted, digest)) offset_ = record_.zstd().size();
  return absl::OkStatus();
}

void BlobStream::AddChunk() {
  const size_t room = limits::kChunkBytesMax - batch_bytes_;
  const size_t size = std::min<size_t>(room, record_.zstd().size() - offset_);
  pb::BlobChunk& chunk = *batch_.add_chunks();
  chunk = head_;
  chunk.set_offset(offset_);
  chunk.set_data(record_.zstd().substr(offset_, size));
  offset_ += size;
  batch_bytes_ += size;
}

void BlobStream::OnWriteDone(bool ok) {
  if (ok) {
    Run(&BlobStream::Load);
  } else {
    Finish(ToGrpc(absl::UnavailableError("the connection broke")));
  }
}

bool BlobStream::AddDelta(const pb::BlobRequest& wanted, const Digest& digest) {
  if (wanted.base_digest().empty() || wanted.offset() != 0) return false;
  const absl::StatusOr<Digest> base = Digest::FromBytes(wanted.base_digest());
  if (!base.ok()) return false;
  const std::optional<pb::ManifestDelta> delta =
      DeltaBetween(parts_.store, bases_, *base, digest, record_.zstd().size());
  if (!delta.has_value()) return false;
  pb::BlobChunk& chunk = *batch_.add_chunks();
  chunk = head_;
  batch_bytes_ += delta->ByteSizeLong();
  *chunk.mutable_delta() = *delta;
  return true;
}

}  // namespace muster::hub
