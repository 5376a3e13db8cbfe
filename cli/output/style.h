// Style: how a stream may be written to: colours, glyphs, width. Decided once from the terminal and
// the environment.
//
// A state is always a glyph, a word and a colour together, so that nothing hangs on colour alone.
// Away from a terminal only the word is written, so that columns stay columns for awk.
// Pure; any thread.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace muster::cli {

// What a word means to the reader.
enum class Tone { kPlain, kGood, kWorking, kUnknown, kPaused, kBad, kFaint };

struct Style {
  bool terminal = false;  // redrawing, truncation and glyphs
  bool colour = false;
  bool ascii = false;
  int width = 0;  // of the terminal; zero: unlimited

  // `text` in the tone's colour, or as it is.
  std::string Paint(Tone tone, absl::string_view text) const;

  // "✔ ", "✗ ", ...: the tone's glyph and a space; nothing for kPlain, kFaint or off a terminal.
  std::string Glyph(Tone tone) const;

  // Glyph, word and colour.
  std::string Mark(Tone tone, absl::string_view word) const;
};

}  // namespace muster::cli
