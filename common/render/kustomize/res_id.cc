#include "common/render/kustomize/res_id.h"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"

namespace muster::kustomize {
namespace {

struct KnownKind {
  absl::string_view kind;
  absl::string_view api_version;

  friend bool operator<(const KnownKind& a, const KnownKind& b) {
    return std::tie(a.kind, a.api_version) < std::tie(b.kind, b.api_version);
  }
};

// Sorted.
constexpr KnownKind kClusterScoped[] = {
    {"APIService", "apiregistration.k8s.io/v1"},
    {"APIService", "apiregistration.k8s.io/v1beta1"},
    {"CSIDriver", "storage.k8s.io/v1"},
    {"CSIDriver", "storage.k8s.io/v1beta1"},
    {"CSINode", "storage.k8s.io/v1"},
    {"CSINode", "storage.k8s.io/v1beta1"},
    {"CertificateSigningRequest", "certificates.k8s.io/v1"},
    {"CertificateSigningRequest", "certificates.k8s.io/v1beta1"},
    {"ClusterRole", "rbac.authorization.k8s.io/v1"},
    {"ClusterRole", "rbac.authorization.k8s.io/v1beta1"},
    {"ClusterRoleBinding", "rbac.authorization.k8s.io/v1"},
    {"ClusterRoleBinding", "rbac.authorization.k8s.io/v1beta1"},
    {"ComponentStatus", "v1"},
    {"CustomResourceDefinition", "apiextensions.k8s.io/v1"},
    {"CustomResourceDefinition", "apiextensions.k8s.io/v1beta1"},
    {"FlowSchema", "flowcontrol.apiserver.k8s.io/v1beta1"},
    {"IngressClass", "networking.k8s.io/v1"},
    {"IngressClass", "networking.k8s.io/v1beta1"},
    {"MutatingWebhookConfiguration", "admissionregistration.k8s.io/v1"},
    {"MutatingWebhookConfiguration", "admissionregistration.k8s.io/v1beta1"},
    {"Namespace", "v1"},
    {"Node", "v1"},
    {"NodeProxyOptions", "v1"},
    {"PersistentVolume", "v1"},
    {"PodSecurityPolicy", "policy/v1beta1"},
    {"PriorityClass", "scheduling.k8s.io/v1"},
    {"PriorityClass", "scheduling.k8s.io/v1beta1"},
    {"PriorityLevelConfiguration", "flowcontrol.apiserver.k8s.io/v1beta1"},
    {"RuntimeClass", "node.k8s.io/v1"},
    {"RuntimeClass", "node.k8s.io/v1beta1"},
    {"StorageClass", "storage.k8s.io/v1"},
    {"StorageClass", "storage.k8s.io/v1beta1"},
    {"ValidatingWebhookConfiguration", "admissionregistration.k8s.io/v1"},
    {"ValidatingWebhookConfiguration", "admissionregistration.k8s.io/v1beta1"},
    {"VolumeAttachment", "storage.k8s.io/v1"},
    {"VolumeAttachment", "storage.k8s.io/v1beta1"},
};

constexpr absl::string_view kFirst[] = {
    "Namespace",
    "ResourceQuota",
    "StorageClass",
    "CustomResourceDefinition",
    "ServiceAccount",
    "PodSecurityPolicy",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "ConfigMap",
    "Secret",
    "Endpoints",
    "Service",
    "LimitRange",
    "PriorityClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
};

absl::string_view Or(absl::string_view text, absl::string_view otherwise) {
  return text.empty() ? otherwise : text;
}

std::string TextOf(const Value* value) {
  return value == nullptr ? std::string() : ScalarText(*value);
}

}  // namespace

int LegacyRankOf(absl::string_view kind) {
  if (kind == "MutatingWebhookConfiguration") return 1;
  if (kind == "ValidatingWebhookConfiguration") return 2;
  const auto found = std::find(std::begin(kFirst), std::end(kFirst), kind);
  return found == std::end(kFirst) ? 0 : static_cast<int>(found - std::end(kFirst));
}

std::string LegacyTextOf(const Gvk& gvk) {
  return absl::StrCat(Or(gvk.group, "~G"), "_", Or(gvk.version, "~V"), "_", Or(gvk.kind, "~K"));
}

Gvk Gvk::Of(absl::string_view api_version, absl::string_view kind) {
  const size_t slash = api_version.find('/');
  if (slash == api_version.npos) return {"", std::string(api_version), std::string(kind)};
  return {std::string(api_version.substr(0, slash)), std::string(api_version.substr(slash + 1)),
          std::string(kind)};
}

Gvk Gvk::OfObject(const Value& object) {
  return Of(TextOf(object.Get("apiVersion")), TextOf(object.Get("kind")));
}

std::string Gvk::api_version() const {
  return group.empty() ? version : absl::StrCat(group, "/", version);
}

std::string Gvk::text() const {
  return absl::StrCat(Or(kind, "[noKind]"), ".", Or(version, "[noVer]"), ".", Or(group, "[noGrp]"));
}

bool Gvk::IsSelectedBy(const Gvk& selector) const {
  return (selector.kind.empty() || selector.kind == kind) &&
         (selector.group.empty() || selector.group == group) &&
         (selector.version.empty() || selector.version == version);
}

bool KindsBefore(const Gvk& a, const Gvk& b) {
  const int rank_a = LegacyRankOf(a.kind), rank_b = LegacyRankOf(b.kind);
  if (rank_a != rank_b) return rank_a < rank_b;
  return LegacyTextOf(a) < LegacyTextOf(b);
}

bool IsCertainlyClusterScoped(const Gvk& gvk) {
  const std::string api_version = gvk.api_version();
  return std::binary_search(std::begin(kClusterScoped), std::end(kClusterScoped),
                            KnownKind{gvk.kind, api_version});
}

ResId ResId::OfObject(const Value& object) {
  ResId id{Gvk::OfObject(object), "", ""};
  if (const Value* metadata = object.Get("metadata"); metadata != nullptr) {
    id.name = TextOf(metadata->Get("name"));
    id.namespace_ = TextOf(metadata->Get("namespace"));
  }
  return id;
}

std::string ResId::EffectiveNamespace() const {
  if (IsCertainlyClusterScoped(gvk)) return std::string(kNoNamespace);
  return namespace_.empty() ? "default" : namespace_;
}

bool ResId::Equals(const ResId& other) const {
  return GvknEquals(other) && EffectiveNamespace() == other.EffectiveNamespace();
}

std::string ResId::text() const {
  return absl::StrCat(gvk.text(), "/", Or(name, "[noName]"), ".", Or(namespace_, "[noNs]"));
}

std::string ScalarText(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::kBool:
      return value.boolean() ? "true" : "false";
    case Value::Kind::kNumber:
      return value.number();
    case Value::Kind::kString:
      return value.string();
    default:
      return "";
  }
}

}  // namespace muster::kustomize
