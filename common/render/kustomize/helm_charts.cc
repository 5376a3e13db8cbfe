#include "common/render/kustomize/helm_charts.h"

#include "absl/strings/str_cat.h"

namespace muster::kustomize {

absl::Status RefuseHelmCharts(const Kustomization& kustomization) {
  if (kustomization.helm_charts.empty()) return absl::OkStatus();
  const Entry& chart = kustomization.helm_charts.front();
  return absl::UnimplementedError(absl::StrCat(
      chart.place.text(), ": helmCharts: chart '", chart.text,
      "' is not inflated within a kustomization; make the chart a package of its own, or commit "
      "what `helm template` prints and list that file under resources"));
}

}  // namespace muster::kustomize
