#include "cli/output/format.h"

#include <algorithm>
#include <string>
#include <vector>

#include "common/base/check.h"

namespace muster::cli {
namespace {

constexpr char kJsonPathPrefix[] = "jsonpath=";

}  // namespace

const std::vector<std::string>& FormatNames() {
  static const auto* const names = new std::vector<std::string>{
      "table", "wide", "json", "yaml", "name", "csv", "markdown", kJsonPathPrefix};
  return *names;
}

std::string TemplateOf(const std::string& name) {
  const size_t size = sizeof(kJsonPathPrefix) - 1;
  return name.compare(0, size, kJsonPathPrefix) == 0 ? name.substr(size) : "";
}

Format FormatOf(const std::string& name) {
  if (!TemplateOf(name).empty()) return Format::kJsonPath;
  const std::vector<std::string>& names = FormatNames();
  const auto found = std::find(names.begin(), names.end(), name);
  CHECK(found != names.end()) << name;
  return static_cast<Format>(found - names.begin());
}

}  // namespace muster::cli
