// What an unquoted scalar of YAML means. Pure; any thread.
//
// As Kubernetes' own tools read it (go-yaml), so that a manifest means the same here as there:
//   null     ~ null Null NULL, and nothing at all
//   bool     true True TRUE false False FALSE; yes, no, on, off, y and n are text
//   number   12 -7 +3 1_000 1.5 .5 1. 1e3, 0x1F, 0b101, 0o17, and with a leading zero octal: 0755
//   is
//            493 (but 089 is 89)
//   text     all else: 1.2.3, 22:22, 12e999 (past the range of a double)
// Two decisions of our own: integers of any length stay exact, and dates (2020-01-01) stay the text
// that was written, where go-yaml rewrites them.
#pragma once

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/manifest/value.h"

namespace muster {

// The value of the unquoted scalar `text`. Returns kInvalidArgument for infinities and for
// not-a-number (.inf, -.INF, .nan), which JSON cannot hold.
absl::StatusOr<Value> ResolvePlainScalar(absl::string_view text);

}  // namespace muster
