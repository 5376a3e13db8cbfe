// Format: what -o asks for. Pure; any thread.
#pragma once

#include <string>
#include <vector>

namespace muster::cli {

enum class Format { kTable, kWide, kJson, kYaml, kName, kCsv };

// "table", "wide", "json", "yaml", "name", "csv".
const std::vector<std::string>& FormatNames();

// Requires: one of FormatNames().
Format FormatOf(const std::string& name);

inline bool IsDocument(Format format) { return format == Format::kJson || format == Format::kYaml; }

}  // namespace muster::cli
