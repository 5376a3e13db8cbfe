// What a build can depend on, found out by reading kustomizations alone.
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/render/kustomize/accumulate.h"
#include "common/render/kustomize/plugins.h"

namespace muster::kustomize {
namespace {

class InputFinder {
 public:
  explicit InputFinder(BuildCache::State& state) : state_(state) {}

  // `lister` is where the directory is listed as one of generators; null: it is none.
  absl::Status Visit(const Loader& loader, const Loader* lister) {
    directories_.insert(loader.root());
    if (!visited_.emplace(loader.root(), lister == nullptr ? "" : lister->root()).second) {
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(const SharedKustomization kustomization, LoadKustomization(state_, loader));
    const Kustomization& k = *kustomization;
    for (const std::vector<Entry>* entries :
         {&k.resources, &k.components, &k.transformers, &k.validators}) {
      for (const Entry& entry : *entries) RETURN_IF_ERROR(VisitEntry(entry, loader, lister));
    }
    for (const Entry& entry : k.generators) RETURN_IF_ERROR(VisitEntry(entry, loader, &loader));
    for (const std::vector<Entry>* entries :
         {&k.crds, &k.configurations, &k.patches_strategic_merge}) {
      for (const Entry& entry : *entries) AddFile(entry.text, loader);
    }
    for (const std::vector<Patch>* patches : {&k.patches, &k.patches_json6902}) {
      for (const Patch& patch : *patches) AddFile(patch.path, loader);
    }
    for (const Replacement& replacement : k.replacements) AddFile(replacement.path, loader);
    for (const std::vector<GeneratorArgs>* all : {&k.config_map_generators, &k.secret_generators}) {
      for (const GeneratorArgs& args : *all) {
        for (const std::string& file : args.files) {
          AddFile(file.substr(file.find('=') + 1), loader);
        }
        for (const std::string& file : args.envs) AddFile(file, loader);
      }
    }
    for (const HelmChart& chart : k.helm_charts) AddChart(chart, loader);
    if (k.openapi_path.has_value()) AddFile(k.openapi_path->text, loader);
    return absl::OkStatus();
  }

  std::set<std::string> Take() && {
    paths_.insert(directories_.begin(), directories_.end());
    return std::move(paths_);
  }

 private:
  absl::Status VisitEntry(const Entry& entry, const Loader& loader, const Loader* lister) {
    if (IsInlinePlugin(entry.text)) {
      if (lister != nullptr) AddPlugins(ResourcesOfText(entry.text, entry.place), *lister);
      return absl::OkStatus();
    }
    const absl::StatusOr<std::string> path = loader.Resolve(entry.text);
    if (!path.ok()) return absl::OkStatus();  // an error that the build finds
    ASSIGN_OR_RETURN(const std::string* bytes, loader.files().source().Find(*path));
    if (bytes != nullptr) {
      AddFile(entry.text, loader);
      if (lister != nullptr) AddPlugins(loader.files().Resources(*path, *bytes), *lister);
      return absl::OkStatus();
    }
    const absl::StatusOr<Loader> below = loader.Enter(entry.text);
    if (!below.ok()) {
      // What is missing may come to be.
      paths_.insert(*path);
      return absl::OkStatus();
    }
    return Annotate(Visit(*below, lister), entry.place.text());
  }

  // Charts in the form of a generator. What cannot be read is an error that the build finds.
  void AddPlugins(const absl::StatusOr<std::vector<Resource>>& configs, const Loader& lister) {
    if (!configs.ok()) return;
    for (const Resource& config : *configs) {
      const absl::StatusOr<std::optional<HelmChart>> chart = ChartOfPlugin(config);
      if (chart.ok() && chart->has_value()) AddChart(**chart, lister);
    }
  }

  // A chart is named even where it stands in the kustomization's directory: who asks can tell by it
  // that Helm counts.
  void AddChart(const HelmChart& chart, const Loader& loader) {
    if (const auto path = ChartPath(chart, loader); path.ok()) paths_.insert(*path);
    AddFile(chart.values_file, loader);
    for (const std::string& file : chart.additional_values_files) AddFile(file, loader);
  }

  // Files in the kustomization's own directory need no mention.
  void AddFile(const std::string& text, const Loader& loader) {
    if (text.empty() || !absl::StrContains(text, "..")) return;
    const absl::StatusOr<std::string> path = loader.Resolve(text);
    if (path.ok()) paths_.insert(*path);
  }

  BuildCache::State& state_;
  std::set<std::pair<std::string, std::string>> visited_;  // directory, and that of its lister
  std::set<std::string> directories_;
  std::set<std::string> paths_;
};

}  // namespace

absl::StatusOr<std::set<std::string>> BuildInputs(BuildCache& cache, const std::string& directory,
                                                  const BuildOptions& options) {
  InputFinder finder(cache.state());
  const Loader loader(cache.state().files, options.restrictor, directory);
  RETURN_IF_ERROR(finder.Visit(loader, nullptr));
  return std::move(finder).Take();
}

}  // namespace muster::kustomize
