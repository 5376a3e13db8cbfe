// The build behind `muster render DIR` and `muster validate DIR`. Blocks; one thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/directory_source.h"
#include "common/render/kustomize/build.h"

namespace muster::cli {

struct DirectoryBuild {
  WorkingPath where;
  // From `where.root`. An error is what is wrong with the files.
  absl::StatusOr<std::vector<kustomize::BuiltObject>> objects;
};

// The objects of the kustomization in the directory; nothing when there is none. kNotFound when
// `directory` is none.
absl::StatusOr<std::optional<DirectoryBuild>> BuildIfKustomization(
    const std::string& directory, const kustomize::BuildOptions& options);

// The same, or else the objects of the plain files at and below the directory.
absl::StatusOr<DirectoryBuild> BuildDirectory(const std::string& directory,
                                              const kustomize::BuildOptions& options);

}  // namespace muster::cli
