#include "cli/output/format.h"

#include <algorithm>
#include <string>
#include <vector>

#include "common/base/check.h"

namespace muster::cli {

const std::vector<std::string>& FormatNames() {
  static const auto* const names =
      new std::vector<std::string>{"table", "wide", "json", "yaml", "name", "csv"};
  return *names;
}

Format FormatOf(const std::string& name) {
  const std::vector<std::string>& names = FormatNames();
  const auto found = std::find(names.begin(), names.end(), name);
  CHECK(found != names.end()) << name;
  return static_cast<Format>(found - names.begin());
}

}  // namespace muster::cli
