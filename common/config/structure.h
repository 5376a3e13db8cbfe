// Structure: whether a declaration has the fields that the tables of schema.h ask for, and values
// of the right types. What fields mean together is for declarations.h. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "common/config/findings.h"
#include "common/config/schema.h"

namespace muster {

// Adds a finding for every field that is unknown (with a suggestion), not built yet, missing, empty
// or of a wrong type.
void CheckStructure(const ObjectSpec& spec, Findings& findings);

// "1m30s" as Go reads it, in milliseconds; nullopt unless it is more than nothing and at most a
// year.
std::optional<int64_t> ParseDurationMs(absl::string_view text);

// "10%", "3" or 3.
struct Budget {
  int32_t amount = 0;
  bool percent = false;
};
std::optional<Budget> ParseBudget(const Value& value);

}  // namespace muster
