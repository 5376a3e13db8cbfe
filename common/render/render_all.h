// RenderAll: the renderings of many clusters, each distinct one made once.
//
// What the fetch child answers a RenderRequest with. Inputs that agree on everything that the files
// ask for share a rendering: a package whose files mention no cluster variable is rendered once for
// all clusters, one that mentions only ${cluster.labels.env} once per environment.
//
// One thread. Pure but for what the reader and Helm do. Promises: as many outputs as inputs, in
// their order; one package's failure is in its output and touches no other.
#pragma once

#include "common/render/helm/helm_door.h"
#include "common/render/tree_reader.h"
#include "proto/child.pb.h"

namespace muster {

// Renders what is not among an input's `known_inputs`. Of several outputs with one input digest,
// the first holds the manifest and the objects. At most one path's files of plain YAML are in
// memory at a time; of kustomizations, which share bases, what kKustomizeCacheBytes holds.
// `helm` renders charts, and may be null where there is none.
v1::RenderResponse RenderAll(const v1::RenderRequest& request, const TreeReader& reader,
                             HelmDoor* helm);
v1::RenderResponse RenderAll(const v1::RenderRequest& request, const TreeReader& reader);

}  // namespace muster
