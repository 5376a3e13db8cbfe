// JSON: the strict reader, the canonical writer and the writer for people.
//
// CanonicalJson makes the bytes that are hashed and named by their digest: equal values give equal
// bytes. It is RFC 8785 (JCS) with one deviation: an integer literal keeps all its digits, where
// RFC 8785 would round it to a double past 2^53; see number.h. Pure; any thread.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/manifest/value.h"

namespace muster {

// One line: no insignificant whitespace, members sorted by UTF-16 code units, the shortest escapes,
// canonical numbers. Every string must be UTF-8, which the readers of YAML and JSON promise.
std::string CanonicalJson(const Value& value);

// The same with two spaces of indentation and a line break after each member, and at the end.
std::string PrettyJson(const Value& value);

// Reads one JSON text (RFC 8259). Stricter than most: UTF-8 without a byte order mark, no duplicate
// keys, no lone surrogates, no numbers past the range of a double, nothing after the value but
// whitespace, and the limits of limits.h on size, depth and number of values. Returns
// kInvalidArgument ("json: 3:14: ...", line and column counted in bytes) or, for a limit,
// kResourceExhausted.
absl::StatusOr<Value> ParseJson(absl::string_view text);

}  // namespace muster
