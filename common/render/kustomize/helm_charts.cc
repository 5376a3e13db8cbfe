#include "common/render/kustomize/helm_charts.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/manifest/sealed.h"
#include "common/manifest/yaml_writer.h"
#include "common/render/kustomize/parsed_files.h"

namespace muster::kustomize {
namespace {

// What `helm template` calls a release without a name.
constexpr char kReleaseName[] = "release-name";

std::string Title(const HelmChart& chart) {
  return absl::StrCat(chart.place.text(), ": helmCharts: chart '", chart.name, "'");
}

absl::Status CheckChart(const HelmChart& chart) {
  if (chart.name.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(chart.place.text(), ": helmCharts: a chart needs its name"));
  }
  if (!chart.unsupported.empty()) {
    return absl::UnimplementedError(
        absl::StrCat(Title(chart), ": field '", chart.unsupported,
                     "' goes to Helm's command line, which nobody has here; leave it out"));
  }
  if (chart.values_merge != "override" && chart.values_merge != "merge" &&
      chart.values_merge != "replace") {
    return absl::InvalidArgumentError(absl::StrCat(Title(chart), ": valuesMerge '",
                                                   chart.values_merge,
                                                   "' is none of override, merge, replace"));
  }
  return absl::OkStatus();
}

absl::StatusOr<ChartRequest::Values> ReadValues(const std::string& file, const Loader& loader) {
  ASSIGN_OR_RETURN(const Loader::File loaded, loader.Load(file));
  RETURN_IF_ERROR(RefuseSopsFile(*loaded.bytes, loaded.path, "Helm values"));
  RETURN_IF_ERROR(loader.files().Read(loaded.path, *loaded.bytes).status());
  return ChartRequest::Values{loaded.path, *loaded.bytes};
}

// Kustomize merges its inline values with the file's, and passes on one; Helm merges alike.
absl::Status AddValues(const HelmChart& chart, const Loader& loader, ChartRequest& request) {
  std::vector<ChartRequest::Values>& values = request.values;
  if (!chart.values_file.empty()) {
    ASSIGN_OR_RETURN(ChartRequest::Values file, ReadValues(chart.values_file, loader));
    values.push_back(std::move(file));
  } else {
    // The chart's own count as given: they win when inline values only fill up.
    const std::string own = absl::StrCat(request.directory, "/values.yaml");
    for (const auto& [path, bytes] : request.files) {
      if (path == own) values.push_back({path, bytes});
    }
  }
  if (chart.values_inline.is_map() && !chart.values_inline.map().empty()) {
    ChartRequest::Values given{absl::StrCat(chart.place.text(), " (valuesInline)"),
                               WriteYaml(chart.values_inline)};
    if (chart.values_merge == "replace") values.clear();
    values.insert(chart.values_merge == "merge" ? values.begin() : values.end(), std::move(given));
  }
  for (const std::string& more : chart.additional_values_files) {
    ASSIGN_OR_RETURN(ChartRequest::Values file, ReadValues(more, loader));
    values.push_back(std::move(file));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Resource>> InflateChart(const HelmChart& chart, const Loader& loader,
                                                   ChartInflator* inflator) {
  RETURN_IF_ERROR(CheckChart(chart));
  if (inflator == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat(Title(chart),
                     " needs Helm, and here is none; give its program with --helm "
                     "PATH (a hub also needs --helm-digest sha256:...)"));
  }
  absl::StatusOr<std::string> found = ChartPath(chart, loader);
  if (!found.ok()) return Annotate(found.status(), Title(chart));
  std::string directory = *std::move(found);
  FileSource& source = loader.files().source();
  ASSIGN_OR_RETURN(const std::string* manifest,
                   source.Find(absl::StrCat(directory, "/Chart.yaml")));
  if (manifest == nullptr) {
    return absl::NotFoundError(
        absl::StrCat(Title(chart), ": there is no '", directory, "/Chart.yaml'"));
  }
  ASSIGN_OR_RETURN(FileTree::Range files, source.Below(directory));
  ChartRequest request{std::move(directory), files, {}, "", "", "", {}, false, false, false};
  RETURN_IF_ERROR(Annotate(AddValues(chart, loader, request), Title(chart)));
  request.release_name = chart.release_name.empty() ? kReleaseName : chart.release_name;
  request.namespace_ = chart.namespace_;
  request.kubernetes_version = chart.kube_version;
  request.api_versions = chart.api_versions;
  request.include_crds = chart.include_crds;
  request.skip_hooks = chart.skip_hooks;
  request.skip_tests = chart.skip_tests;
  absl::StatusOr<std::string> printed = inflator->Inflate(request);
  if (!printed.ok()) return Annotate(printed.status(), Title(chart));
  return ResourcesOfText(*printed, chart.place);
}

}  // namespace

absl::StatusOr<std::string> ChartPath(const HelmChart& chart, const Loader& loader) {
  ASSIGN_OR_RETURN(const std::string home,
                   loader.Resolve(chart.chart_home.empty() ? "charts" : chart.chart_home));
  // Kustomize pulls into a directory of the version.
  std::string below = chart.name;
  if (!chart.version.empty() && !chart.repo.empty()) {
    below = absl::StrCat(chart.name, "-", chart.version, "/", chart.name);
    ASSIGN_OR_RETURN(const std::string pulled, JoinPath(home, below));
    ASSIGN_OR_RETURN(const bool there, loader.files().source().IsDirectory(pulled));
    if (there) return pulled;
    below = chart.name;
  }
  ASSIGN_OR_RETURN(std::string vendored, JoinPath(home, below));
  if (chart.repo.empty()) return vendored;
  ASSIGN_OR_RETURN(const bool there, loader.files().source().IsDirectory(vendored));
  if (there) return vendored;
  if (chart.version.empty()) {
    return absl::InvalidArgumentError(
        "a chart of a registry needs its version, or a range: '*' is the newest");
  }
  return loader.files().source().LocateChart(chart.repo, chart.name, chart.version);
}

absl::StatusOr<std::vector<Resource>> InflateCharts(const std::vector<HelmChart>& charts,
                                                    const Loader& loader, ChartInflator* inflator) {
  std::vector<Resource> made;
  for (const HelmChart& chart : charts) {
    ASSIGN_OR_RETURN(std::vector<Resource> resources, InflateChart(chart, loader, inflator));
    for (Resource& resource : resources) made.push_back(std::move(resource));
  }
  return made;
}

}  // namespace muster::kustomize
