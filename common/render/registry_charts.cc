#include "common/render/registry_charts.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/render/kustomize/remote.h"

namespace muster {
namespace {

std::string Title(const v1::ChartWant& want) {
  return absl::StrCat("chart '", want.chart(), "' version '", want.version(), "' of Repository '",
                      want.repository(), "'");
}

// Host in lower case, no '/' at the end.
std::string Spelled(absl::string_view address) {
  while (absl::ConsumeSuffix(&address, "/")) {
  }
  const size_t mark = address.find("://");
  if (mark == address.npos) return std::string(address);
  const size_t slash = std::min(address.find('/', mark + 3), address.size());
  return absl::StrCat(absl::AsciiStrToLower(address.substr(0, slash)), address.substr(slash));
}

}  // namespace

absl::StatusOr<FoundChart> FindChart(const std::vector<DeclaredRegistry>& registries,
                                     const v1::ChartWant& want) {
  const DeclaredRegistry* registry = nullptr;
  for (const DeclaredRegistry& each : registries) {
    if (each.name == want.repository()) registry = &each;
  }
  if (registry == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat(Title(want), ": no Repository of type helm or oci has this name; declare it"));
  }
  const std::string title = absl::StrCat(Title(want), " (", registry->url, "): ");
  if (registry->commit.empty()) {
    return absl::FailedPreconditionError(absl::StrCat(
        title,
        "the registry was not reached yet; this is rendered when it has been, and 'muster "
        "describe repository ",
        registry->name, "' says why"));
  }
  for (const v1::ChartPin& pin : registry->charts.pins()) {
    const v1::ChartWant& asked = pin.want();
    if (asked.chart() != want.chart() || asked.version() != want.version() ||
        asked.digest() != want.digest()) {
      continue;
    }
    if (pin.version().empty()) {
      return absl::FailedPreconditionError(absl::StrCat(title, pin.error()));
    }
    const std::string& digest =
        pin.manifest_digest().empty() ? pin.archive_digest() : pin.manifest_digest();
    return FoundChart{kustomize::JoinRepositoryPath(registry->name, pin.path()),
                      absl::StrCat(want.chart(), " ", pin.version(), " ", digest)};
  }
  return absl::FailedPreconditionError(
      absl::StrCat(title, "it is being fetched; this is rendered when it is there"));
}

const DeclaredRegistry* RegistryAt(const std::vector<DeclaredRegistry>& registries,
                                   absl::string_view address) {
  for (const DeclaredRegistry& each : registries) {
    if (Spelled(each.url) == Spelled(address)) return &each;
  }
  return nullptr;
}

absl::Status NoRegistry(const v1::ChartWant& want) {
  return absl::FailedPreconditionError(absl::StrCat(
      Title(want),
      ": the hub fetches charts of registries, and nothing is fetched here; pull it with "
      "`helm pull --untar` into a directory DIR and give --repository ",
      want.repository(), "=DIR"));
}

}  // namespace muster
