#include "common/manifest/number.h"

#include <charconv>
#include <cstdlib>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/base/check.h"

namespace muster {
namespace {

// Takes one or more digits from the front of `text`.
bool ConsumeDigits(absl::string_view& text) {
  size_t count = 0;
  while (count < text.size() && absl::ascii_isdigit(text[count])) ++count;
  text.remove_prefix(count);
  return count > 0;
}

// The grammar alone; the range is asked separately.
bool IsNumberSyntax(absl::string_view text) {
  if (!text.empty() && text[0] == '-') text.remove_prefix(1);
  if (text.empty()) return false;
  if (text[0] == '0') {
    text.remove_prefix(1);
  } else if (!ConsumeDigits(text)) {
    return false;
  }
  if (!text.empty() && text[0] == '.') {
    text.remove_prefix(1);
    if (!ConsumeDigits(text)) return false;
  }
  if (!text.empty() && (text[0] == 'e' || text[0] == 'E')) {
    text.remove_prefix(1);
    if (!text.empty() && (text[0] == '+' || text[0] == '-')) text.remove_prefix(1);
    if (!ConsumeDigits(text)) return false;
  }
  return text.empty();
}

// The nearest double; false when there is none. Too small becomes zero, as everywhere else.
bool ToDouble(absl::string_view text, double& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error == std::errc() && end == text.data() + text.size()) return true;
  if (error != std::errc::result_out_of_range) return false;
  // from_chars does not say on which side it was out of range; strtod does. The locale can only
  // change what ends the number, not on which side of one it lies.
  const double rounded = std::strtod(std::string(text).c_str(), nullptr);
  if (rounded > 1 || rounded < -1) return false;
  out = 0;
  return true;
}

// ECMAScript's Number::toString from the shortest digits (`d.ddde±x`) that give the double back.
std::string Layout(double value) {
  char buffer[32];
  const auto [end, error] =
      std::to_chars(buffer, buffer + sizeof(buffer), value, std::chars_format::scientific);
  CHECK(error == std::errc());
  absl::string_view text(buffer, end - buffer);
  const bool negative = text[0] == '-';
  if (negative) text.remove_prefix(1);
  const size_t e = text.find('e');
  std::string digits(1, text[0]);
  if (e > 2) absl::StrAppend(&digits, text.substr(2, e - 2));
  const int exponent = std::atoi(std::string(text.substr(e + 1)).c_str());
  const int count = static_cast<int>(digits.size());
  const int point = exponent + 1;  // where the point stands, counted from the first digit

  std::string out(negative ? "-" : "");
  if (count <= point && point <= 21) {
    return absl::StrCat(out, digits, std::string(point - count, '0'));
  }
  if (0 < point && point <= 21) {
    return absl::StrCat(out, digits.substr(0, point), ".", digits.substr(point));
  }
  if (-6 < point && point <= 0) {
    return absl::StrCat(out, "0.", std::string(-point, '0'), digits);
  }
  absl::StrAppend(&out, digits.substr(0, 1));
  if (count > 1) absl::StrAppend(&out, ".", digits.substr(1));
  return absl::StrCat(out, "e", exponent < 0 ? "-" : "+", std::abs(exponent));
}

}  // namespace

bool IsIntegerLiteral(absl::string_view text) {
  return text.find_first_of(".eE") == absl::string_view::npos;
}

bool IsNumber(absl::string_view text) {
  double value = 0;
  return IsNumberSyntax(text) && (IsIntegerLiteral(text) || ToDouble(text, value));
}

std::string CanonicalNumber(absl::string_view text) {
  if (IsIntegerLiteral(text)) return text == "-0" ? "0" : std::string(text);
  double value = 0;
  CHECK(ToDouble(text, value)) << text;
  if (value == 0) return "0";
  return Layout(value);
}

}  // namespace muster
