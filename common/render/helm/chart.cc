#include "common/render/helm/chart.h"

#include <set>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "common/base/status_macros.h"
#include "common/manifest/yaml.h"
#include "common/render/kustomize/remote.h"

namespace muster {
namespace {

std::string TextOf(const Value& map, absl::string_view key) {
  const Value* value = map.Get(key);
  if (value == nullptr) return "";
  if (value->is_number()) return value->number();
  return value->is_string() ? value->string() : "";
}

// What stands in charts/: the names of directories and of packed charts.
struct Vendored {
  std::set<std::string, std::less<>> directories;
  std::vector<std::string> archives;

  bool Has(const std::string& name) const {
    if (directories.contains(name)) return true;
    for (const std::string& archive : archives) {
      if (absl::StartsWith(archive, absl::StrCat(name, "-"))) return true;
    }
    return false;
  }
};

Vendored FindVendored(const FileTree::Range& files, size_t skip) {
  Vendored vendored;
  for (const auto& [path, bytes] : files) {
    absl::string_view relative = absl::string_view(path).substr(skip);
    if (!absl::ConsumePrefix(&relative, "charts/")) continue;
    const size_t slash = relative.find('/');
    if (slash != relative.npos) {
      vendored.directories.emplace(relative.substr(0, slash));
    } else if (absl::EndsWith(relative, ".tgz")) {
      vendored.archives.emplace_back(relative);
    }
  }
  return vendored;
}

// `document` is Chart.yaml, or the requirements.yaml of older charts.
absl::Status CheckDependencies(const Document& document, const Vendored& vendored,
                               const std::string& directory) {
  const Value* dependencies = document.value.Get("dependencies");
  if (dependencies == nullptr || !dependencies->is_list()) return absl::OkStatus();
  std::vector<std::string> missing;
  std::string place;
  for (size_t i = 0; i < dependencies->list().size(); ++i) {
    const Value& dependency = dependencies->list()[i];
    const std::string name = TextOf(dependency, "name");
    if (name.empty() || vendored.Has(name)) continue;
    if (place.empty()) place = document.Where(absl::StrCat("/dependencies/", i));
    missing.push_back(absl::StrCat("'", name, "' ", TextOf(dependency, "version")));
    absl::StripTrailingAsciiWhitespace(&missing.back());
  }
  if (missing.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      place, ": the chart depends on ", absl::StrJoin(missing, ", "),
      kustomize::IsInRepository(directory)
          ? absl::StrCat(
                ", which its archive does not hold; have it packaged with its dependencies "
                "(`helm package --dependency-update`), or vendor the chart")
          : absl::StrCat(", which is not vendored, and rendering fetches nothing; run `helm "
                         "dependency build ",
                         directory.empty() ? "." : directory, "` and commit its charts/")));
}

bool AsksCapabilities(const FileTree::Range& files, size_t skip) {
  for (const auto& [path, bytes] : files) {
    const absl::string_view relative = absl::string_view(path).substr(skip);
    if (absl::EndsWith(relative, ".tgz")) return true;
    const bool chart = relative == "Chart.yaml" || absl::EndsWith(relative, "/Chart.yaml");
    if (absl::StrContains(bytes, chart ? "kubeVersion" : "Capabilities")) return true;
  }
  return false;
}

}  // namespace

absl::StatusOr<Chart> ReadChart(const FileTree::Range& files, const std::string& directory) {
  const std::string prefix = directory.empty() ? "" : absl::StrCat(directory, "/");
  const std::string chart_path = absl::StrCat(prefix, "Chart.yaml");
  const std::string requirements_path = absl::StrCat(prefix, "requirements.yaml");
  const std::string* text = nullptr;
  const std::string* requirements = nullptr;
  for (const auto& [path, bytes] : files) {
    if (path == chart_path) text = &bytes;
    if (path == requirements_path) requirements = &bytes;
  }
  if (text == nullptr) {
    return absl::NotFoundError(
        absl::StrCat("path '", directory, "': there is no Chart.yaml, which renderer helm needs"));
  }
  ASSIGN_OR_RETURN(const std::vector<Document> documents, ParseYaml(*text, chart_path));
  Chart chart;
  if (!documents.empty()) {
    chart.name = TextOf(documents[0].value, "name");
    chart.version = TextOf(documents[0].value, "version");
  }
  if (chart.name.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(chart_path, ":1: the chart has no name"));
  }
  chart.directory = directory;
  const Vendored vendored = FindVendored(files, prefix.size());
  RETURN_IF_ERROR(CheckDependencies(documents[0], vendored, directory));
  if (requirements != nullptr) {
    ASSIGN_OR_RETURN(const std::vector<Document> older,
                     ParseYaml(*requirements, requirements_path));
    if (!older.empty()) RETURN_IF_ERROR(CheckDependencies(older[0], vendored, directory));
  }
  chart.asks_capabilities = AsksCapabilities(files, prefix.size());
  return chart;
}

}  // namespace muster
