#include "common/manifest/kubectl_yaml_scalar.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <string>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "common/manifest/number.h"

namespace muster::kubectl_yaml {
namespace {

using absl::ascii_isdigit;

// The byte at `at`, zero past the end.
uint8_t ByteAt(absl::string_view text, size_t at) {
  return at < text.size() ? static_cast<uint8_t>(text[at]) : 0;
}

// Whether go-yaml writes the character at `at` as it is; not tabs, and nothing past U+FFFF.
bool IsPrintable(absl::string_view text, size_t at) {
  const uint8_t lead = ByteAt(text, at);
  const uint8_t next = ByteAt(text, at + 1);
  if (lead < 0x80) return lead == '\n' || (lead >= 0x20 && lead <= 0x7E);
  if (lead == 0xC2) return next >= 0xA0;
  if (lead == 0xED) return next < 0xA0;
  if (lead != 0xEF) return lead > 0xC2 && lead < 0xEF;
  const uint8_t last = ByteAt(text, at + 2);
  return !(next == 0xBB && last == 0xBF) && !(next == 0xBF && (last == 0xBE || last == 0xBF));
}

bool IsBlank(char c) { return c == ' ' || c == '\t'; }

size_t WidthOf(uint8_t lead) { return lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4; }

// What the characters of a text allow.
struct Traits {
  bool has_break = false;
  bool plain = true;
  bool single_quoted = true;
  bool block = true;
};

// Whether the punctuation at `at` means something to YAML there.
bool IsIndicator(absl::string_view text, size_t at, bool after_blank) {
  const bool before_blank = at + 1 >= text.size() || IsBlank(text[at + 1]);
  const char c = text[at];
  if (c == ':') return before_blank;
  if (at > 0) return c == '#' && after_blank;
  if (c == '?' || c == '-') return before_blank;
  return absl::StrContains("#,[]{}&*!|>'\"%@`", c);
}

Traits Analyze(absl::string_view text) {
  Traits traits;
  bool indicators = absl::StartsWith(text, "---") || absl::StartsWith(text, "...");
  bool special = false;
  bool outer_break = false;
  bool break_space = false;
  bool after_blank = true;
  bool after_space = false;
  bool after_break = false;
  for (size_t at = 0; at < text.size();) {
    const size_t width = WidthOf(static_cast<uint8_t>(text[at]));
    indicators = indicators || IsIndicator(text, at, after_blank);
    special = special || !IsPrintable(text, at);
    const bool is_break = IsBreak(text, at);
    const bool is_space = text[at] == ' ';
    const bool is_last = at + width >= text.size();
    if (is_space) break_space = break_space || after_break;
    if (is_break) {
      traits.has_break = true;
      outer_break = outer_break || at == 0 || is_last;
      special = special || after_space;
    }
    after_space = is_space;
    after_break = is_break;
    after_blank = is_break || IsBlank(text[at]);
    at += width;
  }
  const bool outer_space = !text.empty() && (text.front() == ' ' || text.back() == ' ');
  traits.plain = !(indicators || special || outer_break || outer_space || traits.has_break);
  traits.single_quoted = !(special || break_space);
  // go-yaml writes a block that ends in LS or PS so that it cannot be read back; that we do not
  // copy.
  const bool ends_badly = after_break && text.back() != '\n';
  traits.block = !(special || ends_badly || (!text.empty() && text.back() == ' '));
  return traits;
}

// ---------------------------------------------------------------- what a plain text reads as

bool IsReservedWord(absl::string_view text) {
  static constexpr absl::string_view kWords[] = {
      "",     "~",     "null",  "Null",  "NULL",  "y",     "Y",     "yes",   "Yes",  "YES",
      "true", "True",  "TRUE",  "on",    "On",    "ON",    "n",     "N",     "no",   "No",
      "NO",   "false", "False", "FALSE", "off",   "Off",   "OFF",   ".nan",  ".NaN", ".NAN",
      ".inf", ".Inf",  ".INF",  "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF"};
  return std::find(std::begin(kWords), std::end(kWords), text) != std::end(kWords);
}

size_t CountDigits(absl::string_view text) {
  size_t count = 0;
  while (count < text.size() && ascii_isdigit(text[count])) ++count;
  return count;
}

// Takes a run of one or two digits within [low, high].
bool TakeNumber(absl::string_view& text, int low, int high, int& value) {
  const size_t digits = std::min<size_t>(CountDigits(text), 2);
  if (digits == 0 || !absl::SimpleAtoi(text.substr(0, digits), &value)) return false;
  text.remove_prefix(digits);
  return value >= low && value <= high;
}

bool TakeChar(absl::string_view& text, char c) {
  if (text.empty() || text[0] != c) return false;
  text.remove_prefix(1);
  return true;
}

int DaysIn(int month, int year) {
  static constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return kDays[month - 1] + (month == 2 && leap ? 1 : 0);
}

bool IsZone(absl::string_view text) {
  if (text == "Z") return true;
  return text.size() == 6 && (text[0] == '+' || text[0] == '-') && ascii_isdigit(text[1]) &&
         ascii_isdigit(text[2]) && text[3] == ':' && ascii_isdigit(text[4]) &&
         ascii_isdigit(text[5]);
}

// 2020-1-2, 2020-01-02T03:04:05.6Z, 2020-01-02 03:04:05
bool IsTimestamp(absl::string_view text) {
  int year = 0, month = 0, day = 0, part = 0;
  if (CountDigits(text) != 4 || !absl::SimpleAtoi(text.substr(0, 4), &year)) return false;
  text.remove_prefix(4);
  if (!TakeChar(text, '-') || !TakeNumber(text, 1, 12, month)) return false;
  if (!TakeChar(text, '-') || !TakeNumber(text, 1, 31, day)) return false;
  if (day > DaysIn(month, year)) return false;
  if (text.empty()) return true;
  const char separator = text[0];
  if (separator != 'T' && separator != 't' && separator != ' ') return false;
  text.remove_prefix(1);
  while (separator == ' ' && TakeChar(text, ' ')) {
  }
  if (!TakeNumber(text, 0, 23, part) || !TakeChar(text, ':')) return false;
  if (!TakeNumber(text, 0, 59, part) || !TakeChar(text, ':')) return false;
  if (!TakeNumber(text, 0, 59, part)) return false;
  if (text.size() > 1 && (text[0] == '.' || text[0] == ',') && ascii_isdigit(text[1])) {
    text.remove_prefix(1);
    text.remove_prefix(CountDigits(text));
  }
  return separator == ' ' ? text.empty() : IsZone(text);
}

bool IsDigitOf(char c, int base) {
  if (ascii_isdigit(c)) return c - '0' < base;
  return base == 16 && absl::ascii_isxdigit(c);
}

// Whether `digits` is a number of 64 bits in `base`.
bool FitsInteger(absl::string_view digits, int base, bool negative) {
  if (digits.empty()) return false;
  for (const char c : digits) {
    if (!IsDigitOf(c, base)) return false;
  }
  uint64_t value = 0;
  const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (result.ec != std::errc()) return false;
  return !negative || value <= uint64_t{1} << 63;
}

// -12, 0x1F, 0b1, 0o17, 017; underscores are gone by now.
bool IsInteger(absl::string_view text) {
  bool negative = false;
  bool has_sign = false;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    has_sign = true;
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  // Only the signed reading takes a sign.
  const auto fits = [&](absl::string_view digits, int base) {
    if (!FitsInteger(digits, base, negative)) return false;
    return !has_sign || negative || FitsInteger(digits, base, true);
  };
  if (text.size() < 2 || text[0] != '0') return fits(text, 10);
  switch (absl::ascii_tolower(text[1])) {
    case 'x':
      return fits(text.substr(2), 16);
    case 'b':
      return fits(text.substr(2), 2);
    case 'o':
      return fits(text.substr(2), 8);
    default:
      return fits(text.substr(1), 8);
  }
}

// [-+]? (.5 | 1 | 1. | 1.5) (e[-+]?3)?
bool IsFloat(absl::string_view text) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  absl::string_view whole = text.substr(0, CountDigits(text));
  text.remove_prefix(whole.size());
  absl::string_view fraction;
  if (TakeChar(text, '.')) {
    fraction = text.substr(0, CountDigits(text));
    text.remove_prefix(fraction.size());
  }
  if (whole.empty() && fraction.empty()) return false;
  while (absl::StartsWith(whole, "0")) whole.remove_prefix(1);
  // As JSON spells it, of which it is known whether a double holds it.
  return IsNumber(
      absl::StrCat(whole.empty() ? "0" : whole, ".", fraction.empty() ? "0" : fraction, text));
}

// 22:22, -1:30.5: numbers to YAML 1.1 only; go-yaml quotes them for the sake of others.
bool IsBase60(absl::string_view text) {
  if (!absl::StrContains(text, ':')) return false;
  if (text[0] == '-' || text[0] == '+') text.remove_prefix(1);
  if (text.empty() || !ascii_isdigit(text[0])) return false;
  text.remove_prefix(std::min(text.find_first_not_of("0123456789_"), text.size()));
  int groups = 0;
  while (TakeChar(text, ':')) {
    const size_t digits = CountDigits(text);
    if (digits == 0 || digits > 2 || (digits == 2 && text[0] > '5')) return false;
    text.remove_prefix(digits);
    ++groups;
  }
  if (groups == 0) return false;
  if (TakeChar(text, '.')) {
    text.remove_prefix(std::min(text.find_first_not_of("0123456789_"), text.size()));
  }
  return text.empty();
}

// The character that starts at `at`.
uint32_t CharacterAt(absl::string_view text, size_t at) {
  const uint8_t lead = ByteAt(text, at);
  const size_t width = WidthOf(lead);
  if (width == 1) return lead;
  uint32_t value = lead & (0x7F >> width);
  for (size_t i = 1; i < width; ++i) value = value << 6 | (ByteAt(text, at + i) & 0x3F);
  return value;
}

// Past ASCII everything counts but for the blocks of punctuation, symbols and emoji.
bool IsLetter(uint32_t c) {
  if (c < 0x80) return absl::ascii_isalpha(static_cast<unsigned char>(c));
  if (c < 0xC0) return c == 0xAA || c == 0xB5 || c == 0xBA;
  if (c == 0xD7 || c == 0xF7) return false;
  if (c >= 0x2000 && c < 0x2C00) return c == 0x2071 || c == 0x207F || (c > 0x2100 && c < 0x2190);
  return !(c >= 0x3000 && c < 0x3005) && !(c >= 0xFE00 && c < 0xFE70) && c != 0xFEFF && c < 0x1F000;
}

// The number that the digits at `at` are, and where they end.
std::pair<int64_t, size_t> DigitsAt(absl::string_view text, size_t at, int64_t value) {
  while (at < text.size() && ascii_isdigit(text[at])) {
    value = static_cast<int64_t>(static_cast<uint64_t>(value) * 10 + (text[at] - '0'));
    ++at;
  }
  return {value, at};
}

}  // namespace

