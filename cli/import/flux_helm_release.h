// FluxHelmRelease: a Flux `HelmRelease` read field by field, as a Package with `helm`: its chart,
// values and release, and notes about the rest. Pure; one thread.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/import/flux_kustomization.h"
#include "cli/import/flux_sources.h"
#include "cli/import/import_report.h"
#include "cli/import/planned_fleet.h"
#include "common/manifest/value.h"
#include "common/render/file_tree.h"

namespace muster::cli {

struct FluxHelmRelease {
  std::string name;
  std::string namespace_;
  FluxReference source;  // HelmRepository, GitRepository, OCIRepository, HelmChart
  std::string chart;     // as the source has it; empty: the source names it
  std::string version;
  Value::Map helm;    // of Package.spec: values and releaseName
  Value::Map common;  // likewise: namespace, sync, health, serviceAccount
  std::vector<FluxReference> depends_on;
  bool suspended = false;
};

// kUnimplemented, saying what to do, for what no Package can have: values that only the cluster
// knows, post-renderers, another cluster's release.
absl::StatusOr<FluxHelmRelease> ReadFluxHelmRelease(const Value& object,
                                                    const FindConfigMap& find_config_map,
                                                    ImportItem& item);

// The package of a release: its chart's repository is declared in `fleet`. Cluster, origin and what
// it waits for are left to the caller. kUnimplemented or kNotFound, saying why, when there is none.
absl::StatusOr<PackageInstance> PackageOfRelease(FluxHelmRelease release, const FileTree& files,
                                                 FluxSources& sources, PlannedFleet& fleet,
                                                 ImportItem& item);

}  // namespace muster::cli
