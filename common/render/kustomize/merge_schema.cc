#include "common/render/kustomize/merge_schema.h"

#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace muster::kustomize {
namespace {

struct KindRow {
  absl::string_view api_version;
  absl::string_view kinds;  // separated by blanks
  absl::string_view type;   // "" for kPlain
};

// As the API of Kubernetes 1.21 says.
constexpr absl::string_view kPlain = "Plain";
constexpr KindRow kKinds[] = {
    {"v1", "ReplicationController", "Workload"},
    {"v1", "Namespace PersistentVolumeClaim", "Conditional"},
    {"v1", "Binding ConfigMap Endpoints Event LimitRange PersistentVolume ResourceQuota Secret",
     ""},
    {"v1", "ComponentStatus", "ComponentStatus"},
    {"v1", "Node", "Node"},
    {"v1", "Pod", "Pod"},
    {"v1", "PodTemplate", "PodTemplate"},
    {"v1", "Service", "Service"},
    {"v1", "ServiceAccount", "ServiceAccount"},
    {"admissionregistration.k8s.io/v1",
     "MutatingWebhookConfiguration ValidatingWebhookConfiguration", "Webhooks"},
    {"admissionregistration.k8s.io/v1beta1",
     "MutatingWebhookConfiguration ValidatingWebhookConfiguration", "Webhooks"},
    {"apiextensions.k8s.io/v1", "CustomResourceDefinition", ""},
    {"apiextensions.k8s.io/v1beta1", "CustomResourceDefinition", ""},
    {"apiregistration.k8s.io/v1", "APIService", "Conditional"},
    {"apiregistration.k8s.io/v1beta1", "APIService", "Conditional"},
    {"apps/v1", "DaemonSet Deployment ReplicaSet", "Workload"},
    {"apps/v1", "ControllerRevision", ""},
    {"apps/v1", "StatefulSet", "StatefulSet"},
    {"authentication.k8s.io/v1", "TokenRequest TokenReview", ""},
    {"authentication.k8s.io/v1beta1", "TokenReview", ""},
    {"authorization.k8s.io/v1",
     "LocalSubjectAccessReview SelfSubjectAccessReview SelfSubjectRulesReview SubjectAccessReview",
     ""},
    {"authorization.k8s.io/v1beta1",
     "LocalSubjectAccessReview SelfSubjectAccessReview SelfSubjectRulesReview SubjectAccessReview",
     ""},
    {"autoscaling/v1", "HorizontalPodAutoscaler Scale", ""},
    {"autoscaling/v2beta1", "HorizontalPodAutoscaler", ""},
    {"autoscaling/v2beta2", "HorizontalPodAutoscaler", ""},
    {"batch/v1", "Job", "Workload"},
    {"batch/v1", "CronJob", "CronJob"},
    {"batch/v1beta1", "CronJob", "CronJob"},
    {"certificates.k8s.io/v1", "CertificateSigningRequest", ""},
    {"certificates.k8s.io/v1beta1", "CertificateSigningRequest", ""},
    {"coordination.k8s.io/v1", "Lease", ""},
    {"coordination.k8s.io/v1beta1", "Lease", ""},
    {"discovery.k8s.io/v1", "EndpointSlice", ""},
    {"discovery.k8s.io/v1beta1", "EndpointSlice", ""},
    {"events.k8s.io/v1", "Event", ""},
    {"events.k8s.io/v1beta1", "Event", ""},
    {"extensions/v1beta1", "Ingress", ""},
    {"flowcontrol.apiserver.k8s.io/v1beta1", "FlowSchema PriorityLevelConfiguration", ""},
    {"networking.k8s.io/v1", "Ingress IngressClass NetworkPolicy", ""},
    {"networking.k8s.io/v1beta1", "Ingress IngressClass", ""},
    {"node.k8s.io/v1", "RuntimeClass", ""},
    {"node.k8s.io/v1beta1", "RuntimeClass", ""},
    {"policy/v1", "PodDisruptionBudget", "Conditional"},
    {"policy/v1beta1", "PodDisruptionBudget", "Conditional"},
    {"policy/v1beta1", "Eviction PodSecurityPolicy", ""},
    {"rbac.authorization.k8s.io/v1", "ClusterRole ClusterRoleBinding Role RoleBinding", ""},
    {"rbac.authorization.k8s.io/v1beta1", "ClusterRole ClusterRoleBinding Role RoleBinding", ""},
    {"scheduling.k8s.io/v1", "PriorityClass", ""},
    {"scheduling.k8s.io/v1beta1", "PriorityClass", ""},
    {"storage.k8s.io/v1", "CSINode", "CSINode"},
    {"storage.k8s.io/v1", "CSIDriver StorageClass VolumeAttachment", ""},
    {"storage.k8s.io/v1beta1", "CSINode", "CSINode"},
    {"storage.k8s.io/v1beta1", "CSIDriver CSIStorageCapacity StorageClass VolumeAttachment", ""},
};

struct FieldRow {
  absl::string_view type;
  absl::string_view field;
  absl::string_view of;  // type of the map or of the elements; "" when nothing is known of it
  bool merges;
  absl::string_view keys;  // separated by commas
};

constexpr FieldRow kFields[] = {
    {"Plain", "metadata", "Metadata", false, ""},
    {"Metadata", "finalizers", "", true, ""},
    {"Metadata", "ownerReferences", "", true, "uid"},
    {"Conditional", "metadata", "Metadata", false, ""},
    {"Conditional", "status", "Conditions", false, ""},
    {"Conditions", "conditions", "", true, "type"},
    {"ComponentStatus", "metadata", "Metadata", false, ""},
    {"ComponentStatus", "conditions", "", true, "type"},
    {"Webhooks", "metadata", "Metadata", false, ""},
    {"Webhooks", "webhooks", "", true, "name"},
    {"Workload", "metadata", "Metadata", false, ""},
    {"Workload", "spec", "WorkloadSpec", false, ""},
    {"Workload", "status", "Conditions", false, ""},
    {"WorkloadSpec", "template", "PodTemplateSpec", false, ""},
    {"StatefulSet", "metadata", "Metadata", false, ""},
    {"StatefulSet", "spec", "StatefulSetSpec", false, ""},
    {"StatefulSet", "status", "Conditions", false, ""},
    {"StatefulSetSpec", "template", "PodTemplateSpec", false, ""},
    {"CronJob", "metadata", "Metadata", false, ""},
    {"CronJob", "spec", "CronJobSpec", false, ""},
    {"CronJobSpec", "jobTemplate", "JobTemplateSpec", false, ""},
    {"JobTemplateSpec", "metadata", "Metadata", false, ""},
    {"JobTemplateSpec", "spec", "WorkloadSpec", false, ""},
    {"PodTemplate", "metadata", "Metadata", false, ""},
    {"PodTemplate", "template", "PodTemplateSpec", false, ""},
    {"PodTemplateSpec", "metadata", "Metadata", false, ""},
    {"PodTemplateSpec", "spec", "PodSpec", false, ""},
    {"Pod", "metadata", "Metadata", false, ""},
    {"Pod", "spec", "PodSpec", false, ""},
    {"Pod", "status", "PodStatus", false, ""},
    {"PodStatus", "conditions", "", true, "type"},
    {"PodStatus", "podIPs", "", true, "ip"},
    {"PodSpec", "containers", "Container", true, "name"},
    {"PodSpec", "ephemeralContainers", "EphemeralContainer", true, "name"},
    {"PodSpec", "hostAliases", "", true, "ip"},
    {"PodSpec", "imagePullSecrets", "", true, "name"},
    {"PodSpec", "initContainers", "Container", true, "name"},
    {"PodSpec", "topologySpreadConstraints", "", true, "topologyKey,whenUnsatisfiable"},
    {"PodSpec", "volumes", "Volume", true, "name"},
    {"Volume", "ephemeral", "EphemeralVolume", false, ""},
    {"EphemeralVolume", "volumeClaimTemplate", "Plain", false, ""},
    {"Container", "env", "", true, "name"},
    {"Container", "ports", "", true, "containerPort,protocol"},
    {"Container", "volumeDevices", "", true, "devicePath"},
    {"Container", "volumeMounts", "", true, "mountPath"},
    {"EphemeralContainer", "env", "", true, "name"},
    {"EphemeralContainer", "volumeDevices", "", true, "devicePath"},
    {"EphemeralContainer", "volumeMounts", "", true, "mountPath"},
    {"Node", "metadata", "Metadata", false, ""},
    {"Node", "spec", "NodeSpec", false, ""},
    {"Node", "status", "NodeStatus", false, ""},
    {"NodeSpec", "podCIDRs", "", true, ""},
    {"NodeStatus", "addresses", "", true, "type"},
    {"NodeStatus", "conditions", "", true, "type"},
    {"Service", "metadata", "Metadata", false, ""},
    {"Service", "spec", "ServiceSpec", false, ""},
    {"Service", "status", "Conditions", false, ""},
    {"ServiceSpec", "ports", "", true, "port,protocol"},
    {"ServiceAccount", "metadata", "Metadata", false, ""},
    {"ServiceAccount", "secrets", "", true, "name"},
    {"CSINode", "metadata", "Metadata", false, ""},
    {"CSINode", "spec", "CSINodeSpec", false, ""},
    {"CSINodeSpec", "drivers", "", true, "name"},
};

std::string TextOf(const Value* value) {
  return value != nullptr && value->is_string() ? value->string() : std::string();
}

// The name of the definition that a schema refers to; "" when it refers to none.
std::string Reference(const Value* schema) {
  const std::string ref = schema == nullptr ? "" : TextOf(schema->Get("$ref"));
  const size_t slash = ref.rfind('/');
  return slash == ref.npos ? ref : ref.substr(slash + 1);
}

}  // namespace

