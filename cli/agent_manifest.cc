#include "cli/agent_manifest.h"

#include <map>
#include <set>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "cli/agent_templates.h"
#include "cli/bootstrap_plan.h"
#include "cli/problem.h"
#include "common/base/check.h"
#include "common/base/status_macros.h"
#include "common/config/names.h"
#include "common/manifest/json.h"
#include "common/manifest/yaml.h"

namespace muster::cli {
namespace {

using Words = std::map<std::string, std::string>;

// The document of a template, its @words@ replaced by values that stay text whatever they hold.
Value Fill(absl::string_view text, const Words& words) {
  std::string filled;
  while (true) {
    const size_t begin = text.find('@');
    absl::StrAppend(&filled, text.substr(0, begin));
    if (begin == absl::string_view::npos) break;
    const size_t end = text.find('@', begin + 1);
    CHECK(end != absl::string_view::npos);
    const auto found = words.find(std::string(text.substr(begin + 1, end - begin - 1)));
    CHECK(found != words.end());
    absl::StrAppend(&filled, CanonicalJson(Value(found->second)));
    text.remove_prefix(end + 1);
  }
  absl::StatusOr<std::vector<Document>> documents =
      ParseYaml(filled, "template", YamlReaders::kOne);
  CHECK_OK(documents.status());
  CHECK(documents->size() == 1);
  return std::move(documents->front().value);
}

Value::List ListOf(const std::vector<std::string>& words) {
  Value::List list;
  for (const std::string& word : words) list.push_back(Value(word));
  return list;
}

Value Rule(const std::string& group, const std::vector<std::string>& resources,
           const std::vector<std::string>& verbs) {
  return Value::Map{{"apiGroups", Value::List{Value(group)}},
                    {"resources", ListOf(resources)},
                    {"verbs", ListOf(verbs)}};
}

// One rule for each API group among kinds such as "deployments.apps".
Value::List RulesFor(const std::vector<std::string>& kinds) {
  std::map<std::string, std::set<std::string>> groups;
  for (const std::string& kind : kinds) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(kind, absl::MaxSplits('.', 1));
    groups[parts.second].insert(parts.first);
  }
  Value::List rules;
  for (const auto& [group, resources] : groups) {
    rules.push_back(Rule(group, {resources.begin(), resources.end()},
                         {"get", "list", "watch", "create", "update", "patch", "delete"}));
  }
  return rules;
}

// A role or cluster role with these rules, bound to the agent.
void AddGrant(const Words& words, const std::string& name_space, Value::List rules,
              std::vector<Value>& objects) {
  Words here = words;
  here["scope"] = name_space;
  const bool everywhere = name_space.empty();
  Value role = Fill(everywhere ? kClusterRole : kRole, here);
  CHECK(role.Set("/rules", std::move(rules)));
  objects.push_back(std::move(role));
  objects.push_back(Fill(everywhere ? kClusterRoleBinding : kRoleBinding, here));
}

void AddRights(const AgentManifestOptions& options, const Words& words,
               std::vector<Value>& objects) {
  if (options.rights == AgentRights::kClusterAdmin) {
    objects.push_back(Fill(kAdminBinding, words));
    return;
  }
  Value::List everywhere = RulesFor(options.cluster_kinds);
  // The UID of kube-system is what tells one cluster from another.
  Value identity = Rule("", {"namespaces"}, {"get"});
  CHECK(identity.Set("/resourceNames", ListOf({"kube-system"})));
  everywhere.push_back(std::move(identity));
  AddGrant(words, "", std::move(everywhere), objects);

  const Value events = Rule("", {"events"}, {"create", "patch"});
  Value::List own;
  own.push_back(Rule("muster.dev", {"musters", "musters/status"},
                     {"get", "list", "watch", "create", "update", "patch"}));
  own.push_back(events);
  AddGrant(words, options.name_space, std::move(own), objects);
  for (const std::string& name_space : options.namespaces) {
    Value::List rules = RulesFor(options.kinds.empty() ? DefaultKinds() : options.kinds);
    rules.push_back(events);
    AddGrant(words, name_space, std::move(rules), objects);
  }
}

Value::List Arguments(const AgentManifestOptions& options) {
  std::vector<std::string> arguments = {
      "--data=/var/lib/muster-agent",
      "--driver=kubernetes",
      absl::StrCat("--join=", options.join_address),
      "--token-file=/run/muster/join/token",
      "--age-identity=/run/muster/age",
      absl::StrCat("--log-level=", options.log_level),
  };
  if (!options.cluster.empty()) arguments.push_back(absl::StrCat("--name=", options.cluster));
  if (!options.hub_address.empty()) {
    arguments.push_back(absl::StrCat("--hub-address=", options.hub_address));
  }
  if (options.observe) arguments.push_back("--observe");
  return ListOf(arguments);
}

Value::List Variables(const AgentManifestOptions& options) {
  Value::List variables;
  variables.push_back(Value::Map{
      {"name", "MUSTER_NAMESPACE"},
      {"valueFrom", Value::Map{{"fieldRef", Value::Map{{"fieldPath", "metadata.namespace"}}}}}});
  if (options.https_proxy.empty()) return variables;
  variables.push_back(Value::Map{{"name", "HTTPS_PROXY"}, {"value", options.https_proxy}});
  // The way to the cluster's own API server never leads through the proxy.
  std::string direct = "$(KUBERNETES_SERVICE_HOST),.svc,.cluster.local";
  if (!options.no_proxy.empty()) absl::StrAppend(&direct, ",", options.no_proxy);
  variables.push_back(Value::Map{{"name", "NO_PROXY"}, {"value", std::move(direct)}});
  return variables;
}

Value Workload(const AgentManifestOptions& options, const Words& words) {
  Value set = Fill(kWorkload, words);
  CHECK(set.Set("/spec/template/spec/containers/0/args", Arguments(options)));
  CHECK(set.Set("/spec/template/spec/containers/0/env", Variables(options)));
  Value::Map notes;
  if (!options.cluster.empty()) notes.Set(std::string(kClusterAnnotation), options.cluster);
  if (!options.hub_id.empty()) notes.Set(std::string(kHubAnnotation), options.hub_id);
  if (!notes.empty()) CHECK(set.Set("/metadata/annotations", std::move(notes)));
  if (!options.host_path.empty()) {
    CHECK(set.Remove("/spec/volumeClaimTemplates"));
    CHECK(set.Set("/spec/template/spec/volumes/-",
                  Value::Map{{"name", "data"},
                             {"hostPath", Value::Map{{"path", options.host_path},
                                                     {"type", "DirectoryOrCreate"}}}}));
  } else if (!options.storage_class.empty()) {
    CHECK(set.Set("/spec/volumeClaimTemplates/0/spec/storageClassName", options.storage_class));
  }
  return set;
}

absl::Status CheckKinds(absl::string_view flag, const std::vector<std::string>& kinds) {
  for (const std::string& kind : kinds) {
    for (const absl::string_view label : absl::StrSplit(kind, '.')) {
      if (CheckName(label).ok()) continue;
      return UsageProblem(absl::StrCat(flag, " '", kind, "' is no kind"),
                          "plural and API group, in lower case: deployments.apps, configmaps");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckRights(const AgentManifestOptions& options) {
  RETURN_IF_ERROR(CheckKinds("--kind", options.kinds));
  RETURN_IF_ERROR(CheckKinds("--cluster-kind", options.cluster_kinds));
  for (const std::string& name_space : options.namespaces) {
    if (CheckName(name_space).ok()) continue;
    return UsageProblem(absl::StrCat("--only-namespace '", name_space, "' is no namespace"), "");
  }
  const bool listed = !options.kinds.empty() || !options.cluster_kinds.empty();
  if (options.rights == AgentRights::kClusterAdmin && listed) {
    return UsageProblem("--kind and --cluster-kind limit an agent that is limited to namespaces",
                        "add --only-namespace NAME");
  }
  return absl::OkStatus();
}

}  // namespace

const std::vector<std::string>& DefaultKinds() {
  static const auto* const kinds =
      new std::vector<std::string>{"configmaps",
                                   "persistentvolumeclaims",
                                   "pods",
                                   "secrets",
                                   "serviceaccounts",
                                   "services",
                                   "daemonsets.apps",
                                   "deployments.apps",
                                   "replicasets.apps",
                                   "statefulsets.apps",
                                   "horizontalpodautoscalers.autoscaling",
                                   "cronjobs.batch",
                                   "jobs.batch",
                                   "ingresses.networking.k8s.io",
                                   "networkpolicies.networking.k8s.io",
                                   "poddisruptionbudgets.policy"};
  return *kinds;
}

absl::Status CheckAgentManifest(const AgentManifestOptions& options) {
  if (!CheckName(options.name_space).ok()) {
    return UsageProblem(absl::StrCat("--namespace '", options.name_space, "' is no namespace"), "");
  }
  if (options.image.empty()) {
    return UsageProblem("which image is the agent?",
                        "--image REGISTRY/muster-agent:TAG; deploy/image/build makes one");
  }
  if (!options.host_path.empty()) {
    if (options.host_path.front() != '/' || options.host_path == "/") {
      return UsageProblem(absl::StrCat("--host-path '", options.host_path, "' is no folder"),
                          "an absolute path on the node: /var/lib/muster-agent");
    }
    if (!options.storage_class.empty()) {
      return UsageProblem("--host-path and --storage-class exclude each other", "leave one out");
    }
  }
  return CheckRights(options);
}

std::vector<Value> AgentManifest(const AgentManifestOptions& options) {
  CHECK_OK(CheckAgentManifest(options));
  const Words words = {{"namespace", options.name_space},
                       {"image", options.image},
                       {"token", absl::Base64Escape(options.token)},
                       {"identities", absl::Base64Escape(options.age_identities)},
                       {"version", options.version},
                       // Kubernetes' own name for how far a pod may reach out of itself.
                       {"level", options.host_path.empty() ? "restricted" : "privileged"}};
  std::vector<Value> objects;
  objects.push_back(Fill(kNamespace, words));
  objects.push_back(Fill(kDefinition, words));
  objects.push_back(Fill(kServiceAccount, words));
  AddRights(options, words, objects);
  if (!options.token.empty()) objects.push_back(Fill(kJoinSecret, words));
  if (!options.age_identities.empty()) objects.push_back(Fill(kAgeSecret, words));
  objects.push_back(Fill(kNetworkPolicy, words));
  objects.push_back(Workload(options, words));
  return objects;
}

}  // namespace muster::cli
