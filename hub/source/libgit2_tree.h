// Reading trees of commits out of a clone's object database, within limits.h. For Libgit2Source.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/render/file_tree.h"
#include "hub/source/libgit2.h"

namespace muster::hub::libgit2 {

// The entry at `path` (normalised; "" is the root) of `commit` (40 hexadecimal digits).
// kNotFound, kInvalidArgument for a symlink or a submodule on the way.
struct Located {
  git_oid id;
  bool is_tree = false;
};
absl::StatusOr<Located> Locate(git_repository* repository, absl::string_view commit,
                               const std::string& path);

// The files at and below it. kResourceExhausted names the limit, kInvalidArgument the symlink,
// submodule or strange name, kDataLoss a missing object.
absl::StatusOr<FileTree> ReadFiles(git_repository* repository, const Located& at,
                                   const std::string& path);

}  // namespace muster::hub::libgit2