// Definitions by name, made nodes of a MergeSchema. Schemas written in place get nodes too.
class MergeSchemaReader {
 public:
  MergeSchemaReader(const Value& definitions, MergeSchema& schema)
      : definitions_(definitions), schema_(schema) {}

  void Read() {
    for (const Member& definition : definitions_.map()) {
      const Value* kinds = definition.value.Get("x-kubernetes-group-version-kind");
      if (kinds == nullptr || !kinds->is_list()) continue;
      for (const Value& kind : kinds->list()) {
        Gvk gvk{TextOf(kind.Get("group")), TextOf(kind.Get("version")), TextOf(kind.Get("kind"))};
        schema_.kinds_[{gvk.api_version(), gvk.kind}] = OfDefinition(definition.key);
      }
    }
  }

 private:
  int OfDefinition(const std::string& name) {
    const auto [found, added] = types_.try_emplace(name, 0);
    if (!added) return found->second;
    const Value* definition = definitions_.Get(name);
    if (definition == nullptr || !definition->is_map()) return 0;
    // Noted before it is looked into: definitions may refer to themselves.
    const int type = NewNode();
    types_[name] = type;
    Fill(*definition, type);
    return type;
  }

  int NewNode() {
    schema_.nodes_.emplace_back();
    return static_cast<int>(schema_.nodes_.size()) - 1;
  }

