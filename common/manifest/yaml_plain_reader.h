// The fast half of the second opinion on YAML: a reader of our own for the plain part of the
// language in which nearly all manifests are written.
//
// It walks a text and a reading of it side by side and says whether they agree. It knows block maps
// and lists, plain and quoted scalars on one line, flow collections on one line, literal blocks and
// comments, each in the forms that leave no room for opinions; before all else (anchors, tags,
// folded text, several lines, odd bytes) it gives up, and the slow reader is asked
// (yaml_second_reader.h). It shares no code with the first reader but for what an unquoted scalar
// means (yaml_scalar.h). Pure; any thread.
#pragma once

#include <vector>

#include "absl/strings/string_view.h"
#include "common/manifest/yaml.h"

namespace muster {

// Whether `text` is plain, and says exactly `documents`. False says nothing: neither that the
// reading is wrong, nor that the text is. Requires: another reader accepted `text`, as UTF-8.
bool ReadsPlainlyAs(absl::string_view text, const std::vector<Document>& documents);

}  // namespace muster
