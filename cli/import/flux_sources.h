// FluxSources: where the files of a Flux Kustomization come from: this tree, another repository, or
// an artifact that Flux puts together from this tree. One cluster's; pure; one thread.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "cli/import/flux_kustomization.h"
#include "cli/import/planned_fleet.h"
#include "cli/import/source_objects.h"

namespace muster::cli {

struct FluxSource {
  std::string repository;                    // declared by then
  std::string directory;                     // in that repository
  bool here = false;                         // the repository is the tree at hand
  std::shared_ptr<const FileTree> artifact;  // what Flux builds in; null: the repository itself
  std::string artifact_directory;
  std::map<std::string, std::string> copied_from;  // directories of the repository, by those in it

  // Where a file of the artifact stands in the repository.
  std::string FileInRepository(const std::string& file) const;
};

// The repository that the tree at hand is a working tree of.
class FluxHome {
 public:
  FluxHome(const ImportRequest& request, PlannedFleet& fleet) : request_(request), fleet_(fleet) {}

  // Learns URL and ref from the source of a cluster's own folder. The first one counts.
  void Learn(const Value* repository, ImportItem& item);
  // Whether a GitRepository is this tree.
  bool Is(const Value& repository) const;
  // The declared name. `item` gets a note when the URL had to be left open.
  const std::string& Declare(ImportItem& item);

 private:
  const ImportRequest& request_;
  PlannedFleet& fleet_;
  PlannedRepository repository_;
  bool known_ = false;
  std::string declared_;
};

// A GitRepository as a declaration; `item` gets notes of what was left out.
PlannedRepository ReadGitRepository(const Value& object, ImportItem& item);

class FluxSources {
 public:
  FluxSources(const ImportRequest& request, FluxHome& home, PlannedFleet& fleet)
      : request_(request), home_(home), fleet_(fleet) {}

  // Takes note of a source or an ArtifactGenerator; other objects do nothing.
  void Add(const Value& object);
  // The GitRepository of that name; null when there is none.
  const Value* FindGit(const std::string& namespace_, const std::string& name) const;
  // The same of any kind; one that does not name its namespace counts where none fits.
  const Value* Find(const FluxReference& reference) const;
  // The one that this tree is, whatever is known of it.
  void SetOwn(const FluxReference& reference) { own_ = reference; }

  // kNotFound or kUnimplemented, saying why, for what Muster cannot follow.
  absl::StatusOr<FluxSource> Resolve(const FluxReference& reference, const std::string& path,
                                     ImportItem& item);

 private:
  absl::StatusOr<FluxSource> ResolveArtifact(const FluxReference& reference,
                                             const std::string& path, ImportItem& item);
  bool IsHome(const FluxReference& reference) const;

  const ImportRequest& request_;
  FluxHome& home_;
  PlannedFleet& fleet_;
  FluxReference own_;
  std::map<std::string, Value> sources_;  // by "Kind namespace/name"
};

}  // namespace muster::cli
