#include "agent/health/object_health.h"

namespace muster::agent {

absl::string_view HealthWordName(HealthWord word) {
  switch (word) {
    case HealthWord::kHealthy:
      return "Healthy";
    case HealthWord::kSuspended:
      return "Suspended";
    case HealthWord::kProgressing:
      return "Progressing";
    case HealthWord::kUnknown:
      return "Unknown";
    case HealthWord::kMissing:
      return "Missing";
    case HealthWord::kDegraded:
      return "Degraded";
  }
  return "Unknown";
}

}  // namespace muster::agent
