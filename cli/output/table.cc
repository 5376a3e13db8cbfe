#include "cli/output/table.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "cli/output/text.h"
#include "common/base/check.h"

namespace muster::cli {
namespace {

constexpr int kGap = 3;
constexpr int kLastColumnMin = 12;  // a narrower terminal wraps rather than hides

struct Line {
  std::vector<std::string> words;  // safe, with their glyphs
  std::vector<Tone> tones;
};

std::string LineText(const Line& line, const std::vector<int>& widths, const TableOptions& options,
                     const Style& style) {
  std::string out(options.indent, ' ');
  int used = options.indent;
  size_t last = line.words.size();
  while (last > 0 && line.words[last - 1].empty()) --last;
  for (size_t i = 0; i < last; ++i) {
    std::string word = line.words[i];
    if (i + 1 == line.words.size() && style.terminal && style.width > 0) {
      word = Truncated(word, std::max(kLastColumnMin, style.width - used), style.ascii);
    }
    absl::StrAppend(&out, style.Paint(line.tones[i], word));
    if (i + 1 == last) break;
    out.append(widths[i] - DisplayWidth(word) + kGap, ' ');
    used += widths[i] + kGap;
  }
  return absl::StrCat(out, "\n");
}

std::string CsvField(absl::string_view text) {
  // A spreadsheet would run a leading sign as a formula; outside text may not do that.
  const bool formula =
      !text.empty() && (text[0] == '=' || text[0] == '+' || text[0] == '@' || text[0] == '-');
  const std::string safe = absl::StrCat(formula ? "'" : "", SafeText(text));
  if (safe.find_first_of(",\"") == std::string::npos) return safe;
  return absl::StrCat("\"", absl::StrReplaceAll(safe, {{"\"", "\"\""}}), "\"");
}

}  // namespace

std::string TableText(const Table& table, const TableOptions& options, const Style& style) {
  std::vector<size_t> shown;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    if (options.wide || !table.columns[i].wide_only) shown.push_back(i);
  }
  std::vector<Line> lines;
  if (options.headers) {
    Line& line = lines.emplace_back();
    for (size_t i : shown) {
      line.words.push_back(table.columns[i].heading);
      line.tones.push_back(Tone::kPlain);
    }
  }
  for (const std::vector<Cell>& row : table.rows) {
    CHECK_EQ(row.size(), table.columns.size());
    Line& line = lines.emplace_back();
    for (size_t i : shown) {
      line.words.push_back(absl::StrCat(style.Glyph(row[i].tone), SafeText(row[i].text)));
      line.tones.push_back(row[i].tone);
    }
  }
  std::vector<int> widths(shown.size(), 0);
  for (const Line& line : lines) {
    for (size_t i = 0; i < line.words.size(); ++i) {
      widths[i] = std::max(widths[i], DisplayWidth(line.words[i]));
    }
  }
  std::string out;
  for (const Line& line : lines) absl::StrAppend(&out, LineText(line, widths, options, style));
  return out;
}

std::string CsvText(const Table& table, bool headers) {
  std::string out;
  const auto add = [&out](const std::vector<std::string>& fields) {
    for (size_t i = 0; i < fields.size(); ++i) {
      absl::StrAppend(&out, i == 0 ? "" : ",", CsvField(fields[i]));
    }
    absl::StrAppend(&out, "\r\n");
  };
  if (headers) {
    std::vector<std::string> headings;
    for (const Column& column : table.columns) headings.push_back(column.heading);
    add(headings);
  }
  for (const std::vector<Cell>& row : table.rows) {
    std::vector<std::string> fields;
    for (const Cell& cell : row) fields.push_back(cell.text);
    add(fields);
  }
  return out;
}

}  // namespace muster::cli
