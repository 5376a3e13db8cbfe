// muster render --cluster: what a cluster would get, from working trees, by the code that the hub
// runs.
#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "cli/commands/commands.h"
#include "cli/files.h"
#include "cli/output/document.h"
#include "cli/output/text.h"
#include "cli/output/words.h"
#include "cli/problem.h"
#include "common/base/status_macros.h"
#include "common/charts/semver.h"
#include "common/config/config.h"
#include "common/config/resolve.h"
#include "common/render/helm/chart.h"
#include "common/render/helm/render_chart.h"
#include "common/render/kustomize/remote.h"
#include "common/render/registry_charts.h"
#include "common/render/render.h"

namespace muster::cli {
namespace {

using Pairs = std::map<std::string, std::string, std::less<>>;

absl::StatusOr<Pairs> ParsePairs(const std::vector<std::string>& words, absl::string_view flag) {
  Pairs pairs;
  for (const std::string& word : words) {
    const std::vector<std::string> parts = absl::StrSplit(word, absl::MaxSplits('=', 1));
    if (parts.size() != 2 || parts[0].empty()) {
      return UsageProblem(absl::StrCat(flag, " '", word, "' is not NAME=VALUE"),
                          "muster render --help");
    }
    pairs[parts[0]] = parts[1];
  }
  return pairs;
}

absl::StatusOr<pb::FleetConfig> ReadFleet(const std::string& directory) {
  ASSIGN_OR_RETURN(const FileTree files,
                   Tried(absl::StrCat("read the fleet in ", directory), ReadTree(directory, "")));
  pb::FleetConfig config = ParseFleetConfig(files, {.path = ""});
  if (config.errors().empty() && config.files() > 0) return config;
  return ProblemStatus(absl::StatusCode::kInvalidArgument,
                       {.what = absl::StrCat("the fleet in ", directory, " is not valid"),
                        .why = config.errors().empty() ? "it has no *.yaml file"
                                                       : absl::StrCat(config.errors(0).file(), ":",
                                                                      config.errors(0).line(), ": ",
                                                                      config.errors(0).message()),
                        .hint = absl::StrCat("muster validate ", directory)});
}

absl::StatusOr<Labels> LabelsFor(const pb::FleetConfig& config, const RenderOptions& options) {
  ASSIGN_OR_RETURN(const Pairs given, ParsePairs(options.labels, "--label"));
  std::vector<std::string> names;
  for (const pb::ClusterDeclaration& cluster : config.clusters()) {
    names.push_back(cluster.name());
    if (cluster.name() != options.cluster) continue;
    if (!given.empty()) {
      return UsageProblem(absl::StrCat("cluster/", cluster.name(), " has its labels from ",
                                       cluster.origin().file(), ":", cluster.origin().line()),
                          "leave --label out");
    }
    return LabelsOf(cluster.labels());
  }
  if (!given.empty()) return Labels(given.begin(), given.end());
  return UsageProblem(absl::StrCat("no cluster '", options.cluster, "' is declared in ",
                                   options.fleet, Suggestion(options.cluster, names)),
                      "give the labels of one that is not: --label env=prod");
}

class Renderer {
 public:
  // `helm` may be null.
  Renderer(const RenderOptions& options, const pb::FleetConfig& config, Labels labels,
           Pairs folders, std::unique_ptr<HelmDoor> helm)
      : options_(options),
        config_(config),
        labels_(std::move(labels)),
        folders_(std::move(folders)),
        helm_(std::move(helm)) {}

  // Adds what the cluster gets of `package`. Returns whether it gets any.
  absl::StatusOr<bool> Add(const pb::Package& package) {
    const std::string attempt = absl::StrCat("render package/", package.name());
    ASSIGN_OR_RETURN(std::optional<pb::RenderInput> input,
                     Tried(attempt, ResolvePackage(package, options_.cluster, labels_)));
    if (!input.has_value()) return false;
    input->set_kubernetes_version(options_.helm.kubernetes_version);
    FileTree charts;
    ASSIGN_OR_RETURN(const bool alone, Tried(attempt, TakeChart(package, *input, charts)));
    if (alone) {
      ASSIGN_OR_RETURN(Rendering rendering,
                       Tried(attempt, muster::Render(charts, *input, helm_.get())));
      for (RenderedObject& object : rendering.objects) objects_.push_back(std::move(object));
      return true;
    }
    const auto folder = folders_.find(package.repository());
    if (folder == folders_.end()) {
      return UsageProblem(
          absl::StrCat(attempt, ": where is repository/", package.repository(), "?"),
          absl::StrCat("--repository ", package.repository(), "=DIR"));
    }
    ASSIGN_OR_RETURN(FileTree files, Tried(attempt, ReadTree(folder->second, input->path())));
    // A kustomization leads to bases anywhere in the repository.
    const auto has_file = [&files](const std::string& path) -> absl::StatusOr<bool> {
      return files.Find(path) != nullptr;
    };
    if (UsesKustomize(*input, has_file).value_or(false)) {
      ASSIGN_OR_RETURN(files, Tried(attempt, ReadTree(folder->second, "")));
    }
    for (const auto& [path, bytes] : charts) RETURN_IF_ERROR(files.Add(path, bytes));
    absl::StatusOr<Rendering> rendering = muster::Render(files, *input, helm_.get());
    if (!rendering.ok()) return WithWhere(Tried(attempt, rendering.status()), folder->second);
    for (RenderedObject& object : rendering->objects) objects_.push_back(std::move(object));
    return true;
  }

