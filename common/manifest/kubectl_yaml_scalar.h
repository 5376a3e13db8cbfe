// How go-yaml (version 2, which kubectl prints with) spells a scalar: what it would read a text as,
// which style it picks for it, how it spells a number. Only for kubectl_yaml.cc. Pure; any thread.
#pragma once

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace muster::kubectl_yaml {

enum class Style { kPlain, kSingleQuoted, kDoubleQuoted, kLiteral };

// The style of a text. As a key it has to stay on its line.
Style StyleOf(absl::string_view text, bool is_key);

// Whether a line break stands at `at`: CR, LF, NEL, LS or PS.
bool IsBreak(absl::string_view text, size_t at);

// Whether the text has a line break of any kind, so that as a key it needs a '?'.
bool HasBreak(absl::string_view text);

// Whether an unquoted `text` is a string to go-yaml: no number, date, boolean or null.
bool ReadsAsText(absl::string_view text);

// The number, as it comes out after a walk through JSON: integers of 64 bits in decimals, others as
// the shortest double.
std::string SpellNumber(absl::string_view literal);

// Whether the key `a` comes before `b`.
bool KeyLess(absl::string_view a, absl::string_view b);

}  // namespace muster::kubectl_yaml
