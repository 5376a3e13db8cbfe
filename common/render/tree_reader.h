// TreeReader: the files of one commit, read as they are needed; and as a source for kustomizations.
//
// One thread. Pure but for what the reader does.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/render/file_tree.h"
#include "common/render/kustomize/file_source.h"
#include "common/render/kustomize/remote.h"
#include "common/render/registry_charts.h"

namespace muster {

struct TreeReader {
  // A name for what stands at a path: equal content, equal name. kNotFound when nothing does.
  std::function<absl::StatusOr<std::string>(const std::string& path)> tree_id;
  // The files at and below a path, named from the repository's root.
  std::function<absl::StatusOr<FileTree>(const std::string& path)> read;
  // What kustomizations may take from elsewhere. The functions above answer for paths in these too:
  // "repository:NAME/base" (kustomize/remote.h).
  std::vector<kustomize::DeclaredRepository> declared = {};
  // Where charts may come from; the functions answer for these, too.
  std::vector<DeclaredRegistry> registries = {};
};

// The commit as a kustomization sees it. A directory is read whole when something in it is first
// asked for, and kept: its bytes stay valid as long as the source.
class TreeReaderSource : public kustomize::FileSource {
 public:
  explicit TreeReaderSource(const TreeReader& reader) : reader_(reader) {}

  absl::StatusOr<const std::string*> Find(const std::string& path) override;
  absl::StatusOr<bool> IsDirectory(const std::string& path) override;
  absl::StatusOr<FileTree::Range> Below(const std::string& path) override;
  absl::StatusOr<std::string> Locate(absl::string_view address) override;
  absl::StatusOr<std::string> LocateChart(absl::string_view address, const std::string& chart,
                                          const std::string& version) override;

  // The declared repositories that somebody asked for, whether they could be had or not.
  const std::set<std::string>& asked() const { return asked_; }
  // The charts of registries likewise.
  const std::vector<v1::ChartWant>& wanted() const { return wanted_; }
  void ForgetAsked() {
    asked_.clear();
    wanted_.clear();
  }

  // Of all files that were read.
  size_t bytes() const { return bytes_; }

 private:
  // What was read that has everything at `path`.
  absl::StatusOr<const FileTree*> TreeFor(const std::string& path);

  const TreeReader& reader_;
  std::map<std::string, FileTree> trees_;  // by the path that was read; empty: nothing there
  size_t bytes_ = 0;
  std::set<std::string> asked_;
  std::vector<v1::ChartWant> wanted_;
};

}  // namespace muster
