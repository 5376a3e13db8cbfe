// Render: from the files of a package to the objects that a cluster should have.
//
// The one code path for hub, `muster render` and `muster plan`. A directory with a kustomization
// (and renderer auto or kustomize) is built as Kustomize builds it (kustomize/build.h); then come
// variables, in the text of what was built, patches and namespace. A chart is rendered by the real
// Helm (helm/render_chart.h), then patched likewise. Else plain YAML: every *.yaml, *.yml and
// *.json at and below the path holds objects, but for what a `.musterignore` (or Flux's
// `.sourceignore`, Fleet's `.fleetignore`) at or below the path names (ignore.h), for patch files
// of the package's targets, and for files and directories whose name starts with a '.'. In this
// order: variables (documents.h), lists taken apart, patches (patch.h), namespace. Objects are not
// decorated: no label, no annotation. SOPS documents stay what they are (sealed.h).
//
// Pure but for Helm; any thread. Promises: equal files and input give an equal rendering, byte for
// byte; a rendering is never empty and never holds an identity twice.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/render/file_tree.h"
#include "common/render/helm/helm_door.h"
#include "common/render/kustomize/build.h"
#include "common/render/patch.h"
#include "proto/child.pb.h"

namespace muster {

inline constexpr absl::string_view kRenderEngine = "yaml";
inline constexpr absl::string_view kRenderEngineVersion = "2";  // raised when output would change
inline constexpr absl::string_view kKustomizeEngine = "kustomize";
inline constexpr absl::string_view kKustomizeEngineVersion = "5.5-2";
inline constexpr absl::string_view kHelmEngine = "helm";  // its version is the program's

struct Rendering {
  std::vector<RenderedObject> objects;  // sorted by key, each with its source
};

// Renders what stands at `input.path` of `files`, whose paths are relative to the repository's
// root. Returns kInvalidArgument ("apps/web.yaml:12:3: ...") for what the files say, kNotFound when
// there is nothing at the path, kUnimplemented for charts and kustomizations below a directory of
// plain YAML, kFailedPrecondition when a patch does not fit, kResourceExhausted for a limit. Charts
// need `helm`; without it they are kFailedPrecondition.
absl::StatusOr<Rendering> Render(const FileTree& files, const v1::RenderInput& input,
                                 HelmDoor* helm);
absl::StatusOr<Rendering> Render(const FileTree& files, const v1::RenderInput& input);

// Whether the input is built by Kustomize; `has_file` says whether there is a file at a path.
// kNotFound when the input asks for Kustomize and there is no kustomization at its path.
absl::StatusOr<bool> UsesKustomize(
    const v1::RenderInput& input,
    absl::FunctionRef<absl::StatusOr<bool>(const std::string& path)> has_file);

// Whether the input is a chart, where it is no kustomization.
absl::StatusOr<bool> UsesHelm(
    const v1::RenderInput& input,
    absl::FunctionRef<absl::StatusOr<bool>(const std::string& path)> has_file);

// The options of a kustomization's build.
kustomize::BuildOptions KustomizeOptions(const v1::RenderInput& input);

using BuiltObjects = std::vector<kustomize::BuiltObject>;

// Render, from what Kustomize built at the input's path; that does not depend on the cluster. Patch
// files are read from `files`.
absl::StatusOr<Rendering> RenderBuilt(const BuiltObjects& built, kustomize::FileSource& files,
                                      const v1::RenderInput& input);
absl::StatusOr<std::set<std::string>> ClusterVariablesOfBuilt(const BuiltObjects& built,
                                                              kustomize::FileSource& files,
                                                              const v1::RenderInput& input);

// Render, of a chart; what Helm reads comes from `files`, and patches too.
absl::StatusOr<Rendering> RenderHelm(kustomize::FileSource& files, const v1::RenderInput& input,
                                     HelmDoor* helm);
absl::StatusOr<std::set<std::string>> ClusterVariablesOfHelm(kustomize::FileSource& files,
                                                             const v1::RenderInput& input);

// The cluster variables that the files and patches of `input` mention ("cluster.name",
// "cluster.labels.KEY"): inputs that differ only in others render alike. Empty when nothing is
// substituted. Its errors do not depend on the cluster either.
absl::StatusOr<std::set<std::string>> UsedClusterVariables(const FileTree& files,
                                                           const v1::RenderInput& input);

}  // namespace muster
