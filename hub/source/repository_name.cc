#include "hub/source/repository_name.h"

#include <algorithm>

#include "absl/strings/ascii.h"

namespace muster::hub {

bool IsRepositoryName(absl::string_view name) {
  if (name.empty() || name.size() > 253 || name == "." || name == "..") return false;
  return std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-';
  });
}

}  // namespace muster::hub
