#include "common/render/merge_keys.h"

namespace muster {
namespace {

struct KindRow {
  absl::string_view group;
  absl::string_view kind;
  absl::string_view type;
};

constexpr KindRow kKinds[] = {
    {"", "Pod", "Pod"},
    {"", "PodTemplate", "PodTemplateKind"},
    {"", "ReplicationController", "Workload"},
    {"", "Service", "Service"},
    {"", "ServiceAccount", "ServiceAccount"},
    {"", "Node", "Node"},
    {"admissionregistration.k8s.io", "MutatingWebhookConfiguration", "Webhooks"},
    {"admissionregistration.k8s.io", "ValidatingWebhookConfiguration", "Webhooks"},
    {"apps", "DaemonSet", "Workload"},
    {"apps", "Deployment", "Workload"},
    {"apps", "ReplicaSet", "Workload"},
    {"apps", "StatefulSet", "Workload"},
    {"batch", "CronJob", "CronJob"},
    {"batch", "Job", "Workload"},
    {"policy", "PodDisruptionBudget", "DisruptionBudget"},
};

// Groups whose other kinds have nothing that merges but their metadata.
constexpr absl::string_view kBuiltInGroups[] = {
    "",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "apps",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "flowcontrol.apiserver.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
};

struct FieldRow {
  absl::string_view type;
  absl::string_view field;
  MergeField what;
};

constexpr MergeField Map(absl::string_view type) { return {type, ListMerge::kAtomic, "", "", ""}; }
constexpr MergeField ByKey(absl::string_view type, absl::string_view key) {
  return {type, ListMerge::kByKey, key, "", ""};
}
constexpr MergeField Set() { return {"", ListMerge::kSet, "", "", ""}; }
constexpr MergeField Whole() { return {"", ListMerge::kAtomic, "", "", "", /*whole=*/true}; }

// As the Kubernetes API says in patchStrategy and patchMergeKey; where it names one key but
// server-side apply tells elements apart by two (ports), by both.
constexpr FieldRow kFields[] = {
    {"Container", "env", ByKey("", "name")},
    {"Container", "ports", {"", ListMerge::kByKey, "containerPort", "protocol", "TCP"}},
    {"Container", "resources", Map("Resources")},
    {"Container", "volumeDevices", ByKey("", "devicePath")},
    {"Container", "volumeMounts", ByKey("", "mountPath")},
    {"CronJob", "metadata", Map("Metadata")},
    {"CronJob", "spec", Map("CronJobSpec")},
    {"CronJobSpec", "jobTemplate", Map("Workload")},
    {"DisruptionBudget", "metadata", Map("Metadata")},
    {"DisruptionBudget", "spec", Map("DisruptionBudgetSpec")},
    {"DisruptionBudgetSpec", "selector", Whole()},
    {"Metadata", "finalizers", Set()},
    {"Metadata", "ownerReferences", ByKey("", "uid")},
    {"Node", "metadata", Map("Metadata")},
    {"Node", "spec", Map("NodeSpec")},
    {"NodeSpec", "podCIDRs", Set()},
    {"Plain", "metadata", Map("Metadata")},
    {"Pod", "metadata", Map("Metadata")},
    {"Pod", "spec", Map("PodSpec")},
    {"PodSpec", "containers", ByKey("Container", "name")},
    {"PodSpec", "ephemeralContainers", ByKey("Container", "name")},
    {"PodSpec", "hostAliases", ByKey("", "ip")},
    {"PodSpec", "imagePullSecrets", ByKey("", "name")},
    {"PodSpec", "initContainers", ByKey("Container", "name")},
    {"PodSpec", "resourceClaims", ByKey("", "name")},
    {"PodSpec", "schedulingGates", ByKey("", "name")},
    {"PodSpec",
     "topologySpreadConstraints",
     {"", ListMerge::kByKey, "topologyKey", "whenUnsatisfiable", "DoNotSchedule"}},
    {"PodSpec", "volumes", ByKey("", "name")},
    {"PodTemplateKind", "metadata", Map("Metadata")},
    {"PodTemplateKind", "template", Map("Pod")},
    {"Resources", "claims", ByKey("", "name")},
    {"Service", "metadata", Map("Metadata")},
    {"Service", "spec", Map("ServiceSpec")},
    {"ServiceAccount", "metadata", Map("Metadata")},
    {"ServiceAccount", "secrets", ByKey("", "name")},
    {"ServiceSpec", "ports", {"", ListMerge::kByKey, "port", "protocol", "TCP"}},
    {"Webhooks", "metadata", Map("Metadata")},
    {"Webhooks", "webhooks", ByKey("", "name")},
    {"Workload", "metadata", Map("Metadata")},
    {"Workload", "spec", Map("WorkloadSpec")},
    {"WorkloadSpec", "template", Map("Pod")},
};

}  // namespace

absl::string_view MergeTypeOf(absl::string_view group, absl::string_view kind) {
  for (const KindRow& row : kKinds) {
    if (row.group == group && row.kind == kind) return row.type;
  }
  for (const absl::string_view built_in : kBuiltInGroups) {
    if (built_in == group) return "Plain";
  }
  return "";
}

MergeField MergeFieldOf(absl::string_view type, absl::string_view field) {
  if (type.empty()) return MergeField();
  for (const FieldRow& row : kFields) {
    if (row.type == type && row.field == field) return row.what;
  }
  return MergeField();
}

}  // namespace muster
