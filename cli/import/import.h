// ImportTool: the importers by name. Pure; one thread.
#pragma once

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cli/import/planned_fleet.h"

namespace muster::cli {

// `tool` is flux, argocd or fleet. kNotFound when the tree holds nothing of the tool.
absl::StatusOr<ImportResult> ImportTool(absl::string_view tool, const ImportRequest& request);

}  // namespace muster::cli
