// Gvk and ResId: how Kustomize names objects.
//
// Not ObjectKey: an id may lack a version or a name, "" and "default" are one namespace, and kinds
// that are known to live outside of namespaces have none at all. Pure; any thread.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "common/manifest/value.h"

namespace muster::kustomize {

struct Gvk {
  std::string group;
  std::string version;
  std::string kind;

  // "apps/v1" and "v1" taken apart.
  static Gvk Of(absl::string_view api_version, absl::string_view kind);
  // Of an object; empty where a field is missing or no text.
  static Gvk OfObject(const Value& object);

  std::string api_version() const;
  // "Deployment.v1.apps", "Service.v1.[noGrp]", as Kustomize's messages have it.
  std::string text() const;
  bool empty() const { return group.empty() && version.empty() && kind.empty(); }

  // Whether every field that `selector` gives is equal.
  bool IsSelectedBy(const Gvk& selector) const;

  friend bool operator==(const Gvk&, const Gvk&) = default;
};

// Kustomize's order of kinds in its own tables: what others need first, then by group, version and
// kind.
bool KindsBefore(const Gvk& a, const Gvk& b);

// Where a kind stands in that order, which is also the legacy order of what is printed: below zero
// what others need, above zero webhooks.
int LegacyRankOf(absl::string_view kind);
// Orders kinds of one rank.
std::string LegacyTextOf(const Gvk& gvk);

// Whether Kustomize's built-in schema (Kubernetes 1.21) says that this kind lives outside of
// namespaces. Kinds that it does not know count as namespaced, unlike muster::IsClusterScoped.
bool IsCertainlyClusterScoped(const Gvk& gvk);

struct ResId {
  Gvk gvk;
  std::string name;
  std::string namespace_;

  // Of an object as it is now.
  static ResId OfObject(const Value& object);

  // The namespace for comparisons: "default" for none, kNoNamespace for cluster-scoped kinds.
  std::string EffectiveNamespace() const;
  // Same kind, version, group, name and effective namespace.
  bool Equals(const ResId& other) const;
  bool GvknEquals(const ResId& other) const { return name == other.name && gvk == other.gvk; }

  // "Deployment.v1.apps/web.[noNs]", as Kustomize's messages have it.
  std::string text() const;

  friend bool operator==(const ResId&, const ResId&) = default;
};

inline constexpr absl::string_view kNoNamespace = "_non_namespaceable_";

// The text of a scalar as YAML would show it ("" for null and for what is no scalar): Kustomize
// compares names and keys by it.
std::string ScalarText(const Value& value);

}  // namespace muster::kustomize
