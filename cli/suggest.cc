#include "cli/suggest.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace muster::cli {

int EditDistance(absl::string_view a, absl::string_view b) {
  // Three rows of the table: a swap looks two rows back.
  std::vector<int> before(b.size() + 1);
  std::vector<int> above(b.size() + 1);
  std::vector<int> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) above[j] = static_cast<int>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = static_cast<int>(i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const int replace = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replace, above[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    std::swap(before, above);
    std::swap(above, row);
  }
  return above[b.size()];
}

std::optional<std::string> Nearest(absl::string_view typed, absl::Span<const std::string> known) {
  constexpr size_t kTypedMax = 64;  // nobody mistypes more than that
  if (typed.empty() || typed.size() > kTypedMax) return std::nullopt;
  const std::string word = absl::AsciiStrToLower(typed);
  const int limit = std::max(1, static_cast<int>(word.size() + 2) / 3);
  std::optional<std::string> best;
  int best_distance = limit + 1;
  for (const std::string& candidate : known) {
    const std::string lower = absl::AsciiStrToLower(candidate);
    int distance = EditDistance(word, lower);
    if (word.size() >= 2 && absl::StartsWith(lower, word)) distance = std::min(distance, 1);
    // A word that shares no letter with what was typed is no suggestion, however short both are.
    if (distance >= static_cast<int>(std::max(word.size(), lower.size()))) continue;
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

std::string DidYouMean(absl::string_view typed, absl::Span<const std::string> known) {
  const std::optional<std::string> nearest = Nearest(typed, known);
  return nearest.has_value() ? absl::StrCat("; did you mean '", *nearest, "'?") : "";
}

}  // namespace muster::cli
