// DirectorySource: files of a working tree, read when a build asks for them.
//
// Behind `muster render DIR` and `muster validate DIR`. Symbolic links are followed within the root
// and refused when they lead out of it. Blocks; one thread.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "common/render/kustomize/file_source.h"

namespace muster::cli {

class DirectorySource : public kustomize::FileSource {
 public:
  // `root` is absolute and free of links.
  explicit DirectorySource(std::string root) : root_(std::move(root)) {}

  // kResourceExhausted past limits.h, kInvalidArgument for what cannot be read.
  absl::StatusOr<const std::string*> Find(const std::string& path) override;
  absl::StatusOr<bool> IsDirectory(const std::string& path) override;
  // Without following symbolic links.
  absl::StatusOr<FileTree::Range> Below(const std::string& path) override;

 private:
  // Where the path leads to; nothing when there is nothing.
  absl::StatusOr<std::optional<std::string>> Locate(const std::string& path) const;

  const std::string root_;
  std::map<std::string, std::optional<std::string>> files_;  // those that were asked for
  std::map<std::string, FileTree> trees_;                    // likewise
};

// A directory within the tree that it belongs to.
struct WorkingPath {
  std::string root;  // the working tree of Git around the directory, or "/"
  std::string path;  // of the directory, from there
};

// kNotFound when `directory` is none.
absl::StatusOr<WorkingPath> FindWorkingPath(const std::string& directory);

}  // namespace muster::cli
