// The build behind `muster render DIR` and `muster validate DIR`. Blocks; one thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/directory_source.h"
#include "common/render/helm/helm_door.h"
#include "common/render/kustomize/build.h"

namespace muster::cli {

struct DirectoryBuild {
  WorkingPath where;
  std::string made_by;  // "the kustomization", "the chart", "plain files"
  // From `where.root`. An error is what is wrong with the files.
  absl::StatusOr<std::vector<kustomize::BuiltObject>> objects;
};

// How a directory is built. `helm` may be null: then charts are refused, saying what to do.
struct DirectoryOptions {
  kustomize::BuildOptions build;
  HelmDoor* helm = nullptr;
  std::string kubernetes_version;  // for charts that ask
};

// The objects of the kustomization or else of the chart in the directory; nothing when there is
// neither. kNotFound when `directory` is none.
absl::StatusOr<std::optional<DirectoryBuild>> BuildUnlessPlain(const std::string& directory,
                                                               const DirectoryOptions& options);

// The same, or else the objects of the plain files at and below the directory.
absl::StatusOr<DirectoryBuild> BuildDirectory(const std::string& directory,
                                              const DirectoryOptions& options);

}  // namespace muster::cli
