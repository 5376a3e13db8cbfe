// Inputs of the render bench, made up: a small overlay, a thousand objects, ten thousand overlays.
#pragma once

#include <string>
#include <vector>

#include "common/render/file_tree.h"

namespace muster::bench {

struct RenderInputs {
  FileTree files;
  std::vector<std::string> directories;  // to build, each by itself
};

// A base of three objects and an overlay that prefixes, labels and patches one of them.
RenderInputs SmallestOverlay();

// `objects` in files of four, under an overlay with a namespace, labels and an image.
RenderInputs ManyObjects(int objects);

// `count` overlays over one base, each with its own namespace, replicas, image, patch and
// ConfigMap: four objects each.
RenderInputs ManyOverlays(int count);

}  // namespace muster::bench