  int TypeOf(const Value& schema) {
    if (const std::string name = Reference(&schema); !name.empty()) return OfDefinition(name);
    if (schema.Get("properties") == nullptr && schema.Get("additionalProperties") == nullptr) {
      return 0;
    }
    const int type = NewNode();
    Fill(schema, type);
    return type;
  }

  MergeSchema::Field FieldOf(const Value& schema) {
    MergeSchema::Field field;
    const std::string strategy = TextOf(schema.Get("x-kubernetes-patch-strategy"));
    for (const absl::string_view part : absl::StrSplit(strategy, ',')) {
      field.merges = field.merges || part == "merge";
    }
    const Value* keys = schema.Get("x-kubernetes-list-map-keys");
    const std::string key = TextOf(schema.Get("x-kubernetes-patch-merge-key"));
    if (keys != nullptr && keys->is_list()) {
      for (const Value& one : keys->list()) field.keys.push_back(TextOf(&one));
    } else if (!key.empty()) {
      field.keys.push_back(key);
    }
    const Value* items = schema.Get("items");
    field.type = TypeOf(items != nullptr && items->is_map() ? *items : schema);
    return field;
  }

  void Fill(const Value& schema, int type) {
    if (const Value* properties = schema.Get("properties");
        properties != nullptr && properties->is_map()) {
      for (const Member& property : properties->map()) {
        MergeSchema::Field field = FieldOf(property.value);
        schema_.nodes_[type].fields.emplace(property.key, std::move(field));
      }
    }
    if (const Value* any = schema.Get("additionalProperties"); any != nullptr && any->is_map()) {
      MergeSchema::Field field = FieldOf(*any);
      schema_.nodes_[type].any = std::make_unique<MergeSchema::Field>(std::move(field));
    }
  }

  const Value& definitions_;
  MergeSchema& schema_;
  std::map<std::string, int> types_;
};

const MergeSchema& MergeSchema::BuiltIn() {
  static const MergeSchema* const schema = [] {
    auto* made = new MergeSchema();
    made->nodes_.emplace_back();
    std::map<absl::string_view, Type> types{{"", 0}};
    const auto type_of = [&](absl::string_view name) {
      const auto [found, added] = types.try_emplace(name, static_cast<Type>(made->nodes_.size()));
      if (added) made->nodes_.emplace_back();
      return found->second;
    };
    for (const FieldRow& row : kFields) {
      const Type type = type_of(row.type), of = type_of(row.of);
      Field field{of, row.merges, {}};
      if (!row.keys.empty()) field.keys = absl::StrSplit(row.keys, ',');
      made->nodes_[type].fields.emplace(row.field, std::move(field));
    }
    for (const KindRow& row : kKinds) {
      const Type type = type_of(row.type.empty() ? kPlain : row.type);
      for (const absl::string_view kind : absl::StrSplit(row.kinds, ' ')) {
        made->kinds_[{std::string(row.api_version), std::string(kind)}] = type;
      }
    }
    return made;
  }();
  return *schema;
}

absl::StatusOr<std::shared_ptr<const MergeSchema>> MergeSchema::Read(const Document& document) {
  const Value* definitions = document.value.Get("definitions");
  if (definitions == nullptr || !definitions->is_map()) {
    return absl::InvalidArgumentError(absl::StrCat(
        document.Where(""), ": an OpenAPI schema has its types in the map 'definitions'"));
  }
  auto schema = std::make_shared<MergeSchema>();
  schema->nodes_.emplace_back();
  MergeSchemaReader(*definitions, *schema).Read();
  return schema;
}

MergeSchema::Type MergeSchema::TypeOf(const std::string& api_version,
                                      const std::string& kind) const {
  const auto found = kinds_.find({api_version, kind});
  return found == kinds_.end() ? 0 : found->second;
}

const MergeSchema::Field* MergeSchema::FieldOf(Type type, absl::string_view field) const {
  const Node& node = nodes_[type];
  const auto found = node.fields.find(field);
  if (found != node.fields.end()) return &found->second;
  return node.any.get();
}

}  // namespace muster::kustomize
