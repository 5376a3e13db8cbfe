#include "agent/core/patch.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "common/base/check.h"
#include "common/base/digest.h"
#include "common/manifest/bundle.h"

namespace muster::agent {
namespace pb = muster::v1;
namespace {

// ---- the wire form of pb::Manifest, written without making one

void AppendVarint(uint64_t value, std::string& out) {
  while (value >= 0x80) {
    out += static_cast<char>(value | 0x80);
    value >>= 7;
  }
  out += static_cast<char>(value);
}

void AppendBytes(char tag, absl::string_view bytes, std::string& out) {
  if (bytes.empty()) return;
  out += tag;
  AppendVarint(bytes.size(), out);
  out.append(bytes.data(), bytes.size());
}

struct EntryView {
  const ObjectKey& key;
  absl::string_view digest;
  uint32_t size;
  int32_t wave;
  bool keep;
  bool sealed;
};

// Appends the entry as field 1 of a Manifest; `scratch` is only lent.
void AppendEntry(const EntryView& entry, std::string& scratch, std::string& out) {
  scratch.clear();
  AppendBytes(0x0A, entry.key.api_version, scratch);
  AppendBytes(0x12, entry.key.kind, scratch);
  AppendBytes(0x1A, entry.key.namespace_, scratch);
  AppendBytes(0x22, entry.key.name, scratch);
  AppendBytes(0x2A, entry.digest, scratch);
  if (entry.size != 0) {
    scratch += 0x30;
    AppendVarint(entry.size, scratch);
  }
  if (entry.wave != 0) {
    scratch += 0x38;
    AppendVarint(static_cast<uint64_t>(int64_t{entry.wave}), scratch);
  }
  if (entry.keep) scratch += "\x40\x01";
  if (entry.sealed) scratch += "\x48\x01";
  AppendBytes(0x0A, scratch, out);
}

// The changed entries when they could stand in a manifest: sorted, unique, of good form.
bool IsGoodForm(const pb::ManifestDelta& delta) {
  pb::Manifest changed;
  *changed.mutable_entries() = delta.changed();
  return CheckManifest(changed).ok() &&
         std::is_sorted(delta.removed().begin(), delta.removed().end());
}

// Collects the target's entries in order.
class Target {
 public:
  void Add(const EntryView& entry) {
    ++count_;
    object_bytes_ += entry.size;
    AppendEntry(entry, scratch_, bytes_);
  }
  void Add(const ObjectKey& key, const pb::ManifestEntry& entry) {
    Add(EntryView{key, entry.digest(), entry.size(), entry.wave(), entry.keep(), entry.sealed()});
  }

  bool Is(const pb::DesiredPackage& desired) const {
    return bytes_.size() == desired.manifest_bytes() && count_ == desired.object_count() &&
           object_bytes_ == desired.object_bytes() &&
           Digest::Of(bytes_).view() == desired.bundle_digest();
  }
  std::string Take() { return std::move(bytes_); }

 private:
  std::string bytes_;
  std::string scratch_;
  uint32_t count_ = 0;
  uint64_t object_bytes_ = 0;
};

}  // namespace

std::optional<std::string> PatchedManifest(const PackageState& package,
                                           const pb::ManifestDelta& delta,
                                           const pb::DesiredPackage& desired) {
  if (package.removing() || package.target.empty() ||
      package.target.view() != delta.base_digest() || !IsGoodForm(delta)) {
    return std::nullopt;
  }
  Target target;
  auto changed = delta.changed().begin();
  auto removed = delta.removed().begin();
  std::optional<ObjectKey> next;  // of `changed`
  const auto read_next = [&] {
    next.reset();
    if (changed != delta.changed().end()) next = KeyOf(*changed);
  };
  read_next();
  uint32_t index = 0;  // in the base's manifest, which has the desired items
  for (const Item& item : package.items) {
    if (!item.is_desired()) continue;
    const bool is_removed = removed != delta.removed().end() && *removed == index;
    if (is_removed) ++removed;
    ++index;
    while (next.has_value() && *next < item.key) {
      target.Add(*next, *changed++);
      read_next();
    }
    if (next.has_value() && *next == item.key) {
      if (is_removed) return std::nullopt;
      target.Add(*next, *changed++);
      read_next();
    } else if (!is_removed) {
      target.Add(
          EntryView{item.key, item.desired.view(), item.size, item.wave, item.keep, item.sealed});
    }
  }
  while (next.has_value()) {
    target.Add(*next, *changed++);
    read_next();
  }
  if (removed != delta.removed().end() || !target.Is(desired)) return std::nullopt;
  return target.Take();
}

void PatchTarget(PackageState& package, const pb::ManifestDelta& delta, absl::Time now) {
  CHECK(package.target.view() == delta.base_digest()) << package.name;
  auto removed = delta.removed().begin();
  uint32_t index = 0;
  for (Item& item : package.items) {
    if (removed == delta.removed().end()) break;
    if (!item.is_desired() || index++ != *removed) continue;
    ++removed;
    item.desired = Digest();
    item.contested = false;
  }
  for (const pb::ManifestEntry& entry : delta.changed()) {
    ObjectKey key = KeyOf(entry);
    const auto at =
        std::lower_bound(package.items.begin(), package.items.end(), key,
                         [](const Item& item, const ObjectKey& other) { return item.key < other; });
    Item* item;
    if (at != package.items.end() && at->key == key) {
      item = &*at;
      Revive(*item);
    } else {
      item = &*package.items.insert(at, Item());
      item->key = std::move(key);
    }
    item->desired = *Digest::FromBytes(entry.digest());
    item->size = entry.size();
    item->wave = entry.wave();
    item->keep = entry.keep();
    item->sealed = entry.sealed();
    item->compared = 0;
    package.troubles.erase(item->key);
  }
  if (delta.removed_size() > 0) {
    std::erase_if(package.items,
                  [](const Item& item) { return !item.is_desired() && !item.in_inventory(); });
    std::erase_if(package.troubles,
                  [&](const auto& trouble) { return package.Find(trouble.first) == nullptr; });
    std::erase_if(package.ailing,
                  [&](const auto& ails) { return package.Find(ails.first) == nullptr; });
  }
  package.target = *Digest::FromBytes(delta.target_digest());
  package.progress_since = now;
  package.plan_due = true;
}

}  // namespace muster::agent
