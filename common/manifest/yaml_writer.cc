#include "common/manifest/yaml_writer.h"

#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "common/manifest/number.h"
#include "common/manifest/yaml_scalar.h"

namespace muster {
namespace {

// Parsers give up on a key without a '?' before it after 1,024 characters.
constexpr size_t kSimpleKeyBytesMax = 1'000;

// The code point at `text[at]` and its length. Requires: well-formed UTF-8.
struct CodePoint {
  uint32_t value;
  size_t length;
};

CodePoint Decode(absl::string_view text, size_t at) {
  const auto lead = static_cast<uint8_t>(text[at]);
  if (lead < 0x80) return {lead, 1};
  const size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  uint32_t value = lead & (0x7F >> length);
  for (size_t i = 1; i < length && at + i < text.size(); ++i) {
    value = value << 6 | (static_cast<uint8_t>(text[at + i]) & 0x3F);
  }
  return {value, length};
}

// Whether a parser takes the character as it is, and as no line break, and a reader too: controls
// of the writing direction could show one text and mean another. The tab is asked separately.
bool IsPrintable(uint32_t c) {
  if (c < 0x20 || (c >= 0x7F && c < 0xA0)) return false;
  if ((c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069)) return false;
  return c != 0x2028 && c != 0x2029 && c != 0xFEFF && c != 0xFFFE && c != 0xFFFF;
}

bool AllPrintable(absl::string_view text, absl::string_view also) {
  for (size_t at = 0; at < text.size();) {
    const CodePoint c = Decode(text, at);
    if (!IsPrintable(c.value) && !(c.length == 1 && absl::StrContains(also, text[at]))) {
      return false;
    }
    at += c.length;
  }
  return true;
}

// Words that some version of YAML takes for a boolean, null or something special.
bool IsSpecialWord(absl::string_view text) {
  static constexpr absl::string_view kWords[] = {"y",    "n",     "yes",  "no", "on", "off",
                                                 "true", "false", "null", "~",  "=",  "<<"};
  for (absl::string_view word : kWords) {
    if (absl::EqualsIgnoreCase(text, word)) return true;
  }
  return false;
}

// Whether it starts like a number and consists of what numbers, times and dates in any version of
// YAML are made of.
bool LooksLikeNumber(absl::string_view text) {
  const size_t digit = text.find_first_not_of("+-.");
  if (digit == absl::string_view::npos || digit > 2 || !absl::ascii_isdigit(text[digit])) {
    return false;
  }
  return text.find_first_not_of("0123456789abcdefABCDEFxXoOtTzZ_.,:+- ") == absl::string_view::npos;
}

// Whether the text may stand without quotes.
bool IsPlain(absl::string_view text) {
  if (text.empty() || text.front() == ' ' || text.back() == ' ' || text.back() == ':') return false;
  if (absl::StrContains("?:,[]{}#&*!|>'\"%@`", text[0])) return false;
  if (text[0] == '-' && (text.size() == 1 || text[1] == ' ' || absl::StartsWith(text, "---"))) {
    return false;
  }
  if (absl::StartsWith(text, "...")) return false;
  if (absl::StrContains(text, ": ") || absl::StrContains(text, " #")) return false;
  if (!AllPrintable(text, "")) return false;
  if (IsSpecialWord(text) || LooksLikeNumber(text)) return false;
  const auto resolved = ResolvePlainScalar(text);
  return resolved.ok() && resolved->is_string();
}

// Whether the text may be a literal block: several lines, the first of which shows the indentation,
// and none of which is blank but not empty.
bool IsBlock(absl::string_view text) {
  if (!absl::StrContains(text, '\n') || !AllPrintable(text, "\n\t")) return false;
  if (text[0] == '\n' || text[0] == ' ' || text[0] == '\t') return false;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (!line.empty() && line.find_first_not_of(" \t") == absl::string_view::npos) return false;
  }
  return true;
}

std::string Quote(absl::string_view text) {
  std::string out = "\"";
  for (size_t at = 0; at < text.size();) {
    const CodePoint c = Decode(text, at);
    if (c.value == '"' || c.value == '\\') {
      absl::StrAppend(&out, "\\", text.substr(at, 1));
    } else if (c.value == '\n') {
      absl::StrAppend(&out, "\\n");
    } else if (c.value == '\t') {
      absl::StrAppend(&out, "\\t");
    } else if (c.value == '\r') {
      absl::StrAppend(&out, "\\r");
    } else if (IsPrintable(c.value)) {
      absl::StrAppend(&out, text.substr(at, c.length));
    } else {
      absl::StrAppendFormat(&out, "\\u%04X", c.value);
    }
    at += c.length;
  }
  return absl::StrCat(out, "\"");
}

std::string SpellText(absl::string_view text) {
  return IsPlain(text) ? std::string(text) : Quote(text);
}

// With a point before the exponent, without which YAML 1.1 sees no number.
std::string SpellNumber(absl::string_view literal) {
  std::string number = CanonicalNumber(literal);
  const size_t exponent = number.find('e');
  if (exponent != std::string::npos && number.find('.') == std::string::npos) {
    number.insert(exponent, ".0");
  }
  return number;
}

class Writer {
 public:
  void WriteDocument(const Value& value) {
    if (IsCollection(value)) {
      WriteCollection(value, 0, /*on_line=*/false);
    } else if (value.is_string()) {
      absl::StrAppend(&out_, SpellText(value.string()), "\n");
    } else {
      WriteScalar(value, 0);
    }
  }

