// FleetBundles: the directories of a tree that Fleet makes bundles of: those that its GitRepos
// name, and those with a fleet.yaml. Pure; one thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "cli/import/planned_fleet.h"
#include "cli/import/source_objects.h"

namespace muster::cli {

// Whether `object` is of this kind of Fleet's.
bool IsFleetObject(const Value& object, absl::string_view kind);

// A bundle: a directory, its options and, when a GitRepo names it, that.
struct FleetBundle {
  std::string directory;
  std::string options;  // path of its fleet.yaml; empty: none
  std::string name;     // as Fleet names it
  const SourceObject* git_repo = nullptr;
};

// The files of a bundle that hold objects: not those of bundles within it, and no overlays.
std::vector<std::string> FilesOfBundle(const FileTree& files, const std::string& directory,
                                       const std::string& options);

class FleetBundles {
 public:
  // `objects` must outlive this.
  FleetBundles(const ImportRequest& request, const std::vector<SourceObject>& objects,
               ImportResult& result)
      : request_(request), objects_(objects), result_(result) {}

  // The bundles of the GitRepos that are for this tree, which are declared and told in the report;
  // without one, those of its fleet.yaml files.
  std::vector<FleetBundle> Find();

  // The declared repository of a GitRepo that a bundle names.
  const std::string& RepositoryOf(const SourceObject& git_repo) const {
    return repositories_.at(&git_repo);
  }

 private:
  bool IsHere(const Value& git_repo);
  void AddOf(const SourceObject& git_repo, ImportItem& item, std::vector<FleetBundle>& bundles);
  void AddBelow(const std::string& base, const SourceObject* git_repo, bool with_base,
                std::vector<FleetBundle>& bundles);

  const ImportRequest& request_;
  const std::vector<SourceObject>& objects_;
  ImportResult& result_;
  std::string home_;  // RepositoryKey of this tree
  std::map<const SourceObject*, std::string> repositories_;
};

}  // namespace muster::cli
