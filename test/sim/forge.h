// Forge: the Git host of a simulated world, and the model of what the clusters should come to have.
//
// It commits to two repositories: "fleet" (the declarations) and "apps" (three packages of
// ConfigMaps), and knows, without Muster's code, what each cluster must hold once the newest good
// commits have arrived. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/base/random.h"
#include "common/manifest/object.h"
#include "hub/source/memory_source.h"

namespace muster::sim {

class Forge {
 public:
  // Two repositories with a first commit each; `clusters` are declared with alternating groups.
  Forge(hub::MemoryRemotes& remotes, Random& random, int clusters);

  static constexpr char kFleetUrl[] = "https://git.example.com/fleet.git";
  static constexpr char kAppsUrl[] = "https://git.example.com/apps.git";

  static std::string ClusterName(int cluster);

  // ---- good commits

  void ChangeObject();  // one value of one object
  void AddObject();
  void RemoveObject();  // at most one an object's package, and never its last
  void Relabel();       // one cluster changes its group
  void RevertChange();  // back to the content before the last change of apps

  // ---- bad ones: the world's content must not change

  void BreakYaml();         // apps: a file that does not parse
  void EmptyPackage();      // apps: a package's directory vanishes
  void BreakDeclaration();  // fleet: a file with an unknown field
  void Mend();              // the newest good content again, in both

  // ---- the host

  void SetReachable(bool reachable);
  // Rewrites the branch of apps: the last commit is replaced by another.
  void ForcePush();
  std::string AppsHead() const;

  // ---- the model

  // What `cluster` must hold, by key, as canonical JSON.
  std::map<ObjectKey, std::string> Expected(int cluster) const;
  int64_t commits() const { return commits_; }

 private:
  // Package -> object -> value.
  using Content = std::map<std::string, std::map<std::string, int>>;

  bool Selected(const std::string& package, int cluster) const;
  using Files = hub::MemoryRemotes::Files;
  Files AppsFiles() const;
  Files FleetFiles() const;
  void CommitApps(Files files, const std::string& subject);
  void CommitFleet(Files files, const std::string& subject);
  void Remember();
  std::string AnyPackage();
  std::string AnyObject(const std::string& package);

  hub::MemoryRemotes& remotes_;
  Random& random_;
  Content content_;
  std::vector<Content> former_;      // before each good change of apps
  std::vector<std::string> groups_;  // of each cluster
  std::string parent_of_apps_;       // the commit before the newest
  int next_object_ = 0;
  int next_value_ = 0;
  int64_t commits_ = 0;
};

}  // namespace muster::sim
