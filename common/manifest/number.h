// Numbers as text: what a number literal is, and its one canonical spelling.
//
// Muster never computes with the numbers of a manifest, so it keeps their text:
// 12345678901234567890 stays what it is. Two spellings are the same number when their canonical
// forms are equal. Any thread, pure.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace muster {

// Whether `text` is a number of JSON (RFC 8259, 6) within the range of a double: no leading zeros
// or plus sign, no bare point, and not 1e400.
bool IsNumber(absl::string_view text);

// Whether the literal `text` has neither fraction nor exponent. Requires: IsNumber(text).
bool IsIntegerLiteral(absl::string_view text);

// The canonical spelling, as RFC 8785 (that is, ECMAScript) has it: 1e3 -> 1000, 1.50 -> 1.5,
// -0 -> 0. One deviation: an integer literal keeps all its digits, where RFC 8785 would round it to
// a double past 2^53. Requires: IsNumber(text).
std::string CanonicalNumber(absl::string_view text);

}  // namespace muster
