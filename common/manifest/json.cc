#include "common/manifest/json.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/base/limits.h"
#include "common/base/status_macros.h"
#include "common/manifest/number.h"
#include "common/manifest/utf8.h"

namespace muster {
namespace {

// ---------------------------------------------------------------- writing

void WriteString(absl::string_view text, std::string& out) {
  out.push_back('"');
  size_t clean = 0;  // start of what needs no escape and is not yet written
  for (size_t i = 0; i < text.size(); ++i) {
    const unsigned char c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    absl::StrAppend(&out, text.substr(clean, i - clean));
    clean = i + 1;
    switch (c) {
      case '"':
        out.append("\\\"");
        break;
      case '\\':
        out.append("\\\\");
        break;
      case '\b':
        out.append("\\b");
        break;
      case '\f':
        out.append("\\f");
        break;
      case '\n':
        out.append("\\n");
        break;
      case '\r':
        out.append("\\r");
        break;
      case '\t':
        out.append("\\t");
        break;
      default:
        absl::StrAppend(&out, "\\u", absl::Hex(c, absl::kZeroPad4));
    }
  }
  absl::StrAppend(&out, text.substr(clean));
  out.push_back('"');
}

// Writes canonical JSON, or with `pretty` the same over several lines.
class Writer {
 public:
  explicit Writer(bool pretty) : pretty_(pretty) {}

  void Write(const Value& value) {
    switch (value.kind()) {
      case Value::Kind::kNull:
        out_.append("null");
        return;
      case Value::Kind::kBool:
        out_.append(value.boolean() ? "true" : "false");
        return;
      case Value::Kind::kNumber:
        WriteNumber(value.number());
        return;
      case Value::Kind::kString:
        WriteString(value.string(), out_);
        return;
      case Value::Kind::kList:
        WriteList(value.list());
        return;
      case Value::Kind::kMap:
        WriteMap(value.map());
        return;
    }
  }

  std::string Take() && { return std::move(out_); }

 private:
  void WriteNumber(const std::string& literal) {
    if (IsIntegerLiteral(literal) && literal != "-0") {
      out_.append(literal);
    } else {
      out_.append(CanonicalNumber(literal));
    }
  }

  void WriteList(const Value::List& list) {
    out_.push_back('[');
    ++depth_;
    bool first = true;
    for (const Value& element : list) {
      Separate(first);
      Write(element);
    }
    Close(first, ']');
  }

  void WriteMap(const Value::Map& map) {
    out_.push_back('{');
    ++depth_;
    bool first = true;
    for (const Member* member : map.Sorted()) {
      Separate(first);
      WriteString(member->key, out_);
      out_.append(pretty_ ? ": " : ":");
      Write(member->value);
    }
    Close(first, '}');
  }

  void Separate(bool& first) {
    if (!first) out_.push_back(',');
    first = false;
    BreakLine();
  }

  void Close(bool empty, char bracket) {
    --depth_;
    if (!empty) BreakLine();
    out_.push_back(bracket);
  }

  void BreakLine() {
    if (!pretty_) return;
    out_.push_back('\n');
    out_.append(2 * depth_, ' ');
  }

  const bool pretty_;
  int depth_ = 0;
  std::string out_;
};

// ---------------------------------------------------------------- reading

// A recursive descent over `text_`; `at_` is the next byte. Requires: well-formed UTF-8.
class Parser {
 public:
  explicit Parser(absl::string_view text) : text_(text) {}

  absl::StatusOr<Value> Parse() {
    ASSIGN_OR_RETURN(Value value, ParseValue(0));
    SkipSpace();
    if (at_ < text_.size()) return Error("unexpected text after the value");
    return value;
  }

  absl::Status Error(absl::string_view what) const { return ErrorAt(at_, what); }

  absl::Status ErrorAt(size_t at, absl::string_view what) const {
    return absl::InvalidArgumentError(Place(at, what));
  }

 private:
  std::string Place(size_t at, absl::string_view what) const {
    int line = 1;
    size_t line_start = 0;
    for (size_t i = 0; i < at; ++i) {
      if (text_[i] != '\n') continue;
      ++line;
      line_start = i + 1;
    }
    return absl::StrCat("json: ", line, ":", at - line_start + 1, ": ", what);
  }

  absl::Status TooMany(absl::string_view what) const {
    return absl::ResourceExhaustedError(Place(at_, what));
  }

  void SkipSpace() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t')) {
      ++at_;
    }
  }

