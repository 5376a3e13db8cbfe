// What a package means for one cluster: which target decides, and what is to be rendered.
//
// The hub's placement and `muster render` call it. Equal results need one rendering; and where the
// answer still holds the cluster's name and labels, RenderAll (common/render/render.h) finds out
// whether the files ask for them. Pure; any thread.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/base/digest.h"
#include "common/config/selector.h"
#include "proto/child.pb.h"
#include "proto/fleet.pb.h"

namespace muster {

// The first target of `package` that selects a cluster with these labels; null when none does.
// Points into `package`.
const v1::Target* SelectTarget(const v1::Package& package, const Labels& labels);

// The input of the rendering of `package` for a cluster; nullopt when no target selects it.
//
// `path` is substituted and normalised, the target's variables win over the package's, and values
// that name ${cluster...} are substituted (they may name nothing else). Variables and labels are
// sorted. Without any variable nothing in the files is substituted: then `substitute` is false, and
// labels and cluster name are left out, so that clusters share the input. Values of a chart that
// stand in the declaration and name ${cluster...} count as a variable. The caller adds what it
// knows of the cluster's Kubernetes. Returns kInvalidArgument, naming package, cluster and field,
// for an undefined variable and a path that is none.
absl::StatusOr<std::optional<v1::RenderInput>> ResolvePackage(const v1::Package& package,
                                                              absl::string_view cluster_name,
                                                              const Labels& labels);

// What distinguishes renderings: repository and input, of the cluster's facts only `uses`. The "*"
// among `uses` means all of them.
Digest ParamsOf(const std::string& repository, const v1::RenderInput& input,
                const google::protobuf::RepeatedPtrField<std::string>& uses);

}  // namespace muster
