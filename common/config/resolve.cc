#include "common/config/resolve.h"

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
  input.set_substitute(!scope.variables.empty());
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

}  // namespace muster
