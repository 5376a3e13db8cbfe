// Files: the dashboard as it is built into the hub (web/dist), so that nothing is fetched from
// anywhere when it runs. Immutable; any thread.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace muster::hub {

struct WebFile {
  std::string path;  // "/app.js"
  absl::string_view content;
};

// Made by web/embed.py.
const std::vector<WebFile>& WebFiles();

}  // namespace muster::hub
