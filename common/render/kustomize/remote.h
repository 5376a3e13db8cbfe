// Remote: addresses of Git repositories as kustomizations write them, and the declared repositories
// that they are served from.
//
// Rendering fetches nothing. A base such as https://github.com/org/repo//base?ref=v1 is read from
// the hub's clone of the Repository that is declared for that address and that ref, at the commit
// that rules it; in paths it is called "repository:NAME/base". Any other address is refused, and
// the message says what to declare. Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace muster::kustomize {

// What an address says.
struct RemoteAddress {
  std::string repository;  // host and path, in one spelling: equal for equal repositories
  std::string path;        // within it, as written
  std::string ref;         // empty: none
};

// A repository that is declared and may be read.
struct DeclaredRepository {
  std::string name;
  std::string url;
  std::string branch, tag, pinned;  // exactly one: what is followed
  std::string commit;               // that rules; empty while there is none
};

// Whether Kustomize would fetch this: a URL, or an address that Git clones.
bool IsRemote(absl::string_view address);

// Requires: IsRemote(address).
RemoteAddress ParseRemote(absl::string_view address);

// The path that `address` stands for, "repository:NAME/base". kUnimplemented when no repository is
// declared for it, or none that follows its ref; kFailedPrecondition when that one has no commit
// yet, kInvalidArgument for a path that leaves it. `asked` gets the names of all repositories that
// are declared for the address: when one of them moves, the answer may be another.
absl::StatusOr<std::string> LocateRemote(absl::string_view address,
                                         const std::vector<DeclaredRepository>& declared,
                                         std::vector<std::string>* asked);

// Whether a path is, or stands in, a declared repository.
bool IsInRepository(absl::string_view path);

// "repository:NAME" and the rest of such a path.
struct RepositoryPath {
  std::string name;
  std::string path;  // from its root, "" for the root itself
};
RepositoryPath SplitRepositoryPath(absl::string_view path);
std::string JoinRepositoryPath(absl::string_view name, absl::string_view path);

}  // namespace muster::kustomize
