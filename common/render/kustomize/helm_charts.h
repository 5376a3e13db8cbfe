// helmCharts: charts in a kustomization, inflated by whoever can run Helm.
//
// The build stays pure: it finds the chart and its values among the files, puts them in the order
// that Kustomize gives them, and asks the inflator. Hooks and tests come back as plain objects, as
// in Kustomize.
#pragma once

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/render/file_tree.h"
#include "common/render/kustomize/kustomization.h"
#include "common/render/kustomize/loader.h"

namespace muster::kustomize {

struct ChartRequest {
  std::string directory;  // of the chart, from the repository's root
  FileTree::Range files;  // below it
  struct Values {
    std::string name, text;
  };
  std::vector<Values> values;  // weakest first
  std::string release_name;
  std::string namespace_;  // empty: Helm's own
  std::string kubernetes_version;
  std::vector<std::string> api_versions;
  bool include_crds = false, skip_hooks = false, skip_tests = false;
};

class ChartInflator {
 public:
  virtual ~ChartInflator() = default;
  // What Helm prints. Errors name the chart and, where Helm does, its file and line.
  virtual absl::StatusOr<std::string> Inflate(const ChartRequest& request) = 0;
};

// The resources of the charts, in order. `inflator` may be null: then a chart is
// kFailedPrecondition. kUnimplemented, with the remedy, for charts that would have to be fetched
// and for what is handed to Helm's command line. Every error names the entry's place.
absl::StatusOr<std::vector<Resource>> InflateCharts(const std::vector<HelmChart>& charts,
                                                    const Loader& loader, ChartInflator* inflator);

// Where the chart stands, from the repository's root.
absl::StatusOr<std::string> ChartPath(const HelmChart& chart, const Loader& loader);

}  // namespace muster::kustomize
