// Text for people: outside text made harmless for a terminal, widths, ages and times.
//
// Pure; any thread.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/document/time_text.h"

namespace muster::cli {

// `text` without anything that a terminal would obey or that would deceive a reader: control
// characters (line breaks and tabs become a space), C1 controls, bidirectional overrides and
// invalid UTF-8 are shown as \x1b, \u202e, ... One line in, one line out.
std::string SafeText(absl::string_view text);

// The same for several lines, which stay lines.
std::string SafeLines(absl::string_view text);

// The same characters inside JSON text, where they can only stand in strings: as \u escapes.
// Line breaks stay. Requires: UTF-8.
std::string SafeJson(absl::string_view json);

// The columns that `text` takes on a terminal. Requires: text from SafeText.
int DisplayWidth(absl::string_view text);

// `text` in at most `width` columns; what was cut is marked by "…" ("..." with `ascii`).
std::string Truncated(absl::string_view text, int width, bool ascii);

// "45s", "5m10s", "3h", "2d4h", "3d": two figures where the second matters, as kubectl has it.
// Times ahead of us are "0s": clocks differ.
std::string AgeText(absl::Duration age);

// The age at `now` of a time in milliseconds; "<none>" for zero.
std::string AgeOf(int64_t time_ms, absl::Time now);

// "1.5 MiB".
std::string BytesText(uint64_t bytes);

// The first 7 digits of a commit, as `git log --oneline` shows it; "<none>" when empty.
std::string ShortCommit(absl::string_view commit);

// "1 object", "2 objects". For nouns that only take an s.
std::string Count(int64_t count, absl::string_view noun);

// `text`, or "<none>".
std::string OrNone(absl::string_view text);

}  // namespace muster::cli
