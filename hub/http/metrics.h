// Metrics: what Prometheus is told of the hub: /metrics in its text format, version 0.0.4.
//
// Names are in docs/console.md. The number of series is bounded: none has a cluster's or a
// package's name; repositories are named, the first kRepositoriesMax of them. HttpFigures counts;
// any thread.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>

#include "absl/time/time.h"
#include "common/base/mutex.h"
#include "hub/core/fleet_view.h"
#include "proto/operator_service.pb.h"

namespace muster::hub {

inline constexpr int kMetricRepositoriesMax = 200;

// What the console itself did.
class HttpFigures {
 public:
  static constexpr std::array<double, 6> kBounds = {0.001, 0.005, 0.025, 0.1, 0.5, 2.5};  // seconds

  void Answered(int status, absl::Duration took);
  void Refused();      // a connection beyond the limits
  void RefusedCode();  // a code that signs nobody in

  struct Snapshot {
    std::map<int, uint64_t> answers;  // by status
    std::array<uint64_t, kBounds.size() + 1> buckets{};
    double seconds = 0;
    uint64_t refused = 0;
    uint64_t refused_codes = 0;
  };
  Snapshot Get() const;

 private:
  mutable Mutex mutex_;
  Snapshot figures_ GUARDED_BY(mutex_);
};

struct MetricsInput {
  const FleetView& fleet;
  const v1::HubView& hub;
  const HttpFigures& http;
  int connections = 0;
  int streams = 0;
};

std::string MetricsText(const MetricsInput& input);

}  // namespace muster::hub
