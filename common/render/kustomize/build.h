// BuildKustomization: from a directory with a kustomization to objects, as Kustomize v5.5 does it.
//
// The order of things, for a kustomization K (accumulate.cc calls everything):
//   1. resources of K: files as they are, directories accumulated by these very rules
//   2. configurations and crds of K join the tables (transformer_config.h)
//   3. generators of K: configMapGenerator, secretGenerator, helmCharts, then `generators` files
//        GenerateConfigMap, GenerateSecret (generators.h); InflateCharts (helm_charts.h)
//   4. components of K, each working on what is there by then
//   5. transformers of K: patchesStrategicMerge, patches, namespace, namePrefix, nameSuffix,
//   labels,
//        commonLabels, commonAnnotations, patchesJson6902, replicas, images,
//        ApplyReplacements (replacements.h), then `transformers` files
//   6. validators of K
//   7. vars of K are matched to resources: MatchVars (vars.h)
// and once, for the outermost kustomization (build.cc):
//   8. names get their content hashes: ContentHash (content_hash.h)
//   9. references follow the names: UpdateNameReferences (name_references.h)
//  10. vars are resolved: ResolveVars (vars.h)
//  11. resources with config.kubernetes.io/local-config are dropped
//  12. order, managed-by label, origin annotations
//
// Pure but for the source and the charts; one thread. Promise: equal files give equal objects in
// equal order.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/manifest/value.h"
#include "common/render/kustomize/helm_charts.h"
#include "common/render/kustomize/loader.h"
#include "common/render/kustomize/parsed_files.h"
#include "common/render/kustomize/resource.h"

namespace muster::kustomize {

enum class Order { kLegacy, kFifo };  // of a kustomization without sortOptions

struct BuildOptions {
  LoadRestrictor restrictor = LoadRestrictor::kRoot;
  Order order = Order::kLegacy;
};

struct BuiltObject {
  std::shared_ptr<const Value> value;
  Place place;  // where it was written, or its generator
};

// What builds of one source share: parsed files, kustomizations and the accumulations of bases.
// Hold one for all directories of a commit.
class BuildCache {
 public:
  explicit BuildCache(FileSource& source) : BuildCache(source, nullptr) {}
  // `charts` inflates helmCharts; null: they are refused. Both must outlive the cache.
  BuildCache(FileSource& source, ChartInflator* charts);
  ~BuildCache();
  BuildCache(const BuildCache&) = delete;
  BuildCache& operator=(const BuildCache&) = delete;

  struct State;
  State& state() { return *state_; }

 private:
  std::unique_ptr<State> state_;
};

// Whether the directory has a kustomization file, under whichever of its names.
absl::StatusOr<bool> HasKustomization(FileSource& source, const std::string& directory);

// Builds the kustomization in `directory` (normalised, "" for the root). Errors name file and line:
// kInvalidArgument for what the files say, kNotFound for files that are not there,
// kPermissionDenied for the load restrictor, kUnimplemented for what Muster does not do (remote
// bases, plugins that are programs), kResourceExhausted for a limit.
absl::StatusOr<std::vector<BuiltObject>> BuildKustomization(BuildCache& cache,
                                                            const std::string& directory,
                                                            const BuildOptions& options);

// The paths that a build of `directory` can depend on: its kustomization directories, charts, and
// files outside of them. Two commits whose trees agree there build alike.
absl::StatusOr<std::set<std::string>> BuildInputs(BuildCache& cache, const std::string& directory,
                                                  const BuildOptions& options);

}  // namespace muster::kustomize
