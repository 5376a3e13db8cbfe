#include "common/plan/bundle_diff.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/manifest/bundle.h"
#include "common/manifest/json.h"
#include "common/plan/field_diff.h"
#include "common/plan/rails.h"

namespace muster {
namespace {

namespace pb = muster::v1;

using Entries = std::map<ObjectIdentity, pb::ManifestEntry>;

ObjectIdentity IdentityOf(const pb::ManifestEntry& entry) {
  const ObjectKey key = KeyOf(entry);
  return {std::string(key.group()), key.kind, key.namespace_, key.name};
}

absl::StatusOr<Entries> ReadEntries(const Digest& bundle, const BlobReader& read) {
  Entries entries;
  if (bundle.empty()) return entries;
  ASSIGN_OR_RETURN(const std::string bytes, read(bundle));
  if (Digest::Of(bytes) != bundle) {
    return absl::DataLossError(absl::StrCat("the manifest of bundle ", bundle.short_hex(),
                                            " is not what its digest says"));
  }
  const absl::StatusOr<pb::Manifest> manifest = ParseManifest(bytes);
  if (!manifest.ok()) {
    return absl::DataLossError(absl::StrCat("the manifest of bundle ", bundle.short_hex(), ": ",
                                            manifest.status().message()));
  }
  for (const pb::ManifestEntry& entry : manifest->entries()) entries[IdentityOf(entry)] = entry;
  return entries;
}

absl::StatusOr<Value> ReadObject(const pb::ManifestEntry& entry, const BlobReader& read) {
  ASSIGN_OR_RETURN(const Digest digest, Digest::FromBytes(entry.digest()));
  ASSIGN_OR_RETURN(const std::string json, read(digest));
  absl::StatusOr<Object> object = ParseBundleObject(entry, json);
  if (!object.ok()) {
    return absl::DataLossError(
        absl::StrCat("object ", KeyOf(entry).text(), ": ", object.status().message()));
  }
  return std::move(object->value);
}

pb::PlanObject ObjectOf(const pb::ManifestEntry& entry, pb::PlanObject::What what) {
  pb::PlanObject object;
  object.set_what(what);
  object.set_api_version(entry.api_version());
  object.set_kind(entry.kind());
  object.set_namespace_(entry.namespace_());
  object.set_name(entry.name());
  return object;
}

// Whether the value at `pointer` is nobody's to see.
bool IsHidden(const pb::ManifestEntry& entry, absl::string_view pointer) {
  if (entry.sealed() && absl::StartsWith(pointer, "/sealed")) return true;
  if (entry.kind() != "Secret" || entry.api_version() != "v1") return false;
  // Annotations too: kubectl keeps the whole object in one.
  for (const absl::string_view prefix : {"/data", "/stringData", "/metadata/annotations"}) {
    if (absl::StartsWith(pointer, prefix)) return true;
  }
  return false;
}

std::string Shown(const Value* value) {
  if (value == nullptr) return "";
  std::string text = CanonicalJson(*value);
  if (text.size() <= kPlanValueBytes) return text;
  size_t end = kPlanValueBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return absl::StrCat(text.substr(0, end), "...");
}

std::string Whole(const Value* value) { return value == nullptr ? "-" : CanonicalJson(*value); }

absl::StatusOr<ObjectChange> Changed(const pb::ManifestEntry& before,
                                     const pb::ManifestEntry& after, const BlobReader& read) {
  ASSIGN_OR_RETURN(const Value old_value, ReadObject(before, read));
  ASSIGN_OR_RETURN(const Value new_value, ReadObject(after, read));
  ObjectChange change;
  change.identity = IdentityOf(after);
  change.object = ObjectOf(after, pb::PlanObject::WHAT_CHANGED);
  change.signature = "changed";
  const std::vector<FieldDiff> fields = DiffFields(old_value, new_value);
  for (const FieldDiff& field : fields) {
    absl::StrAppend(&change.signature, "\n", field.pointer, "\n", Whole(field.before), "\n",
                    Whole(field.after));
    if (change.object.fields_size() == kPlanFieldsMax) continue;
    pb::PlanField& shown = *change.object.add_fields();
    shown.set_pointer(field.pointer);
    shown.set_path(field.path);
    shown.set_hidden(IsHidden(before, field.pointer) || IsHidden(after, field.pointer));
    if (shown.hidden()) continue;
    shown.set_before(Shown(field.before));
    shown.set_after(Shown(field.after));
  }
  change.object.set_fields_total(static_cast<int>(fields.size()));
  return change;
}

bool IsSame(const pb::ManifestEntry& a, const pb::ManifestEntry& b) {
  return a.digest() == b.digest() && a.sealed() == b.sealed();
}

std::string ProtectedBy(const pb::PlanObject& object) {
  if (IsProtectedKind(object.kind())) {
    return absl::StrCat("objects of kind ", object.kind(),
                        " are never deleted by Muster: delete it by hand, or put it back");
  }
  const auto& kept = ProtectedNamespaces();
  if (std::find(kept.begin(), kept.end(), object.namespace_()) != kept.end()) {
    return absl::StrCat("nothing in namespace ", object.namespace_(),
                        " is ever deleted by Muster: delete it by hand, or put it back");
  }
  return "";
}

pb::PlanStop Stop(absl::string_view rail, std::string message) {
  pb::PlanStop stop;
  stop.set_rail(std::string(rail));
  stop.set_message(std::move(message));
  return stop;
}

}  // namespace

absl::StatusOr<BundleDiff> DiffBundles(const Digest& current, const Digest& next,
                                       const BlobReader& read) {
  ASSIGN_OR_RETURN(const Entries before, ReadEntries(current, read));
  ASSIGN_OR_RETURN(const Entries after, ReadEntries(next, read));
  BundleDiff diff;
  diff.managed = static_cast<int>(before.size());
  for (const auto& [identity, entry] : before) {
    const auto stays = after.find(identity);
    if (stays == after.end()) {
      const auto what = entry.keep() ? pb::PlanObject::WHAT_LEFT : pb::PlanObject::WHAT_DELETED;
      diff.changes.push_back({identity, ObjectOf(entry, what), "gone"});
    } else if (!IsSame(entry, stays->second)) {
      ASSIGN_OR_RETURN(ObjectChange change, Changed(entry, stays->second, read));
      diff.changes.push_back(std::move(change));
    }
  }
  for (const auto& [identity, entry] : after) {
    if (before.contains(identity)) continue;
    diff.changes.push_back({identity, ObjectOf(entry, pb::PlanObject::WHAT_ADDED), "added"});
  }
  std::sort(diff.changes.begin(), diff.changes.end(),
            [](const auto& a, const auto& b) { return a.identity < b.identity; });
  return diff;
}

std::vector<pb::PlanStop> ApplyRails(const pb::SyncPolicy& sync, BundleDiff& diff) {
  std::vector<pb::PlanObject*> removable;
  int kinds = 0, namespaces = 0;
  for (ObjectChange& change : diff.changes) {
    pb::PlanObject& object = change.object;
    if (object.what() != pb::PlanObject::WHAT_DELETED) continue;
    if (sync.no_prune()) {
      object.set_what(pb::PlanObject::WHAT_LEFT);
      continue;
    }
    object.set_held(ProtectedBy(object));
    if (object.held().empty()) {
      removable.push_back(&object);
    } else {
      ++(IsProtectedKind(object.kind()) ? kinds : namespaces);
    }
  }
  std::vector<pb::PlanStop> stops;
  if (kinds > 0) {
    stops.push_back(
        Stop("ProtectedKind", absl::StrCat(kinds,
                                           " of a protected kind would leave Git; Muster never "
                                           "deletes them: delete by hand, or put them back")));
  }
  if (namespaces > 0) {
    stops.push_back(
        Stop("ProtectedNamespace", absl::StrCat(namespaces,
                                                " in a protected namespace would leave Git; "
                                                "Muster never deletes them: delete by hand, or "
                                                "put them back")));
  }
  const int count = static_cast<int>(removable.size());
  const int budget = DeletionBudget(sync, diff.managed);
  if (count <= budget) return stops;
  const std::string why = absl::StrCat(
      count, " of ", diff.managed, " objects would be deleted, the budget is ", budget,
      ": delete them in smaller steps, or leave them with prune: false or onRemoval: orphan");
  for (pb::PlanObject* object : removable) object->set_held(why);
  stops.push_back(Stop("DeletionBudget", why));
  return stops;
}

}  // namespace muster
