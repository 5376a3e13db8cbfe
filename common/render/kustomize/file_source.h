// FileSource: where a build's files come from. One root, relative paths as in FileTree.
//
// Two real ones: a FileTree in memory (below), and the trees of a commit, read as they are needed
// (tree_reader.h). Pure but for what an implementation does; one thread at a time.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/render/file_tree.h"

namespace muster::kustomize {

class FileSource {
 public:
  virtual ~FileSource() = default;
  // The bytes of the file at a normalised path; null when there is none. They stay valid and
  // unchanged as long as the source.
  virtual absl::StatusOr<const std::string*> Find(const std::string& path) = 0;
  virtual absl::StatusOr<bool> IsDirectory(const std::string& path) = 0;
  // The path under which the source has what a remote address means (remote.h). Errors as there;
  // unless overridden nothing is declared.
  virtual absl::StatusOr<std::string> Locate(absl::string_view address);
  // The path under which the source has a chart of the registry at an address. kUnimplemented when
  // no registry is declared for it, which is so unless overridden; else as FindChart
  // (registry_charts.h).
  virtual absl::StatusOr<std::string> LocateChart(absl::string_view address,
                                                  const std::string& chart,
                                                  const std::string& version);
  // The files below a directory, each with its path from the source's root. Valid as long as the
  // source.
  virtual absl::StatusOr<FileTree::Range> Below(const std::string& path) = 0;
};

class FileTreeSource : public FileSource {
 public:
  explicit FileTreeSource(const FileTree& files) : files_(files) {}
  absl::StatusOr<const std::string*> Find(const std::string& path) override {
    return files_.Find(path);
  }
  absl::StatusOr<bool> IsDirectory(const std::string& path) override {
    return path.empty() || !files_.Below(path).empty();
  }
  absl::StatusOr<FileTree::Range> Below(const std::string& path) override {
    return files_.Below(path);
  }

 private:
  const FileTree& files_;
};

}  // namespace muster::kustomize
