#include "common/manifest/yaml_plain_reader.h"

#include <optional>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "common/manifest/yaml_scalar.h"

namespace muster {
namespace {

constexpr absl::string_view kSeparator = "---";
constexpr int kNoColumn = -1;
constexpr size_t kKeyBytesMax = 1000;

// Of a plain scalar: its first byte, where that leaves nothing to think about.
bool BeginsPlain(char c) { return absl::ascii_isalnum(c) || absl::StrContains("_/.$(~+", c); }

// Of a plain key, and of a plain scalar between brackets.
bool IsWordByte(char c) { return absl::ascii_isalnum(c) || absl::StrContains("_/.-+$()=@%~", c); }

// Of anything: what is printed, and what is no ASCII.
bool IsTextByte(char c) { return absl::ascii_isprint(c) || static_cast<unsigned char>(c) >= 0x80; }

// Whether the text has characters, beyond ASCII, that somebody might take for a line's end or for
// nothing at all: controls, U+00A0, U+2028, U+2029, U+FEFF.
bool HasOddCharacters(absl::string_view text) {
  for (size_t i = 0; i + 1 < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte != 0xC2 && byte != 0xE2 && byte != 0xEF) continue;
    const auto second = static_cast<unsigned char>(text[i + 1]);
    if (byte == 0xC2 ? second <= 0xA0 : byte == 0xE2 ? second == 0x80 : second >= 0xBB) {
      if (byte != 0xE2 || (i + 2 < text.size() && (text[i + 2] & 0xFE) == 0xA8)) return true;
    }
  }
  return false;
}

bool IsPlainScalar(absl::string_view text, const Value& value) {
  // The usual case needs no copy: numbers do not begin with a letter, nor do the words for null and
  // the truth with any but these.
  if (absl::ascii_isalpha(text[0]) && !absl::StrContains("nNtTfF", text[0])) {
    return value.is_string() && value.string() == text;
  }
  const absl::StatusOr<Value> read = ResolvePlainScalar(text);
  return read.ok() && *read == value;
}

// Walks the text. Every function compares what it reads with the value that it is given, leaves the
// place behind it, and returns false to give up. As deep as the value is.
class PlainReader {
 public:
  explicit PlainReader(absl::string_view text) : text_(text) {}

  bool ReadsAs(const std::vector<Document>& documents) {
    size_t read = 0;
    if (!SkipToContent()) return false;
    while (true) {
      if (column_ == kNoColumn && !AtEnd()) {
        at_ += kSeparator.size();
        if (!FinishLine() || !NextLine()) return false;
      }
      if (column_ != kNoColumn) {  // else the document is empty, and nowhere
        if (read == documents.size() || !BlockNode(documents[read++].value, -1)) return false;
        if (column_ != kNoColumn) return false;
      }
      if (AtEnd()) return read == documents.size();
    }
  }

 private:
  // ---------------------------------------------------------------- lines

  bool AtEnd() const { return at_ == text_.size(); }
  char Here() const { return AtEnd() ? '\n' : text_[at_]; }
  char Next() const { return at_ + 1 < text_.size() ? text_[at_ + 1] : '\n'; }
  void SkipSpaces() {
    while (Here() == ' ') ++at_;
  }

  bool AtSeparator() const {
    const absl::string_view rest = text_.substr(at_);
    if (!absl::StartsWith(rest, kSeparator)) return false;
    return rest.size() == 3 || rest[3] == '\n' || rest[3] == ' ';
  }

  // Passes over spaces and a comment to the end of the line.
  bool FinishLine() {
    SkipSpaces();
    if (Here() == '#') {
      if (at_ > 0 && text_[at_ - 1] != ' ' && text_[at_ - 1] != '\n') return false;
      while (!AtEnd() && IsTextByte(text_[at_])) ++at_;
    }
    return Here() == '\n';
  }

  // From the end of a line to the next content, or to the end of the document.
  bool NextLine() {
    if (!AtEnd()) ++at_;
    return SkipToContent();
  }

  // The same from the start of a line. False for a line that is not plain.
  bool SkipToContent() {
    while (!AtEnd()) {
      const size_t start = at_;
      SkipSpaces();
      column_ = static_cast<int>(at_ - start);
      if (Here() != '\n' && Here() != '#') return BeginLine();
      if (!FinishLine()) return false;
      if (!AtEnd()) ++at_;
    }
    column_ = kNoColumn;
    return true;
  }

  // At a line's content.
  bool BeginLine() {
    if (column_ > 0) return true;
    if (AtSeparator()) {
      column_ = kNoColumn;
      return true;
    }
    const absl::string_view rest = text_.substr(at_);
    return rest[0] != '%' && !absl::StartsWith(rest, "---") && !absl::StartsWith(rest, "...");
  }