bool IsBreak(absl::string_view text, size_t at) {
  const uint8_t lead = ByteAt(text, at);
  if (lead == '\n' || lead == '\r') return true;
  if (lead == 0xC2) return ByteAt(text, at + 1) == 0x85;
  return lead == 0xE2 && ByteAt(text, at + 1) == 0x80 &&
         (ByteAt(text, at + 2) == 0xA8 || ByteAt(text, at + 2) == 0xA9);
}

bool HasBreak(absl::string_view text) {
  for (size_t at = 0; at < text.size(); ++at) {
    if (IsBreak(text, at)) return true;
  }
  return false;
}

bool ReadsAsText(absl::string_view text) {
  if (text.empty()) return false;
  const char first = text[0];
  if (ascii_isdigit(first) || first == '-' || first == '+') {
    if (IsReservedWord(text) || IsTimestamp(text) || IsBase60(text)) return false;
    std::string plain;
    if (absl::StrContains(text, '_')) {
      std::copy_if(text.begin(), text.end(), std::back_inserter(plain),
                   [](char c) { return c != '_'; });
      text = plain;
    }
    return !IsInteger(text) && !IsFloat(text);
  }
  if (first == '.') return !IsReservedWord(text) && !IsFloat(text);
  if (!absl::StrContains("yYnNtTfFoO~", first)) return true;
  return !IsReservedWord(text);
}

