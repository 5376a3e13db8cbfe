// Object: a Kubernetes object as a manifest has it, and the key that tells it from all others.
//
// What rendering ends in and what a bundle is made of. Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/manifest/value.h"

namespace muster {

// The identity of an object in a cluster. Ordered by its fields, as the entries of a bundle are.
struct ObjectKey {
  std::string api_version;  // "v1", "apps/v1"
  std::string kind;
  std::string namespace_;  // empty for cluster-scoped objects
  std::string name;

  // "apps/v1" is version v1 of group apps; "v1" is version v1 of the core group, which is "".
  absl::string_view group() const;
  absl::string_view version() const;

  // For people and file names: "apps/v1/Deployment/web/frontend", "v1/Namespace/web".
  std::string text() const;

  // Reads text() of a key that passes CheckKey back. Returns kInvalidArgument for anything else.
  static absl::StatusOr<ObjectKey> FromText(absl::string_view text);

  friend auto operator<=>(const ObjectKey&, const ObjectKey&) = default;

  template <typename H>
  friend H AbslHashValue(H state, const ObjectKey& key) {
    return H::combine(std::move(state), key.api_version, key.kind, key.namespace_, key.name);
  }
};

// An object with its key. The key repeats what the value says: whoever changes apiVersion, kind,
// namespace or name of the value makes the object anew.
struct Object {
  ObjectKey key;
  Value value;
};

// Checks that `value` is an object with an identity and makes it one. Returns kInvalidArgument and
// the reason: no apiVersion, kind or metadata.name; only a generateName, which names nothing; a
// field of the wrong type, labels and annotations that are no text among them; a name that no API
// server would take (and that may not become a path).
absl::StatusOr<Object> MakeObject(Value value);

// What MakeObject asks of a key. A key that passes may become part of a path.
absl::Status CheckKey(const ObjectKey& key);

// One object of a document that may be a list of objects.
struct ListItem {
  Value value;
  std::string pointer;  // where it was in the document; "" for the document itself
};

// Takes apart `kind: List` (and ConfigMapList and the like: a kind that ends in List, with `items`
// and without a name), lists within lists too; any other document comes back as it is. Returns
// kInvalidArgument when `items` is not a list of maps.
absl::StatusOr<std::vector<ListItem>> ExpandLists(Value document);

// Whether objects of this kind live outside of namespaces: Kubernetes' own kinds and the best known
// of others. A kind that is not known counts as namespaced, which is what most are.
bool IsClusterScoped(absl::string_view group, absl::string_view kind);

// When objects of this kind are applied: lower first, so that what others need is there
// (namespaces, definitions, accounts and rights, configuration, services, workloads, custom
// objects, webhooks). Removal goes the other way. Equal numbers have no order among them.
int ApplyOrder(absl::string_view group, absl::string_view kind);

// The order in which objects are applied: by ApplyOrder, then by key, so that it is the same
// everywhere.
bool AppliesBefore(const ObjectKey& a, const ObjectKey& b);

}  // namespace muster
