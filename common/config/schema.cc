#include "common/config/schema.h"

namespace muster {
namespace {

using Type = FieldType;

// ---------------------------------------------------------------- shared

constexpr FieldSpec kMetadataFields[] = {
    {.name = "name", .type = Type::kName, .about = "Unique within its kind.", .required = true},
    {.name = "labels",
     .type = Type::kLabels,
     .about = "For selecting declarations in lists.",
     .built = false},
    {.name = "annotations",
     .type = Type::kNotes,
     .about = "Notes for people; Muster ignores them."},
};
constexpr ObjectSpec kMetadata = {kMetadataFields, {}};

constexpr FieldSpec kClusterMetadataFields[] = {
    {.name = "name", .type = Type::kName, .about = "Unique within its kind.", .required = true},
    {.name = "labels",
     .type = Type::kLabels,
     .about = "What packages select the cluster by; win over the labels of its join token."},
    {.name = "annotations",
     .type = Type::kNotes,
     .about = "Notes for people; Muster ignores them."},
};
constexpr ObjectSpec kClusterMetadata = {kClusterMetadataFields, {}};

constexpr Choice kOperators[] = {{"In"}, {"NotIn"}, {"Exists"}, {"DoesNotExist"}};
constexpr FieldSpec kRequirementFields[] = {
    {.name = "key", .about = "The label's key.", .required = true},
    {.name = "operator",
     .type = Type::kChoice,
     .about = "How the label relates to the values.",
     .required = true,
     .choices = kOperators},
    {.name = "values", .about = "Needed by In and NotIn, refused by the others.", .list = true},
};
constexpr ObjectSpec kRequirement = {kRequirementFields, {}};
constexpr FieldSpec kSelectorFields[] = {
    {.name = "matchLabels",
     .type = Type::kLabels,
     .about = "Labels that must all be there with these values."},
    {.name = "matchExpressions",
     .type = Type::kObject,
     .about = "Requirements that must all be met.",
     .list = true,
     .object = &kRequirement},
};
constexpr ObjectSpec kSelector = {kSelectorFields, {}};

// ---------------------------------------------------------------- Repository

constexpr FieldSpec kRefFields[] = {
    {.name = "branch", .about = "Follow a branch."},
    {.name = "tag", .about = "Follow one tag."},
    {.name = "semver", .about = "Follow the highest tag in a range.", .built = false},
    {.name = "commit", .about = "Stay at a commit: 40 hexadecimal digits."},
};
constexpr absl::string_view kRefOneOf[] = {"branch", "tag", "semver", "commit"};
constexpr ObjectSpec kRef = {kRefFields, kRefOneOf};

constexpr Choice kVerifiedCommits[] = {{"head"}, {"all"}};
constexpr FieldSpec kVerifyFields[] = {
    {.name = "signers",
     .type = Type::kName,
     .about = "Signers whose keys count; a commit that none of them signed does not rule.",
     .required = true,
     .list = true},
    {.name = "commits",
     .type = Type::kChoice,
     .about =
         "head: the head's signature vouches for what is below it (when absent); all: every new "
         "commit needs one, but for what a commit with the trailer Muster-Seal is on top of.",
     .choices = kVerifiedCommits},
    {.name = "authors",
     .about =
         "Addresses that authors must have: ada@example.com or *@example.com; any when absent.",
     .list = true},
};
constexpr ObjectSpec kVerify = {kVerifyFields, {}};

constexpr Choice kRepositoryTypes[] = {{"git"}, {"helm"}, {"oci"}};
constexpr FieldSpec kRepositorySpecFields[] = {
    {.name = "project", .type = Type::kName, .about = "The tenant; 'default' when absent."},
    {.name = "type",
     .type = Type::kChoice,
     .about = "What stands at the URL; git when absent.",
     .choices = kRepositoryTypes},
    {.name = "url",
     .about = "git: https://, ssh:// or user@host:path; file:// only when the hub allows it. helm: "
              "https://, what index.yaml is below. oci: oci://host/path, what charts are below. "
              "Never with a password.",
     .required = true},
    {.name = "ref",
     .type = Type::kObject,
     .about = "What to follow; required for git, and for git only.",
     .object = &kRef},
    {.name = "interval",
     .type = Type::kDuration,
     .about = "Time between two looks, at least 1s; 1m when absent."},
    {.name = "credentials",
     .type = Type::kName,
     .about = "Name of a credential that the hub holds; none when absent."},
    {.name = "verify",
     .type = Type::kObject,
     .about = "Who must have signed the commits; they need no signature when absent.",
     .object = &kVerify},
};
constexpr ObjectSpec kRepositorySpec = {kRepositorySpecFields, {}};

// ---------------------------------------------------------------- Package

constexpr FieldSpec kPatchTargetFields[] = {
    {.name = "group", .about = "Regular expression for the whole API group."},
    {.name = "version", .about = "Regular expression for the whole API version."},
    {.name = "kind", .about = "Regular expression for the whole kind."},
    {.name = "name", .about = "Regular expression for the whole name."},
    {.name = "namespace", .about = "Regular expression for the whole namespace."},
};
constexpr ObjectSpec kPatchTarget = {kPatchTargetFields, {}};

constexpr FieldSpec kPatchFields[] = {
    {.name = "path", .about = "A file, relative to the package's path."},
    {.name = "inline",
     .about = "The patch as text: a strategic merge patch (a map) or a JSON patch (a list)."},
    {.name = "target",
     .type = Type::kObject,
     .about = "Which objects; the one that the patch itself names when absent.",
     .object = &kPatchTarget},
};
constexpr absl::string_view kPatchOneOf[] = {"path", "inline"};
constexpr ObjectSpec kPatch = {kPatchFields, kPatchOneOf};

constexpr FieldSpec kHelmFields[] = {
    {.name = "chart",
     .about =
         "Directory of the chart, relative to the package's path; the path itself when absent. "
         "Of a registry: the chart's name there. May hold ${variables}."},
    {.name = "repository",
     .type = Type::kName,
     .about = "The Repository of type helm or oci that has the chart; the package's own when "
              "absent."},
    {.name = "version",
     .about = "Of a registry's chart, required there: exact, or a range such as ^1.2. May hold "
              "${variables}."},
    {.name = "digest",
     .about = "What a registry's chart must be, sha256:...: its archive (helm) or manifest (oci)."},
    {.name = "releaseName",
     .type = Type::kName,
     .about = "The release that the chart hears of; the package's name when absent."},
    {.name = "valuesFiles",
     .about = "Files with values, relative to the package's path, the last wins; may hold "
              "${variables}.",
     .list = true},
    {.name = "values",
     .type = Type::kValues,
     .about = "Values; win over the files. May hold ${variables}."},
};
constexpr ObjectSpec kHelm = {kHelmFields, {}};

constexpr FieldSpec kTargetHelmFields[] = {
    {.name = "valuesFiles",
     .about = "Files with values, relative to the package's path; win over the package's values.",
     .list = true},
    {.name = "values", .type = Type::kValues, .about = "Values; win over everything else."},
};
constexpr ObjectSpec kTargetHelm = {kTargetHelmFields, {}};

constexpr FieldSpec kTargetFields[] = {
    {.name = "name", .about = "For messages."},
    {.name = "clusterSelector",
     .type = Type::kObject,
     .about = "Which clusters; {} selects all, absent selects none.",
     .object = &kSelector},
    {.name = "variables",
     .type = Type::kVariables,
     .about = "For ${name} in the files; win over the package's."},
    {.name = "patches",
     .type = Type::kObject,
     .about = "Changes to the objects, in order.",
     .list = true,
     .object = &kPatch},
    {.name = "helm",
     .type = Type::kObject,
     .about = "Values of these clusters for the package's chart.",
     .object = &kTargetHelm},
};
constexpr ObjectSpec kTarget = {kTargetFields, {}};

constexpr FieldSpec kIgnoreFields[] = {
    {.name = "kind", .about = "Of these objects; every kind when absent."},
    {.name = "name", .about = "Of this object; every name when absent."},
    {.name = "paths", .about = "JSON pointers to fields.", .required = true, .list = true},
};
constexpr ObjectSpec kIgnore = {kIgnoreFields, {}};

constexpr Choice kDriftModes[] = {{"correct"}, {"report"}, {"ignore"}};
constexpr Choice kAdoptModes[] = {{"if-equal"}, {"never"}, {"always"}};
constexpr FieldSpec kSyncFields[] = {
    {.name = "drift",
     .type = Type::kChoice,
     .about = "What happens to changes made by hand; correct when absent.",
     .choices = kDriftModes},
    {.name = "prune",
     .type = Type::kBoolean,
     .about = "Whether objects that leave the package are deleted; true when absent."},
    {.name = "deletionBudget",
     .type = Type::kBudget,
     .about = "The most objects that one change may delete; may lower the policy's cap only."},
    {.name = "ignore",
     .type = Type::kObject,
     .about = "Differences that are no drift.",
     .list = true,
     .object = &kIgnore},
    {.name = "adopt",
     .type = Type::kChoice,
     .about = "Whether objects that are there already are taken over; if-equal when absent.",
     .choices = kAdoptModes},
};
constexpr ObjectSpec kSync = {kSyncFields, {}};

constexpr FieldSpec kHealthRuleFields[] = {
    {.name = "group",
     .about =
         "Of the API: example.com, or *.example.com for all below; the core group when absent."},
    {.name = "kind", .about = "Of these objects; '*' for every kind.", .required = true},
    {.name = "healthy",
     .about = "An expression over the object's fields: it is healthy.",
     .required = true},
    {.name = "progressing", .about = "Likewise: it is on its way. Also when no answer is yes."},
    {.name = "degraded", .about = "Likewise: it has failed. Asked before healthy."},
    {.name = "suspended", .about = "Likewise: it is told not to go on. Asked first."},
    {.name = "message", .about = "An expression for why it is not healthy."},
};
constexpr ObjectSpec kHealthRule = {kHealthRuleFields, {}};

constexpr FieldSpec kHealthFields[] = {
    {.name = "timeout",
     .type = Type::kDuration,
     .about = "How long objects may take to become healthy; the agent's default when absent."},
    {.name = "rules",
     .type = Type::kObject,
     .about = "How objects of kinds that Muster does not know say that they are healthy.",
     .list = true,
     .object = &kHealthRule},
};
constexpr ObjectSpec kHealth = {kHealthFields, {}};

constexpr Choice kRenderers[] = {{"auto"}, {"yaml"}, {"kustomize"}, {"helm"}};
constexpr Choice kLoadRestrictors[] = {{"root"}, {"none"}};
constexpr Choice kOnRemoval[] = {{"delete"}, {"orphan"}};
constexpr FieldSpec kPackageSpecFields[] = {
    {.name = "project", .type = Type::kName, .about = "The tenant; 'default' when absent."},
    {.name = "repository",
     .type = Type::kName,
     .about = "The Repository that holds the files.",
     .required = true},
    {.name = "path",
     .about =
         "Directory or file in the repository, '.' for all; may hold ${cluster.labels.KEY} and "
         "variables. Required, but where the repository is a registry."},
    {.name = "renderer",
     .type = Type::kChoice,
     .about =
         "How files become objects; auto when absent: kustomize where there is a kustomization, "
         "helm where there is a chart.",
     .choices = kRenderers},
    {.name = "loadRestrictor",
     .type = Type::kChoice,
     .about = "What a kustomization may load: root, its own directory (when absent), or none, any "
              "file of the repository.",
     .choices = kLoadRestrictors},
    {.name = "helm",
     .type = Type::kObject,
     .about = "The chart, its release and its values.",
     .object = &kHelm},
    {.name = "variables",
     .type = Type::kVariables,
     .about = "For ${name} in the files; nothing is substituted without any."},
    {.name = "targets",
     .type = Type::kObject,
     .about = "Which clusters get the package; the first that matches decides.",
     .list = true,
     .object = &kTarget},
    {.name = "namespace",
     .type = Type::kName,
     .about = "For objects without one; created when missing, never pruned."},
    {.name = "overrideNamespace",
     .type = Type::kBoolean,
     .about = "Forces `namespace` on every namespaced object."},
    {.name = "dependsOn",
     .type = Type::kName,
     .about = "Packages that must be applied and healthy before.",
     .list = true},
    {.name = "sync",
     .type = Type::kObject,
     .about = "How agents keep the package in step.",
     .object = &kSync},
    {.name = "onRemoval",
     .type = Type::kChoice,
     .about =
         "What happens to the objects of a cluster that no longer gets the package; delete when "
         "absent.",
     .choices = kOnRemoval},
    {.name = "health",
     .type = Type::kObject,
     .about = "When objects count as healthy.",
     .object = &kHealth},
    {.name = "serviceAccount",
     .about =
         "The service account that the agent acts as: name in `namespace`, or namespace/name."},
    {.name = "rollout",
     .type = Type::kName,
     .about = "The RolloutPlan; all clusters at once when absent. `standard` is shipped."},
};
constexpr ObjectSpec kPackageSpec = {kPackageSpecFields, {}};

// ---------------------------------------------------------------- Cluster

constexpr Choice kModes[] = {{"enforce"}, {"observe"}};
constexpr FieldSpec kClusterSpecFields[] = {
    {.name = "project", .type = Type::kName, .about = "The tenant; 'default' when absent."},
    {.name = "mode",
     .type = Type::kChoice,
     .about =
         "observe: the agent writes nothing and reports what it would do; enforce when absent.",
     .choices = kModes},
    {.name = "join", .about = "Who may join as this cluster.", .built = false},
};
constexpr ObjectSpec kClusterSpec = {kClusterSpecFields, {}};

// ---------------------------------------------------------------- Signers

constexpr FieldSpec kSignersSpecFields[] = {
    {.name = "project", .type = Type::kName, .about = "The tenant; 'default' when absent."},
    {.name = "ssh",
     .about = "SSH public keys, as lines of OpenSSH's allowed_signers: ada@example.com ssh-ed25519 "
              "AAAA...",
     .required = true},
    {.name = "openpgp", .about = "OpenPGP keys by fingerprint.", .built = false},
};
constexpr ObjectSpec kSignersSpec = {kSignersSpecFields, {}};

// ---------------------------------------------------------------- RolloutPlan

constexpr Choice kRequired[] = {{"required"}};
constexpr FieldSpec kWaveFields[] = {
    {.name = "name", .type = Type::kName, .about = "Unique within the plan.", .required = true},
    {.name = "clusterSelector",
     .type = Type::kObject,
     .about = "Which clusters; {} selects all that are in no earlier wave.",
     .required = true,
     .object = &kSelector},
    {.name = "clusters",
     .type = Type::kBudget,
     .about = "At most so many of them, in the order of their names; all when absent."},
    {.name = "maxConcurrency",
     .type = Type::kBudget,
     .about = "How many may be on their way at one time; all when absent."},
    {.name = "maxFailures",
     .type = Type::kBudget,
     .about = "How many may fail before the rollout stops; none when absent."},
    {.name = "soak",
     .type = Type::kDuration,
     .about = "How long all must be healthy before the next wave."},
    {.name = "progressDeadline",
     .type = Type::kDuration,
     .about = "How long one cluster may take to get healthy; 10m when absent."},
    {.name = "approval",
     .type = Type::kChoice,
     .about = "required: nobody of the wave is moved before an operator approves the release.",
     .choices = kRequired},
    {.name = "approvalAfter",
     .type = Type::kChoice,
     .about = "required: the next wave waits until an operator approves, after the soak.",
     .choices = kRequired},
    {.name = "gates", .about = "Jobs and queries that must succeed.", .built = false},
};
constexpr ObjectSpec kWave = {kWaveFields, {}};

constexpr Choice kOnFailure[] = {{"pause"}, {"rollback"}};
constexpr Choice kOnNewer[] = {{"supersede"}, {"queue"}};
constexpr FieldSpec kRolloutPlanSpecFields[] = {
    {.name = "project", .type = Type::kName, .about = "The tenant; 'default' when absent."},
    {.name = "waves",
     .type = Type::kObject,
     .about = "In order; a cluster is in the first that selects it.",
     .required = true,
     .list = true,
     .object = &kWave},
    {.name = "onFailure",
     .type = Type::kChoice,
     .about = "What happens when too many clusters fail; pause when absent.",
     .choices = kOnFailure},
    {.name = "onNewer",
     .type = Type::kChoice,
     .about = "What a newer commit does to the rollout on its way; supersede when absent.",
     .choices = kOnNewer},
};
constexpr ObjectSpec kRolloutPlanSpec = {kRolloutPlanSpecFields, {}};

// ---------------------------------------------------------------- documents

constexpr FieldSpec ApiVersion() {
  return {.name = "apiVersion", .about = "muster.dev/v1alpha1", .required = true};
}
constexpr FieldSpec Kind() { return {.name = "kind", .about = "The kind.", .required = true}; }

constexpr FieldSpec Metadata(const ObjectSpec* object) {
  return {.name = "metadata",
          .type = Type::kObject,
          .about = "Name and notes.",
          .required = true,
          .object = object};
}
constexpr FieldSpec Spec(bool required, const ObjectSpec* object) {
  return {.name = "spec",
          .type = Type::kObject,
          .about = "What is declared.",
          .required = required,
          .object = object};
}

constexpr FieldSpec kRepositoryFields[] = {ApiVersion(), Kind(), Metadata(&kMetadata),
                                           Spec(true, &kRepositorySpec)};
constexpr ObjectSpec kRepository = {kRepositoryFields, {}};
constexpr FieldSpec kPackageFields[] = {ApiVersion(), Kind(), Metadata(&kMetadata),
                                        Spec(true, &kPackageSpec)};
constexpr ObjectSpec kPackage = {kPackageFields, {}};
constexpr FieldSpec kClusterFields[] = {ApiVersion(), Kind(), Metadata(&kClusterMetadata),
                                        Spec(false, &kClusterSpec)};
constexpr ObjectSpec kCluster = {kClusterFields, {}};

constexpr FieldSpec kSignersFields[] = {ApiVersion(), Kind(), Metadata(&kMetadata),
                                        Spec(true, &kSignersSpec)};
constexpr ObjectSpec kSigners = {kSignersFields, {}};

constexpr FieldSpec kRolloutPlanFields[] = {ApiVersion(), Kind(), Metadata(&kMetadata),
                                            Spec(true, &kRolloutPlanSpec)};
constexpr ObjectSpec kRolloutPlan = {kRolloutPlanFields, {}};

constexpr KindSpec kKinds[] = {
    {.kind = "Alert", .about = "Who is told of what.", .built = false},
    {.kind = "Cluster",
     .about = "A cluster's labels and mode, before or after it exists.",
     .document = &kCluster},
    {.kind = "Package",
     .about = "What to render from a repository, and which clusters get it.",
     .document = &kPackage},
    {.kind = "Policy", .about = "A compliance rule.", .built = false},
    {.kind = "Project", .about = "A tenant.", .built = false},
    {.kind = "Repository",
     .about = "A Git repository or a registry of charts, and how to reach it.",
     .document = &kRepository},
    {.kind = "RolloutPlan",
     .about = "How a package goes from cluster to cluster: waves, and what happens on failure.",
     .document = &kRolloutPlan},
    {.kind = "Signers", .about = "Public keys whose signatures count.", .document = &kSigners},
    {.kind = "Window", .about = "When changes may be made.", .built = false},
};

}  // namespace

absl::Span<const KindSpec> Kinds() { return kKinds; }

const KindSpec* FindKind(absl::string_view kind) {
  for (const KindSpec& spec : kKinds) {
    if (spec.kind == kind) return &spec;
  }
  return nullptr;
}

const FieldSpec* FindField(const ObjectSpec& object, absl::string_view name) {
  for (const FieldSpec& field : object.fields) {
    if (field.name == name) return &field;
  }
  return nullptr;
}

}  // namespace muster
