// Render: from the files of a package to the objects that a cluster should have.
//
// The one code path for hub, `muster render` and `muster plan`. Engine "yaml": every *.yaml, *.yml
// and *.json at and below the path holds objects, but for what a `.musterignore` at the path names
// (ignore.h), for patch files of the package's targets, and for files and directories whose name
// starts with a '.'. In this order: variables (documents.h), lists taken apart, patches (patch.h),
// namespace. Objects are not decorated: no label, no annotation.
//
// Pure; any thread. Promises: equal files and input give an equal rendering, byte for byte; a
// rendering is never empty and never holds an identity twice.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/render/file_tree.h"
#include "common/render/patch.h"
#include "proto/child.pb.h"

namespace muster {

inline constexpr absl::string_view kRenderEngine = "yaml";
inline constexpr absl::string_view kRenderEngineVersion = "1";  // raised when output would change

struct Rendering {
  std::vector<RenderedObject> objects;  // sorted by key, each with its source
};

// Renders what stands at `input.path` of `files`, whose paths are relative to the repository's
// root. Returns kInvalidArgument ("apps/web.yaml:12:3: ...") for what the files say, kNotFound when
// there is nothing at the path, kUnimplemented for a Kustomize or Helm directory,
// kFailedPrecondition when a patch does not fit, kResourceExhausted for a limit.
absl::StatusOr<Rendering> Render(const FileTree& files, const v1::RenderInput& input);

// The cluster variables that the files and patches of `input` mention ("cluster.name",
// "cluster.labels.KEY"): inputs that differ only in others render alike. Empty when nothing is
// substituted. Its errors do not depend on the cluster either.
absl::StatusOr<std::set<std::string>> UsedClusterVariables(const FileTree& files,
                                                           const v1::RenderInput& input);

}  // namespace muster
