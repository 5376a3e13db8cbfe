#include "agent/cluster/yaml_text.h"

#include <algorithm>
#include <array>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/manifest/json.h"
#include "common/manifest/yaml.h"

namespace muster::agent {
namespace {

// Words that YAML reads as something else than text.
bool IsReserved(absl::string_view text) {
  static constexpr std::array<absl::string_view, 11> kWords = {
      "true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf"};
  const std::string lower = absl::AsciiStrToLower(text);
  return std::find(kWords.begin(), kWords.end(), lower) != kWords.end();
}

// JSON that is also YAML: the characters that YAML takes for line breaks, or does not take at all,
// are escaped. They stand only within strings.
std::string Quoted(const Value& value) {
  std::string out;
  const std::string json = CanonicalJson(value);
  for (size_t i = 0; i < json.size(); ++i) {
    const absl::string_view rest = absl::string_view(json).substr(i);
    const unsigned char next = rest.size() > 1 ? rest[1] : 0;
    if (json[i] == 0x7f) {
      out += "\\u007f";
    } else if (json[i] == '\xC2' && next < 0xA0) {  // controls, U+0085 among them
      absl::StrAppend(&out, "\\u00", absl::Hex(next, absl::kZeroPad2));
      i += 1;
    } else if (absl::StartsWith(rest, "\u2028") || absl::StartsWith(rest, "\u2029")) {
      out += rest[2] == '\xA8' ? "\\u2028" : "\\u2029";
      i += 2;
    } else if (absl::StartsWith(rest, "\uFEFF")) {
      out += "\\ufeff";
      i += 2;
    } else {
      out += json[i];
    }
  }
  return out;
}

// Whether `text` needs no quotes, on the safe side.
bool IsPlain(absl::string_view text) {
  if (text.empty() || !(absl::ascii_isalpha(text[0]) || text[0] == '/')) return false;
  const auto fits = [](char c) {
    return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-' || c == '/';
  };
  return std::all_of(text.begin(), text.end(), fits) && !IsReserved(text);
}

// Whether `text` reads well, and the same, as a literal block.
bool IsBlock(absl::string_view text) {
  if (Quoted(Value(text)) != CanonicalJson(Value(text))) return false;
  if (!absl::StrContains(text, '\n') || absl::StartsWith(text, " ") ||
      absl::StartsWith(text, "\n") || absl::EndsWith(text, "\n\n")) {
    return false;
  }
  return std::all_of(text.begin(), text.end(), [](char c) {
    return c == '\n' || c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  });
}

// The depth is bounded by the readers that made the value (limits::kYamlDepthMax).
class Writer {
 public:
  std::string Write(const Value& value) {
    if (IsLeaf(value)) {
      Inline(value, 0);
    } else {
      Nested(value, 0);
    }
    return std::move(out_);
  }

 private:
  static bool IsLeaf(const Value& value) {
    if (value.is_map()) return value.map().empty();
    return !value.is_list() || value.list().empty();
  }

  // After "key:" or "-": on the same line.
  void Inline(const Value& value, int indent) {
    if (value.is_string() && IsPlain(value.string())) {
      absl::StrAppend(&out_, value.string(), "\n");
    } else if (value.is_string() && IsBlock(value.string())) {
      Block(value.string(), indent);
    } else {
      absl::StrAppend(&out_, Quoted(value), "\n");
    }
  }

  void Block(absl::string_view text, int indent) {
    const bool ends = absl::ConsumeSuffix(&text, "\n");
    absl::StrAppend(&out_, ends ? "|" : "|-", "\n");
    for (const absl::string_view line : absl::StrSplit(text, '\n')) {
      if (!line.empty()) absl::StrAppend(&out_, std::string(indent, ' '), line);
      out_ += '\n';
    }
  }

  void Nested(const Value& value, int indent) {
    if (value.is_list()) {
      for (const Value& item : value.list()) {
        absl::StrAppend(&out_, std::string(indent, ' '), "-");
        Child(item, indent + 2, /*in_list=*/true);
      }
      return;
    }
    for (const Member* member : value.map().Sorted()) {
      absl::StrAppend(&out_, first_ ? "" : std::string(indent, ' '));
      first_ = false;
      const std::string& key = member->key;
      absl::StrAppend(&out_, IsPlain(key) ? key : Quoted(Value(key)), ":");
      Child(member->value, indent + 2, /*in_list=*/false);
    }
  }

  void Child(const Value& value, int indent, bool in_list) {
    if (IsLeaf(value)) {
      out_ += ' ';
      Inline(value, indent);
      return;
    }
    if (in_list && value.is_map()) {
      out_ += ' ';
      first_ = true;  // The first member stands on the line of the dash.
    } else {
      out_ += '\n';
    }
    Nested(value, value.is_list() && !in_list ? indent - 2 : indent);
  }

  std::string out_;
  bool first_ = false;
};

}  // namespace

std::string YamlText(const Value& value) {
  std::string text = Writer().Write(value);
  const absl::StatusOr<std::vector<Document>> read = ParseYaml(text, "", YamlReaders::kOne);
  if (read.ok() && read->size() == 1 && (*read)[0].value == value) return text;
  return absl::StrCat(Quoted(value), "\n");
}

}  // namespace muster::agent
