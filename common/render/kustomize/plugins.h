// Plugins: files under `generators`, `transformers` and `validators`. Only Kustomize's builtin ones
// (apiVersion: builtin) run; programs and containers are refused. Pure; one thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/render/kustomize/accumulate.h"

namespace muster::kustomize {

// Whether an entry is a configuration itself, and no path to one.
bool IsInlinePlugin(const std::string& entry);

// The chart that a generator's configuration inflates; nothing for a configuration of another kind.
absl::StatusOr<std::optional<HelmChart>> ChartOfPlugin(const Resource& config);

// The configurations: inline documents first, then files and kustomizations, as Kustomize orders
// them. `file` is the kustomization's own name.
absl::StatusOr<std::vector<Resource>> LoadPlugins(const std::vector<Entry>& entries,
                                                  const Loader& loader, const std::string& origin,
                                                  const std::string& file, BuildContext& context);

absl::StatusOr<std::vector<Resource>> RunGeneratorPlugin(const Resource& config,
                                                         const Loader& loader,
                                                         ChartInflator* charts);

absl::Status RunTransformerPlugin(const Resource& config, const Loader& loader,
                                  const MergeSchema& schema, ResMap& map);

// kInvalidArgument when it would change anything.
absl::Status RunValidatorPlugin(const Resource& config, const Loader& loader,
                                const MergeSchema& schema, const ResMap& map);

}  // namespace muster::kustomize
