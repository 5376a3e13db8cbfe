#include "common/render/helm/render_chart.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/manifest/sealed.h"
#include "common/render/documents.h"
#include "common/render/file_tree.h"
#include "common/render/helm/output.h"
#include "common/render/kustomize/remote.h"
#include "common/render/registry_charts.h"

namespace muster {
namespace {

// Whether a file of a chart holds the defaults of it or of a chart in it.
bool IsOwnValues(absl::string_view path) {
  return path == "values.yaml" || absl::EndsWith(path, "/values.yaml");
}

void AddFile(std::string path, std::string content, v1::HelmCall& call) {
  v1::HelmFile* file = call.add_files();
  file->set_path(std::move(path));
  file->set_content(std::move(content));
}

absl::StatusOr<std::vector<RenderedObject>> ReadRuns(const HelmOutput& output, const Chart& chart,
                                                     Hooks hooks) {
  ASSIGN_OR_RETURN(std::vector<RenderedObject> objects,
                   ReadChartOutput(output.first, chart, hooks));
  if (output.second.empty()) return objects;
  ASSIGN_OR_RETURN(const std::vector<RenderedObject> again,
                   ReadChartOutput(output.second, chart, hooks));
  RETURN_IF_ERROR(CompareRuns(objects, again));
  return objects;
}

}  // namespace

std::string NoHelm(absl::string_view what) {
  return absl::StrCat(what.empty() ? "." : what,
                      ": a chart needs Helm, and here is none; give its program with --helm PATH "
                      "(a hub also needs --helm-digest sha256:...)");
}

v1::ChartWant WantOf(const v1::Helm& helm) {
  v1::ChartWant want;
  want.set_repository(helm.repository());
  want.set_chart(helm.chart());
  want.set_version(helm.version());
  want.set_digest(helm.digest());
  return want;
}

absl::StatusOr<std::string> ChartDirectory(const v1::RenderInput& input) {
  const v1::Helm& helm = input.helm();
  if (!helm.repository().empty()) {
    if (kustomize::IsInRepository(helm.chart())) return helm.chart();
    return NoRegistry(WantOf(helm));
  }
  return JoinPath(input.path(), input.helm().chart());
}

absl::StatusOr<std::set<std::string>> ChartInputs(const v1::RenderInput& input) {
  std::set<std::string> paths;
  ASSIGN_OR_RETURN(std::string chart, ChartDirectory(input));
  paths.insert(std::move(chart));
  for (const v1::Helm* helm : {&input.helm(), &input.target_helm()}) {
    for (const std::string& file : helm->values_files()) {
      ASSIGN_OR_RETURN(std::string path, JoinPath(input.path(), file));
      paths.insert(std::move(path));
    }
  }
  return paths;
}

absl::StatusOr<HelmOutput> RunHelm(HelmDoor* door, const Chart& chart, const FileTree::Range& files,
                                   const std::vector<ValuesText>& values, v1::HelmCall call) {
  if (door == nullptr) {
    return absl::FailedPreconditionError(
        NoHelm(chart.directory.empty() ? chart.name : chart.directory));
  }
  for (const auto& [path, bytes] : files) {
    if (!IsOwnValues(path)) continue;
    RETURN_IF_ERROR(RefuseSopsFile(bytes, path, "Helm values"));
  }
  // Helm sees the chart and the values, each in a place of its own, and nothing else.
  const size_t skip = chart.directory.empty() ? 0 : chart.directory.size() + 1;
  call.set_chart("chart");
  for (const auto& [path, bytes] : files) {
    AddFile(absl::StrCat("chart/", absl::string_view(path).substr(skip)), bytes, call);
  }
  for (size_t i = 0; i < values.size(); ++i) {
    const std::string path = absl::StrCat("values/", i, ".yaml");
    AddFile(path, values[i].text, call);
    call.add_values_files(path);
  }
  absl::StatusOr<HelmOutput> output = door->Template(call);
  if (!output.ok()) {
    if (output.status().code() != absl::StatusCode::kInvalidArgument) {
      return Annotate(output.status(), chart.directory.empty() ? chart.name : chart.directory);
    }
    return absl::InvalidArgumentError(
        ExplainFailure(output.status().message(), chart, SecretTexts(values)));
  }
  return output;
}

absl::StatusOr<std::vector<RenderedObject>> RenderChart(kustomize::FileSource& files,
                                                        const v1::RenderInput& input,
                                                        const VariableScope& scope,
                                                        HelmDoor* door) {
  ASSIGN_OR_RETURN(const std::string directory, ChartDirectory(input));
  ASSIGN_OR_RETURN(const FileTree::Range chart_files, files.Below(directory));
  ASSIGN_OR_RETURN(const Chart chart, ReadChart(chart_files, directory));
  ASSIGN_OR_RETURN(std::vector<ValuesText> values, FindValues(files, input));
  ASSIGN_OR_RETURN(values, ResolveValues(std::move(values), scope, input.substitute()));
  v1::HelmCall call;
  const std::string& release = input.helm().release_name();
  call.set_release_name(release.empty() ? input.package() : release);
  call.set_namespace_(input.namespace_().empty() ? std::string(kDefaultReleaseNamespace)
                                                 : input.namespace_());
  if (chart.asks_capabilities) call.set_kubernetes_version(input.kubernetes_version());
  ASSIGN_OR_RETURN(const HelmOutput output,
                   RunHelm(door, chart, chart_files, values, std::move(call)));
  return ReadRuns(output, chart, Hooks::kAsWaves);
}

absl::StatusOr<std::string> HelmInflator::Inflate(const kustomize::ChartRequest& request) {
  ASSIGN_OR_RETURN(const Chart chart, ReadChart(request.files, request.directory));
  std::vector<ValuesText> values;
  for (const kustomize::ChartRequest::Values& each : request.values) {
    values.push_back({each.name, each.text});
  }
  v1::HelmCall call;
  call.set_release_name(request.release_name);
  call.set_namespace_(request.namespace_.empty() ? std::string(kDefaultReleaseNamespace)
                                                 : request.namespace_);
  call.set_kubernetes_version(request.kubernetes_version);
  for (const std::string& version : request.api_versions) call.add_api_versions(version);
  call.set_skip_crds(!request.include_crds);
  call.set_skip_hooks(request.skip_hooks);
  call.set_skip_tests(request.skip_tests);
  ASSIGN_OR_RETURN(HelmOutput output,
                   RunHelm(door_, chart, request.files, values, std::move(call)));
  if (!output.second.empty()) {
    RETURN_IF_ERROR(ReadRuns(output, chart, Hooks::kAsTheyAre).status());
  }
  return std::move(output.first);
}

absl::StatusOr<std::set<std::string>> ClusterVariablesOfChart(kustomize::FileSource& files,
                                                              const v1::RenderInput& input) {
  std::set<std::string> uses;
  ASSIGN_OR_RETURN(const std::string directory, ChartDirectory(input));
  ASSIGN_OR_RETURN(const FileTree::Range chart_files, files.Below(directory));
  ASSIGN_OR_RETURN(const Chart chart, ReadChart(chart_files, directory));
  if (chart.asks_capabilities) uses.emplace(kKubernetesVersionUse);
  if (!input.substitute()) return uses;
  ASSIGN_OR_RETURN(const std::vector<ValuesText> values, FindValues(files, input));
  for (const ValuesText& text : values) {
    RETURN_IF_ERROR(CollectFromDocuments(text.text, text.name, uses));
  }
  return uses;
}

}  // namespace muster
