#include "test/sim/forge.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/check.h"
#include "common/base/limits.h"

namespace muster::sim {
namespace {

constexpr char kBase[] = "base";    // for all clusters
constexpr char kGreen[] = "green";  // for the group of that name
constexpr char kNamed[] = "named";  // for all, with each cluster's own name in it

// Every second object is of the second wave.
bool IsOfSecondWave(const std::string& name) { return (name.back() - '0') % 2 != 0; }

std::string ObjectYaml(const std::string& package, const std::string& name, int value) {
  std::string yaml =
      absl::StrCat("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ", name,
                   IsOfSecondWave(name) ? "\n  annotations: {muster.dev/wave: \"1\"}" : "",
                   "\n  namespace: sim\ndata:\n  value: \"", value, "\"\n");
  if (package == kNamed) absl::StrAppend(&yaml, "  cluster: \"${cluster.name}\"\n");
  return yaml;
}

std::string PackageYaml(const std::string& package) {
  std::string yaml =
      absl::StrCat("apiVersion: muster.dev/v1alpha1\nkind: Package\nmetadata: {name: ", package,
                   "}\nspec:\n  project: default\n  repository: apps\n  path: ", package,
                   "\n  targets:\n  - clusterSelector: ");
  absl::StrAppend(&yaml, package == kGreen ? "{matchLabels: {group: green}}\n" : "{}\n");
  if (package == kNamed) absl::StrAppend(&yaml, "  variables: {unused: \"1\"}\n");
  return yaml;
}

}  // namespace

std::string Forge::ClusterName(int cluster) { return absl::StrCat("cluster-", cluster); }

Forge::Forge(hub::MemoryRemotes& remotes, Random& random, int clusters)
    : remotes_(remotes), random_(random) {
  for (int cluster = 0; cluster < clusters; ++cluster) {
    groups_.push_back(cluster % 2 == 0 ? "green" : "blue");
  }
  for (const char* package : {kBase, kGreen, kNamed}) {
    for (int i = 0; i < 4; ++i) {
      content_[package][absl::StrCat(package, "-", next_object_++)] = next_value_++;
    }
  }
  CommitApps(AppsFiles(), "first");
  CommitFleet(FleetFiles(), "first");
}

Forge::Files Forge::AppsFiles() const {
  Files files;
  for (const auto& [package, objects] : content_) {
    for (const auto& [name, value] : objects) {
      files[absl::StrCat(package, "/", name, ".yaml")] = ObjectYaml(package, name, value);
    }
  }
  return files;
}

Forge::Files Forge::FleetFiles() const {
  Files files;
  files["repositories.yaml"] =
      absl::StrCat("apiVersion: muster.dev/v1alpha1\nkind: Repository\nmetadata: {name: apps}\n",
                   "spec:\n  project: default\n  type: git\n  url: ", kAppsUrl,
                   "\n  ref: {branch: main}\n  interval: 30s\n");
  for (const char* package : {kBase, kGreen, kNamed}) {
    files[absl::StrCat("packages/", package, ".yaml")] = PackageYaml(package);
  }
  std::string clusters;
  for (size_t cluster = 0; cluster < groups_.size(); ++cluster) {
    absl::StrAppend(&clusters, "---\napiVersion: muster.dev/v1alpha1\nkind: Cluster\nmetadata:\n",
                    "  name: ", ClusterName(cluster), "\n  labels: {group: ", groups_[cluster],
                    "}\nspec: {project: default}\n");
  }
  files["clusters.yaml"] = clusters;
  return files;
}

void Forge::CommitApps(Files files, const std::string& subject) {
  ++commits_;
  parent_of_apps_ = AppsHead();
  remotes_.Commit(kAppsUrl, "main", std::move(files), {.subject = subject});
}

void Forge::CommitFleet(Files files, const std::string& subject) {
  ++commits_;
  remotes_.Commit(kFleetUrl, "main", std::move(files), {.subject = subject});
}

void Forge::Remember() { former_.push_back(content_); }

std::string Forge::AnyPackage() {
  auto at = content_.begin();
  std::advance(at, random_.Below(content_.size()));
  return at->first;
}

std::string Forge::AnyObject(const std::string& package) {
  auto at = content_[package].begin();
  std::advance(at, random_.Below(content_[package].size()));
  return at->first;
}

void Forge::ChangeObject() {
  Remember();
  const std::string package = AnyPackage();
  content_[package][AnyObject(package)] = next_value_++;
  CommitApps(AppsFiles(), "change an object");
}

void Forge::AddObject() {
  const std::string package = AnyPackage();
  // A package that leaves a cluster must fit into the deletion budget, or it is held, as it should.
  if (content_[package].size() >= static_cast<size_t>(limits::kDeletionsFloor)) {
    return ChangeObject();
  }
  Remember();
  content_[package][absl::StrCat(package, "-", next_object_++)] = next_value_++;
  CommitApps(AppsFiles(), "add an object");
}

void Forge::RemoveObject() {
  const std::string package = AnyPackage();
  if (content_[package].size() <= 2) return AddObject();
  Remember();
  content_[package].erase(AnyObject(package));
  CommitApps(AppsFiles(), "remove an object");
}

void Forge::RevertChange() {
  if (former_.empty()) return ChangeObject();
  content_ = former_.back();
  former_.pop_back();
  CommitApps(AppsFiles(), "revert");
}

void Forge::Relabel() {
  std::string& group = groups_[random_.Below(groups_.size())];
  group = group == "green" ? "blue" : "green";
  CommitFleet(FleetFiles(), "relabel a cluster");
}

void Forge::BreakYaml() {
  Files files = AppsFiles();
  files[absl::StrCat(AnyPackage(), "/zz-broken.yaml")] = "kind: [unclosed\n";
  CommitApps(std::move(files), "break a file");
}

void Forge::EmptyPackage() {
  const Content kept = content_;
  content_.erase(AnyPackage());
  CommitApps(AppsFiles(), "lose a directory");
  content_ = kept;
}

void Forge::BreakDeclaration() {
  Files files = FleetFiles();
  absl::StrAppend(&files["clusters.yaml"], "nonsense: 1\n");
  CommitFleet(std::move(files), "break the clusters' file");
}

void Forge::Mend() {
  CommitApps(AppsFiles(), "mend");
  CommitFleet(FleetFiles(), "mend");
}

void Forge::SetReachable(bool reachable) {
  remotes_.SetReachable(kAppsUrl, reachable);
  remotes_.SetReachable(kFleetUrl, reachable);
}

void Forge::ForcePush() {
  if (parent_of_apps_.empty()) return;
  remotes_.SetBranch(kAppsUrl, "main", parent_of_apps_);
  CommitApps(AppsFiles(), "rewritten");
}

std::string Forge::AppsHead() const { return remotes_.head(kAppsUrl, "main"); }

bool Forge::Selected(const std::string& package, int cluster) const {
  return package != kGreen || groups_[cluster] == "green";
}

std::map<ObjectKey, std::string> Forge::Expected(int cluster) const {
  std::map<ObjectKey, std::string> expected;
  for (const auto& [package, objects] : content_) {
    if (!Selected(package, cluster)) continue;
    for (const auto& [name, value] : objects) {
      const std::string own =
          package == kNamed ? absl::StrCat("\"cluster\":\"", ClusterName(cluster), "\",") : "";
      expected[ObjectKey{"v1", "ConfigMap", "sim", name}] =
          absl::StrCat("{\"apiVersion\":\"v1\",\"data\":{", own, "\"value\":\"", value,
                       "\"},\"kind\":\"ConfigMap\",\"metadata\":{",
                       IsOfSecondWave(name) ? "\"annotations\":{\"muster.dev/wave\":\"1\"}," : "",
                       "\"name\":\"", name, "\",\"namespace\":\"sim\"}}");
    }
  }
  return expected;
}

}  // namespace muster::sim