  // ---------------------------------------------------------------- blocks

  bool AtDash() const { return Here() == '-' && (Next() == ' ' || Next() == '\n'); }

  // What stands at the place, deeper than `parent`.
  bool BlockNode(const Value& value, int parent) {
    const int column = column_;
    if (AtDash()) return value.is_list() && BlockList(value.list(), column);
    if (KeyEnd().has_value()) return value.is_map() && BlockMap(value.map(), column);
    return Inline(value, parent);
  }

  // After a scalar or collection within a line: the line ends, and what follows does not go on.
  bool EndInline(int parent) { return FinishLine() && NextLine() && column_ <= parent; }

  // What fills the rest of the line, within a block at `parent`.
  bool Inline(const Value& value, int parent) {
    switch (Here()) {
      case '"':
      case '\'': {
        const std::optional<std::string> text = Quoted();
        return text.has_value() && value.is_string() && value.string() == *text &&
               EndInline(parent);
      }
      case '[':
      case '{':
        return Flow(value) && EndInline(parent);
      case '|':
        return Literal(value, parent);
      default:
        return Plain(value) && EndInline(parent);
    }
  }

  bool BlockList(const Value::List& list, int column) {
    for (const Value& element : list) {
      if (column_ != column || !AtDash()) return false;
      if (!Element(element, column)) return false;
    }
    return !list.empty() && column_ <= column && !(column_ == column && AtDash());
  }

  bool Element(const Value& element, int column) {
    ++at_;
    const size_t dash = at_;
    SkipSpaces();
    if (Here() == '\n' || Here() == '#') {
      if (!FinishLine() || !NextLine()) return false;
      if (column_ <= column) return element.is_null();
      return BlockNode(element, column);
    }
    column_ = column + 1 + static_cast<int>(at_ - dash);
    return BlockNode(element, column);
  }

  bool BlockMap(const Value::Map& map, int column) {
    for (const Member& member : map) {
      if (column_ != column || !Key(member.key)) return false;
      if (!MemberValue(member.value, column)) return false;
    }
    return !map.empty() && column_ < column;
  }

  // What follows the ':' of a key.
  bool MemberValue(const Value& value, int column) {
    SkipSpaces();
    if (Here() != '\n' && Here() != '#') {
      // The column counts no more: a block cannot begin on this line.
      return Inline(value, column);
    }
    if (!FinishLine() || !NextLine()) return false;
    if (column_ > column) return BlockNode(value, column);
    if (column_ == column && AtDash()) return value.is_list() && BlockList(value.list(), column);
    return value.is_null();
  }

  // Where the key that stands here ends, before its ':'; nullopt when none does.
  std::optional<size_t> KeyEnd() const {
    size_t end = at_;
    if (Here() == '"' || Here() == '\'') {
      end = text_.find(text_[at_], at_ + 1);
      if (end == text_.npos) return std::nullopt;
      ++end;
    } else {
      while (end < text_.size() && IsWordByte(text_[end])) ++end;
    }
    if (end == at_ || end - at_ > kKeyBytesMax || end == text_.size()) return std::nullopt;
    if (text_[end] != ':') return std::nullopt;
    const char after = end + 1 < text_.size() ? text_[end + 1] : '\n';
    if (after != ' ' && after != '\n') return std::nullopt;
    return end;
  }

  // Reads this key and its ':'.
  bool Key(const std::string& key) {
    const std::optional<size_t> end = KeyEnd();
    if (!end.has_value()) return false;
    if (Here() == '"' || Here() == '\'') {
      const absl::string_view inner = text_.substr(at_ + 1, *end - at_ - 2);
      for (const char c : inner) {
        if (!IsTextByte(c) || c == '\\') return false;
      }
      if (inner != key) return false;
    } else if (text_.substr(at_, *end - at_) != key || !PlainMayBeginHere()) {
      return false;
    }
    at_ = *end + 1;
    return true;
  }

  // ---------------------------------------------------------------- scalars

  bool PlainMayBeginHere() const {
    return BeginsPlain(Here()) || (Here() == '-' && absl::ascii_isalnum(Next()));
  }

  // A plain scalar up to the end of its line.
  bool Plain(const Value& value) {
    if (!PlainMayBeginHere()) return false;
    const size_t start = at_;
    while (!AtEnd() && text_[at_] != '\n') {
      const char c = text_[at_];
      if (!IsTextByte(c)) return false;
      if (c == ':' && (Next() == ' ' || Next() == '\n')) return false;
      if (c == '#' && text_[at_ - 1] == ' ') break;
      ++at_;
    }
    size_t end = at_;
    while (text_[end - 1] == ' ') --end;
    at_ = end;
    return IsPlainScalar(text_.substr(start, end - start), value);
  }