  void Separate() { absl::StrAppend(&out_, "---\n"); }

  std::string Take() && { return std::move(out_); }

 private:
  // A list or map with something in it.
  static bool IsCollection(const Value& value) {
    return (value.is_map() && !value.map().empty()) || (value.is_list() && !value.list().empty());
  }

  // With `on_line`, the first element goes on the line that is there.
  void WriteCollection(const Value& value, int indent, bool on_line) {
    if (value.is_map()) {
      WriteMap(value.map(), indent, on_line);
    } else {
      WriteList(value.list(), indent, on_line);
    }
  }

  void WriteMap(const Value::Map& map, int indent, bool on_line) {
    for (const Member* member : map.Sorted()) {
      if (!on_line) Indent(indent);
      on_line = false;
      const std::string key = SpellText(member->key);
      const bool is_simple = key.size() <= kSimpleKeyBytesMax;
      if (is_simple) {
        absl::StrAppend(&out_, key, ":");
      } else {
        absl::StrAppend(&out_, "? ", key, "\n");
        Indent(indent);
        absl::StrAppend(&out_, ":");
      }
      if (!IsCollection(member->value)) {
        absl::StrAppend(&out_, " ");
        WriteScalar(member->value, indent + 2);
      } else {
        absl::StrAppend(&out_, "\n");
        const bool flush = member->value.is_list() && is_simple;
        WriteCollection(member->value, flush ? indent : indent + 2, /*on_line=*/false);
      }
    }
  }

  void WriteList(const Value::List& list, int indent, bool on_line) {
    for (const Value& element : list) {
      if (!on_line) Indent(indent);
      on_line = false;
      absl::StrAppend(&out_, "- ");
      if (IsCollection(element)) {
        WriteCollection(element, indent + 2, /*on_line=*/true);
      } else {
        WriteScalar(element, indent + 2);
      }
    }
  }

  // What stands on one line, or a literal block indented by `indent`; and the line break.
  void WriteScalar(const Value& value, int indent) {
    switch (value.kind()) {
      case Value::Kind::kNull:
        absl::StrAppend(&out_, "null");
        break;
      case Value::Kind::kBool:
        absl::StrAppend(&out_, value.boolean() ? "true" : "false");
        break;
      case Value::Kind::kNumber:
        absl::StrAppend(&out_, SpellNumber(value.number()));
        break;
      case Value::Kind::kString:
        if (IsBlock(value.string())) return WriteBlock(value.string(), indent);
        absl::StrAppend(&out_, SpellText(value.string()));
        break;
      case Value::Kind::kList:
        absl::StrAppend(&out_, "[]");
        break;
      case Value::Kind::kMap:
        absl::StrAppend(&out_, "{}");
        break;
    }
    absl::StrAppend(&out_, "\n");
  }

  void WriteBlock(absl::string_view text, int indent) {
    const bool ends_line = text.back() == '\n';
    const bool ends_more = ends_line && text[text.size() - 2] == '\n';
    absl::StrAppend(&out_, ends_more ? "|+" : ends_line ? "|" : "|-", "\n");
    if (ends_line) text.remove_suffix(1);
    for (absl::string_view line : absl::StrSplit(text, '\n')) {
      if (!line.empty()) Indent(indent);
      absl::StrAppend(&out_, line, "\n");
    }
  }

  void Indent(int indent) { out_.append(indent, ' '); }

  std::string out_;
};

}  // namespace

std::string WriteYaml(const Value& value) {
  Writer writer;
  writer.WriteDocument(value);
  return std::move(writer).Take();
}

std::string WriteYamlStream(absl::Span<const Value> documents) {
  Writer writer;
  bool first = true;
  for (const Value& document : documents) {
    if (!first) writer.Separate();
    first = false;
    writer.WriteDocument(document);
  }
  return std::move(writer).Take();
}

}  // namespace muster
