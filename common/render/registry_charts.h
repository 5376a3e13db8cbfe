// Charts of registries, for rendering: the hub fetches them (hub/source/chart_fetch.h), and they
// stand in declared repositories as bases do. Here a want becomes the path of its files,
// "repository:NAME/web/1.2.3". Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/charts.pb.h"

namespace muster {

// A declared repository of type helm or oci.
struct DeclaredRegistry {
  std::string name;
  std::string url;
  std::string commit;  // that rules; empty while there is none
  v1::ChartLock charts;
};

struct FoundChart {
  std::string path;
  std::string text;  // "web 1.2.3 sha256:...", for what a rendering is known by
};

// kFailedPrecondition, saying what to do, for a chart that is not there: the registry is not
// declared, was not fetched yet, or has no such chart or version.
absl::StatusOr<FoundChart> FindChart(const std::vector<DeclaredRegistry>& registries,
                                     const v1::ChartWant& want);

// The registry that is declared for an address; null when there is none.
const DeclaredRegistry* RegistryAt(const std::vector<DeclaredRegistry>& registries,
                                   absl::string_view address);

// Why nothing but a hub renders a chart of a registry.
absl::Status NoRegistry(const v1::ChartWant& want);

}  // namespace muster
