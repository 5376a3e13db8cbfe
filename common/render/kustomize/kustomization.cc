#include "common/render/kustomize/kustomization.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/render/kustomize/kustomization_parts.h"
#include "common/render/kustomize/node_reader.h"

namespace muster::kustomize {
namespace {

constexpr absl::string_view kApiVersion = "kustomize.config.k8s.io/v1beta1";
constexpr absl::string_view kComponentApiVersion = "kustomize.config.k8s.io/v1alpha1";

const std::vector<absl::string_view>& KnownFields() {
  static const auto* const fields = new std::vector<absl::string_view>{
      "apiVersion",
      "kind",
      "metadata",
      "openapi",
      "namePrefix",
      "nameSuffix",
      "namespace",
      "commonLabels",
      "labels",
      "commonAnnotations",
      "patchesStrategicMerge",
      "patchesJson6902",
      "patches",
      "images",
      "imageTags",
      "replacements",
      "replicas",
      "vars",
      "sortOptions",
      "resources",
      "components",
      "crds",
      "bases",
      "configMapGenerator",
      "secretGenerator",
      "helmGlobals",
      "helmCharts",
      "helmChartInflationGenerator",
      "generatorOptions",
      "configurations",
      "generators",
      "transformers",
      "validators",
      "buildMetadata",
  };
  return *fields;
}

absl::Status ReadEntries(const MapReader& map, absl::string_view name, std::vector<Entry>& out) {
  return map.Each(name, [&](const Node& node) -> absl::Status {
    ASSIGN_OR_RETURN(std::string text, TextOf(node, absl::StrCat("each of ", name)));
    out.push_back({std::move(text), node.place()});
    return absl::OkStatus();
  });
}

absl::Status ReadIdentity(const MapReader& map, Kustomization& k) {
  std::string kind, api_version;
  RETURN_IF_ERROR(map.Text("kind", kind));
  RETURN_IF_ERROR(map.Text("apiVersion", api_version));
  if (!kind.empty() && kind != "Kustomization" && kind != "Component") {
    return map.At("kind").Error(
        absl::StrCat("kind is Kustomization or Component, and this is '", kind, "'"));
  }
  k.is_component = kind == "Component";
  const absl::string_view wanted = k.is_component ? kComponentApiVersion : kApiVersion;
  if (!api_version.empty() && api_version != wanted) {
    return map.At("apiVersion")
        .Error(absl::StrCat("apiVersion of a ", k.is_component ? "Component" : "Kustomization",
                            " is ", wanted, ", and this is '", api_version, "'"));
  }
  return absl::OkStatus();
}

absl::Status RefuseEmpty(const MapReader& map) {
  for (const Member& member : map.node().value->map()) {
    const bool is_header = member.key == "apiVersion" || member.key == "kind";
    const bool is_empty =
        member.value.is_null() || (member.value.is_string() && member.value.string().empty());
    if (!is_header && !is_empty) return absl::OkStatus();
  }
  return map.node().Error("the kustomization is empty; give it at least 'resources: []'");
}

absl::Status ReadCharts(const MapReader& map, Kustomization& k) {
  std::string home;
  if (map.Has("helmGlobals")) {
    ASSIGN_OR_RETURN(const MapReader globals, MapReader::Open(map.At("helmGlobals"), "helmGlobals",
                                                              {"chartHome", "configHome"}));
    RETURN_IF_ERROR(globals.Text("chartHome", home));
  }
  RETURN_IF_ERROR(map.Each("helmCharts", [&](const Node& node) -> absl::Status {
    ASSIGN_OR_RETURN(HelmChart chart, ReadHelmChart(node, /*strict=*/true));
    chart.chart_home = home;
    k.helm_charts.push_back(std::move(chart));
    return absl::OkStatus();
  }));
  return ReadParts(map, "helmChartInflationGenerator", ReadOldHelmChart, k.helm_charts);
}

absl::Status ReadSecondaryFields(const MapReader& map, Kustomization& k) {
  RETURN_IF_ERROR(ReadEntries(map, "crds", k.crds));
  RETURN_IF_ERROR(ReadEntries(map, "configurations", k.configurations));
  RETURN_IF_ERROR(ReadEntries(map, "generators", k.generators));
  RETURN_IF_ERROR(ReadEntries(map, "transformers", k.transformers));
  RETURN_IF_ERROR(ReadEntries(map, "validators", k.validators));
  RETURN_IF_ERROR(ReadCharts(map, k));
  if (map.Has("sortOptions")) {
    ASSIGN_OR_RETURN(k.sort_options, ReadSortOptions(map.At("sortOptions")));
  }
  if (map.Has("openapi")) {
    ASSIGN_OR_RETURN(const MapReader openapi,
                     MapReader::Open(map.At("openapi"), "openapi", {"path", "version"}));
    Entry path{"", openapi.node().place()};
    std::string version;
    RETURN_IF_ERROR(openapi.Text("path", path.text));
    RETURN_IF_ERROR(openapi.Text("version", version));
    if (!version.empty() && (version != "v1.21.2" || !path.text.empty())) {
      return openapi.At("version").Error(
          "the built-in schema is v1.21.2, and it cannot be given together with a path");
    }
    if (!path.text.empty()) k.openapi_path = std::move(path);
  }
  return map.Each("buildMetadata", [&](const Node& node) -> absl::Status {
    ASSIGN_OR_RETURN(const std::string what, TextOf(node, "each of buildMetadata"));
    if (what == "originAnnotations") {
      k.origin_annotations = true;
    } else if (what == "transformerAnnotations") {
      k.transformer_annotations = true;
    } else if (what == "managedByLabel") {
      k.managed_by_label = true;
    } else {
      return node.Error(absl::StrCat(
          "'", what,
          "' is unknown to buildMetadata; it knows originAnnotations, transformerAnnotations and "
          "managedByLabel"));
    }
    return absl::OkStatus();
  });
}

absl::Status ReadGenerators(const MapReader& map, absl::string_view field, bool is_secret,
                            std::vector<GeneratorArgs>& out) {
  return map.Each(field, [&](const Node& node) -> absl::Status {
    ASSIGN_OR_RETURN(GeneratorArgs args, ReadGenerator(node, is_secret, /*strict=*/true));
    out.push_back(std::move(args));
    return absl::OkStatus();
  });
}

}  // namespace

absl::StatusOr<Kustomization> ReadKustomization(const Document& document) {
  ASSIGN_OR_RETURN(const MapReader map,
                   MapReader::Open(RootOf(document), "a kustomization", KnownFields()));
  Kustomization k;
  k.path = document.file;
  k.place = map.node().place();
  RETURN_IF_ERROR(ReadIdentity(map, k));
  RETURN_IF_ERROR(RefuseEmpty(map));
  RETURN_IF_ERROR(map.Text("namePrefix", k.name_prefix));
  RETURN_IF_ERROR(map.Text("nameSuffix", k.name_suffix));
  RETURN_IF_ERROR(map.Text("namespace", k.namespace_));
  RETURN_IF_ERROR(map.TextMap("commonLabels", k.common_labels));
  RETURN_IF_ERROR(map.TextMap("commonAnnotations", k.common_annotations));
  RETURN_IF_ERROR(ReadParts(map, "labels", ReadLabels, k.labels));
  RETURN_IF_ERROR(ReadEntries(map, "resources", k.resources));
  RETURN_IF_ERROR(ReadEntries(map, "bases", k.resources));
  RETURN_IF_ERROR(ReadEntries(map, "components", k.components));
  RETURN_IF_ERROR(ReadEntries(map, "patchesStrategicMerge", k.patches_strategic_merge));
  RETURN_IF_ERROR(ReadParts(map, "patchesJson6902", ReadPatch, k.patches_json6902));
  RETURN_IF_ERROR(ReadParts(map, "patches", ReadPatch, k.patches));
  RETURN_IF_ERROR(ReadParts(map, "images", ReadImage, k.images));
  RETURN_IF_ERROR(ReadParts(map, "imageTags", ReadImage, k.images));
  RETURN_IF_ERROR(ReadParts(map, "replicas", ReadReplica, k.replicas));
  RETURN_IF_ERROR(ReadParts(map, "replacements", ReadReplacement, k.replacements));
  RETURN_IF_ERROR(ReadParts(map, "vars", ReadVar, k.vars));
  RETURN_IF_ERROR(ReadGenerators(map, "configMapGenerator", false, k.config_map_generators));
  RETURN_IF_ERROR(ReadGenerators(map, "secretGenerator", true, k.secret_generators));
  if (map.Has("generatorOptions")) {
    ASSIGN_OR_RETURN(k.generator_options, ReadGeneratorOptions(map.At("generatorOptions")));
  }
  RETURN_IF_ERROR(ReadSecondaryFields(map, k));
  return k;
}

absl::StatusOr<TransformerConfig> ReadTransformerConfig(const Document& document) {
  ASSIGN_OR_RETURN(const MapReader map,
                   MapReader::Open(RootOf(document), "a transformer configuration", {}));
  TransformerConfig config;
  const std::pair<absl::string_view, FieldSpecs*> tables[] = {
      {"namePrefix", &config.name_prefix},
      {"nameSuffix", &config.name_suffix},
      {"namespace", &config.namespace_},
      {"commonLabels", &config.common_labels},
      {"labels", &config.labels},
      {"templateLabels", &config.template_labels},
      {"commonAnnotations", &config.common_annotations},
      {"varReference", &config.var_reference},
      {"images", &config.images},
      {"replicas", &config.replicas},
  };
  for (const auto& [name, specs] : tables) {
    RETURN_IF_ERROR(ReadParts(map, name, ReadFieldSpec, *specs));
  }
  RETURN_IF_ERROR(map.Each("nameReference", [&](const Node& node) -> absl::Status {
    ASSIGN_OR_RETURN(const MapReader row, MapReader::Open(node, "a name reference", {}));
    NameReference reference;
    RETURN_IF_ERROR(row.Text("group", reference.gvk.group));
    RETURN_IF_ERROR(row.Text("version", reference.gvk.version));
    RETURN_IF_ERROR(row.Text("kind", reference.gvk.kind));
    RETURN_IF_ERROR(ReadParts(row, "fieldSpecs", ReadFieldSpec, reference.referrers));
    config.name_reference.push_back(std::move(reference));
    return absl::OkStatus();
  }));
  return config;
}

}  // namespace muster::kustomize
