// The programs "fetch" and "render": this binary as a child that reads Git and what stands in it.
//
//   fetch   talks to Git servers and writes the clones. Gets one credential with each request.
//   render  reads the clones, parses YAML and renders. No network, no credential, writes nothing;
//           Helm runs in a process of its own (helm_launcher.h).
//
// Both hold none of the hub's keys. For RunAsChild (child_process.h).
#pragma once

#include <string>
#include <vector>

#include "hub/child/helm_launcher.h"

namespace muster::hub {

struct FetchChildOptions {
  std::string clones;                 // directory of the clones
  std::string scratch;                // below it, for this child alone; "fetch" only
  std::vector<std::string> readable;  // repositories that file:// URLs name; "fetch" only
};

std::vector<std::string> FetchChildArguments(const FetchChildOptions& options);
// Without Helm, charts are refused.
std::vector<std::string> RenderChildArguments(const std::string& clones, const HelmOptions& helm);

int FetchChildMain(const std::vector<std::string>& arguments);
int RenderChildMain(const std::vector<std::string>& arguments);

}  // namespace muster::hub
