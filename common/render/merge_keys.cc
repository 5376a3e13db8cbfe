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
    {"", "PersistentVolumeClaim", "Plain"},
    {"", "ConfigMap", "Plain"},
    {"", "Secret", "Plain"},
    {"", "Namespace", "Plain"},
    {"", "Node", "Node"},
    {"admissionregistration.k8s.io", "MutatingWebhookConfiguration", "Webhooks"},
    {"admissionregistration.k8s.io", "ValidatingWebhookConfiguration", "Webhooks"},
    {"apps", "DaemonSet", "Workload"},
    {"apps", "Deployment", "Workload"},
    {"apps", "ReplicaSet", "Workload"},
    {"apps", "StatefulSet", "Workload"},
    {"batch", "CronJob", "CronJob"},
    {"batch", "Job", "Workload"},
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
    {"ServiceAccount", "imagePullSecrets", ByKey("", "name")},
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
