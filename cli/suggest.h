// "Did you mean": the nearest of some words. Pure; any thread.
#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace muster::cli {

// The edits (insert, delete, replace, swap of neighbours) that turn `a` into `b`.
int EditDistance(absl::string_view a, absl::string_view b);

// The word of `known` that `typed` most likely meant; nullopt when none is near enough (one edit,
// or a third of the length) and none begins with `typed`. Case does not count. The first of equals.
std::optional<std::string> Nearest(absl::string_view typed, absl::Span<const std::string> known);

// "; did you mean 'get'?", or nothing.
std::string DidYouMean(absl::string_view typed, absl::Span<const std::string> known);

}  // namespace muster::cli