Style StyleOf(absl::string_view text, bool is_key) {
  const Traits traits = Analyze(text);
  if (absl::StrContains(text, '\n')) {
    return traits.block && !is_key ? Style::kLiteral : Style::kDoubleQuoted;
  }
  if (!ReadsAsText(text)) return Style::kDoubleQuoted;
  if (traits.plain) return Style::kPlain;
  return traits.single_quoted ? Style::kSingleQuoted : Style::kDoubleQuoted;
}

std::string SpellNumber(absl::string_view literal) {
  const std::string canonical = CanonicalNumber(literal);
  if (canonical.find_first_not_of("-0123456789") == std::string::npos) return canonical;
  // Its digits, and the power of ten of the first that is not zero.
  absl::string_view mantissa = canonical;
  int power = 0;
  if (const size_t e = canonical.find('e'); e != std::string::npos) {
    absl::string_view exponent = mantissa.substr(e + 1);
    absl::ConsumePrefix(&exponent, "+");
    if (!absl::SimpleAtoi(exponent, &power)) return canonical;
    mantissa = mantissa.substr(0, e);
  }
  const bool negative = absl::ConsumePrefix(&mantissa, "-");
  std::string digits = absl::StrReplaceAll(mantissa, {{".", ""}});
  const size_t zeros = std::min(digits.find_first_not_of('0'), digits.size() - 1);
  power +=
      static_cast<int>(std::min(mantissa.find('.'), mantissa.size())) - 1 - static_cast<int>(zeros);
  digits.erase(0, zeros);
  if (power >= -4 && power < 6) return canonical;
  const absl::string_view rest = absl::string_view(digits).substr(1);
  return absl::StrFormat("%s%c%s%se%c%02d", negative ? "-" : "", digits[0], rest.empty() ? "" : ".",
                         rest, power < 0 ? '-' : '+', std::abs(power));
}

bool KeyLess(absl::string_view a, absl::string_view b) {
  const auto [at, bt] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  if (at == a.end() || bt == b.end()) return a.size() < b.size();
  size_t i = at - a.begin();
  while (i > 0 && (static_cast<uint8_t>(a[i]) & 0xC0) == 0x80) --i;
  const uint32_t x = CharacterAt(a, i);
  const uint32_t y = CharacterAt(b, i);
  const bool x_letter = IsLetter(x);
  const bool y_letter = IsLetter(y);
  if (x_letter && y_letter) return x < y;
  if (x_letter || y_letter) return y_letter;
  // After digits that are not all zeros, a zero is one more digit of the number.
  int64_t start = 0;
  if (x == '0' || y == '0') {
    for (size_t j = i; j > 0 && ascii_isdigit(a[j - 1]); --j) {
      if (a[j - 1] == '0') continue;
      start = 1;
      break;
    }
  }
  const auto [a_number, a_end] = DigitsAt(a, i, start);
  const auto [b_number, b_end] = DigitsAt(b, i, start);
  if (a_number != b_number) return a_number < b_number;
  if (a_end != b_end) return a_end < b_end;
  return x < y;
}

}  // namespace muster::kubectl_yaml
