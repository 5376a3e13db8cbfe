// FleetChart: the chart of a Fleet bundle as Package.spec has it, and what its targets add. In
// Fleet values files win over values, and both are templates in which ${ } names the cluster. Pure;
// one thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/import/chart_form.h"
#include "cli/import/fleet_yaml.h"
#include "cli/import/import_report.h"
#include "common/manifest/value.h"
#include "common/render/file_tree.h"

namespace muster::cli {

struct FleetChartRequest {
  const FleetYaml& yaml;
  std::string directory;                    // of the bundle
  std::string release;                      // when fleet.yaml names none
  std::vector<const FleetValues*> targets;  // in their order
  const FileTree& files;
};

struct FleetChartFields {
  Value::Map helm;
  bool has_files = false;  // the package needs the bundle's repository, at `path`
  std::string path;
  std::optional<RegistryChart> registry;
  std::vector<Value::Map> targets;  // `helm` of each; empty: none
};

// Whether the bundle is a chart.
bool IsFleetChart(const FleetYaml& yaml, const std::string& directory, const FileTree& files);

// kUnimplemented, saying what to do, for what a Package cannot say.
absl::StatusOr<FleetChartFields> ReadFleetChart(const FleetChartRequest& request, ImportItem& item);

// `values` with Fleet's expressions for a cluster as Muster's. kUnimplemented for others.
absl::StatusOr<Value> TranslateFleetValues(const Value& values);

}  // namespace muster::cli