  bool Consume(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  absl::StatusOr<Value> ParseValue(int depth) {
    if (++values_ > limits::kJsonValuesMax) {
      return TooMany(absl::StrCat("more than ", limits::kJsonValuesMax, " values"));
    }
    SkipSpace();
    if (at_ >= text_.size()) return Error("unexpected end, a value is missing");
    switch (text_[at_]) {
      case '{':
        return ParseMap(depth);
      case '[':
        return ParseList(depth);
      case '"': {
        std::string text;
        RETURN_IF_ERROR(ParseString(text));
        return Value(std::move(text));
      }
      case 't':
        return ParseWord("true", true);
      case 'f':
        return ParseWord("false", false);
      case 'n':
        return ParseWord("null", Value());
      default:
        return ParseNumber();
    }
  }

  absl::StatusOr<Value> ParseWord(absl::string_view word, Value value) {
    if (text_.substr(at_, word.size()) != word) return Error("a value cannot start like this");
    at_ += word.size();
    return value;
  }

  absl::StatusOr<Value> ParseNumber() {
    const size_t start = at_;
    const size_t end = text_.find_first_not_of("+-.0123456789eE", start);
    const absl::string_view literal = text_.substr(start, end - start);
    if (literal.empty()) return Error("a value cannot start like this");
    if (!IsNumber(literal)) {
      return Error(absl::StrCat("'", literal.substr(0, 40), "' is no number of JSON"));
    }
    at_ += literal.size();
    return Value::Number(literal);
  }

  absl::Status Enter(int depth) {
    ++at_;
    if (depth < limits::kYamlDepthMax) return absl::OkStatus();
    return TooMany(absl::StrCat("nested deeper than ", limits::kYamlDepthMax, " levels"));
  }

  absl::StatusOr<Value> ParseList(int depth) {
    RETURN_IF_ERROR(Enter(depth));
    Value::List list;
    SkipSpace();
    if (Consume(']')) return Value(std::move(list));
    while (true) {
      ASSIGN_OR_RETURN(Value element, ParseValue(depth + 1));
      list.push_back(std::move(element));
      SkipSpace();
      if (Consume(']')) return Value(std::move(list));
      if (!Consume(',')) return Error("',' or ']' expected in a list");
    }
  }

  absl::StatusOr<Value> ParseMap(int depth) {
    RETURN_IF_ERROR(Enter(depth));
    Value::Map map;
    SkipSpace();
    if (Consume('}')) return Value(std::move(map));
    while (true) {
      SkipSpace();
      const size_t key_at = at_;
      if (at_ >= text_.size() || text_[at_] != '"') return Error("a key in quotes expected");
      std::string key;
      RETURN_IF_ERROR(ParseString(key));
      if (map.Contains(key)) {
        return ErrorAt(key_at, absl::StrCat("key '", absl::CHexEscape(key), "' is there twice"));
      }
      SkipSpace();
      if (!Consume(':')) return Error("':' expected after a key");
      ASSIGN_OR_RETURN(Value value, ParseValue(depth + 1));
      map.Insert(std::move(key), std::move(value));
      SkipSpace();
      if (Consume('}')) return Value(std::move(map));
      if (!Consume(',')) return Error("',' or '}' expected in a map");
    }
  }

  // Requires: the next byte opens a string.
  absl::Status ParseString(std::string& out) {
    ++at_;
    while (true) {
      const size_t clean = at_;
      while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\\' &&
             static_cast<unsigned char>(text_[at_]) >= 0x20) {
        ++at_;
      }
      absl::StrAppend(&out, text_.substr(clean, at_ - clean));
      if (at_ >= text_.size()) return Error("unexpected end inside a string");
      if (Consume('"')) return absl::OkStatus();
      if (!Consume('\\')) return Error("a control character must be escaped inside a string");
      RETURN_IF_ERROR(ParseEscape(out));
    }
  }

  absl::Status ParseEscape(std::string& out) {
    if (at_ >= text_.size()) return Error("unexpected end inside a string");
    const char c = text_[at_++];
    switch (c) {
      case '"':
      case '\\':
      case '/':
        out.push_back(c);
        return absl::OkStatus();
      case 'b':
        out.push_back('\b');
        return absl::OkStatus();
      case 'f':
        out.push_back('\f');
        return absl::OkStatus();
      case 'n':
        out.push_back('\n');
        return absl::OkStatus();
      case 'r':
        out.push_back('\r');
        return absl::OkStatus();
      case 't':
        out.push_back('\t');
        return absl::OkStatus();
      case 'u':
        return ParseUnicode(out);
      default:
        return ErrorAt(at_ - 2, "unknown escape in a string");
    }
  }

  absl::Status ParseUnicode(std::string& out) {
    ASSIGN_OR_RETURN(uint32_t unit, ParseHex4());
    if (unit >= 0xDC00 && unit <= 0xDFFF) return Error("a low surrogate without its high one");
    if (unit >= 0xD800 && unit <= 0xDBFF) {
      if (text_.substr(at_, 2) != "\\u") return Error("a high surrogate without its low one");
      at_ += 2;
      ASSIGN_OR_RETURN(const uint32_t low, ParseHex4());
      if (low < 0xDC00 || low > 0xDFFF) return Error("a high surrogate without its low one");
      unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
    }
    AppendUtf8(unit, out);
    return absl::OkStatus();
  }

  absl::StatusOr<uint32_t> ParseHex4() {
    uint32_t unit = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      if (at_ >= text_.size() || !absl::ascii_isxdigit(text_[at_])) {
        return Error("four hexadecimal digits expected after \\u");
      }
      const char c = absl::ascii_tolower(text_[at_]);
      unit = unit * 16 + (c <= '9' ? c - '0' : c - 'a' + 10);
    }
    return unit;
  }

  const absl::string_view text_;
  size_t at_ = 0;
  int values_ = 0;
};

}  // namespace

std::string CanonicalJson(const Value& value) {
  Writer writer(/*pretty=*/false);
  writer.Write(value);
  return std::move(writer).Take();
}

std::string PrettyJson(const Value& value) {
  Writer writer(/*pretty=*/true);
  writer.Write(value);
  return std::move(writer).Take() + "\n";
}

absl::StatusOr<Value> ParseJson(absl::string_view text) {
  if (text.size() > limits::kObjectBytesMax) {
    return absl::ResourceExhaustedError(absl::StrCat("json: ", text.size(), " bytes, at most ",
                                                     limits::kObjectBytesMax, " are read"));
  }
  Parser parser(text);
  if (const size_t at = FindInvalidUtf8(text); at != absl::string_view::npos) {
    return parser.ErrorAt(at, "this is not UTF-8");
  }
  return parser.Parse();
}

}  // namespace muster
