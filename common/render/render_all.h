// RenderAll: the renderings of many clusters, each distinct one made once.
//
// What the fetch child answers a RenderRequest with. Inputs that agree on everything that the files
// ask for share a rendering: a package whose files mention no cluster variable is rendered once for
// all clusters, one that mentions only ${cluster.labels.env} once per environment.
//
// One thread. Pure but for what the reader does. Promises: as many outputs as inputs, in their
// order; one package's failure is in its output and touches no other.
#pragma once

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "common/render/file_tree.h"
#include "proto/child.pb.h"

namespace muster {

// The files of one commit.
struct TreeReader {
  // A name for what stands at a path: equal content, equal name. kNotFound when nothing does.
  std::function<absl::StatusOr<std::string>(const std::string& path)> tree_id;
  // The files at and below a path, named from the repository's root.
  std::function<absl::StatusOr<FileTree>(const std::string& path)> read;
};

// Renders what is not among an input's `known_inputs`. Of several outputs with one input digest,
// the first holds the manifest and the objects. At most one path's files are in memory at a time.
v1::RenderResponse RenderAll(const v1::RenderRequest& request, const TreeReader& reader);

}  // namespace muster
