// Format: what -o asks for. Pure; any thread.
#pragma once

#include <string>
#include <vector>

namespace muster::cli {

enum class Format { kTable, kWide, kJson, kYaml, kName, kCsv, kMarkdown, kJsonPath };

// "table", "wide", "json", "yaml", "name", "csv", "markdown", "jsonpath=": a template follows the
// last one.
const std::vector<std::string>& FormatNames();

// Requires: one of FormatNames(), or "jsonpath=" and a template.
Format FormatOf(const std::string& name);

// The template in `name`; empty for all other formats.
std::string TemplateOf(const std::string& name);

// Whether the whole document is made, to be printed or to be looked into.
inline bool IsDocument(Format format) {
  return format == Format::kJson || format == Format::kYaml || format == Format::kJsonPath;
}

}  // namespace muster::cli
