#include "common/base/suggest.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace muster {
namespace {

constexpr size_t kWordBytesMax = 64;  // longer ones are no slips of the fingers

// Optimal string alignment distance.
size_t Distance(absl::string_view a, absl::string_view b) {
  std::vector<std::vector<size_t>> rows(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) rows[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) rows[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      rows[i][j] = std::min({rows[i - 1][j] + 1, rows[i][j - 1] + 1,
                             rows[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        rows[i][j] = std::min(rows[i][j], rows[i - 2][j - 2] + 1);
      }
    }
  }
  return rows[a.size()][b.size()];
}

}  // namespace

absl::string_view ClosestWord(absl::string_view word,
                              const std::vector<absl::string_view>& candidates) {
  absl::string_view closest;
  if (word.size() > kWordBytesMax) return closest;
  const std::string typed = absl::AsciiStrToLower(word);
  size_t best = std::max<size_t>(1, word.size() / 3) + 1;
  for (const absl::string_view candidate : candidates) {
    const size_t distance = Distance(typed, absl::AsciiStrToLower(candidate));
    if (distance >= best) continue;
    best = distance;
    closest = candidate;
  }
  return closest;
}

std::string DidYouMean(absl::string_view word, const std::vector<absl::string_view>& candidates) {
  const absl::string_view closest = ClosestWord(word, candidates);
  return closest.empty() ? "" : absl::StrCat("; did you mean '", closest, "'?");
}

}  // namespace muster
