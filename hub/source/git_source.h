// GitSource: repositories as the hub sees them: a ref is fetched, and trees of a commit are read.
//
// Real: Libgit2Source, in the fetch child only. Twin: MemorySource, for tests and the simulation.
// Calls block; one thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/render/file_tree.h"
#include "proto/child.pb.h"

namespace muster::hub {

class GitSource {
 public:
  virtual ~GitSource() = default;

  // Fetches the ref that `request` names and says what it points at now: head, whether it descends
  // from the known commit, and the commits between; with `verify`, also what is known of their
  // signatures, of which none but a good one is called so. `config` of the answer stays empty. The
  // former state is kept on every failure. Errors: kUnavailable (network), kUnauthenticated,
  // kPermissionDenied (host key, certificate, file:// without leave), kNotFound (repository or
  // ref), kResourceExhausted (a limit, named), kInvalidArgument (URL). Messages say why and what to
  // do; the caller knows what was fetched from where.
  virtual absl::StatusOr<v1::FetchResponse> Fetch(const v1::FetchRequest& request) = 0;

  // The Git id of the tree or file at `path` of a fetched commit: equal content, equal id.
  // kNotFound when the commit or the path is not there.
  virtual absl::StatusOr<std::string> TreeId(const std::string& repository,
                                             const std::string& commit,
                                             const std::string& path) = 0;

  // The files at and below `path`; no symlinks, no submodules, within limits.h.
  virtual absl::StatusOr<FileTree> Read(const std::string& repository, const std::string& commit,
                                        const std::string& path) = 0;
};

}  // namespace muster::hub
