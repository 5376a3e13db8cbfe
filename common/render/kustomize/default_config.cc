#include "common/render/kustomize/default_config.h"

#include <string>

#include "absl/strings/str_cat.h"

namespace muster::kustomize {
namespace {

constexpr bool kCreate = true;

FieldSpec Spec(absl::string_view path, absl::string_view kind = "", bool create = false,
               absl::string_view group = "", absl::string_view version = "") {
  return MakeFieldSpec({std::string(group), std::string(version), std::string(kind)}, path, create);
}

// Where labels (or annotations) of objects and of the pods that they make stand.
FieldSpecs MetadataFields(absl::string_view field, bool with_claims) {
  const std::string own = absl::StrCat("metadata/", field),
                    pods = absl::StrCat("spec/template/metadata/", field);
  FieldSpecs specs = {
      Spec(own, "", kCreate),
      Spec(pods, "ReplicationController", kCreate, "", "v1"),
      Spec(pods, "Deployment", kCreate),
      Spec(pods, "ReplicaSet", kCreate),
      Spec(pods, "DaemonSet", kCreate),
      Spec(pods, "StatefulSet", kCreate, with_claims ? "apps" : ""),
  };
  if (with_claims) {
    specs.push_back(Spec(absl::StrCat("spec/volumeClaimTemplates[]/metadata/", field),
                         "StatefulSet", kCreate, "apps"));
  }
  specs.push_back(Spec(pods, "Job", kCreate, "batch"));
  specs.push_back(
      Spec(absl::StrCat("spec/jobTemplate/metadata/", field), "CronJob", kCreate, "batch"));
  specs.push_back(Spec(absl::StrCat("spec/jobTemplate/spec/template/metadata/", field), "CronJob",
                       kCreate, "batch"));
  return specs;
}

// Selectors within the pods of a workload, which are changed but never made.
void AddPodSelectors(absl::string_view kind, FieldSpecs& specs) {
  const std::string pod = "spec/template/spec/";
  for (const absl::string_view affinity : {"podAffinity", "podAntiAffinity"}) {
    specs.push_back(Spec(absl::StrCat(pod, "affinity/", affinity,
                                      "/preferredDuringSchedulingIgnoredDuringExecution/"
                                      "podAffinityTerm/labelSelector/matchLabels"),
                         kind, false, "apps"));
    specs.push_back(Spec(absl::StrCat(pod, "affinity/", affinity,
                                      "/requiredDuringSchedulingIgnoredDuringExecution/"
                                      "labelSelector/matchLabels"),
                         kind, false, "apps"));
  }
  specs.push_back(Spec(absl::StrCat(pod, "topologySpreadConstraints/labelSelector/matchLabels"),
                       kind, false, "apps"));
}

FieldSpecs CommonLabelFields() {
  const absl::string_view selector = "spec/selector/matchLabels";
  FieldSpecs specs = {
      Spec("spec/selector", "Service", kCreate, "", "v1"),
      Spec("spec/selector", "ReplicationController", kCreate, "", "v1"),
      Spec(selector, "Deployment", kCreate),
  };
  AddPodSelectors("Deployment", specs);
  specs.push_back(Spec(selector, "ReplicaSet", kCreate));
  specs.push_back(Spec(selector, "DaemonSet", kCreate));
  specs.push_back(Spec(selector, "StatefulSet", kCreate, "apps"));
  AddPodSelectors("StatefulSet", specs);
  specs.push_back(Spec(selector, "Job", false, "batch"));
  specs.push_back(Spec("spec/jobTemplate/spec/selector/matchLabels", "CronJob", false, "batch"));
  specs.push_back(Spec(selector, "PodDisruptionBudget", false, "policy"));
  for (const absl::string_view path :
       {"spec/podSelector/matchLabels", "spec/ingress/from/podSelector/matchLabels",
        "spec/egress/to/podSelector/matchLabels"}) {
    specs.push_back(Spec(path, "NetworkPolicy", false, "networking.k8s.io"));
  }
  const FieldSpecs metadata = MetadataFields("labels", /*with_claims=*/true);
  specs.insert(specs.end(), metadata.begin(), metadata.end());
  return specs;
}

}  // namespace

TransformerConfig MakeDefaultConfig() {
  TransformerConfig config;
  config.name_prefix = {Spec("metadata/name")};
  config.name_suffix = {Spec("metadata/name")};
  config.namespace_ = {
      Spec("metadata/name", "Namespace", kCreate),
      Spec("spec/service/namespace", "APIService", kCreate, "apiregistration.k8s.io"),
      Spec("spec/conversion/webhook/clientConfig/service/namespace", "CustomResourceDefinition",
           false, "apiextensions.k8s.io"),
  };
  config.common_labels = CommonLabelFields();
  config.template_labels = MetadataFields("labels", /*with_claims=*/true);
  config.common_annotations = MetadataFields("annotations", /*with_claims=*/false);
  config.images = {
      Spec("spec/containers[]/image", "", kCreate),
      Spec("spec/initContainers[]/image", "", kCreate),
      Spec("spec/template/spec/containers[]/image", "", kCreate),
      Spec("spec/template/spec/initContainers[]/image", "", kCreate),
  };
  for (const absl::string_view kind :
       {"Deployment", "ReplicationController", "ReplicaSet", "StatefulSet"}) {
    config.replicas.push_back(Spec("spec/replicas", kind, kCreate));
  }
  config.name_reference = DefaultNameReferences();
  config.var_reference = DefaultVarReferences();
  return config;
}

FieldSpecs DefaultVarReferences() {
  FieldSpecs specs;
  const auto add_pod = [&specs](absl::string_view kind, absl::string_view pod) {
    for (const absl::string_view containers : {"containers", "initContainers"}) {
      for (const absl::string_view field :
           {"args", "command", "env/value", "volumeMounts/mountPath"}) {
        specs.push_back(Spec(absl::StrCat(pod, containers, "/", field), kind));
      }
    }
  };
  add_pod("CronJob", "spec/jobTemplate/spec/template/spec/");
  specs.push_back(Spec("spec/jobTemplate/spec/template/volumes/nfs/server", "CronJob"));
  for (const absl::string_view kind :
       {"DaemonSet", "Deployment", "Job", "ReplicaSet", "StatefulSet"}) {
    add_pod(kind, "spec/template/spec/");
    if (kind == "StatefulSet") continue;
    specs.push_back(Spec("spec/template/spec/volumes/nfs/server", kind));
  }
  add_pod("Pod", "spec/");
  specs.push_back(Spec("spec/volumes/nfs/server", "Pod"));
  specs.push_back(Spec("spec/template/metadata/annotations", "Deployment"));
  for (const absl::string_view path :
       {"spec/rules/host", "spec/tls/hosts", "spec/tls/secretName"}) {
    specs.push_back(Spec(path, "Ingress"));
  }
  specs.push_back(Spec("spec/ports/port", "Service"));
  specs.push_back(Spec("spec/ports/targetPort", "Service"));
  specs.push_back(Spec("spec/volumeClaimTemplates/spec/nfs/server", "StatefulSet"));
  specs.push_back(Spec("spec/nfs/server", "PersistentVolume"));
  specs.push_back(Spec("metadata/labels"));
  specs.push_back(Spec("metadata/annotations"));
  return specs;
}

}  // namespace muster::kustomize
