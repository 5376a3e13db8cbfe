// Bundles: the objects of a package in their immutable form, and the way from one bundle to
// another.
//
// A bundle is a manifest (the sorted list of its objects: key, digest, size) and a blob for each
// object (its canonical JSON). The SHA-256 of the manifest's bytes names the bundle. Bytes that
// were hashed are kept and passed on as they are; what comes from outside is read strictly, so that
// one bundle has one form. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/base/digest.h"
#include "common/manifest/object.h"
#include "proto/fleet.pb.h"

namespace muster {

// An object on its way into a bundle.
struct BundleInput {
  Object object;
  std::string origin;   // for messages: "apps/web.yaml:12:1"
  int32_t wave = 0;     // apply order within the package; zero: as the object is annotated
  bool sealed = false;  // the object is in its sealed form (sealed.h)
};

struct Bundle {
  // One blob.
  struct Blob {
    Digest digest;
    std::string json;  // canonical
  };

  Digest digest;  // of manifest_bytes
  std::string manifest_bytes;
  v1::Manifest manifest;      // the same, to be read
  std::vector<Blob> blobs;    // sorted by digest, each once
  uint64_t object_bytes = 0;  // sum of the entries' sizes
};

// Makes a bundle. Equal objects make equal bytes, whatever their order. Returns kInvalidArgument
// for two objects of one identity (in one version or in two), naming both origins, and for an
// annotation of ours that means nothing (annotations.h);
// kResourceExhausted past limits.h. No objects make the empty bundle; whether that is meant is for
// the caller to ask.
absl::StatusOr<Bundle> MakeBundle(std::vector<BundleInput> inputs);

// The name of the bundle with this manifest.
inline Digest BundleDigest(absl::string_view manifest_bytes) { return Digest::Of(manifest_bytes); }

// The bytes that are hashed. Requires: entries that CheckManifest accepts.
std::string EncodeManifest(const v1::Manifest& manifest);

// Reads manifest bytes. Returns kInvalidArgument unless they are what EncodeManifest makes: sorted,
// no duplicates, keys that may become paths, no unknown fields, no second spelling; and
// kResourceExhausted past limits.h.
absl::StatusOr<v1::Manifest> ParseManifest(absl::string_view bytes);

// What ParseManifest asks of the entries.
absl::Status CheckManifest(const v1::Manifest& manifest);

// The key of an entry.
ObjectKey KeyOf(const v1::ManifestEntry& entry);

// Sum of the entries' sizes.
uint64_t ObjectBytes(const v1::Manifest& manifest);

// Reads a blob of a bundle and checks that it is the object that the entry names: digest, size,
// canonical form, key. Returns kInvalidArgument otherwise.
absl::StatusOr<Object> ParseBundleObject(const v1::ManifestEntry& entry, absl::string_view json);

// What leads from one manifest to another: a changed field of one object costs some 200 bytes,
// however many objects there are. Errors are those of ParseManifest.
absl::StatusOr<v1::ManifestDelta> MakeManifestDelta(absl::string_view base_bytes,
                                                    absl::string_view target_bytes);

// The target's bytes. The caller must compare their digest with the one that the signed desired
// state names: the delta's own word for it is not trusted, here neither. Returns
// kFailedPrecondition when `base_bytes` are not the base that the delta was made for, and
// kInvalidArgument when it does not fit or does not lead to a manifest.
absl::StatusOr<std::string> ApplyManifestDelta(absl::string_view base_bytes,
                                               const v1::ManifestDelta& delta);

}  // namespace muster
