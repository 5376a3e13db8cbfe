// PlannedFleet: the Muster declarations that an import writes, and the kustomizations beside them.
//
//   fleet/repositories.yaml, fleet/clusters.yaml, fleet/packages/NAME.yaml    declarations
//   packages/NAME/CLUSTER/kustomization.yaml                                  what a package
//   renders
//
// Values; one thread.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cli/import/import_report.h"
#include "common/manifest/value.h"
#include "common/render/file_tree.h"

namespace muster::cli {

// Where the tree that is imported comes from and where the result goes.
struct ImportRequest {
  const FileTree& files;       // the whole working tree
  std::string start;           // the part of it to read; "" for all
  std::string output;          // where the result will stand in it: "muster"
  std::string folder;          // the working tree's name, for what has no better one
  std::string url;             // of the repository, when it is known
  std::string branch;          // likewise
  std::string cluster;         // name for the cluster of a tree that names none
  bool helm_releases = false;  // of Flux: they become packages instead of staying objects
};

struct PlannedRepository {
  std::string name;
  std::string url;
  std::string type = "git";         // or helm, oci, which have no ref
  std::string ref_kind = "branch";  // or tag, commit
  std::string ref = "main";
  std::string interval;     // empty: Muster's own
  std::string credentials;  // empty: none
};

struct PlannedPackage {
  std::string origin;  // "hub/production.yaml:6"
  Value::Map spec;
};

struct PlannedFleet {
  std::map<std::string, PlannedRepository> repositories;
  std::map<std::string, std::map<std::string, std::string>> clusters;  // labels by name
  std::map<std::string, PlannedPackage> packages;
  std::map<std::string, std::string> files;  // kustomizations, by path from the output directory
};

struct ImportResult {
  PlannedFleet fleet;
  ImportReport report;
};

inline constexpr absl::string_view kClusterLabel = "cluster";  // by which targets name a cluster
// A URL for a repository that the tree does not name; nothing answers there.
inline constexpr absl::string_view kUnknownUrl = "https://git.invalid/set/the-url.git";

// The nearest name that a declaration may have: "Team_A/web" becomes "team-a-web". Never empty.
std::string NameFrom(absl::string_view text);

// The same with "-2" or so at its end; what was too long is cut before that.
std::string NumberedName(absl::string_view text, int number);

// "host/owner/name" of a repository's URL, by which https and ssh addresses of one are equal.
std::string RepositoryKey(absl::string_view url);

// Adds the repository unless an equal one is there, under a free name. Returns the name.
std::string AddRepository(PlannedRepository repository, PlannedFleet& fleet);

// A selector of these clusters by their label.
Value SelectClusters(const std::vector<std::string>& clusters);

// Takes out of the plan what our own parser refuses, and packages that it refuses without that:
// each becomes a note of the item that it was made of. One declaration never stops an import.
void LeaveOutRefused(ImportResult& result);

// The files of the plan, by path from the output directory. kInternal when our own parser refuses
// what they declare.
absl::StatusOr<FileTree> WriteFleet(const PlannedFleet& fleet, absl::string_view tool);

// What has one name in several clusters, and may become one package.
struct PackageInstance {
  std::string cluster;
  std::string name;       // wanted
  std::string full_name;  // when the other one is taken
  std::string repository;
  std::string path;           // from the repository's root; empty: `kustomization`
  std::string kustomization;  // text of one to be written
  Value::Map common;          // the spec but for repository, path, variables, targets, dependsOn
  std::map<std::string, std::string> variables;
  bool targeted = true;            // false: it goes nowhere for now
  std::vector<size_t> depends_on;  // indexes of instances
  std::string origin;
  size_t item = 0;               // in the report
  std::vector<size_t> delivers;  // items of objects that stay objects of this package
  std::string package;           // set by AddPackages
};

// Makes packages of instances: one for those that differ only in their cluster's name and in
// variables, else one each. `output` is where the result will stand in the repository.
void AddPackages(std::vector<PackageInstance>& instances, const std::string& output,
                 PlannedFleet& fleet, ImportReport& report);

}  // namespace muster::cli
