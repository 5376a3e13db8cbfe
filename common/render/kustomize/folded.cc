#include "common/render/kustomize/folded.h"

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"

namespace muster::kustomize {
namespace {

bool IsBlank(char c) { return c == ' ' || c == '\t'; }

// The lines of the block that the writer makes, without indentation.
std::vector<std::string> WriteFolded(absl::string_view text) {
  // The writer looks at the start of the text where it should look at the line at hand.
  size_t first = text.find_first_not_of('\n');
  const bool starts_blank = first == text.npos || IsBlank(text[first]);
  std::string written;
  bool after_break = true, leading_space = true;
  for (const char c : text) {
    if (c == '\n') {
      if (!after_break && !leading_space && !starts_blank) written += '\n';
      written += '\n';
      after_break = true;
      continue;
    }
    if (after_break) leading_space = IsBlank(c);
    written += c;
    after_break = false;
  }
  return absl::StrSplit(written, '\n');
}

// What a reader makes of the lines of a folded block, up to its last line with text.
std::string ReadFolded(const std::vector<std::string>& lines) {
  std::string text;
  size_t breaks = 0;  // since the last line with text
  bool was_blank = false, any = false;
  for (const std::string& line : lines) {
    if (line.empty()) {
      ++breaks;
      continue;
    }
    const bool is_blank = IsBlank(line[0]);
    if (!any) {
      text.append(breaks, '\n');
    } else if (was_blank || is_blank) {
      text.append(breaks + 1, '\n');
    } else if (breaks == 0) {
      text += ' ';
    } else {
      text.append(breaks, '\n');
    }
    text += line;
    breaks = 0;
    was_blank = is_blank;
    any = true;
  }
  return text;
}

}  // namespace

std::string FoldAndRead(absl::string_view text) {
  // Written with quotes, and read back as it is.
  if (text.empty() || text.back() == ' ' || absl::StrContains(text, " \n")) {
    return std::string(text);
  }
  size_t end = text.size();
  while (end > 0 && text[end - 1] == '\n') --end;
  std::string read = ReadFolded(WriteFolded(text.substr(0, end)));
  read.append(text.size() - end, '\n');
  return read;
}

}  // namespace muster::kustomize
