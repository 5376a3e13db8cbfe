// YAML out: values for people, in a form that every parser reads back to the same value.
//
// Keys sorted, two spaces of indentation, lists flush with their key as kubectl prints them, never
// folded. Whatever some version of YAML might take for something other than text is quoted: yes, n,
// null, 010, 1e3, 22:22, 2020-01-01. Text of several lines is a literal block where that is safe,
// else quoted with escapes. Pure; any thread.
//
// Promise: ParseYaml(WriteYaml(v)) is v, unless v is null: an empty document is none.
#pragma once

#include <string>

#include "absl/types/span.h"
#include "common/manifest/value.h"

namespace muster {

// One document, without a leading "---".
std::string WriteYaml(const Value& value);

// Several documents with "---" between them.
std::string WriteYamlStream(absl::Span<const Value> documents);

}  // namespace muster
