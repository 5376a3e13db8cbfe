// UTF-8: asked before a parser sees outside bytes, because some parsers repair silently what is
// broken. Any thread, pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace muster {

// The offset of the first byte that is not part of well-formed UTF-8 (RFC 3629: shortest form, no
// surrogates, at most U+10FFFF); string_view::npos when all of `text` is well-formed.
size_t FindInvalidUtf8(absl::string_view text);

// Appends the UTF-8 of `code_point`. Requires: a code point that is not a surrogate.
void AppendUtf8(uint32_t code_point, std::string& out);

}  // namespace muster
