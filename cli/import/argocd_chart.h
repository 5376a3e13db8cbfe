// ArgocdChart: the chart of an Argo CD Application as Package.spec has it: its files and parameters
// brought into Muster's order. Pure; one thread.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cli/import/argocd_application.h"
#include "cli/import/import_report.h"
#include "common/manifest/value.h"
#include "common/render/file_tree.h"

namespace muster::cli {

// Members of Package.spec: `helm`, and `path` where files are needed.
struct ChartFields {
  Value::Map helm;
  std::string path;        // of the package; meaningless without files
  bool has_files = false;  // a repository with files is needed: that of the path, or `reference`
  std::string reference;   // "$values"; empty: that of the source itself
};

// `files` is the tree that the path is in; null when it is not at hand. `path` is from its root.
// kUnimplemented, saying what to do, for what a Package cannot say.
absl::StatusOr<ChartFields> ReadArgocdChart(const ArgocdApplication& application,
                                            const std::string& path, const FileTree* files,
                                            ImportItem& item);

}  // namespace muster::cli
