// What is known about kinds: where they live and when they are applied. See object.h.
#include <algorithm>
#include <compare>
#include <iterator>
#include <utility>

#include "common/manifest/object.h"

namespace muster {
namespace {

struct GroupKind {
  absl::string_view group;
  absl::string_view kind;

  friend constexpr std::strong_ordering operator<=>(const GroupKind&, const GroupKind&) = default;
};

// Sorted by group and kind.
constexpr GroupKind kClusterScoped[] = {
    {"", "ComponentStatus"},
    {"", "Namespace"},
    {"", "Node"},
    {"", "PersistentVolume"},
    {"admissionregistration.k8s.io", "MutatingAdmissionPolicy"},
    {"admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding"},
    {"admissionregistration.k8s.io", "MutatingWebhookConfiguration"},
    {"admissionregistration.k8s.io", "ValidatingAdmissionPolicy"},
    {"admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"},
    {"admissionregistration.k8s.io", "ValidatingWebhookConfiguration"},
    {"apiextensions.k8s.io", "CustomResourceDefinition"},
    {"apiregistration.k8s.io", "APIService"},
    {"authentication.k8s.io", "SelfSubjectReview"},
    {"authentication.k8s.io", "TokenReview"},
    {"authorization.k8s.io", "SelfSubjectAccessReview"},
    {"authorization.k8s.io", "SelfSubjectRulesReview"},
    {"authorization.k8s.io", "SubjectAccessReview"},
    {"cert-manager.io", "ClusterIssuer"},
    {"certificates.k8s.io", "CertificateSigningRequest"},
    {"certificates.k8s.io", "ClusterTrustBundle"},
    {"cilium.io", "CiliumClusterwideEnvoyConfig"},
    {"cilium.io", "CiliumClusterwideNetworkPolicy"},
    {"cilium.io", "CiliumLoadBalancerIPPool"},
    {"cilium.io", "CiliumNode"},
    {"cluster.open-cluster-management.io", "ManagedCluster"},
    {"crd.projectcalico.org", "ClusterInformation"},
    {"crd.projectcalico.org", "FelixConfiguration"},
    {"crd.projectcalico.org", "GlobalNetworkPolicy"},
    {"crd.projectcalico.org", "IPPool"},
    {"external-secrets.io", "ClusterExternalSecret"},
    {"external-secrets.io", "ClusterSecretStore"},
    {"flowcontrol.apiserver.k8s.io", "FlowSchema"},
    {"flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"},
    {"gateway.networking.k8s.io", "GatewayClass"},
    {"internal.apiserver.k8s.io", "StorageVersion"},
    {"karpenter.k8s.aws", "EC2NodeClass"},
    {"karpenter.sh", "NodeClaim"},
    {"karpenter.sh", "NodePool"},
    {"kyverno.io", "ClusterCleanupPolicy"},
    {"kyverno.io", "ClusterPolicy"},
    {"networking.k8s.io", "IPAddress"},
    {"networking.k8s.io", "IngressClass"},
    {"networking.k8s.io", "ServiceCIDR"},
    {"node.k8s.io", "RuntimeClass"},
    {"policy", "PodSecurityPolicy"},
    {"policy.networking.k8s.io", "AdminNetworkPolicy"},
    {"policy.networking.k8s.io", "BaselineAdminNetworkPolicy"},
    {"rbac.authorization.k8s.io", "ClusterRole"},
    {"rbac.authorization.k8s.io", "ClusterRoleBinding"},
    {"resource.k8s.io", "DeviceClass"},
    {"resource.k8s.io", "ResourceSlice"},
    {"scheduling.k8s.io", "PriorityClass"},
    {"snapshot.storage.k8s.io", "VolumeSnapshotClass"},
    {"snapshot.storage.k8s.io", "VolumeSnapshotContent"},
    {"storage.k8s.io", "CSIDriver"},
    {"storage.k8s.io", "CSINode"},
    {"storage.k8s.io", "StorageClass"},
    {"storage.k8s.io", "VolumeAttachment"},
    {"storage.k8s.io", "VolumeAttributesClass"},
    {"storagemigration.k8s.io", "StorageVersionMigration"},
    {"templates.gatekeeper.sh", "ConstraintTemplate"},
};
static_assert(std::is_sorted(std::begin(kClusterScoped), std::end(kClusterScoped)));

// A kind that is not in the table of orders: custom objects, whose controllers are workloads.
constexpr int kCustomOrder = 70;

struct KindOrder {
  GroupKind id;
  int order;
};

constexpr KindOrder kOrders[] = {
    {{"", "ConfigMap"}, 40},
    {{"", "Endpoints"}, 50},
    {{"", "LimitRange"}, 20},
    {{"", "Namespace"}, 0},
    {{"", "PersistentVolume"}, 43},
    {{"", "PersistentVolumeClaim"}, 44},
    {{"", "Pod"}, 60},
    {{"", "PodTemplate"}, 58},
    {{"", "ReplicationController"}, 60},
    {{"", "ResourceQuota"}, 20},
    {{"", "Secret"}, 40},
    {{"", "Service"}, 50},
    {{"", "ServiceAccount"}, 30},
    {{"admissionregistration.k8s.io", "MutatingAdmissionPolicy"}, 90},
    {{"admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding"}, 91},
    {{"admissionregistration.k8s.io", "MutatingWebhookConfiguration"}, 92},
    {{"admissionregistration.k8s.io", "ValidatingAdmissionPolicy"}, 90},
    {{"admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"}, 91},
    {{"admissionregistration.k8s.io", "ValidatingWebhookConfiguration"}, 92},
    {{"apiextensions.k8s.io", "CustomResourceDefinition"}, 10},
    {{"apiregistration.k8s.io", "APIService"}, 80},
    {{"apps", "ControllerRevision"}, 58},
    {{"apps", "DaemonSet"}, 60},
    {{"apps", "Deployment"}, 60},
    {{"apps", "ReplicaSet"}, 60},
    {{"apps", "StatefulSet"}, 60},
    {{"autoscaling", "HorizontalPodAutoscaler"}, 64},
    {{"batch", "CronJob"}, 62},
    {{"batch", "Job"}, 62},
    {{"discovery.k8s.io", "EndpointSlice"}, 50},
    {{"extensions", "Ingress"}, 66},
    {{"networking.k8s.io", "Ingress"}, 66},
    {{"networking.k8s.io", "IngressClass"}, 15},
    {{"networking.k8s.io", "NetworkPolicy"}, 25},
    {{"node.k8s.io", "RuntimeClass"}, 15},
    {{"policy", "PodDisruptionBudget"}, 55},
    {{"policy", "PodSecurityPolicy"}, 15},
    {{"rbac.authorization.k8s.io", "ClusterRole"}, 31},
    {{"rbac.authorization.k8s.io", "ClusterRoleBinding"}, 32},
    {{"rbac.authorization.k8s.io", "Role"}, 31},
    {{"rbac.authorization.k8s.io", "RoleBinding"}, 32},
    {{"scheduling.k8s.io", "PriorityClass"}, 15},
    {{"storage.k8s.io", "CSIDriver"}, 15},
    {{"storage.k8s.io", "StorageClass"}, 15},
};
static_assert(std::is_sorted(std::begin(kOrders), std::end(kOrders),
                             [](const KindOrder& a, const KindOrder& b) { return a.id < b.id; }));

}  // namespace

bool IsClusterScoped(absl::string_view group, absl::string_view kind) {
  // Its kinds are made by users, and all of them are cluster-scoped.
  if (group == "constraints.gatekeeper.sh") return true;
  return std::binary_search(std::begin(kClusterScoped), std::end(kClusterScoped),
                            GroupKind{group, kind});
}

int ApplyOrder(absl::string_view group, absl::string_view kind) {
  const GroupKind id{group, kind};
  const auto* found =
      std::lower_bound(std::begin(kOrders), std::end(kOrders), id,
                       [](const KindOrder& entry, const GroupKind& key) { return entry.id < key; });
  return found != std::end(kOrders) && found->id == id ? found->order : kCustomOrder;
}

bool AppliesBefore(const ObjectKey& a, const ObjectKey& b) {
  const int x = ApplyOrder(a.group(), a.kind);
  const int y = ApplyOrder(b.group(), b.kind);
  return x != y ? x < y : a < b;
}

}  // namespace muster
