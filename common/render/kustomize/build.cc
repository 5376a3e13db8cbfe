#include "common/render/kustomize/build.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/render/kustomize/accumulate.h"
#include "common/render/kustomize/name_references.h"
#include "common/render/kustomize/origins.h"
#include "common/render/kustomize/stages.h"

namespace muster::kustomize {
namespace {

// What Kustomize 5.5 writes as app.kubernetes.io/managed-by.
constexpr absl::string_view kManagedBy = "kustomize-v5.5.0";

bool IsLocalConfig(const Resource& resource) {
  for (const auto& [key, text] : resource.Annotations()) {
    if (key == "config.kubernetes.io/local-config") return text != "false";
  }
  return false;
}

void RemoveLocalConfigs(ResMap& map) {
  if (std::none_of(map.resources().begin(), map.resources().end(), IsLocalConfig)) return;
  for (Resource& resource : map.Mutable()) {
    if (IsLocalConfig(resource)) resource.Drop();
  }
  map.RemoveDropped();
}

// Steps 8 to 12.
absl::Status Finish(const Kustomization& k, const BuildOptions& options, Accumulated& accumulated) {
  ResMap& map = accumulated.map;
  RETURN_IF_ERROR(ApplyHashes(map));
  RETURN_IF_ERROR(UpdateNameReferences(accumulated.config->name_reference, map));
  RETURN_IF_ERROR(ResolveVars(accumulated.vars, accumulated.config->var_reference, map));
  RemoveLocalConfigs(map);
  SortOptions order;
  order.legacy = options.order == Order::kLegacy;
  RETURN_IF_ERROR(SortResources(k.sort_options.value_or(order), map));
  if (k.managed_by_label) {
    RETURN_IF_ERROR(ApplyPairs({{"app.kubernetes.io/managed-by", std::string(kManagedBy)}},
                               {MakeFieldSpec(Gvk(), "metadata/labels", /*create=*/true)}, map));
  }
  for (Resource& resource : map.Mutable()) {
    FinishAnnotations(k.origin_annotations, k.transformer_annotations, resource);
  }
  return absl::OkStatus();
}

}  // namespace

BuildCache::BuildCache(FileSource& source, ChartInflator* charts)
    : state_(std::make_unique<State>(source, charts)) {}
BuildCache::~BuildCache() = default;

absl::StatusOr<bool> HasKustomization(FileSource& source, const std::string& directory) {
  for (const absl::string_view name :
       {"kustomization.yaml", "kustomization.yml", "Kustomization"}) {
    ASSIGN_OR_RETURN(
        const std::string* found,
        source.Find(directory.empty() ? std::string(name) : absl::StrCat(directory, "/", name)));
    if (found != nullptr) return true;
  }
  return false;
}

absl::StatusOr<std::vector<BuiltObject>> BuildKustomization(BuildCache& cache,
                                                            const std::string& directory,
                                                            const BuildOptions& options) {
  BuildContext context{cache.state(), options, false, nullptr, {directory}};
  const Loader loader(cache.state().files, options.restrictor, directory);
  ASSIGN_OR_RETURN(const SharedKustomization kustomization,
                   LoadKustomization(cache.state(), loader));
  // Nobody but its own build asks for it again, and there may be ten thousand.
  cache.state().kustomizations.erase(directory);
  const Kustomization& k = *kustomization;
  context.tracks_origins = k.origin_annotations || k.transformer_annotations;
  RETURN_IF_ERROR(UseOpenApi(k, loader, context));
  ASSIGN_OR_RETURN(Accumulated accumulated, Accumulate(k, loader, "", Accumulated(), context));
  RETURN_IF_ERROR(Finish(k, options, accumulated));
  std::vector<BuiltObject> objects;
  objects.reserve(accumulated.map.size());
  for (const Resource& resource : accumulated.map.resources()) {
    objects.push_back({resource.shared_value(), resource.place});
  }
  return objects;
}

}  // namespace muster::kustomize
