#include "cli/output/text.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace muster::cli {
namespace {

struct CodePoint {
  uint32_t value = 0;
  int size = 1;
  bool valid = false;
};

// The code point at the start of `text`. Requires: not empty.
CodePoint Decode(absl::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x80) return {byte(0), 1, true};
  int size = 0;
  uint32_t value = 0;
  uint32_t least = 0;
  if ((byte(0) & 0xe0) == 0xc0) {
    size = 2, value = byte(0) & 0x1f, least = 0x80;
  } else if ((byte(0) & 0xf0) == 0xe0) {
    size = 3, value = byte(0) & 0x0f, least = 0x800;
  } else if ((byte(0) & 0xf8) == 0xf0) {
    size = 4, value = byte(0) & 0x07, least = 0x10000;
  } else {
    return {};
  }
  if (text.size() < static_cast<size_t>(size)) return {};
  for (int i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    value = (value << 6) | (byte(i) & 0x3f);
  }
  const bool surrogate = value >= 0xd800 && value <= 0xdfff;
  if (value < least || value > 0x10ffff || surrogate) return {};
  return {value, size, true};
}

// Whether a terminal obeys it, or a reader is deceived by it.
bool IsUnsafe(uint32_t c) {
  if (c < 0x20 || (c >= 0x7f && c <= 0x9f)) return true;
  if (c >= 0x202a && c <= 0x202e) return true;  // bidirectional embeddings and overrides
  if (c >= 0x2066 && c <= 0x2069) return true;  // bidirectional isolates
  return c == 0x200e || c == 0x200f || c == 0x2028 || c == 0x2029 || c == 0xfeff ||
         (c >= 0xe0000 && c <= 0xe007f);
}

int Columns(uint32_t c) {
  if (c >= 0x300 && c <= 0x36f) return 0;  // combining
  if (c == 0x200b || c == 0x200d || (c >= 0xfe00 && c <= 0xfe0f)) return 0;
  const bool wide = (c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf) ||
                    (c >= 0xac00 && c <= 0xd7a3) || (c >= 0xf900 && c <= 0xfaff) ||
                    (c >= 0xfe30 && c <= 0xfe6f) || (c >= 0xff00 && c <= 0xff60) ||
                    (c >= 0xffe0 && c <= 0xffe6) || (c >= 0x1f300 && c <= 0x1faff) ||
                    (c >= 0x20000 && c <= 0x3fffd);
  return wide ? 2 : 1;
}

}  // namespace

std::string SafeText(absl::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const CodePoint point = Decode(text);
    if (!point.valid) {
      absl::StrAppendFormat(&out, "\\x%02x", static_cast<unsigned char>(text[0]));
    } else if (point.value == '\n' || point.value == '\t' || point.value == '\r') {
      out += ' ';
    } else if (!IsUnsafe(point.value)) {
      out.append(text.data(), point.size);
    } else if (point.value < 0x100) {
      absl::StrAppendFormat(&out, "\\x%02x", point.value);
    } else {
      absl::StrAppendFormat(&out, "\\u%04x", point.value);
    }
    text.remove_prefix(point.size);
  }
  return out;
}

std::string SafeLines(absl::string_view text) {
  std::vector<std::string> lines;
  for (absl::string_view line : absl::StrSplit(text, '\n')) lines.push_back(SafeText(line));
  return absl::StrJoin(lines, "\n");
}

std::string SafeJson(absl::string_view json) {
  std::string out;
  out.reserve(json.size());
  while (!json.empty()) {
    const CodePoint point = Decode(json);
    if (!point.valid) {
      out += "\\ufffd";
    } else if (point.value == '\n' || !IsUnsafe(point.value)) {
      out.append(json.data(), point.size);
    } else if (point.value < 0x10000) {
      absl::StrAppendFormat(&out, "\\u%04x", point.value);
    } else {
      const uint32_t rest = point.value - 0x10000;
      absl::StrAppendFormat(&out, "\\u%04x\\u%04x", 0xd800 + (rest >> 10), 0xdc00 + (rest & 0x3ff));
    }
    json.remove_prefix(point.size);
  }
  return out;
}

int DisplayWidth(absl::string_view text) {
  int width = 0;
  while (!text.empty()) {
    const CodePoint point = Decode(text);
    width += point.valid ? Columns(point.value) : 1;
    text.remove_prefix(point.size);
  }
  return width;
}

std::string Truncated(absl::string_view text, int width, bool ascii) {
  if (DisplayWidth(text) <= width) return std::string(text);
  const absl::string_view mark = ascii ? "..." : "…";
  const int room = width - DisplayWidth(mark);
  std::string out;
  int used = 0;
  while (!text.empty()) {
    const CodePoint point = Decode(text);
    const int columns = point.valid ? Columns(point.value) : 1;
    if (used + columns > room) break;
    used += columns;
    out.append(text.data(), point.size);
    text.remove_prefix(point.size);
  }
  return absl::StrCat(out, mark);
}

std::string AgeText(absl::Duration age) {
  if (age < absl::ZeroDuration()) age = absl::ZeroDuration();
  const int64_t seconds = absl::ToInt64Seconds(age);
  const int64_t minutes = seconds / 60;
  const int64_t hours = minutes / 60;
  const int64_t days = hours / 24;
  const auto two = [](int64_t large, absl::string_view large_unit, int64_t small,
                      absl::string_view small_unit) {
    return small == 0 ? absl::StrCat(large, large_unit)
                      : absl::StrCat(large, large_unit, small, small_unit);
  };
  if (minutes < 2) return absl::StrCat(seconds, "s");
  if (minutes < 10) return two(minutes, "m", seconds % 60, "s");
  if (hours < 3) return absl::StrCat(minutes, "m");
  if (hours < 8) return two(hours, "h", minutes % 60, "m");
  if (hours < 48) return absl::StrCat(hours, "h");
  if (days < 8) return two(days, "d", hours % 24, "h");
  if (days < 2 * 365) return absl::StrCat(days, "d");
  if (days < 8 * 365) return two(days / 365, "y", days % 365, "d");
  return absl::StrCat(days / 365, "y");
}

std::string AgeOf(int64_t time_ms, absl::Time now) {
  return time_ms == 0 ? "<none>" : AgeText(now - absl::FromUnixMillis(time_ms));
}

std::string BytesText(uint64_t bytes) {
  static constexpr absl::string_view kUnits[] = {"KiB", "MiB", "GiB", "TiB", "PiB"};
  if (bytes < 1024) return absl::StrCat(bytes, " B");
  double amount = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  while (amount >= 1024 && unit + 1 < std::size(kUnits)) {
    amount /= 1024;
    ++unit;
  }
  return absl::StrFormat("%.1f %s", amount, kUnits[unit]);
}

std::string ShortCommit(absl::string_view commit) {
  return commit.empty() ? "<none>" : SafeText(commit.substr(0, 7));
}

std::string Count(int64_t count, absl::string_view noun) {
  return absl::StrCat(count, " ", noun, count == 1 ? "" : "s");
}

std::string OrNone(absl::string_view text) { return text.empty() ? "<none>" : std::string(text); }

}  // namespace muster::cli
