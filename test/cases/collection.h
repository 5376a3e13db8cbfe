// Collection: directories of Kustomize with what the reference made of them, read from archives.
//
// The layout is that of the public case collection: kustomize/OWNER+NAME/{tree.tar.zst,cases.tsv,
// expected.tar.zst}, kustomize/negative.tsv, krusty/{krusty.tar.zst,cases.tsv}, and quirks/NAME. A
// smaller one of the same layout is kept in test/testdata. Reads files; one thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/render/file_tree.h"
#include "common/render/kustomize/build.h"

namespace muster::cases {

struct Case {
  std::string name;                       // "fluxcd+flux2-multi-tenancy/clusters/production"
  std::shared_ptr<const FileTree> files;  // shared by the cases of a repository
  std::string directory;                  // within them
  kustomize::BuildOptions options;
  // What the reference printed; nothing when it refused the directory.
  std::optional<std::string> expected;
};

// The cases below `directory`. Returns kNotFound when there is no such directory, kInvalidArgument
// when it is none of this layout.
absl::StatusOr<std::vector<Case>> ReadCollection(const std::string& directory);

// The strange inputs, by name; `expected` as above. Files only: what a link leads to is as if it
// stood there.
absl::StatusOr<std::vector<Case>> ReadQuirks(const std::string& directory);

}  // namespace muster::cases
