#include "cli/import/import.h"

#include "absl/strings/str_cat.h"
#include "cli/import/argocd.h"
#include "cli/import/fleet.h"
#include "cli/import/flux.h"

namespace muster::cli {
namespace {

absl::StatusOr<ImportResult> ImportAnyOf(absl::string_view tool, const ImportRequest& request) {
  if (tool == "flux") return ImportFlux(request);
  if (tool == "argocd") return ImportArgocd(request);
  if (tool == "fleet") return ImportFleet(request);
  return absl::UnimplementedError(absl::StrCat("there is no importer for '", tool, "'"));
}

}  // namespace

absl::StatusOr<ImportResult> ImportTool(absl::string_view tool, const ImportRequest& request) {
  absl::StatusOr<ImportResult> result = ImportAnyOf(tool, request);
  if (result.ok()) LeaveOutRefused(*result);
  return result;
}

}  // namespace muster::cli
