#include "common/config/resolve.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/render/file_tree.h"
#include "common/render/variables.h"

namespace muster {
namespace {

using Values = std::map<std::string, std::string, std::less<>>;

// The variables of package and target, with the cluster's facts put in.
absl::StatusOr<Values> ResolveVariables(const v1::Package& package, const v1::Target& target,
                                        const VariableScope& cluster,
                                        const TextPosition& position) {
  Values values;
  for (const v1::Variable& variable : package.variables()) {
    values.insert_or_assign(variable.name(), variable.value());
  }
  for (const v1::Variable& variable : target.variables()) {
    values.insert_or_assign(variable.name(), variable.value());
  }
  for (auto& [name, value] : values) {
    absl::StatusOr<std::string> resolved = Substitute(value, cluster, position);
    if (!resolved.ok()) {
      return Annotate(resolved.status(),
                      absl::StrCat("variables.", name, " (may name only ${cluster...})"));
    }
    value = *std::move(resolved);
  }
  return values;
}

std::set<std::string> PatchFiles(const v1::Package& package) {
  std::set<std::string> files;
  for (const v1::Target& target : package.targets()) {
    for (const v1::Patch& patch : target.patches()) {
      if (!patch.path().empty()) files.insert(patch.path());
    }
  }
  return files;
}

// `relative` with its variables, which may come to nothing that is a path.
absl::StatusOr<std::string> ResolvePath(const std::string& relative, const VariableScope& scope,
                                        const TextPosition& position) {
  ASSIGN_OR_RETURN(const std::string path, Substitute(relative, scope, position));
  return NormalizePath(path);
}

absl::Status ResolveHelm(const v1::Package& package, const v1::Target& target,
                         const VariableScope& scope, const TextPosition& position,
                         v1::RenderInput& input) {
  if (!package.has_helm() && !target.has_helm()) return absl::OkStatus();
  v1::Helm& helm = *input.mutable_helm();
  helm = package.helm();
  // Said here, because a rendering does not depend on the package's name otherwise.
  if (helm.release_name().empty()) helm.set_release_name(package.name());
  absl::StatusOr<std::string> chart = ResolvePath(helm.chart(), scope, position);
  if (!chart.ok()) return Annotate(chart.status(), "helm.chart");
  helm.set_chart(*std::move(chart));
  absl::StatusOr<std::string> version = Substitute(helm.version(), scope, position);
  if (!version.ok()) return Annotate(version.status(), "helm.version");
  helm.set_version(*std::move(version));
  if (target.has_helm()) *input.mutable_target_helm() = target.helm();
  for (v1::Helm* values :
       {&helm, input.has_target_helm() ? input.mutable_target_helm() : nullptr}) {
    if (values == nullptr) continue;
    for (std::string& file : *values->mutable_values_files()) {
      absl::StatusOr<std::string> path = ResolvePath(file, scope, position);
      if (!path.ok()) return Annotate(path.status(), absl::StrCat("helm.valuesFiles '", file, "'"));
      file = *std::move(path);
    }
  }
  return absl::OkStatus();
}

// Values in a declaration that name the cluster are meant to be substituted, without any variable
// too.
bool NamesTheCluster(const v1::Package& package, const v1::Target& target) {
  std::set<std::string> uses;
  for (const v1::Helm* helm : {&package.helm(), &target.helm()}) {
    if (!CollectClusterVariables(helm->values(), {"", 1}, uses).ok()) return false;
  }
  return !uses.empty();
}

absl::StatusOr<v1::RenderInput> Resolve(const v1::Package& package, const v1::Target& target,
                                        absl::string_view cluster_name, const Labels& labels) {
  const TextPosition position = {package.origin().file(), package.origin().line()};
  VariableScope scope;
  scope.cluster_name = std::string(cluster_name);
  scope.labels = labels;
  ASSIGN_OR_RETURN(scope.variables, ResolveVariables(package, target, scope, position));

  absl::StatusOr<std::string> path = Substitute(package.path(), scope, position);
  if (path.ok()) path = NormalizePath(*path);
  if (!path.ok()) return Annotate(path.status(), "path");

  v1::RenderInput input;
  input.set_package(package.name());
  input.set_path(*std::move(path));
  input.set_renderer(package.renderer());
  input.set_load_restrictor(package.load_restrictor());
  input.set_substitute(!scope.variables.empty() || NamesTheCluster(package, target));
  RETURN_IF_ERROR(ResolveHelm(package, target, scope, position, input));
  for (const auto& [name, value] : scope.variables) {
    v1::Variable* variable = input.add_variables();
    variable->set_name(name);
    variable->set_value(value);
  }
  *input.mutable_patches() = target.patches();
  for (const std::string& file : PatchFiles(package)) input.add_patch_files(file);
  input.set_namespace_(package.namespace_());
  input.set_override_namespace(package.override_namespace());
  if (input.substitute()) {
    input.set_cluster_name(scope.cluster_name);
    for (const auto& [key, value] : labels) {
      v1::Label* label = input.add_labels();
      label->set_key(key);
      label->set_value(value);
    }
  }
  return input;
}

bool IsUsed(const google::protobuf::RepeatedPtrField<std::string>& uses, absl::string_view fact) {
  return std::any_of(uses.begin(), uses.end(),
                     [fact](const std::string& use) { return use == fact || use == "*"; });
}

}  // namespace

const v1::Target* SelectTarget(const v1::Package& package, const Labels& labels) {
  for (const v1::Target& target : package.targets()) {
    if (target.has_cluster_selector() && Matches(target.cluster_selector(), labels)) return &target;
  }
  return nullptr;
}

absl::StatusOr<std::optional<v1::RenderInput>> ResolvePackage(const v1::Package& package,
                                                              absl::string_view cluster_name,
                                                              const Labels& labels) {
  const v1::Target* target = SelectTarget(package, labels);
  if (target == nullptr) return std::nullopt;
  absl::StatusOr<v1::RenderInput> input = Resolve(package, *target, cluster_name, labels);
  if (!input.ok()) {
    return Annotate(input.status(), absl::StrCat("package '", package.name(), "' for cluster '",
                                                 cluster_name, "'"));
  }
  return *std::move(input);
}

Digest ParamsOf(const std::string& repository, const v1::RenderInput& input,
                const google::protobuf::RepeatedPtrField<std::string>& uses) {
  v1::RenderInput key = input;
  key.clear_package();
  key.clear_known_inputs();
  if (!IsUsed(uses, "cluster.name")) key.clear_cluster_name();
  if (!IsUsed(uses, "cluster.kubernetesVersion")) key.clear_kubernetes_version();
  key.clear_labels();
  for (const v1::Label& label : input.labels()) {
    if (IsUsed(uses, absl::StrCat("cluster.labels.", label.key()))) *key.add_labels() = label;
  }
  return Digest::Of(absl::StrCat(repository, "\n", key.SerializeAsString()));
}

}  // namespace muster
