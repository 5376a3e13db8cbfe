// Accumulation: one kustomization and all below it, before names are final. Steps 1 to 7 of
// build.h.
//
// Only build.cc and the plugins use it. Pure; one thread.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/render/kustomize/build.h"
#include "common/render/kustomize/helm_charts.h"
#include "common/render/kustomize/kustomization.h"
#include "common/render/kustomize/loader.h"
#include "common/render/kustomize/merge_schema.h"
#include "common/render/kustomize/res_map.h"
#include "common/render/kustomize/transformer_config.h"
#include "common/render/kustomize/vars.h"

namespace muster::kustomize {

struct Accumulated {
  ResMap map;
  SharedConfig config;  // null: nothing yet
  VarSet vars;
};

using SharedKustomization = std::shared_ptr<const Kustomization>;

struct BuildCache::State {
  State(FileSource& source, ChartInflator* charts) : files(source), charts(charts) {}

  struct Base {
    Accumulated accumulated;
    std::vector<std::string> directories;  // that it was made from
  };

  ParsedFiles files;
  ChartInflator* const charts;                                                // null: there is none
  std::map<std::string, absl::StatusOr<SharedKustomization>> kustomizations;  // by directory
  std::map<std::string, std::shared_ptr<const Base>> bases;                   // by BaseKey
};

// What one build has in common.
struct BuildContext {
  BuildCache::State& state;
  const BuildOptions& options;
  bool tracks_origins = false;
  // A schema that some kustomization brought along: the first one counts, for all from there on.
  std::shared_ptr<const MergeSchema> own_schema;
  std::vector<std::string> entered;  // every directory, in order

  const MergeSchema& schema() const {
    return own_schema == nullptr ? MergeSchema::BuiltIn() : *own_schema;
  }
};

// The kustomization file of the loader's directory. kNotFound when there is none.
absl::StatusOr<SharedKustomization> LoadKustomization(BuildCache::State& state,
                                                      const Loader& loader);

// Takes note of the kustomization's `openapi`, unless a schema was given before.
absl::Status UseOpenApi(const Kustomization& kustomization, const Loader& loader,
                        BuildContext& context);

// Accumulates a kustomization onto `accumulated`, which is empty but for components. `origin` is
// the path from where the build began.
absl::StatusOr<Accumulated> Accumulate(const Kustomization& kustomization, const Loader& loader,
                                       const std::string& origin, Accumulated accumulated,
                                       BuildContext& context);

// The resources that a list of paths (files and directories with kustomizations) makes.
absl::Status AccumulateResources(const std::vector<Entry>& paths, const Loader& loader,
                                 const std::string& origin, Accumulated& accumulated,
                                 BuildContext& context);

}  // namespace muster::kustomize
