// YAML of which a tool takes the last of two equal keys where yaml.h refuses both: for files whose
// users expect that here too, and for no others. Pure; any thread.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/manifest/yaml.h"

namespace muster {

// What a key means that a map has twice: a mistake, or the last of them.
enum class YamlKeys { kUnique, kLastWins };

// ParseYaml with two readers, the last of equal keys counting. Places are those of the last.
absl::StatusOr<std::vector<Document>> ParseYamlLastKeyWins(absl::string_view text,
                                                           absl::string_view file);

}  // namespace muster
