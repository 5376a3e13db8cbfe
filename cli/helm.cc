#include "cli/helm.h"

#include <unistd.h>

#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/helm/helm_program.h"

namespace muster::cli {
namespace {

std::string OnPath(const std::string& search_path) {
  for (const absl::string_view folder : absl::StrSplit(search_path, ':', absl::SkipEmpty())) {
    const std::string place = absl::StrCat(folder, "/helm");
    if (access(place.c_str(), X_OK) == 0) return place;
  }
  return "";
}

}  // namespace

absl::StatusOr<std::unique_ptr<HelmDoor>> FindHelm(const HelmFlags& flags,
                                                   const std::string& search_path) {
  if (!flags.digest.empty() && !IsProgramDigest(flags.digest)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--helm-digest '", flags.digest, "' is not sha256: and 64 digits"));
  }
  HelmProgram::Options options;
  options.path = flags.program.empty() ? OnPath(search_path) : flags.program;
  if (options.path.empty()) return std::unique_ptr<HelmDoor>();
  options.digest = flags.digest;
  std::error_code error;
  options.scratch = std::filesystem::temp_directory_path(error).string();
  if (error) options.scratch = "/tmp";
  return std::unique_ptr<HelmDoor>(std::make_unique<HelmProgram>(std::move(options)));
}

}  // namespace muster::cli
