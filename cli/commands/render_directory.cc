// muster render DIR: what a directory holds, as the hub would see it, and nothing else needed.
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/commands/commands.h"
#include "cli/commands/render_directory.h"
#include "cli/directory_source.h"
#include "cli/files.h"
#include "cli/output/document.h"
#include "cli/output/text.h"
#include "cli/output/words.h"
#include "cli/problem.h"
#include "common/base/status_macros.h"
#include "common/render/helm/render_chart.h"
#include "common/render/kustomize/output.h"
#include "common/render/render.h"

namespace muster::cli {
namespace {

using kustomize::BuiltObject;

std::vector<BuiltObject> Shared(Rendering rendering) {
  std::vector<BuiltObject> objects;
  for (RenderedObject& rendered : rendering.objects) {
    objects.push_back({std::make_shared<Value>(std::move(rendered.object.value)),
                       {std::make_shared<std::string>(std::move(rendered.file)), rendered.line}});
  }
  return objects;
}

// Every object of plain files, in the order of the files.
absl::StatusOr<std::vector<BuiltObject>> ReadPlain(const WorkingPath& where) {
  ASSIGN_OR_RETURN(const FileTree files, ReadTree(where.root, where.path));
  pb::RenderInput input;
  input.set_path(where.path);
  ASSIGN_OR_RETURN(Rendering rendering, muster::Render(files, input));
  return Shared(std::move(rendering));
}

// The release is called like the directory, as that of a package is called like the package.
absl::StatusOr<std::vector<BuiltObject>> RenderChartAt(DirectorySource& source,
                                                       const std::string& directory,
                                                       const std::string& path,
                                                       const DirectoryOptions& options) {
  pb::RenderInput input;
  input.set_path(path);
  input.set_renderer(pb::RENDERER_HELM);
  std::error_code error;
  input.set_package(std::filesystem::canonical(directory, error).filename().string());
  input.set_kubernetes_version(options.kubernetes_version);
  ASSIGN_OR_RETURN(Rendering rendering, RenderHelm(source, input, options.helm));
  return Shared(std::move(rendering));
}

absl::StatusOr<kustomize::BuildOptions> OptionsOf(const RenderOptions& options) {
  kustomize::BuildOptions build;
  if (options.load_restrictor == "none") {
    build.restrictor = kustomize::LoadRestrictor::kNone;
  } else if (options.load_restrictor != "root") {
    return UsageProblem(
        absl::StrCat("--load-restrictor '", options.load_restrictor, "' is neither root nor none"),
        "muster render --help");
  }
  if (options.order == "fifo") {
    build.order = kustomize::Order::kFifo;
  } else if (options.order != "legacy") {
    return UsageProblem(absl::StrCat("--order '", options.order, "' is neither legacy nor fifo"),
                        "muster render --help");
  }
  return build;
}

// Kubernetes' own list, so that kubectl takes it.
std::string ListOf(const std::vector<BuiltObject>& objects) {
  Value::List items;
  for (const BuiltObject& object : objects) items.push_back(*object.value);
  return JsonText(Value::Map{{"apiVersion", "v1"}, {"kind", "List"}, {"items", std::move(items)}});
}

std::string NamesOf(const std::vector<BuiltObject>& objects) {
  std::string names;
  for (const BuiltObject& object : objects) {
    const kustomize::ResId id = kustomize::ResId::OfObject(*object.value);
    absl::StrAppend(&names, "object/",
                    SafeText(ObjectName(id.gvk.api_version(), id.gvk.kind, id.namespace_, id.name)),
                    "\n");
  }
  return names;
}

std::string ChartFileIn(const std::string& path) {
  return absl::StrCat(path, path.empty() ? "" : "/", "Chart.yaml");
}

// What the load restrictor refuses is a mistake in the files, and no right that is missing.
absl::StatusOr<std::vector<BuiltObject>> AsMistake(
    absl::StatusOr<std::vector<BuiltObject>> objects) {
  if (!absl::IsPermissionDenied(objects.status())) return objects;
  return absl::InvalidArgumentError(
      absl::StrCat(objects.status().message(), "; or allow it: --load-restrictor none"));
}

}  // namespace

absl::StatusOr<std::optional<DirectoryBuild>> BuildUnlessPlain(const std::string& directory,
                                                               const DirectoryOptions& options) {
  DirectoryBuild build;
  ASSIGN_OR_RETURN(build.where, FindWorkingPath(directory));
  const std::string& path = build.where.path;
  DirectorySource source(build.where.root);
  ASSIGN_OR_RETURN(const bool kustomizes, kustomize::HasKustomization(source, path));
  if (kustomizes) {
    HelmInflator charts(options.helm);
    kustomize::BuildCache cache(source, options.helm == nullptr ? nullptr : &charts);
    build.made_by = "the kustomization";
    build.objects = AsMistake(kustomize::BuildKustomization(cache, path, options.build));
    return build;
  }
  ASSIGN_OR_RETURN(const std::string* chart, source.Find(ChartFileIn(path)));
  if (chart == nullptr) return std::nullopt;
  build.made_by = "the chart";
  build.objects = RenderChartAt(source, directory, path, options);
  return build;
}

absl::StatusOr<DirectoryBuild> BuildDirectory(const std::string& directory,
                                              const DirectoryOptions& options) {
  ASSIGN_OR_RETURN(std::optional<DirectoryBuild> found, BuildUnlessPlain(directory, options));
  if (found.has_value()) return *std::move(found);
  DirectoryBuild build;
  ASSIGN_OR_RETURN(build.where, FindWorkingPath(directory));
  build.made_by = "plain files";
  build.objects = ReadPlain(build.where);
  return build;
}

absl::StatusOr<ExitCode> RenderDirectory(Session& session, const RenderOptions& options) {
  const std::string directory = options.subject.empty() ? "." : options.subject;
  DirectoryOptions build_options{.kubernetes_version = options.helm.kubernetes_version};
  ASSIGN_OR_RETURN(build_options.build, OptionsOf(options));
  const std::string attempt = absl::StrCat("render ", directory);
  ASSIGN_OR_RETURN(const std::unique_ptr<HelmDoor> helm,
                   Tried(attempt, FindHelm(options.helm, session.env().Variable("PATH"))));
  build_options.helm = helm.get();
  ASSIGN_OR_RETURN(const DirectoryBuild build,
                   Tried(attempt, BuildDirectory(directory, build_options)));
  if (!build.objects.ok()) {
    return WithWhere(Tried(attempt, build.objects.status()), build.where.root);
  }
  switch (session.format()) {
    case Format::kName:
      session.Print(NamesOf(*build.objects));
      break;
    case Format::kJson:
      session.Print(ListOf(*build.objects));
      break;
    default:
      session.Print(kustomize::WriteKustomizeYaml(*build.objects));
  }
  return ExitCode::kOk;
}

}  // namespace muster::cli