  const std::vector<RenderedObject>& objects() const { return objects_; }

 private:
  bool IsRegistry(const std::string& name) const {
    for (const pb::Repository& each : config_.repositories()) {
      if (each.name() == name) return each.type() != pb::REPOSITORY_TYPE_UNSPECIFIED;
    }
    return false;
  }

  // Nothing is fetched here: a registry's chart comes from a folder of pulled charts, if one is
  // given. Adds its files; returns whether the package has no others.
  absl::StatusOr<bool> TakeChart(const pb::Package& package, pb::RenderInput& input,
                                 FileTree& files) const {
    const bool alone = IsRegistry(package.repository());
    if (alone) input.mutable_helm()->set_repository(package.repository());
    const pb::Helm& helm = input.helm();
    if (helm.repository().empty()) return false;
    const auto folder = folders_.find(helm.repository());
    if (folder == folders_.end()) {
      return Annotate(NoRegistry(WantOf(helm)),
                      absl::StrCat("no --repository ", helm.repository(), "=DIR is given"));
    }
    const std::string name = helm.chart().substr(helm.chart().rfind('/') + 1);
    ASSIGN_OR_RETURN(const FileTree pulled, ReadTree(folder->second, name));
    ASSIGN_OR_RETURN(const Chart chart, ReadChart(pulled.Below(name), name));
    ASSIGN_OR_RETURN(const SemVerRange range, SemVerRange::Parse(helm.version()));
    ASSIGN_OR_RETURN(const SemVer version, ParseSemVer(chart.version));
    if (!range.Contains(version)) {
      return absl::FailedPreconditionError(absl::StrCat(folder->second, "/", name, " is version ",
                                                        chart.version, ", and '", helm.version(),
                                                        "' is declared; pull that one"));
    }
    input.mutable_helm()->set_chart(kustomize::JoinRepositoryPath(helm.repository(), name));
    for (const auto& [path, bytes] : pulled) {
      RETURN_IF_ERROR(files.Add(kustomize::JoinRepositoryPath(helm.repository(), path), bytes));
    }
    return alone;
  }

  const RenderOptions& options_;
  const pb::FleetConfig& config_;
  const Labels labels_;
  const Pairs folders_;
  const std::unique_ptr<HelmDoor> helm_;
  std::vector<RenderedObject> objects_;
};

void PrintObjects(Session& session, const std::vector<RenderedObject>& objects) {
  if (session.format() == Format::kName) {
    std::string out;
    for (const RenderedObject& object : objects) {
      const ObjectKey& key = object.object.key;
      absl::StrAppend(&out, "object/",
                      SafeText(ObjectName(key.api_version, key.kind, key.namespace_, key.name)),
                      "\n");
    }
    session.Print(out);
    return;
  }
  if (session.format() == Format::kJson || session.format() == Format::kJsonPath) {
    // Kubernetes' own list, so that kubectl takes it.
    Value::List items;
    for (const RenderedObject& object : objects) items.push_back(object.object.value);
    Value::Map list;
    list.Set("apiVersion", "v1");
    list.Set("kind", "List");
    list.Set("items", std::move(items));
    session.PrintDocument(std::move(list));
    return;
  }
  std::string out;
  for (const RenderedObject& object : objects) {
    absl::StrAppend(&out, "---\n# ", SafeText(object.Where()), "\n", YamlText(object.object.value));
  }
  session.Print(out);
}

}  // namespace

absl::StatusOr<ExitCode> Render(Session& session, const RenderOptions& options) {
  if (options.cluster.empty()) {
    if (options.labels.empty() && options.repositories.empty()) {
      return RenderDirectory(session, options);
    }
    return UsageProblem("--label and --repository are for one cluster, and none is named",
                        "add --cluster NAME");
  }
  ASSIGN_OR_RETURN(const pb::FleetConfig config, ReadFleet(options.fleet));
  ASSIGN_OR_RETURN(Labels labels, LabelsFor(config, options));
  ASSIGN_OR_RETURN(Pairs folders, ParsePairs(options.repositories, "--repository"));
  ASSIGN_OR_RETURN(std::unique_ptr<HelmDoor> helm,
                   Tried("render", FindHelm(options.helm, session.env().Variable("PATH"))));
  Renderer renderer(options, config, std::move(labels), std::move(folders), std::move(helm));
  std::vector<std::string> names;
  std::vector<std::string> rendered;
  for (const pb::Package& package : config.packages()) {
    names.push_back(package.name());
    if (!options.subject.empty() && package.name() != options.subject) continue;
    ASSIGN_OR_RETURN(const bool gets, renderer.Add(package));
    if (gets) rendered.push_back(package.name());
  }
  const bool known = std::find(names.begin(), names.end(), options.subject) != names.end();
  if (!options.subject.empty() && !known) {
    return UsageProblem(absl::StrCat("no package '", options.subject, "' is declared in ",
                                     options.fleet, Suggestion(options.subject, names)),
                        absl::StrCat("muster validate ", options.fleet));
  }
  PrintObjects(session, renderer.objects());
  if (!session.flags().quiet) {
    session.Tell(absl::StrCat(Count(static_cast<int64_t>(renderer.objects().size()), "object"),
                              " for cluster/", SafeText(options.cluster),
                              rendered.empty() ? ": no package selects it" : " from ",
                              SafeText(absl::StrJoin(rendered, ", "))));
  }
  return ExitCode::kOk;
}

}  // namespace muster::cli
