// Suggestions: the word that somebody meant who typed another. Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace muster {

// The candidate that is nearest to `word`, by insertions, deletions, changes and swaps of letters,
// without regard to case; "" when none is near enough to be what was meant. The first of equals.
absl::string_view ClosestWord(absl::string_view word,
                              const std::vector<absl::string_view>& candidates);

// "; did you mean 'path'?", or "" when no candidate is near.
std::string DidYouMean(absl::string_view word, const std::vector<absl::string_view>& candidates);

}  // namespace muster
