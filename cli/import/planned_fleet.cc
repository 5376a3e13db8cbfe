#include "cli/import/planned_fleet.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/status_macros.h"
#include "common/config/config.h"
#include "common/manifest/yaml_writer.h"

namespace muster::cli {
namespace {

constexpr size_t kNameSizeMax = 63;

Value Declaration(absl::string_view kind, Value::Map metadata, Value::Map spec) {
  Value::Map document{{"apiVersion", "muster.dev/v1alpha1"}, {"kind", kind}};
  document.Set("metadata", std::move(metadata));
  if (!spec.empty()) document.Set("spec", std::move(spec));
  return document;
}

Value RepositoryDeclaration(const PlannedRepository& repository) {
  Value::Map spec{{"url", repository.url}, {"type", repository.type}};
  if (repository.type == "git") {
    Value::Map ref;
    ref.Set(repository.ref_kind, repository.ref);
    spec.Set("ref", std::move(ref));
  }
  if (!repository.interval.empty()) spec.Set("interval", repository.interval);
  if (!repository.credentials.empty()) spec.Set("credentials", repository.credentials);
  return Declaration("Repository", {{"name", repository.name}}, std::move(spec));
}

std::string Heading(absl::string_view tool, absl::string_view origin) {
  return absl::StrCat("# Made by `muster import ", tool, "`", origin.empty() ? "" : " from ",
                      origin, ".\n");
}

// The cluster's name as a part of `path` made a variable.
std::string WithoutCluster(const std::string& path, const std::string& cluster) {
  std::vector<std::string> parts = absl::StrSplit(path, '/');
  for (std::string& part : parts) {
    if (part == cluster) part = "${cluster.name}";
  }
  return absl::StrJoin(parts, "/");
}

using Indexes = std::vector<size_t>;

// The instances' names, grouped; `grouped` says which groups are one package.
struct Grouping {
  std::map<std::string, Indexes> groups;  // by name
  std::map<std::string, bool> merged;
};

bool Alike(const PackageInstance& a, const PackageInstance& b) {
  return a.repository == b.repository && a.path.empty() == b.path.empty() &&
         a.targeted == b.targeted && Value(a.common) == Value(b.common) &&
         WithoutCluster(a.path, a.cluster) == WithoutCluster(b.path, b.cluster);
}

std::vector<std::string> DependencyNames(const std::vector<PackageInstance>& instances,
                                         const PackageInstance& instance) {
  std::vector<std::string> names;
  for (const size_t index : instance.depends_on) names.push_back(instances[index].name);
  std::sort(names.begin(), names.end());
  return names;
}

bool CanMerge(const std::vector<PackageInstance>& instances, const Grouping& grouping,
              const Indexes& group) {
  const PackageInstance& first = instances[group[0]];
  std::vector<std::string> clusters;
  for (const size_t index : group) {
    const PackageInstance& one = instances[index];
    if (!Alike(first, one)) return false;
    if (DependencyNames(instances, one) != DependencyNames(instances, first)) return false;
    clusters.push_back(one.cluster);
  }
  std::sort(clusters.begin(), clusters.end());
  if (std::adjacent_find(clusters.begin(), clusters.end()) != clusters.end()) return false;
  // What it waits for must have one name in all clusters too.
  for (const std::string& name : DependencyNames(instances, first)) {
    if (!grouping.merged.at(name)) return false;
  }
  return true;
}

Grouping Group(const std::vector<PackageInstance>& instances) {
  Grouping grouping;
  for (size_t i = 0; i < instances.size(); ++i) grouping.groups[instances[i].name].push_back(i);
  for (const auto& [name, group] : grouping.groups) grouping.merged[name] = true;
  for (bool changed = true; changed;) {
    changed = false;
    for (const auto& [name, group] : grouping.groups) {
      bool& merged = grouping.merged[name];
      if (!merged || group.size() == 1 || CanMerge(instances, grouping, group)) continue;
      merged = false;
      changed = true;
    }
  }
  return grouping;
}

Value VariablesOf(const std::map<std::string, std::string>& variables) {
  Value::Map map;
  for (const auto& [name, value] : variables) map.Set(name, value);
  return map;
}

Value::List TargetsOf(const std::vector<PackageInstance>& instances, const Indexes& group,
                      bool same_variables) {
  Value::List targets;
  if (same_variables) {
    std::vector<std::string> clusters;
    for (const size_t index : group) clusters.push_back(instances[index].cluster);
    targets.push_back(Value::Map{{"clusterSelector", SelectClusters(clusters)}});
    return targets;
  }
  for (const size_t index : group) {
    const PackageInstance& one = instances[index];
    Value::Map target{{"name", one.cluster}, {"clusterSelector", SelectClusters({one.cluster})}};
    if (!one.variables.empty()) target.Set("variables", VariablesOf(one.variables));
    targets.push_back(std::move(target));
  }
  return targets;
}

void AddPackage(const std::vector<PackageInstance>& instances, const Indexes& group,
                const std::string& output, PlannedFleet& fleet) {
  const PackageInstance& first = instances[group[0]];
  const bool same_variables = std::all_of(group.begin(), group.end(), [&](size_t index) {
    return instances[index].variables == first.variables;
  });
  PlannedPackage package{first.origin, first.common};
  package.spec.Set("repository", first.repository);
  std::string path = first.path;
  if (path.empty()) {
    for (const size_t index : group) {
      const PackageInstance& one = instances[index];
      const std::string directory = absl::StrCat("packages/", one.package, "/", one.cluster);
      fleet.files[directory + "/kustomization.yaml"] = one.kustomization;
      path = absl::StrCat(output, output.empty() ? "" : "/", directory);
    }
  }
  if (group.size() > 1) path = WithoutCluster(path, instances[group.back()].cluster);
  if (group.size() > 1 && !first.path.empty()) path = WithoutCluster(first.path, first.cluster);
  package.spec.Set("path", path.empty() ? "." : path);
  if (same_variables && !first.variables.empty()) {
    package.spec.Set("variables", VariablesOf(first.variables));
  }
  if (first.targeted) package.spec.Set("targets", TargetsOf(instances, group, same_variables));
  Value::List depends_on;
  for (const size_t index : first.depends_on) depends_on.emplace_back(instances[index].package);
  if (!depends_on.empty()) package.spec.Set("dependsOn", std::move(depends_on));
  fleet.packages[first.package] = std::move(package);
}

absl::StatusOr<FileTree> DeclarationsOf(const PlannedFleet& fleet, absl::string_view tool) {
  FileTree files;
  std::vector<Value> documents;
  for (const auto& [name, repository] : fleet.repositories) {
    documents.push_back(RepositoryDeclaration(repository));
  }
  if (!documents.empty()) {
    RETURN_IF_ERROR(files.Add("fleet/repositories.yaml",
                              absl::StrCat(Heading(tool, ""), WriteYamlStream(documents))));
  }
  documents.clear();
  for (const auto& [name, labels] : fleet.clusters) {
    Value::Map metadata{{"name", name}};
    if (!labels.empty()) metadata.Set("labels", VariablesOf(labels));
    documents.push_back(Declaration("Cluster", std::move(metadata), {}));
  }
  if (!documents.empty()) {
    RETURN_IF_ERROR(files.Add("fleet/clusters.yaml",
                              absl::StrCat(Heading(tool, ""), WriteYamlStream(documents))));
  }
  for (const auto& [name, package] : fleet.packages) {
    RETURN_IF_ERROR(
        files.Add(absl::StrCat("fleet/packages/", name, ".yaml"),
                  absl::StrCat(Heading(tool, package.origin),
                               WriteYaml(Declaration("Package", {{"name", name}}, package.spec)))));
  }
  return files;
}

// Whoever waits for a package that is not there would wait for ever.
void ForgetPackage(const std::string& name, PlannedFleet& fleet) {
  fleet.packages.erase(name);
  for (auto& [other, package] : fleet.packages) {
    Value* names = package.spec.Get("dependsOn");
    if (names == nullptr) continue;
    Value::List rest;
    for (const Value& each : names->list()) {
      if (!(each == Value(name))) rest.push_back(each);
    }
    if (rest.empty()) {
      package.spec.Erase("dependsOn");
    } else {
      *names = std::move(rest);
    }
  }
}

// Takes the declaration at fault out of the plan, and tells of it where it came from. False when
// there is none of that name.
bool LeaveOut(const v1::ConfigError& error, ImportResult& result) {
  const std::string& name = error.name();
  std::string what;
  if (error.kind() == "Package" && result.fleet.packages.count(name) > 0) {
    what = absl::StrCat("package/", name);
    ForgetPackage(name, result.fleet);
  } else if (error.kind() == "Repository" && result.fleet.repositories.erase(name) > 0) {
    what = absl::StrCat("repository/", name);
  } else if (error.kind() == "Cluster" && result.fleet.clusters.erase(name) > 0) {
    what = absl::StrCat("cluster/", name);
  } else {
    return false;
  }
  const std::string why = absl::StrCat("could not carry over ", what, ": ", error.message());
  bool told = false;
  for (ImportItem& item : result.report.items) {
    const auto at = std::find(item.became.begin(), item.became.end(), what);
    if (at == item.became.end()) continue;
    item.became.erase(at);
    item.LeaveOut("", why);
    item.check = ImportCheck::kNone;
    item.objects = 0;
    told = true;
  }
  if (told) return true;
  ImportItem item;
  item.file = error.file();
  item.kind = error.kind();
  item.name = name;
  item.LeaveOut("", why);
  result.report.items.push_back(std::move(item));
  return true;
}

}  // namespace

std::string NameFrom(absl::string_view text) {
  std::string name;
  for (const char sign : text) {
    const char lower = absl::ascii_tolower(static_cast<unsigned char>(sign));
    if (absl::ascii_isalnum(static_cast<unsigned char>(lower))) {
      name += lower;
    } else if (!name.empty() && name.back() != '-') {
      name += '-';
    }
  }
  name = name.substr(0, kNameSizeMax);
  while (!name.empty() && name.back() == '-') name.pop_back();
  return name.empty() ? "unnamed" : name;
}

std::string NumberedName(absl::string_view text, int number) {
  const std::string end = absl::StrCat("-", number);
  return absl::StrCat(NameFrom(NameFrom(text).substr(0, kNameSizeMax - end.size())), end);
}

std::string RepositoryKey(absl::string_view url) {
  std::string key = absl::AsciiStrToLower(url);
  if (const size_t scheme = key.find("://"); scheme != std::string::npos) {
    key = key.substr(scheme + 3);
  }
  if (const size_t user = key.find('@'); user != std::string::npos && user < key.find('/')) {
    key = key.substr(user + 1);
  }
  const size_t colon = key.find(':');  // git@host:path
  if (colon != std::string::npos && colon < key.find('/')) key[colon] = '/';
  absl::string_view rest = key;
  absl::ConsumeSuffix(&rest, "/");
  absl::ConsumeSuffix(&rest, ".git");
  return std::string(rest);
}

std::string AddRepository(PlannedRepository repository, PlannedFleet& fleet) {
  for (const auto& [name, known] : fleet.repositories) {
    if (RepositoryKey(known.url) == RepositoryKey(repository.url) &&
        known.type == repository.type && known.ref_kind == repository.ref_kind &&
        known.ref == repository.ref) {
      return name;
    }
  }
  const std::string wanted = NameFrom(repository.name);
  std::string name = wanted;
  if (fleet.repositories.count(name) > 0)
    name =
        NameFrom(absl::StrCat(wanted, "-", repository.type == "git" ? repository.ref : "charts"));
  for (int i = 2; fleet.repositories.count(name) > 0; ++i) name = NumberedName(wanted, i);
  repository.name = name;
  fleet.repositories[name] = std::move(repository);
  return name;
}

Value SelectClusters(const std::vector<std::string>& clusters) {
  if (clusters.size() == 1) {
    Value::Map labels;
    labels.Set(std::string(kClusterLabel), clusters[0]);
    return Value::Map{{"matchLabels", std::move(labels)}};
  }
  Value::List values;
  for (const std::string& cluster : clusters) values.push_back(cluster);
  Value::Map requirement{{"key", kClusterLabel}, {"operator", "In"}};
  requirement.Set("values", std::move(values));
  return Value::Map{{"matchExpressions", Value::List{std::move(requirement)}}};
}

absl::StatusOr<FileTree> WriteFleet(const PlannedFleet& fleet, absl::string_view tool) {
  ASSIGN_OR_RETURN(FileTree files, DeclarationsOf(fleet, tool));
  const v1::FleetConfig config = ParseFleetConfig(files, {.path = ""});
  for (const v1::ConfigError& error : config.errors()) {
    return absl::InternalError(absl::StrCat("what was made of the tree is refused: ", error.file(),
                                            ":", error.line(), ": ", error.message()));
  }
  for (const auto& [path, text] : fleet.files) RETURN_IF_ERROR(files.Add(path, text));
  return files;
}

void LeaveOutRefused(ImportResult& result) {
  for (;;) {
    const absl::StatusOr<FileTree> files = DeclarationsOf(result.fleet, result.report.tool);
    if (!files.ok()) return;  // told by WriteFleet
    bool dropped = false;
    const v1::FleetConfig config = ParseFleetConfig(*files, {.path = ""});
    for (const v1::ConfigError& error : config.errors()) dropped |= LeaveOut(error, result);
    if (!dropped) return;
  }
}

void AddPackages(std::vector<PackageInstance>& instances, const std::string& output,
                 PlannedFleet& fleet, ImportReport& report) {
  const Grouping grouping = Group(instances);
  std::map<std::string, int> taken;
  for (const auto& [name, group] : grouping.groups) ++taken[name];
  std::vector<Indexes> packages;
  for (const auto& [name, group] : grouping.groups) {
    if (grouping.merged.at(name)) {
      for (const size_t index : group) instances[index].package = name;
      packages.push_back(group);
      continue;
    }
    std::set<std::string> clusters;
    for (const size_t index : group) clusters.insert(instances[index].cluster);
    for (const size_t index : group) {
      PackageInstance& one = instances[index];
      one.package = clusters.size() < group.size()
                        ? NameFrom(one.full_name)
                        : NameFrom(absl::StrCat(one.cluster, "-", one.name));
      for (int i = 2; taken[one.package]++ > 0; ++i) {
        one.package = NumberedName(absl::StrCat(one.cluster, "-", one.name), i);
      }
      packages.push_back({index});
    }
  }
  for (const Indexes& group : packages) AddPackage(instances, group, output, fleet);
  for (const PackageInstance& one : instances) {
    auto& became = report.items[one.item].became;
    became.insert(became.begin(), absl::StrCat("package/", one.package));
    for (const size_t item : one.delivers) {
      report.items[item].became.push_back(absl::StrCat("package/", one.package));
    }
  }
}

}  // namespace muster::cli
