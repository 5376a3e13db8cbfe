// Log: one line an event on stderr, "2026-11-21T12:00:00.000Z level message key=value", for the
// person on call. Not a way to pass information: what users must know is a Condition.
//
//   log::Info("agent connected", {{"cluster", name}, {"address", peer}});
//
// Values are quoted when they hold spaces, and control characters are escaped, so that no outside
// text can forge a line. Never log a secret. Any thread.
#pragma once

#include <initializer_list>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"

namespace muster::log {

struct Field {
  absl::string_view key;
  std::string value;
};

enum class Level { kDebug, kInfo, kWarning, kError };

// Lines below `level` are dropped; kInfo at first. Set once, in main.
void SetLevel(Level level);

// "debug", "info", "warning" or "error"; false for another word.
bool ParseLevel(absl::string_view text, Level* level);

void Debug(absl::string_view message, std::initializer_list<Field> fields = {});
void Info(absl::string_view message, std::initializer_list<Field> fields = {});
void Warning(absl::string_view message, std::initializer_list<Field> fields = {});
void Error(absl::string_view message, std::initializer_list<Field> fields = {});

}  // namespace muster::log
