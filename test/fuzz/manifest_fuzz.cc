// Manifests and deltas from anywhere: never a crash, and what is accepted has one form.
// Run: bazel run --config=fuzz //test/fuzz:manifest_fuzz -- -runs=1000000
#include <cstddef>
#include <cstdint>

#include <google/protobuf/stubs/logging.h>

#include "common/base/check.h"
#include "common/manifest/bundle.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const google::protobuf::LogSilencer silence;
  if (size == 0) return 0;
  // The first byte says where the base ends and the delta begins.
  const absl::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t split = text.size() * data[0] / 255;
  const absl::string_view base = text.substr(0, split);
  const auto manifest = muster::ParseManifest(base);
  if (!manifest.ok()) return 0;
  CHECK_EQ(muster::EncodeManifest(*manifest), base);

  muster::v1::ManifestDelta delta;
  if (!delta.ParseFromArray(text.data() + split, static_cast<int>(text.size() - split))) return 0;
  delta.set_base_digest(muster::BundleDigest(base).bytes());
  const auto target = muster::ApplyManifestDelta(base, delta);
  if (!target.ok()) return 0;
  const auto made = muster::MakeManifestDelta(base, *target);
  CHECK_OK(made);
  const auto again = muster::ApplyManifestDelta(base, *made);
  CHECK_OK(again);
  CHECK(*again == *target);
  return 0;
}
