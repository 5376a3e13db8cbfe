#include "common/manifest/kubectl_yaml.h"

#include <algorithm>
#include <cstdint>

#include "absl/container/inlined_vector.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/manifest/kubectl_yaml_scalar.h"

namespace muster {
namespace {

using kubectl_yaml::Style;

// go-yaml writes longer keys, and those of several lines, with a '?'.
constexpr size_t kSimpleKeyBytesMax = 128;

// A line with more characters goes on after the next space in a line of its own.
constexpr size_t kWidth = 80;

bool IsCollection(const Value& value) {
  return (value.is_map() && !value.map().empty()) || (value.is_list() && !value.list().empty());
}

// The code point that a lead byte and its followers at `at` are.
uint32_t CodePointAt(absl::string_view text, size_t at, size_t width) {
  const auto lead = static_cast<uint8_t>(text[at]);
  if (width == 1) return lead;
  uint32_t value = lead & (0x7F >> width);
  for (size_t i = 1; i < width && at + i < text.size(); ++i) {
    value = value << 6 | (static_cast<uint8_t>(text[at + i]) & 0x3F);
  }
  return value;
}

// The letter after the backslash for what has a short escape; zero for the rest.
char ShortEscape(uint32_t c) {
  switch (c) {
    case 0x00:
      return '0';
    case 0x07:
      return 'a';
    case 0x08:
      return 'b';
    case 0x09:
      return 't';
    case 0x0A:
      return 'n';
    case 0x0B:
      return 'v';
    case 0x0C:
      return 'f';
    case 0x0D:
      return 'r';
    case 0x1B:
      return 'e';
    case '"':
      return '"';
    case '\\':
      return '\\';
    case 0x85:
      return 'N';
    case 0xA0:
      return '_';
    case 0x2028:
      return 'L';
    case 0x2029:
      return 'P';
    default:
      return 0;
  }
}

bool IsEscaped(uint32_t c) {
  if (c < 0x80) return c < 0x20 || c == 0x7F || c == '"' || c == '\\';
  if (c < 0xA0 || c > 0xFFFF) return true;
  return c == 0x2028 || c == 0x2029 || c == 0xFEFF || c == 0xFFFE || c == 0xFFFF;
}

void AppendEscape(uint32_t c, std::string& out) {
  if (const char letter = ShortEscape(c); letter != 0) {
    out += '\\';
    out += letter;
  } else if (c <= 0xFF) {
    absl::StrAppendFormat(&out, "\\x%02X", c);
  } else if (c <= 0xFFFF) {
    absl::StrAppendFormat(&out, "\\u%04X", c);
  } else {
    absl::StrAppendFormat(&out, "\\U%08X", c);
  }
}

size_t WidthOf(char lead) {
  const auto byte = static_cast<uint8_t>(lead);
  return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

// How many characters.
size_t CountCharacters(absl::string_view text) {
  return std::count_if(text.begin(), text.end(),
                       [](char c) { return (static_cast<uint8_t>(c) & 0xC0) != 0x80; });
}

// Whether nothing or a line break stands at the end.
bool EndsWithBreak(absl::string_view text) {
  return text.empty() || text.back() == '\n' || absl::EndsWith(text, "\u2028") ||
         absl::EndsWith(text, "\u2029");
}

class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  void WriteDocument(const Value& value) {
    if (IsCollection(value)) {
      WriteCollection(value, 0, /*on_line=*/false);
    } else {
      WriteScalar(value, 0);
    }
  }

 private:
  // With `on_line`, the first element goes on the line that is there.
  void WriteCollection(const Value& value, int indent, bool on_line) {
    if (value.is_map()) {
      WriteMap(value.map(), indent, on_line);
    } else {
      WriteList(value.list(), indent, on_line);
    }
  }

  void WriteMap(const Value::Map& map, int indent, bool on_line) {
    absl::InlinedVector<const Member*, 16> members;
    members.reserve(map.size());
    for (const Member& member : map) members.push_back(&member);
    std::sort(members.begin(), members.end(), [](const Member* a, const Member* b) {
      return kubectl_yaml::KeyLess(a->key, b->key);
    });
    for (const Member* member : members) {
      if (!on_line) Indent(indent);
      on_line = false;
      const bool simple =
          member->key.size() <= kSimpleKeyBytesMax && !kubectl_yaml::HasBreak(member->key);
      if (simple) {
        AppendText(member->key, indent, /*is_key=*/true);
        out_ += ':';
      } else {
        out_ += "? ";
        AppendText(member->key, indent + 2, /*is_key=*/false);
        EndLine();
        Indent(indent);
        out_ += ':';
      }
      WriteMemberValue(member->value, indent, simple);
    }
  }

  void WriteMemberValue(const Value& value, int indent, bool simple) {
    if (!IsCollection(value)) {
      out_ += ' ';
      WriteScalar(value, indent + 2);
    } else if (!simple) {
      out_ += ' ';
      WriteCollection(value, indent + 2, /*on_line=*/true);
    } else {
      out_ += '\n';
      WriteCollection(value, value.is_list() ? indent : indent + 2, /*on_line=*/false);
    }
  }

  void WriteList(const Value::List& list, int indent, bool on_line) {
    for (const Value& element : list) {
      if (!on_line) Indent(indent);
      on_line = false;
      out_ += "- ";
      if (IsCollection(element)) {
        WriteCollection(element, indent + 2, /*on_line=*/true);
      } else {
        WriteScalar(element, indent + 2);
      }
    }
  }

  // What is neither a list nor a map with something in it, and the line break. A literal block is
  // indented by `indent`.
  void WriteScalar(const Value& value, int indent) {
    switch (value.kind()) {
      case Value::Kind::kNull:
        out_ += "null";
        break;
      case Value::Kind::kBool:
        out_ += value.boolean() ? "true" : "false";
        break;
      case Value::Kind::kNumber:
        out_ += kubectl_yaml::SpellNumber(value.number());
        break;
      case Value::Kind::kString:
        AppendText(value.string(), indent, /*is_key=*/false);
        break;
      case Value::Kind::kList:
        out_ += "[]";
        break;
      case Value::Kind::kMap:
        out_ += "{}";
        break;
    }
    EndLine();
  }

  void AppendText(absl::string_view text, int indent, bool is_key) {
    switch (kubectl_yaml::StyleOf(text, is_key)) {
      case Style::kPlain:
        AppendFolded(text, indent, is_key, /*quoted=*/false);
        break;
      case Style::kSingleQuoted:
        out_ += '\'';
        AppendFolded(text, indent, is_key, /*quoted=*/true);
        out_ += '\'';
        break;
      case Style::kDoubleQuoted:
        AppendDoubleQuoted(text, indent, is_key);
        break;
      case Style::kLiteral:
        AppendLiteral(text, indent);
        break;
    }
  }

  // The characters on the line that is being written.
  size_t Column() const {
    const size_t start = out_.rfind('\n') + 1;
    return CountCharacters(absl::string_view(out_).substr(start));
  }

  // Goes on in a line of its own; returns the column there.
  size_t Fold(int indent) {
    out_ += '\n';
    Indent(indent);
    return indent;
  }

  // A plain text, or the inside of single quotes.
  void AppendFolded(absl::string_view text, int indent, bool is_key, bool quoted) {
    const bool may_fold = !is_key && text.find(' ') != text.npos;
    size_t column = may_fold ? Column() : 0;
    bool after_space = false;
    for (size_t at = 0; at < text.size();) {
      const size_t width = std::min(WidthOf(text[at]), text.size() - at);
      const bool is_space = text[at] == ' ';
      const bool is_inner = !quoted || (at > 0 && at + 1 < text.size());
      if (is_space && may_fold && !after_space && column > kWidth && is_inner &&
          (at + 1 >= text.size() || text[at + 1] != ' ')) {
        column = Fold(indent);
      } else {
        out_.append(text.data() + at, width);
        ++column;
        if (quoted && text[at] == '\'') {
          out_ += '\'';
          ++column;
        }
      }
      // LS and PS, the only line breaks that get here.
      if (kubectl_yaml::IsBreak(text, at)) column = IndentAfterBreak(text, at + width, indent);
      at += width;
      after_space = is_space;
    }
  }

  void AppendDoubleQuoted(absl::string_view text, int indent, bool is_key) {
    out_ += '"';
    // After a byte order mark at its start go-yaml takes every character for one, and escapes it.
    const bool escape_all = absl::StartsWith(text, "\uFEFF");
    size_t column = is_key ? 0 : Column();
    bool after_space = false;
    for (size_t at = 0; at < text.size();) {
      const size_t width = std::min(WidthOf(text[at]), text.size() - at);
      const uint32_t c = CodePointAt(text, at, width);
      if (escape_all || IsEscaped(c)) {
        const size_t before = out_.size();
        AppendEscape(c, out_);
        column += out_.size() - before;
      } else if (c == ' ' && !is_key && !after_space && column > kWidth && at > 0 &&
                 at + 1 < text.size()) {
        column = Fold(indent);
        if (text[at + 1] == ' ') {
          out_ += '\\';
          ++column;
        }
      } else {
        out_.append(text.data() + at, width);
        ++column;
      }
      after_space = c == ' ';
      at += width;
    }
    out_ += '"';
  }

  void AppendLiteral(absl::string_view text, int indent) {
    out_ += '|';
    if (text[0] == ' ' || kubectl_yaml::IsBreak(text, 0)) out_ += '2';
    if (text.back() != '\n') {
      out_ += '-';
    } else if (EndsWithBreak(text.substr(0, text.size() - 1))) {
      out_ += '+';
    }
    out_ += '\n';
    IndentAfterBreak(text, 0, indent);
    for (size_t at = 0; at < text.size();) {
      const size_t width = WidthOf(text[at]);
      out_.append(text.data() + at, width);
      if (kubectl_yaml::IsBreak(text, at)) IndentAfterBreak(text, at + width, indent);
      at += width;
    }
  }

  // Indents the line of `text` that starts at `at` unless it is empty. Returns the column.
  size_t IndentAfterBreak(absl::string_view text, size_t at, int indent) {
    if (at >= text.size() || kubectl_yaml::IsBreak(text, at)) return 0;
    Indent(indent);
    return indent;
  }

  void EndLine() {
    if (out_.empty() || out_.back() != '\n') out_ += '\n';
  }

  void Indent(int indent) { out_.append(indent, ' '); }

  std::string& out_;
};

}  // namespace

void AppendKubectlYaml(const Value& value, std::string& out) { Writer(out).WriteDocument(value); }

}  // namespace muster
