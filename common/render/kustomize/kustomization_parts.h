// The parts of a kustomization, each read from its node. For kustomization.cc and for builtin
// plugins, whose configurations hold the same parts. Pure.
#pragma once

#include "absl/status/statusor.h"
#include "common/render/kustomize/kustomization.h"
#include "common/render/kustomize/node_reader.h"

namespace muster::kustomize {

absl::StatusOr<Selector> ReadSelector(const Node& node, absl::string_view what);
absl::StatusOr<Patch> ReadPatch(const Node& node);
absl::StatusOr<ImageEdit> ReadImage(const Node& node);
absl::StatusOr<ReplicaEdit> ReadReplica(const Node& node);
absl::StatusOr<LabelEdit> ReadLabels(const Node& node);
absl::StatusOr<FieldSpec> ReadFieldSpec(const Node& node);
absl::StatusOr<GeneratorOptions> ReadGeneratorOptions(const Node& node);
// Of a plugin's configuration unknown fields are left alone; not `strict`.
absl::StatusOr<GeneratorArgs> ReadGenerator(const Node& node, bool is_secret, bool strict);
absl::StatusOr<Replacement> ReadReplacement(const Node& node);
absl::StatusOr<Var> ReadVar(const Node& node);
absl::StatusOr<SortOptions> ReadSortOptions(const Node& node);
// An entry of helmCharts; of a plugin's configuration, which has fields of its own, not `strict`.
absl::StatusOr<HelmChart> ReadHelmChart(const Node& node, bool strict);
// An entry of helmChartInflationGenerator, which is older and has other names.
absl::StatusOr<HelmChart> ReadOldHelmChart(const Node& node);

// A list of parts.
template <typename Part>
absl::Status ReadParts(const MapReader& map, absl::string_view name,
                       absl::StatusOr<Part> (*read)(const Node&), std::vector<Part>& out) {
  return map.Each(name, [&](const Node& node) -> absl::Status {
    absl::StatusOr<Part> part = read(node);
    if (!part.ok()) return part.status();
    out.push_back(*std::move(part));
    return absl::OkStatus();
  });
}

}  // namespace muster::kustomize