  // The text between quotes, on one line.
  std::optional<std::string> Quoted() {
    const char quote = text_[at_++];
    std::string read;
    while (Here() != '\n') {
      char c = text_[at_++];
      if (!IsTextByte(c)) return std::nullopt;
      if (c == quote) {
        if (quote == '"' || Here() != '\'') return read;
        ++at_;
      } else if (c == '\\' && quote == '"') {
        switch (Here()) {
          case '"':
          case '\\':
            c = Here();
            break;
          case 'n':
            c = '\n';
            break;
          case 't':
            c = '\t';
            break;
          default:
            return std::nullopt;
        }
        ++at_;
      }
      read.push_back(c);
    }
    return std::nullopt;
  }

  // A literal block in a block at `parent`.
  bool Literal(const Value& value, int parent) {
    ++at_;
    const bool strips = Here() == '-';
    if (strips) ++at_;
    if (!FinishLine() || AtEnd() || !value.is_string()) return false;
    ++at_;
    absl::string_view expected = value.string();
    if (!LiteralLines(parent, expected)) return false;
    if (!strips && !absl::ConsumePrefix(&expected, "\n")) return false;
    return expected.empty() && SkipToContent() && column_ <= parent;
  }

  // Its lines, which are the beginning of `expected` and are taken from there.
  bool LiteralLines(int parent, absl::string_view& expected) {
    int indent = 0;  // of the first line
    int blank = 0;   // empty lines that may still prove to be behind the end
    for (bool first = true; !AtEnd(); first = false) {
      const size_t start = at_;
      SkipSpaces();
      const int depth = static_cast<int>(at_ - start);
      if (Here() == '\n') {
        if (first || depth > 0) return false;
        ++blank;
        if (!AtEnd()) ++at_;
        continue;
      }
      if (first) {
        if (depth == 0 || depth <= parent) return false;
        indent = depth;
      }
      at_ = start;
      if (depth < indent) return true;
      for (; blank > 0; --blank) {
        if (!absl::ConsumePrefix(&expected, "\n")) return false;
      }
      if (!first && !absl::ConsumePrefix(&expected, "\n")) return false;
      at_ += static_cast<size_t>(indent);
      const size_t line = at_;
      while (!AtEnd() && (IsTextByte(text_[at_]) || text_[at_] == '\t')) ++at_;
      if (!absl::ConsumePrefix(&expected, text_.substr(line, at_ - line))) return false;
      // Whether a text without a last line feed ends with one is a matter of opinion.
      if (AtEnd() || Here() != '\n') return false;
      ++at_;
    }
    return indent > 0;
  }

  // ---------------------------------------------------------------- flow, on one line

  bool Flow(const Value& value) {
    switch (Here()) {
      case '[':
        return value.is_list() && FlowList(value.list());
      case '{':
        return value.is_map() && FlowMap(value.map());
      case '"':
      case '\'': {
        const std::optional<std::string> text = Quoted();
        return text.has_value() && value.is_string() && value.string() == *text;
      }
      default: {
        if (!PlainMayBeginHere()) return false;
        const size_t start = at_;
        while (IsWordByte(Here())) ++at_;
        return IsPlainScalar(text_.substr(start, at_ - start), value);
      }
    }
  }

  bool FlowList(const Value::List& list) {
    ++at_;
    for (size_t i = 0; i < list.size(); ++i) {
      if (i > 0 && !Comma()) return false;
      SkipSpaces();
      if (!Flow(list[i])) return false;
      SkipSpaces();
    }
    return Close(']');
  }

  bool FlowMap(const Value::Map& map) {
    ++at_;
    bool first = true;
    for (const Member& member : map) {
      if (!first && !Comma()) return false;
      first = false;
      SkipSpaces();
      if (!Key(member.key) || Here() != ' ') return false;
      SkipSpaces();
      if (!Flow(member.value)) return false;
      SkipSpaces();
    }
    return Close('}');
  }

  bool Comma() {
    if (Here() != ',' || Next() != ' ') return false;
    ++at_;
    return true;
  }

  bool Close(char bracket) {
    SkipSpaces();
    if (Here() != bracket) return false;
    ++at_;
    return true;
  }

  const absl::string_view text_;
  size_t at_ = 0;
  int column_ = 0;  // of the content at the place; kNoColumn at the end of a document
};

}  // namespace

bool ReadsPlainlyAs(absl::string_view text, const std::vector<Document>& documents) {
  return !HasOddCharacters(text) && PlainReader(text).ReadsAs(documents);
}

}  // namespace muster
