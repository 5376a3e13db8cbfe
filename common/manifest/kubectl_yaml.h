// YAML out, byte for byte as `kubectl kustomize` prints it: what people diff against what their
// tools gave.
//
// Keys are sorted as go-yaml sorts them (letters after digits, numbers within keys by their value),
// lists are flush with their key, long lines are folded, and text is quoted by go-yaml's rules:
// plain where that stays text, double quotes where it would be something else, single quotes for
// punctuation, a literal block for several lines. Whoever wants YAML that no parser of any version
// misreads takes yaml_writer.h. Pure; any thread.
//
// Promise: ParseYaml of what is written is the value again, but for numbers past 64 bits with a
// fraction, which print as the nearest double.
#pragma once

#include <string>

#include "common/manifest/value.h"

namespace muster {

// Adds one document to `out`, without a "---".
void AppendKubectlYaml(const Value& value, std::string& out);

}  // namespace muster
