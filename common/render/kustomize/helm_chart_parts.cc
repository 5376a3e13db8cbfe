// Charts of kustomizations, read from their nodes.
#include <utility>

#include "common/base/status_macros.h"
#include "common/render/kustomize/kustomization_parts.h"

namespace muster::kustomize {
namespace {

absl::Status ReadInlineValues(const MapReader& map, absl::string_view name, HelmChart& chart) {
  if (!map.Has(name)) return absl::OkStatus();
  const Node node = map.At(name);
  if (!node.value->is_map()) return node.Error("values must be a map");
  chart.values_inline = *node.value;
  return absl::OkStatus();
}

// Notes the first field that has content and cannot be honoured.
void NoteUnsupported(const MapReader& map, const std::vector<absl::string_view>& names,
                     HelmChart& chart) {
  for (const absl::string_view name : names) {
    if (map.Has(name) && chart.unsupported.empty()) chart.unsupported = std::string(name);
  }
}

}  // namespace

absl::StatusOr<HelmChart> ReadHelmChart(const Node& node, bool strict) {
  std::vector<absl::string_view> known;
  if (strict) {
    known = {"name",        "version",     "repo",         "releaseName",
             "namespace",   "valuesFile",  "valuesInline", "valuesMerge",
             "includeCRDs", "skipHooks",   "skipTests",    "additionalValuesFiles",
             "apiVersions", "kubeVersion", "nameTemplate", "debug"};
  }
  ASSIGN_OR_RETURN(const MapReader map, MapReader::Open(node, "a chart", known));
  HelmChart chart;
  chart.place = node.place();
  RETURN_IF_ERROR(map.Text("name", chart.name));
  RETURN_IF_ERROR(map.Text("version", chart.version));
  RETURN_IF_ERROR(map.Text("repo", chart.repo));
  RETURN_IF_ERROR(map.Text("releaseName", chart.release_name));
  RETURN_IF_ERROR(map.Text("namespace", chart.namespace_));
  RETURN_IF_ERROR(map.Text("kubeVersion", chart.kube_version));
  RETURN_IF_ERROR(map.Text("valuesFile", chart.values_file));
  RETURN_IF_ERROR(map.Text("valuesMerge", chart.values_merge));
  if (chart.values_merge.empty()) chart.values_merge = "override";
  RETURN_IF_ERROR(map.Texts("additionalValuesFiles", chart.additional_values_files));
  RETURN_IF_ERROR(map.Texts("apiVersions", chart.api_versions));
  RETURN_IF_ERROR(map.Bool("includeCRDs", chart.include_crds));
  RETURN_IF_ERROR(map.Bool("skipHooks", chart.skip_hooks));
  RETURN_IF_ERROR(map.Bool("skipTests", chart.skip_tests));
  RETURN_IF_ERROR(ReadInlineValues(map, "valuesInline", chart));
  NoteUnsupported(map, {"nameTemplate"}, chart);
  // A plugin has its globals beside the chart.
  if (!strict) RETURN_IF_ERROR(map.Text("chartHome", chart.chart_home));
  return chart;
}

absl::StatusOr<HelmChart> ReadOldHelmChart(const Node& node) {
  ASSIGN_OR_RETURN(
      const MapReader map,
      MapReader::Open(node, "a chart",
                      {"chartName", "chartVersion", "chartRepoUrl", "chartHome", "chartRepoName",
                       "helmBin", "helmHome", "values", "valuesLocal", "valuesMerge", "releaseName",
                       "releaseNamespace", "extraArgs"}));
  HelmChart chart;
  chart.place = node.place();
  RETURN_IF_ERROR(map.Text("chartName", chart.name));
  RETURN_IF_ERROR(map.Text("chartVersion", chart.version));
  RETURN_IF_ERROR(map.Text("chartRepoUrl", chart.repo));
  RETURN_IF_ERROR(map.Text("chartHome", chart.chart_home));
  RETURN_IF_ERROR(map.Text("values", chart.values_file));
  RETURN_IF_ERROR(map.Text("valuesMerge", chart.values_merge));
  if (chart.values_merge.empty()) chart.values_merge = "override";
  RETURN_IF_ERROR(map.Text("releaseName", chart.release_name));
  RETURN_IF_ERROR(map.Text("releaseNamespace", chart.namespace_));
  RETURN_IF_ERROR(ReadInlineValues(map, "valuesLocal", chart));
  NoteUnsupported(map, {"helmBin", "extraArgs"}, chart);
  return chart;
}

}  // namespace muster::kustomize
