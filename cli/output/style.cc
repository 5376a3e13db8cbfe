#include "cli/output/style.h"

#include <string>

#include "absl/strings/str_cat.h"

namespace muster::cli {
namespace {

absl::string_view Colour(Tone tone) {
  switch (tone) {
    case Tone::kGood:
      return "\x1b[32m";
    case Tone::kWorking:
      return "\x1b[36m";
    case Tone::kUnknown:
    case Tone::kPaused:
      return "\x1b[33m";
    case Tone::kBad:
      return "\x1b[31m";
    case Tone::kFaint:
      return "\x1b[2m";
    case Tone::kPlain:
      break;
  }
  return "";
}

}  // namespace

std::string Style::Paint(Tone tone, absl::string_view text) const {
  const absl::string_view start = Colour(tone);
  if (!colour || start.empty() || text.empty()) return std::string(text);
  return absl::StrCat(start, text, "\x1b[0m");
}

std::string Style::Glyph(Tone tone) const {
  if (!terminal) return "";
  switch (tone) {
    case Tone::kGood:
      return ascii ? "+ " : "✔ ";
    case Tone::kWorking:
      return ascii ? "~ " : "◐ ";
    case Tone::kUnknown:
      return "? ";
    case Tone::kPaused:
      return "= ";
    case Tone::kBad:
      return ascii ? "x " : "✗ ";
    case Tone::kPlain:
    case Tone::kFaint:
      break;
  }
  return "";
}

std::string Style::Mark(Tone tone, absl::string_view word) const {
  return Paint(tone, absl::StrCat(Glyph(tone), word));
}

}  // namespace muster::cli
