// RenderChart: from a chart in the repository and a package's values to objects, by the real Helm.
//
// What follows (patches, namespace, the promises of a rendering) is Render's (render.h). Pure but
// for the door; one thread.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/render/helm/chart.h"
#include "common/render/helm/helm_door.h"
#include "common/render/helm/values.h"
#include "common/render/kustomize/file_source.h"
#include "common/render/kustomize/helm_charts.h"
#include "common/render/patch.h"
#include "common/render/variables.h"
#include "proto/child.pb.h"

namespace muster {

// A cluster variable (RenderOutput.uses) beside those that texts mention.
inline constexpr absl::string_view kKubernetesVersionUse = "cluster.kubernetesVersion";

// Raised when the same Helm would give something else here.
inline constexpr absl::string_view kHelmMapping = "1";

inline constexpr absl::string_view kDefaultReleaseNamespace = "default";

// Why a chart cannot be rendered without a HelmDoor; `what` is the chart, for people.
std::string NoHelm(absl::string_view what);

// What a package asks of a registry. Requires: helm.repository.
v1::ChartWant WantOf(const v1::Helm& helm);

// Where the chart of `input` stands. kInvalidArgument for a path that is none, kFailedPrecondition
// for a registry's chart unless `helm.chart` is the path that it was found at (registry_charts.h).
absl::StatusOr<std::string> ChartDirectory(const v1::RenderInput& input);

// The paths on which the rendering of a chart depends: the chart, values files.
absl::StatusOr<std::set<std::string>> ChartInputs(const v1::RenderInput& input);

// Errors as of ReadChart, FindValues, ResolveValues, HelmDoor and ReadChartOutput; kInvalidArgument
// for a chart that renders differently twice. `door` may be null: kFailedPrecondition.
absl::StatusOr<std::vector<RenderedObject>> RenderChart(kustomize::FileSource& files,
                                                        const v1::RenderInput& input,
                                                        const VariableScope& scope, HelmDoor* door);

// The cluster variables on which it depends, kKubernetesVersionUse among them.
absl::StatusOr<std::set<std::string>> ClusterVariablesOfChart(kustomize::FileSource& files,
                                                              const v1::RenderInput& input);

// Runs Helm on a chart and on values that have no variables any more: the part that kustomizations
// share. `call` says the rest.
absl::StatusOr<HelmOutput> RunHelm(HelmDoor* door, const Chart& chart, const FileTree::Range& files,
                                   const std::vector<ValuesText>& values, v1::HelmCall call);

// For the charts of kustomizations. The door must outlive it and may be null.
class HelmInflator final : public kustomize::ChartInflator {
 public:
  explicit HelmInflator(HelmDoor* door) : door_(door) {}
  absl::StatusOr<std::string> Inflate(const kustomize::ChartRequest& request) override;

 private:
  HelmDoor* const door_;
};

}  // namespace muster
