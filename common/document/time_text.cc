#include "common/document/time_text.h"

#include "absl/time/time.h"

namespace muster {

std::string TimeText(int64_t time_ms) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E*SZ", absl::FromUnixMillis(time_ms),
                          absl::UTCTimeZone());
}

std::string DurationText(int64_t duration_ms) {
  return absl::FormatDuration(absl::Milliseconds(duration_ms));
}

}  // namespace muster
