// ApplicationSet: the Applications that a set generates, with list, clusters, git, matrix and merge
// generators, and templates that name parameters.
//
// Clusters are not listed but left open: where a template names `name` or a label of a cluster, the
// Application names ${cluster.name} and ${cluster.labels["..."]}, and carries the selector.
// Pure; one thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/manifest/value.h"
#include "common/render/file_tree.h"

namespace muster::cli {

inline constexpr absl::string_view kClusterName = "${cluster.name}";
inline constexpr absl::string_view kClusterServer = "${cluster.server}";

struct GeneratedApplication {
  Value object;
  std::optional<Value> selector;  // of the clusters, when a generator is for clusters
};

// Whether a repository's URL means the tree at hand.
using IsHere = std::function<bool(const std::string& url)>;

// kUnimplemented for generators, fields and template functions that are not understood, by name;
// kInvalidArgument for templates that name no parameter.
absl::StatusOr<std::vector<GeneratedApplication>> GenerateApplications(const Value& set,
                                                                       const FileTree& files,
                                                                       const IsHere& is_here);

// Whether `text` matches the glob of Argo CD's `directory` and `files`: '*' and '?' stop at '/'
// unless `crosses`, '**' never does, {a,b} are alternatives.
bool MatchesArgocdGlob(const std::string& glob, const std::string& text, bool crosses);

}  // namespace muster::cli
