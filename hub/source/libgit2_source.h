// Libgit2Source: GitSource over bare clones in one directory, through https, ssh and, where the
// request allows it, file://.
//
// Lives in the fetch and render children, because a silent server blocks libgit2 for ever and
// because what it parses comes from outside. One thread; two processes may share the directory if
// only one of them fetches a given repository. No work tree, no submodules, no hooks, no
// configuration from the repository or the machine.
//
// A clone is a cache: what is broken is thrown away and fetched again. Written without fsync: see
// hub/clones.h.
#pragma once

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/limits.h"
#include "common/config/repository_url.h"
#include "hub/source/git_ref.h"
#include "hub/source/git_source.h"

namespace muster::hub {

class Libgit2Source final : public GitSource {
 public:
  struct Options {
    std::string directory;  // of the clones; exists
    // Below the directory; emptied, and for this source alone. Empty: for one that never fetches.
    std::string scratch;
    size_t download_bytes_max = limits::kPackBytesMax;  // of one fetch
  };
  explicit Libgit2Source(Options options);

  absl::StatusOr<v1::FetchResponse> Fetch(const v1::FetchRequest& request) override;
  absl::StatusOr<std::string> TreeId(const std::string& repository, const std::string& commit,
                                     const std::string& path) override;
  absl::StatusOr<FileTree> Read(const std::string& repository, const std::string& commit,
                                const std::string& path) override;

 private:
  absl::StatusOr<v1::FetchResponse> FetchFrom(const RepositoryUrl& url, const WantedRef& wanted,
                                              const v1::FetchRequest& request);
  absl::Status AddSignatures(const WantedRef& wanted, const v1::FetchRequest& request,
                             v1::FetchResponse& response) const;
  std::string CloneOf(const std::string& repository) const;
  absl::Status PrepareTrust(const v1::FetchRequest& request) const;

  const Options options_;
};

}  // namespace muster::hub
