#include "common/manifest/yaml_scalar.h"

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/manifest/number.h"

namespace muster {
namespace {

bool IsOneOf(absl::string_view text, std::initializer_list<absl::string_view> words) {
  for (absl::string_view word : words) {
    if (text == word) return true;
  }
  return false;
}

// The decimal spelling of `digits` in `base`; nullopt when empty, not of that base or over 64 bits.
std::optional<std::string> FromBase(absl::string_view digits, int base) {
  if (digits.empty()) return std::nullopt;
  uint64_t value = 0;
  for (const char c : digits) {
    if (!absl::ascii_isxdigit(c)) return std::nullopt;
    const int digit = absl::ascii_isdigit(c) ? c - '0' : absl::ascii_tolower(c) - 'a' + 10;
    if (digit >= base) return std::nullopt;
    if (value > (std::numeric_limits<uint64_t>::max() - digit) / base) return std::nullopt;
    value = value * base + digit;
  }
  return absl::StrCat(value);
}

// An integer in another base than ten: 0x1F, 0b101, 0o17, 0755.
std::optional<std::string> OtherBase(absl::string_view text) {
  if (text.size() < 2 || text[0] != '0') return std::nullopt;
  switch (absl::ascii_tolower(text[1])) {
    case 'x':
      return FromBase(text.substr(2), 16);
    case 'o':
      return FromBase(text.substr(2), 8);
    case 'b':
      return FromBase(text.substr(2), 2);
    default:
      return FromBase(text.substr(1), 8);
  }
}

// Decimal digits with perhaps a fraction and an exponent, in YAML's looser form, as JSON spells it:
// 007.50 -> 7.50, .5 -> 0.5, 1. -> 1.0. Whether the result is a number is for the caller to ask.
std::string SpellDecimal(absl::string_view text) {
  size_t digits = 0;
  while (digits < text.size() && absl::ascii_isdigit(text[digits])) ++digits;
  absl::string_view whole = text.substr(0, digits);
  absl::string_view rest = text.substr(digits);
  while (whole.size() > 1 && whole[0] == '0') whole.remove_prefix(1);
  std::string out(whole.empty() ? "0" : whole);
  if (rest.empty() || rest[0] != '.') return absl::StrCat(out, rest);
  rest.remove_prefix(1);
  const bool bare = rest.empty() || !absl::ascii_isdigit(rest[0]);
  // A point with no digit on either side is no number, whatever follows.
  if (bare && whole.empty()) return std::string();
  return absl::StrCat(out, ".", bare ? "0" : "", rest);
}

// The number that `text` spells, in JSON's spelling; nullopt when it is no number.
std::optional<std::string> SpellNumber(absl::string_view text) {
  const char first = text[0];
  if (!absl::ascii_isdigit(first) && first != '-' && first != '+' && first != '.') {
    return std::nullopt;
  }
  std::string plain;
  if (text.find('_') != absl::string_view::npos) {
    for (const char c : text) {
      if (c != '_') plain.push_back(c);
    }
    text = plain;
  }
  const bool negative = text[0] == '-';
  if (negative || text[0] == '+') text.remove_prefix(1);
  if (text.empty() || (!absl::ascii_isdigit(text[0]) && text[0] != '.')) return std::nullopt;

  std::optional<std::string> spelled = OtherBase(text);
  if (!spelled.has_value()) spelled = SpellDecimal(text);
  if (negative) spelled = absl::StrCat("-", *spelled);
  if (!IsNumber(*spelled)) return std::nullopt;
  return spelled;
}

}  // namespace

absl::StatusOr<Value> ResolvePlainScalar(absl::string_view text) {
  if (text.empty() || IsOneOf(text, {"~", "null", "Null", "NULL"})) return Value();
  if (IsOneOf(text, {"true", "True", "TRUE"})) return Value(true);
  if (IsOneOf(text, {"false", "False", "FALSE"})) return Value(false);
  absl::string_view unsigned_text = text;
  if (text[0] == '-' || text[0] == '+') unsigned_text.remove_prefix(1);
  if (IsOneOf(unsigned_text, {".inf", ".Inf", ".INF"}) || IsOneOf(text, {".nan", ".NaN", ".NAN"})) {
    return absl::InvalidArgumentError(
        absl::StrCat("the number ", text, " has no form in JSON; quote it to mean the text"));
  }
  const std::optional<std::string> number = SpellNumber(text);
  return number.has_value() ? Value::Number(*number) : Value(text);
}

}  // namespace muster
