#include <initializer_list>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/render/kustomize/default_config.h"

namespace muster::kustomize {
namespace {

constexpr absl::string_view kRbac = "rbac.authorization.k8s.io";
constexpr absl::string_view kAdmission = "admissionregistration.k8s.io";

FieldSpec Spec(absl::string_view path, absl::string_view kind, absl::string_view group = "",
               absl::string_view version = "") {
  return MakeFieldSpec({std::string(group), std::string(version), std::string(kind)}, path,
                       /*create=*/false);
}

// A kind with pods, and where they stand in it.
struct Workload {
  absl::string_view kind;
  absl::string_view pod;
  absl::string_view version;
};

// The two lists differ in Kustomize: one has ReplicaSet and PodTemplate, the other
// ReplicationController.
constexpr Workload kMountingWorkloads[] = {
    {"Pod", "spec/", "v1"},
    {"PodTemplate", "template/spec/", ""},
    {"Deployment", "spec/template/spec/", ""},
    {"ReplicaSet", "spec/template/spec/", ""},
    {"DaemonSet", "spec/template/spec/", ""},
    {"StatefulSet", "spec/template/spec/", ""},
    {"Job", "spec/template/spec/", ""},
    {"CronJob", "spec/jobTemplate/spec/template/spec/", ""},
};
constexpr Workload kRunningWorkloads[] = {
    {"Pod", "spec/", ""},
    {"StatefulSet", "spec/template/spec/", ""},
    {"Deployment", "spec/template/spec/", ""},
    {"ReplicationController", "spec/template/spec/", ""},
    {"CronJob", "spec/jobTemplate/spec/template/spec/", ""},
    {"Job", "spec/template/spec/", ""},
    {"DaemonSet", "spec/template/spec/", ""},
};

template <size_t kSize>
void AddPodFields(const Workload (&workloads)[kSize],
                  std::initializer_list<absl::string_view> fields, FieldSpecs& specs) {
  for (const Workload& workload : workloads) {
    for (const absl::string_view field : fields) {
      specs.push_back(Spec(absl::StrCat(workload.pod, field), workload.kind, "", workload.version));
    }
  }
}

NameReference ConfigMaps() {
  NameReference reference{{"", "v1", "ConfigMap"}, {}};
  AddPodFields(
      kMountingWorkloads,
      {"volumes/configMap/name", "containers/env/valueFrom/configMapKeyRef/name",
       "initContainers/env/valueFrom/configMapKeyRef/name", "containers/envFrom/configMapRef/name",
       "initContainers/envFrom/configMapRef/name", "volumes/projected/sources/configMap/name"},
      reference.referrers);
  reference.referrers.push_back(Spec("spec/configSource/configMap", "Node"));
  reference.referrers.push_back(Spec("rules/resourceNames", "Role"));
  reference.referrers.push_back(Spec("rules/resourceNames", "ClusterRole"));
  reference.referrers.push_back(Spec(
      "metadata/annotations/nginx.ingress.kubernetes.io\\/fastcgi-params-configmap", "Ingress"));
  return reference;
}

NameReference Secrets() {
  NameReference reference{{"", "v1", "Secret"}, {}};
  FieldSpecs& specs = reference.referrers;
  AddPodFields(kMountingWorkloads,
               {"volumes/secret/secretName", "containers/env/valueFrom/secretKeyRef/name",
                "initContainers/env/valueFrom/secretKeyRef/name",
                "containers/envFrom/secretRef/name", "initContainers/envFrom/secretRef/name",
                "imagePullSecrets/name", "volumes/projected/sources/secret/name"},
               specs);
  specs.push_back(Spec("spec/tls/secretName", "Ingress"));
  for (const absl::string_view annotation :
       {"ingress.kubernetes.io\\/auth-secret", "nginx.ingress.kubernetes.io\\/auth-secret",
        "nginx.ingress.kubernetes.io\\/auth-tls-secret"}) {
    specs.push_back(Spec(absl::StrCat("metadata/annotations/", annotation), "Ingress"));
  }
  specs.push_back(Spec("imagePullSecrets/name", "ServiceAccount"));
  for (const absl::string_view parameter :
       {"secretName", "adminSecretName", "userSecretName", "secretRef"}) {
    specs.push_back(Spec(absl::StrCat("parameters/", parameter), "StorageClass"));
  }
  specs.push_back(Spec("rules/resourceNames", "Role"));
  specs.push_back(Spec("rules/resourceNames", "ClusterRole"));
  specs.push_back(Spec("spec/template/spec/containers/env/valueFrom/secretKeyRef/name", "Service",
                       "serving.knative.dev", "v1"));
  specs.push_back(Spec("spec/azureFile/secretName", "PersistentVolume"));
  return reference;
}

NameReference Services() {
  return {{"", "v1", "Service"},
          {Spec("spec/serviceName", "StatefulSet", "apps"),
           Spec("spec/rules/http/paths/backend/serviceName", "Ingress"),
           Spec("spec/backend/serviceName", "Ingress"),
           Spec("spec/rules/http/paths/backend/service/name", "Ingress"),
           Spec("spec/defaultBackend/service/name", "Ingress"),
           Spec("spec/service/name", "APIService", "apiregistration.k8s.io"),
           Spec("webhooks/clientConfig/service", "ValidatingWebhookConfiguration", kAdmission),
           Spec("webhooks/clientConfig/service", "MutatingWebhookConfiguration", kAdmission)}};
}

// Kinds that the pods of a workload name in one field.
NameReference OfPods(Gvk gvk, absl::string_view field, FieldSpecs first = {}) {
  NameReference reference{std::move(gvk), std::move(first)};
  AddPodFields(kRunningWorkloads, {field}, reference.referrers);
  return reference;
}

}  // namespace

std::vector<NameReference> DefaultNameReferences() {
  std::vector<NameReference> table;
  for (const absl::string_view scaled :
       {"Deployment", "ReplicationController", "ReplicaSet", "StatefulSet"}) {
    table.push_back({{"", "", std::string(scaled)},
                     {Spec("spec/scaleTargetRef/name", "HorizontalPodAutoscaler")}});
  }
  const std::string rbac(kRbac);
  table.push_back(ConfigMaps());
  table.push_back(Secrets());
  table.push_back(Services());
  table.push_back({{rbac, "", "Role"}, {Spec("roleRef/name", "RoleBinding", kRbac)}});
  table.push_back({{rbac, "", "ClusterRole"},
                   {Spec("roleRef/name", "RoleBinding", kRbac),
                    Spec("roleRef/name", "ClusterRoleBinding", kRbac)}});
  table.push_back(OfPods(
      {"", "v1", "ServiceAccount"}, "serviceAccountName",
      {Spec("subjects", "RoleBinding", kRbac), Spec("subjects", "ClusterRoleBinding", kRbac)}));
  table.push_back(
      OfPods({"", "v1", "PersistentVolumeClaim"}, "volumes/persistentVolumeClaim/claimName"));
  table.push_back({{"", "v1", "PersistentVolume"},
                   {Spec("spec/volumeName", "PersistentVolumeClaim"),
                    Spec("rules/resourceNames", "ClusterRole")}});
  table.push_back({{"storage.k8s.io", "v1", "StorageClass"},
                   {Spec("spec/storageClassName", "PersistentVolume"),
                    Spec("spec/storageClassName", "PersistentVolumeClaim"),
                    Spec("spec/volumeClaimTemplates/spec/storageClassName", "StatefulSet")}});
  table.push_back(OfPods({"scheduling.k8s.io", "v1", "PriorityClass"}, "priorityClassName"));
  // The version within the group is Kustomize's own and selects nothing.
  table.push_back(
      {{"networking.k8s.io/v1", "v1", "IngressClass"}, {Spec("spec/ingressClassName", "Ingress")}});
  table.push_back({{std::string(kAdmission), "", "ValidatingAdmissionPolicy"},
                   {Spec("spec/policyName", "ValidatingAdmissionPolicyBinding", kAdmission)}});
  return table;
}

}  // namespace muster::kustomize
