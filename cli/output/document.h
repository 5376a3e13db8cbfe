// How -o json and -o yaml print a document (common/document). Pure; any thread.
#pragma once

#include <string>

#include "common/document/document.h"
#include "common/manifest/value.h"

namespace muster::cli {

// JSON with two spaces of indentation and a line break at the end. Like those below, it holds
// nothing that a terminal would obey.
std::string JsonText(const Value& document);

// YAML with a line break at the end.
std::string YamlText(const Value& document);

// The JSON on one line.
std::string JsonLine(const Value& document);

}  // namespace muster::cli
