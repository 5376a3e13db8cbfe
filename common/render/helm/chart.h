// Chart: what has to be known of a chart's directory before Helm gets it. Pure; any thread.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "common/render/file_tree.h"

namespace muster {

struct Chart {
  std::string directory;  // from the repository's root
  std::string name;       // what Helm calls its files by, too
  std::string version;
  // Whether its text asks which Kubernetes it is for: then the cluster's version counts. Yes for
  // one whose parts cannot be read here (packed subcharts).
  bool asks_capabilities = false;
};

// Reads the chart in `directory`, given the files below it. kNotFound when there is no Chart.yaml,
// kInvalidArgument for one that is none, kFailedPrecondition for dependencies that are declared but
// not vendored, each named with file and line.
absl::StatusOr<Chart> ReadChart(const FileTree::Range& files, const std::string& directory);

}  // namespace muster
