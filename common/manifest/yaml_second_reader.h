// A second opinion on YAML: what another parser than the first one makes of the same text.
//
// Parsers of YAML disagree, about line breaks, folding, tabs and much else. A text that two of them
// read differently is how something else gets reviewed than what runs, so it is refused rather than
// interpreted. This is the only door to yaml-cpp; yaml.cc calls it once the first reader has
// accepted the text, because that reader knows limits and yaml-cpp does not: it would need 0.9 GB
// for 4 MB of '['.
//
// Both readers feed the same composer (yaml_composer.h), so what is compared are the two grammars:
// our own rules on types, merge keys and duplicates cannot differ. Pure; any thread.
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "common/manifest/yaml.h"
#include "common/manifest/yaml_last_key.h"

namespace muster {

// Whether the second reader finds in `text` exactly the `documents` that the first one found.
// Otherwise kInvalidArgument, "file:line:column: two YAML readers understand this differently ...",
// with both readings and what to do. Requires: the first reader accepted `text` with these `keys`,
// and it has no byte order mark.
absl::Status CheckSecondReading(absl::string_view text, const std::vector<Document>& documents,
                                absl::string_view file, YamlKeys keys);

// The same for two readings of `text` at hand.
absl::Status CompareReadings(absl::string_view text, const std::vector<Document>& first,
                             const std::vector<Document>& second, absl::string_view file);

}  // namespace muster
