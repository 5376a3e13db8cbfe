#include "common/manifest/bundle.h"

#include <algorithm>
#include <compare>
#include <map>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/check.h"
#include "common/base/limits.h"
#include "common/base/status_macros.h"
#include "common/manifest/annotations.h"
#include "common/manifest/json.h"

namespace muster {
namespace {

namespace pb = v1;

// By identity, without copying it.
std::strong_ordering CompareKeys(const pb::ManifestEntry& a, const pb::ManifestEntry& b) {
  return std::tie(a.api_version(), a.kind(), a.namespace_(), a.name()) <=>
         std::tie(b.api_version(), b.kind(), b.namespace_(), b.name());
}

bool SameContent(const pb::ManifestEntry& a, const pb::ManifestEntry& b) {
  return a.digest() == b.digest() && a.size() == b.size() && a.wave() == b.wave() &&
         a.keep() == b.keep() && a.sealed() == b.sealed();
}

absl::Status Invalid(absl::string_view what) { return absl::InvalidArgumentError(what); }

std::string Name(const pb::ManifestEntry& entry) { return KeyOf(entry).text(); }

absl::Status CheckCount(size_t count) {
  if (count <= limits::kObjectsPerBundleMax) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat("bundle: ", count, " objects, at most ",
                                                   limits::kObjectsPerBundleMax, " are allowed"));
}

absl::Status CheckEntry(const pb::ManifestEntry& entry) {
  RETURN_IF_ERROR(CheckKey(KeyOf(entry)));
  if (entry.digest().size() != Digest::kSize) {
    return Invalid(absl::StrCat(Name(entry), ": the digest has ", entry.digest().size(),
                                " bytes, 32 are needed"));
  }
  if (entry.size() == 0 || entry.size() > limits::kObjectBytesMax) {
    return Invalid(absl::StrCat(Name(entry), ": size ", entry.size(), " is not possible, at most ",
                                limits::kObjectBytesMax, " bytes are allowed"));
  }
  return absl::OkStatus();
}

template <typename Entries>
absl::Status CheckSorted(const Entries& entries) {
  for (int i = 1; i < entries.size(); ++i) {
    const std::strong_ordering order = CompareKeys(entries[i - 1], entries[i]);
    if (order < 0) continue;
    return Invalid(
        absl::StrCat(Name(entries[i]), order == 0 ? " is there twice" : " is out of order"));
  }
  return absl::OkStatus();
}

// Who is who in a cluster: the version of an API is only a way to write an object down.
using Identity = std::tuple<std::string, std::string, std::string, std::string>;

absl::Status CheckIdentities(const std::vector<BundleInput>& inputs) {
  std::map<Identity, const BundleInput*> seen;
  for (const BundleInput& input : inputs) {
    const ObjectKey& key = input.object.key;
    const auto [found, added] = seen.try_emplace(
        Identity(std::string(key.group()), key.kind, key.namespace_, key.name), &input);
    if (added) continue;
    const BundleInput& first = *found->second;
    const bool same_version = first.object.key == key;
    return Invalid(absl::StrCat(input.origin, ": ", key.text(), " is the same object as ",
                                same_version ? "the one" : first.object.key.text(), " at ",
                                first.origin, "; keep one of them"));
  }
  return absl::OkStatus();
}

}  // namespace

ObjectKey KeyOf(const pb::ManifestEntry& entry) {
  return ObjectKey{entry.api_version(), entry.kind(), entry.namespace_(), entry.name()};
}

uint64_t ObjectBytes(const pb::Manifest& manifest) {
  uint64_t bytes = 0;
  for (const pb::ManifestEntry& entry : manifest.entries()) bytes += entry.size();
  return bytes;
}

absl::StatusOr<Bundle> MakeBundle(std::vector<BundleInput> inputs) {
  RETURN_IF_ERROR(CheckCount(inputs.size()));
  RETURN_IF_ERROR(CheckIdentities(inputs));
  std::sort(inputs.begin(), inputs.end(),
            [](const BundleInput& a, const BundleInput& b) { return a.object.key < b.object.key; });

  Bundle bundle;
  bundle.blobs.reserve(inputs.size());
  for (const BundleInput& input : inputs) {
    const ObjectKey& key = input.object.key;
    RETURN_IF_ERROR(Annotate(CheckKey(key), input.origin));
    RETURN_IF_ERROR(Annotate(CheckAnnotations(input.object.value), input.origin));
    std::string json = CanonicalJson(input.object.value);
    if (json.size() > limits::kObjectBytesMax) {
      return absl::ResourceExhaustedError(absl::StrCat(input.origin, ": ", key.text(), " has ",
                                                       json.size(), " bytes, at most ",
                                                       limits::kObjectBytesMax, " are allowed"));
    }
    const Digest digest = Digest::Of(json);
    pb::ManifestEntry& entry = *bundle.manifest.add_entries();
    entry.set_api_version(key.api_version);
    entry.set_kind(key.kind);
    entry.set_namespace_(key.namespace_);
    entry.set_name(key.name);
    entry.set_digest(digest.bytes());
    entry.set_size(static_cast<uint32_t>(json.size()));
    entry.set_wave(input.wave != 0 ? input.wave : WaveOf(input.object.value));
    entry.set_keep(AsksToBeKept(input.object.value));
    entry.set_sealed(input.sealed);
    bundle.object_bytes += json.size();
    bundle.blobs.push_back({digest, std::move(json)});
  }
  // Keys are part of the JSON, so no two objects share a blob; sorted for those who look one up.
  std::sort(bundle.blobs.begin(), bundle.blobs.end(),
            [](const Bundle::Blob& a, const Bundle::Blob& b) { return a.digest < b.digest; });
  bundle.manifest_bytes = EncodeManifest(bundle.manifest);
  bundle.digest = BundleDigest(bundle.manifest_bytes);
  return bundle;
}

