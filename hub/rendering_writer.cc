#include "hub/rendering_writer.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/base/check.h"
#include "common/base/compression.h"
#include "common/base/status_macros.h"
#include "common/manifest/bundle.h"
#include "hub/core/keys.h"
#include "proto/storage.pb.h"

namespace muster::hub {
namespace {

namespace pb = muster::v1;

constexpr size_t kBatchBytesMax = 8u << 20;

absl::Status Wrong(absl::string_view what) {
  return absl::DataLossError(absl::StrCat("the render worker's answer is wrong: ", what));
}

// Whether `sources` speak of each of so many objects. They only help people, so that wrong ones are
// left out and no more.
bool Fits(const pb::ObjectSources& sources, int objects) {
  if (sources.file_size() != objects || sources.line_size() != objects) return false;
  return std::all_of(sources.file().begin(), sources.file().end(), [&](uint32_t file) {
    return file < static_cast<uint32_t>(sources.files_size());
  });
}

}  // namespace

absl::StatusOr<Rendered> RenderingWriter::Add(const pb::RenderOutput& output) {
  Rendered rendered;
  rendered.engine = output.engine();
  rendered.engine_version = output.engine_version();
  rendered.uses.assign(output.uses().begin(), output.uses().end());
  rendered.uses_known = output.uses_known();
  rendered.repositories.assign(output.repositories().begin(), output.repositories().end());
  rendered.charts.assign(output.charts().begin(), output.charts().end());
  if (!output.input_digest().empty()) {
    ASSIGN_OR_RETURN(rendered.input, Digest::FromBytes(output.input_digest()));
  }
  if (output.code() != 0) {
    rendered.status = absl::Status(static_cast<absl::StatusCode>(output.code()), output.message());
    return rendered;
  }
  if (rendered.input.empty()) return Wrong("a rendering without its input's digest");
  if (!output.manifest().empty()) {
    RETURN_IF_ERROR(AddBundle(output, &rendered));
    by_input_[rendered.input] = rendered;
    return rendered;
  }
  // Made a moment ago for another input, or known to the core.
  const auto made = by_input_.find(rendered.input);
  return made == by_input_.end() ? rendered : made->second;
}

absl::Status RenderingWriter::AddBundle(const pb::RenderOutput& output, Rendered* rendered) {
  const auto manifest = ParseManifest(output.manifest());
  if (!manifest.ok()) return Wrong(manifest.status().message());
  if (manifest->entries_size() != output.objects_size()) return Wrong("objects are missing");
  for (int i = 0; i < output.objects_size(); ++i) {
    const pb::ManifestEntry& entry = manifest->entries(i);
    const std::string& object = output.objects(i);
    const Digest digest = Digest::Of(object);
    if (digest.view() != entry.digest() || object.size() != entry.size()) {
      return Wrong(absl::StrCat("object '", entry.name(), "' is not the one in its manifest"));
    }
    RETURN_IF_ERROR(PutBlob(digest, object));
  }
  rendered->bundle = BundleDigest(output.manifest());
  rendered->manifest_bytes = output.manifest().size();
  rendered->object_count = static_cast<uint32_t>(manifest->entries_size());
  rendered->object_bytes = ObjectBytes(*manifest);
  if (Fits(output.sources(), output.objects_size())) {
    batch_.Put(keys::Sources(rendered->input), output.sources().SerializeAsString());
  }
  // Last, so that a manifest in the store always has its objects there.
  return PutBlob(rendered->bundle, output.manifest());
}

absl::Status RenderingWriter::PutBlob(const Digest& digest, absl::string_view content) {
  if (!in_batch_.insert(digest).second) return absl::OkStatus();
  const std::string key = keys::Blob(digest);
  const absl::Status there = store_->Get(key).status();
  if (there.ok()) return absl::OkStatus();
  // A damaged blob is mended by writing it anew.
  if (there.code() != absl::StatusCode::kNotFound && there.code() != absl::StatusCode::kDataLoss) {
    return there;
  }
  pb::BlobRecord record;
  record.set_size(content.size());
  record.set_zstd(Compress(content));
  batch_.Put(key, record.SerializeAsString());
  return batch_.bytes() < kBatchBytesMax ? absl::OkStatus() : Flush();
}

absl::Status RenderingWriter::Flush() {
  const absl::Status status = store_->Commit(batch_);
  // Full disks pass; a store that lost count of itself does not.
  CHECK(status.ok() || status.code() == absl::StatusCode::kResourceExhausted) << status;
  batch_.Clear();
  in_batch_.clear();
  return status;
}

}  // namespace muster::hub
