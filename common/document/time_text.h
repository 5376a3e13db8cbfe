// Times and durations as documents and messages spell them. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>

namespace muster {

// "2026-11-21T12:00:00Z": RFC 3339 in UTC, with milliseconds only when there are some.
std::string TimeText(int64_t time_ms);

// "1m30s": a Go duration.
std::string DurationText(int64_t duration_ms);

}  // namespace muster
