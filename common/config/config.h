// Config: the fleet repository, read. What the hub follows, and what `muster validate` says.
//
// Every *.yaml and *.yml at and below the path holds declarations (schema.h), but for hidden files
// and what a `.musterignore` at the path names. Pure; any thread.
//
// Promises: every error is listed with file and line, not only the first. A file with an error
// declares nothing in the result, so that its former declarations can be kept; what it declares
// still counts for references from other files, so one error does not spread. Names are unique
// within a kind, every reference leads somewhere, and dependsOn makes no circle.
#pragma once

#include <string>

#include "common/render/file_tree.h"
#include "proto/fleet.pb.h"

namespace muster {

struct FleetConfigOptions {
  std::string path;  // where the declarations stand; normalised, "" for the whole repository
};

v1::FleetConfig ParseFleetConfig(const FileTree& files, const FleetConfigOptions& options);

}  // namespace muster
