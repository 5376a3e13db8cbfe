// Table: rows for people, columns for awk. Headings in upper case, three spaces between columns, no
// trailing space; on a terminal the last column is cut to its width.
//
// Cells are made harmless (SafeText) here: callers pass outside text as it is. Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "cli/output/style.h"

namespace muster::cli {

struct Cell {
  Cell(std::string text, Tone tone = Tone::kPlain) : text(std::move(text)), tone(tone) {}
  Cell(const char* text) : text(text) {}

  std::string text;
  Tone tone = Tone::kPlain;
};

struct Column {
  std::string heading;
  bool wide_only = false;  // shown with -o wide
};

struct Table {
  std::vector<Column> columns;
  std::vector<std::vector<Cell>> rows;  // a cell for each column, the wide ones too
};

struct TableOptions {
  bool headers = true;
  bool wide = false;
  int indent = 0;
};

// The whole table. Requires: every row has a cell for each column.
std::string TableText(const Table& table, const TableOptions& options, const Style& style);

// Comma-separated values (RFC 4180) with the headings, every column.
std::string CsvText(const Table& table, bool headers);

}  // namespace muster::cli