std::string EncodeManifest(const pb::Manifest& manifest) {
  CHECK_OK(CheckManifest(manifest));
  std::string bytes;
  CHECK(manifest.SerializeToString(&bytes));
  return bytes;
}

absl::Status CheckManifest(const pb::Manifest& manifest) {
  RETURN_IF_ERROR(CheckCount(manifest.entries_size()));
  for (const pb::ManifestEntry& entry : manifest.entries()) {
    RETURN_IF_ERROR(Annotate(CheckEntry(entry), "manifest"));
  }
  return Annotate(CheckSorted(manifest.entries()), "manifest");
}

absl::StatusOr<pb::Manifest> ParseManifest(absl::string_view bytes) {
  if (bytes.size() > limits::kManifestBytesMax) {
    return absl::ResourceExhaustedError(absl::StrCat("manifest: ", bytes.size(), " bytes, at most ",
                                                     limits::kManifestBytesMax, " are read"));
  }
  pb::Manifest manifest;
  if (!manifest.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return Invalid("manifest: these bytes are no manifest");
  }
  RETURN_IF_ERROR(CheckManifest(manifest));
  // Unknown fields, fields twice or out of order, long varints: whatever is not the one form.
  manifest.DiscardUnknownFields();
  std::string again;
  CHECK(manifest.SerializeToString(&again));
  if (again != bytes) return Invalid("manifest: these bytes are not in canonical form");
  return manifest;
}

absl::StatusOr<Object> ParseBundleObject(const pb::ManifestEntry& entry, absl::string_view json) {
  const std::string name = Name(entry);
  if (json.size() != entry.size() || Digest::Of(json).view() != entry.digest()) {
    return Invalid(absl::StrCat(name, ": these are not the bytes that the manifest names"));
  }
  absl::StatusOr<Value> value = ParseJson(json);
  if (!value.ok()) return Annotate(value.status(), name);
  if (CanonicalJson(*value) != json) {
    return Invalid(absl::StrCat(name, ": the JSON is not in canonical form"));
  }
  absl::StatusOr<Object> object = MakeObject(*std::move(value));
  if (!object.ok()) return Annotate(object.status(), name);
  if (object->key != KeyOf(entry)) {
    return Invalid(absl::StrCat(name, ": the object says that it is ", object->key.text()));
  }
  return object;
}

absl::StatusOr<pb::ManifestDelta> MakeManifestDelta(absl::string_view base_bytes,
                                                    absl::string_view target_bytes) {
  ASSIGN_OR_RETURN(const pb::Manifest base, ParseManifest(base_bytes));
  ASSIGN_OR_RETURN(const pb::Manifest target, ParseManifest(target_bytes));
  pb::ManifestDelta delta;
  delta.set_base_digest(BundleDigest(base_bytes).bytes());
  delta.set_target_digest(BundleDigest(target_bytes).bytes());
  int i = 0;
  int j = 0;
  while (i < base.entries_size() || j < target.entries_size()) {
    const std::strong_ordering order = i == base.entries_size() ? std::strong_ordering::greater
                                       : j == target.entries_size()
                                           ? std::strong_ordering::less
                                           : CompareKeys(base.entries(i), target.entries(j));
    if (order < 0) {
      delta.add_removed(i++);
    } else if (order > 0) {
      *delta.add_changed() = target.entries(j++);
    } else {
      if (!SameContent(base.entries(i), target.entries(j))) {
        *delta.add_changed() = target.entries(j);
      }
      ++i;
      ++j;
    }
  }
  return delta;
}

absl::StatusOr<std::string> ApplyManifestDelta(absl::string_view base_bytes,
                                               const pb::ManifestDelta& delta) {
  if (BundleDigest(base_bytes).view() != delta.base_digest()) {
    return absl::FailedPreconditionError("manifest delta: it was made for another base");
  }
  ASSIGN_OR_RETURN(pb::Manifest base, ParseManifest(base_bytes));
  for (const pb::ManifestEntry& entry : delta.changed()) {
    RETURN_IF_ERROR(Annotate(CheckEntry(entry), "manifest delta"));
  }
  RETURN_IF_ERROR(Annotate(CheckSorted(delta.changed()), "manifest delta"));
  for (int i = 0; i < delta.removed_size(); ++i) {
    const bool ascending = i == 0 || delta.removed(i - 1) < delta.removed(i);
    if (!ascending || delta.removed(i) >= static_cast<uint32_t>(base.entries_size())) {
      return Invalid("manifest delta: the removed indices do not fit the base");
    }
  }

  pb::Manifest target;
  int removed = 0;
  int changed = 0;
  for (int i = 0; i < base.entries_size(); ++i) {
    pb::ManifestEntry& entry = *base.mutable_entries(i);
    while (changed < delta.changed_size() && CompareKeys(delta.changed(changed), entry) < 0) {
      *target.add_entries() = delta.changed(changed++);
    }
    const bool replaced =
        changed < delta.changed_size() && CompareKeys(delta.changed(changed), entry) == 0;
    if (replaced) *target.add_entries() = delta.changed(changed++);
    if (removed < delta.removed_size() && delta.removed(removed) == static_cast<uint32_t>(i)) {
      ++removed;
      if (replaced) {
        return Invalid(absl::StrCat("manifest delta: ", Name(entry), " is removed and changed"));
      }
    } else if (!replaced) {
      *target.add_entries() = std::move(entry);
    }
  }
  while (changed < delta.changed_size()) *target.add_entries() = delta.changed(changed++);
  RETURN_IF_ERROR(CheckCount(target.entries_size()));
  return EncodeManifest(target);
}

}  // namespace muster
