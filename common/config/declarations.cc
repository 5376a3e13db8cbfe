#include "common/config/declarations.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/check.h"
#include "common/base/limits.h"
#include "common/charts/oci.h"
#include "common/config/helm_fields.h"
#include "common/config/repository_url.h"
#include "common/config/selector.h"
#include "common/config/signers.h"
#include "common/config/structure.h"
#include "common/expression/expression.h"
#include "common/manifest/object.h"
#include "common/render/file_tree.h"
#include "common/render/patch.h"
#include "common/render/variables.h"

namespace muster {
namespace {

constexpr absl::string_view kDefaultProject = "default";
constexpr int64_t kIntervalMsDefault = 60'000;
constexpr int64_t kIntervalMsMin = 1'000;

// ---------------------------------------------------------------- reading, types being right

const Value* At(const Findings& findings, absl::string_view pointer) {
  return findings.document().value.Find(pointer);
}

std::string TextOr(const Value* value, absl::string_view otherwise) {
  return value == nullptr ? std::string(otherwise) : value->string();
}

std::string TextAt(const Findings& findings, absl::string_view pointer,
                   absl::string_view otherwise = "") {
  return TextOr(At(findings, pointer), otherwise);
}

std::vector<std::string> TextsAt(const Findings& findings, absl::string_view pointer) {
  std::vector<std::string> texts;
  const Value* list = At(findings, pointer);
  if (list == nullptr) return texts;
  for (const Value& element : list->list()) texts.push_back(element.string());
  return texts;
}

template <typename Add>
void ForEachSorted(const Value* map, Add add) {
  if (map == nullptr) return;
  for (const Member* member : map->map().Sorted()) add(member->key, member->value.string());
}

void SetOrigin(const Findings& findings, v1::Origin* origin) {
  origin->set_file(findings.document().file);
  origin->set_line(findings.document().positions.Find("").line);
}

void ReadLabels(const Value* map, google::protobuf::RepeatedPtrField<v1::Label>* labels) {
  ForEachSorted(map, [labels](const std::string& key, const std::string& value) {
    v1::Label* label = labels->Add();
    label->set_key(key);
    label->set_value(value);
  });
}

// Expressions that are no expressions are found here and not cluster by cluster.
void CheckExpressions(const std::string& text, const std::string& at, Findings& findings) {
  std::set<std::string> uses;
  const absl::Status bad = CollectClusterVariables(text, {"", 1}, uses);
  if (bad.ok()) return;
  // The message starts with ":1: ", which is a place in the text and not in the file.
  const std::vector<std::string> parts = absl::StrSplit(bad.message(), absl::MaxSplits(": ", 1));
  findings.Add(at, parts.back());
}

void ReadVariables(const Value* map, const std::string& at, Findings& findings,
                   google::protobuf::RepeatedPtrField<v1::Variable>* variables) {
  ForEachSorted(map, [&](const std::string& name, const std::string& value) {
    CheckExpressions(value, JoinPointer(at, name), findings);
    v1::Variable* variable = variables->Add();
    variable->set_name(name);
    variable->set_value(value);
  });
}

// ---------------------------------------------------------------- parts of a package

void CheckPackagePath(const std::string& path, Findings& findings) {
  constexpr absl::string_view kAt = "/spec/path";
  if (absl::Status bad = NormalizePath(path).status(); !bad.ok()) {
    return findings.Add(kAt, bad.message());
  }
  if (absl::StrContains(path, '*')) {
    return findings.Add(kAt, absl::StrCat("'", absl::CHexEscape(path),
                                          "': one package a directory, by '*', is not built yet in "
                                          "this version"));
  }
  CheckExpressions(path, std::string(kAt), findings);
}

v1::Patch ReadPatch(const Value& value, const std::string& at, Findings& findings) {
  v1::Patch patch;
  if (const Value* path = value.Get("path"); path != nullptr) {
    const absl::StatusOr<std::string> normalized = NormalizePath(path->string());
    if (!normalized.ok() || normalized->empty()) {
      findings.Add(at + "/path", normalized.ok() ? "names no file" : normalized.status().message());
    } else {
      patch.set_path(*normalized);
    }
  }
  patch.set_inline_(TextOr(value.Get("inline"), ""));
  if (const Value* target = value.Get("target"); target != nullptr) {
    patch.set_target_group(TextOr(target->Get("group"), ""));
    patch.set_target_version(TextOr(target->Get("version"), ""));
    patch.set_target_kind(TextOr(target->Get("kind"), ""));
    patch.set_target_name(TextOr(target->Get("name"), ""));
    patch.set_target_namespace(TextOr(target->Get("namespace"), ""));
    if (!HasTarget(patch)) findings.Add(at + "/target", "is empty; name at least one field");
    if (absl::Status bad = CheckPatchTarget(patch); !bad.ok()) findings.Add(at, bad.message());
  }
  return patch;
}

void ReadTargets(Findings& findings, v1::Package& package) {
  const Value* targets = At(findings, "/spec/targets");
  if (targets == nullptr) return;
  for (size_t i = 0; i < targets->list().size(); ++i) {
    const Value& value = targets->list()[i];
    const std::string at = absl::StrCat("/spec/targets/", i);
    v1::Target* target = package.add_targets();
    target->set_name(TextOr(value.Get("name"), ""));
    if (const Value* selector = value.Get("clusterSelector"); selector != nullptr) {
      *target->mutable_cluster_selector() =
          ReadSelector(*selector, at + "/clusterSelector", findings);
    }
    ReadVariables(value.Get("variables"), at + "/variables", findings, target->mutable_variables());
    const Value* patches = value.Get("patches");
    if (patches == nullptr) continue;
    if (patches->list().size() > limits::kPatchesMax) {
      findings.Add(at + "/patches",
                   absl::StrCat("has more than ", limits::kPatchesMax, " patches"));
      continue;
    }
    for (size_t p = 0; p < patches->list().size(); ++p) {
      *target->add_patches() =
          ReadPatch(patches->list()[p], absl::StrCat(at, "/patches/", p), findings);
    }
  }
}

void ReadIgnoreRules(const Value* rules, Findings& findings, v1::SyncPolicy& sync) {
  if (rules == nullptr) return;
  for (size_t i = 0; i < rules->list().size(); ++i) {
    const Value& value = rules->list()[i];
    v1::IgnoreRule* rule = sync.add_ignore();
    rule->set_kind(TextOr(value.Get("kind"), ""));
    rule->set_name(TextOr(value.Get("name"), ""));
    const Value::List& paths = value.Get("paths")->list();
    for (size_t p = 0; p < paths.size(); ++p) {
      const std::string at = absl::StrCat("/spec/sync/ignore/", i, "/paths/", p);
      const auto steps = SplitPointer(paths[p].string());
      if (!steps || steps->empty()) {
        findings.Add(at, "is no JSON pointer to a field; write it like /spec/replicas");
      }
      rule->add_paths(paths[p].string());
    }
    if (paths.empty()) {
      findings.Add(absl::StrCat("/spec/sync/ignore/", i, "/paths"), "names no field");
    }
  }
}

void ReadSync(Findings& findings, v1::SyncPolicy& sync) {
  const std::string drift = TextAt(findings, "/spec/sync/drift", "correct");
  sync.set_drift(drift == "report"   ? v1::DRIFT_MODE_REPORT
                 : drift == "ignore" ? v1::DRIFT_MODE_IGNORE
                                     : v1::DRIFT_MODE_CORRECT);
  if (const Value* prune = At(findings, "/spec/sync/prune"); prune != nullptr) {
    sync.set_no_prune(!prune->boolean());
  }
  if (const Value* value = At(findings, "/spec/sync/deletionBudget"); value != nullptr) {
    const std::optional<Budget> budget = ParseBudget(*value);
    CHECK(budget.has_value());
    sync.set_has_deletion_budget(true);
    if (budget->percent) {
      sync.set_deletion_budget_percent(budget->amount);
    } else {
      sync.set_deletion_budget_count(budget->amount);
    }
    if (budget->percent && budget->amount > limits::kDeletionsPercent) {
      findings.Add("/spec/sync/deletionBudget",
                   absl::StrCat("may only lower the cap, which is ", limits::kDeletionsPercent,
                                "%; larger deletions are approved one by one"));
    }
  }
  ReadIgnoreRules(At(findings, "/spec/sync/ignore"), findings, sync);
  const std::string adopt = TextAt(findings, "/spec/sync/adopt");
  if (!adopt.empty()) {
    sync.set_adopt(adopt == "never"    ? v1::ADOPT_MODE_NEVER
                   : adopt == "always" ? v1::ADOPT_MODE_ALWAYS
                                       : v1::ADOPT_MODE_IF_EQUAL);
  }
}

void ReadHealthRules(Findings& findings, v1::Package& package) {
  const Value* rules = At(findings, "/spec/health/rules");
  if (rules == nullptr) return;
  if (rules->list().size() > limits::kHealthRulesMax) {
    findings.Add("/spec/health/rules",
                 absl::StrCat("at most ", limits::kHealthRulesMax, " rules are allowed"));
  }
  for (size_t i = 0; i < rules->list().size(); ++i) {
    const Value& value = rules->list()[i];
    const std::string at = absl::StrCat("/spec/health/rules/", i);
    v1::HealthRule& rule = *package.add_health_rules();
    rule.set_group(TextOr(value.Get("group"), ""));
    rule.set_kind(TextOr(value.Get("kind"), ""));
    rule.set_healthy(TextOr(value.Get("healthy"), ""));
    rule.set_progressing(TextOr(value.Get("progressing"), ""));
    rule.set_degraded(TextOr(value.Get("degraded"), ""));
    rule.set_suspended(TextOr(value.Get("suspended"), ""));
    rule.set_message(TextOr(value.Get("message"), ""));
    for (const char* field : {"healthy", "progressing", "degraded", "suspended", "message"}) {
      const std::string text = TextOr(value.Get(field), "");
      if (text.empty()) continue;
      if (const absl::Status bad = Expression::Parse(text).status(); !bad.ok()) {
        findings.Add(absl::StrCat(at, "/", field), bad.message());
      }
    }
  }
}

// "namespace/name", made whole with the package's namespace.
void ReadServiceAccount(Findings& findings, v1::Package& package) {
  const std::string text = TextAt(findings, "/spec/serviceAccount");
  if (text.empty()) return;
  const size_t slash = text.find('/');
  const std::string name = slash == std::string::npos ? text : text.substr(slash + 1);
  const std::string ns = slash == std::string::npos ? package.namespace_() : text.substr(0, slash);
  if (ns.empty() && slash == std::string::npos) {
    findings.Add("/spec/serviceAccount",
                 "needs its namespace: write namespace/name, or set spec.namespace");
    return;
  }
  const absl::Status good = CheckKey(
      ObjectKey{.api_version = "v1", .kind = "ServiceAccount", .namespace_ = ns, .name = name});
  if (!good.ok() || ns.empty()) {
    findings.Add("/spec/serviceAccount",
                 "is no service account; write it like name or namespace/name");
    return;
  }
  package.set_service_account(absl::StrCat(ns, "/", name));
}

// Type and URL, and whether there is a ref, which Git has and registries have not.
void ReadPlace(Findings& findings, v1::Repository& repository) {
  const std::string type = TextAt(findings, "/spec/type", "git");
  const std::string text = TextAt(findings, "/spec/url");
  const bool ref = At(findings, "/spec/ref") != nullptr;
  absl::StatusOr<std::string> url;
  if (type == "git") {
    url = NormalizeRepositoryUrl(text);
    if (!ref) findings.Add("/spec/ref", "is missing");
  } else {
    repository.set_type(type == "oci" ? v1::REPOSITORY_TYPE_OCI : v1::REPOSITORY_TYPE_HELM);
    url = NormalizeRegistryUrl(text, type == "oci");
    if (url.ok() && type == "oci") {
      if (absl::Status bad = ParseOciUrl(*url).status(); !bad.ok()) url = bad;
    }
    if (ref) {
      findings.Add("/spec/ref", absl::StrCat("type ", type,
                                             " has no ref; each package names the "
                                             "version of its chart"));
    }
  }
  if (!url.ok()) findings.Add("/spec/url", url.status().message());
  repository.set_url(url.value_or(""));
}

}  // namespace

v1::LabelSelector ReadSelector(const Value& value, const std::string& at, Findings& findings) {
  v1::LabelSelector selector;
  ReadLabels(value.Get("matchLabels"), selector.mutable_match_labels());
  const Value* expressions = value.Get("matchExpressions");
  if (expressions != nullptr) {
    for (const Value& expression : expressions->list()) {
      v1::LabelSelector::Requirement* requirement = selector.add_match_expressions();
      requirement->set_key(expression.Get("key")->string());
      const std::string& op = expression.Get("operator")->string();
      requirement->set_operator_(op == "In"       ? v1::LabelSelector::OPERATOR_IN
                                 : op == "NotIn"  ? v1::LabelSelector::OPERATOR_NOT_IN
                                 : op == "Exists" ? v1::LabelSelector::OPERATOR_EXISTS
                                                  : v1::LabelSelector::OPERATOR_DOES_NOT_EXIST);
      const Value* values = expression.Get("values");
      if (values == nullptr) continue;
      for (const Value& one : values->list()) requirement->add_values(one.string());
    }
  }
  if (absl::Status bad = CheckSelector(selector); !bad.ok()) findings.Add(at, bad.message());
  return selector;
}

v1::Repository ReadRepository(Findings& findings) {
  v1::Repository repository;
  SetOrigin(findings, repository.mutable_origin());
  repository.set_name(TextAt(findings, "/metadata/name"));
  repository.set_project(TextAt(findings, "/spec/project", kDefaultProject));
  ReadPlace(findings, repository);
  repository.set_branch(TextAt(findings, "/spec/ref/branch"));
  repository.set_tag(TextAt(findings, "/spec/ref/tag"));
  repository.set_commit(TextAt(findings, "/spec/ref/commit"));
  for (const char* at : {"/spec/ref/branch", "/spec/ref/tag"}) {
    if (At(findings, at) == nullptr) continue;
    if (absl::Status bad = CheckRefName(TextAt(findings, at)); !bad.ok()) {
      findings.Add(at, bad.message());
    }
  }
  if (At(findings, "/spec/ref/commit") != nullptr && !IsCommitId(repository.commit())) {
    findings.Add("/spec/ref/commit", "is no commit; give all 40 hexadecimal digits");
  }
  repository.set_interval_ms(kIntervalMsDefault);
  if (const Value* interval = At(findings, "/spec/interval"); interval != nullptr) {
    repository.set_interval_ms(ParseDurationMs(interval->string()).value_or(0));
    if (repository.interval_ms() < kIntervalMsMin) {
      findings.Add("/spec/interval", "must be at least 1s");
    }
  }
  repository.set_credentials(TextAt(findings, "/spec/credentials"));
  ReadVerify(findings, repository);
  return repository;
}

v1::Renderer RendererOf(absl::string_view text) {
  if (text == "yaml") return v1::RENDERER_YAML;
  if (text == "kustomize") return v1::RENDERER_KUSTOMIZE;
  if (text == "helm") return v1::RENDERER_HELM;
  return v1::RENDERER_AUTO;
}

v1::Package ReadPackage(Findings& findings) {
  v1::Package package;
  SetOrigin(findings, package.mutable_origin());
  package.set_name(TextAt(findings, "/metadata/name"));
  package.set_project(TextAt(findings, "/spec/project", kDefaultProject));
  package.set_repository(TextAt(findings, "/spec/repository"));
  package.set_path(TextAt(findings, "/spec/path"));
  CheckPackagePath(package.path(), findings);
  package.set_renderer(RendererOf(TextAt(findings, "/spec/renderer", "auto")));
  if (TextAt(findings, "/spec/loadRestrictor", "root") == "none") {
    package.set_load_restrictor(v1::LOAD_RESTRICTOR_NONE);
  }
  ReadVariables(At(findings, "/spec/variables"), "/spec/variables", findings,
                package.mutable_variables());
  ReadTargets(findings, package);
  ReadHelmFields(findings, package);
  package.set_namespace_(TextAt(findings, "/spec/namespace"));
  if (const Value* override_namespace = At(findings, "/spec/overrideNamespace");
      override_namespace != nullptr) {
    package.set_override_namespace(override_namespace->boolean());
    if (package.override_namespace() && package.namespace_().empty()) {
      findings.Add("/spec/overrideNamespace", "needs a namespace to force");
    }
  }
  std::set<std::string> seen;
  const std::vector<std::string> depends_on = TextsAt(findings, "/spec/dependsOn");
  for (size_t i = 0; i < depends_on.size(); ++i) {
    package.add_depends_on(depends_on[i]);
    if (!seen.insert(depends_on[i]).second) {
      findings.Add(absl::StrCat("/spec/dependsOn/", i), "is in the list twice");
    }
  }
  ReadSync(findings, *package.mutable_sync());
  package.set_on_removal(TextAt(findings, "/spec/onRemoval") == "orphan" ? v1::ON_REMOVAL_ORPHAN
                                                                         : v1::ON_REMOVAL_DELETE);
  if (const Value* timeout = At(findings, "/spec/health/timeout"); timeout != nullptr) {
    package.set_health_timeout_ms(ParseDurationMs(timeout->string()).value_or(0));
  }
  ReadHealthRules(findings, package);
  ReadServiceAccount(findings, package);
  package.set_rollout(TextAt(findings, "/spec/rollout"));
  return package;
}

v1::ClusterDeclaration ReadCluster(Findings& findings) {
  v1::ClusterDeclaration cluster;
  SetOrigin(findings, cluster.mutable_origin());
  cluster.set_name(TextAt(findings, "/metadata/name"));
  cluster.set_project(TextAt(findings, "/spec/project", kDefaultProject));
  ReadLabels(At(findings, "/metadata/labels"), cluster.mutable_labels());
  cluster.set_mode(TextAt(findings, "/spec/mode") == "observe" ? v1::CLUSTER_MODE_OBSERVE
                                                               : v1::CLUSTER_MODE_ENFORCE);
  return cluster;
}

}  // namespace muster
