// Event: everything that can happen to an agent. The shell posts them, the core handles them one by
// one. A plain value; made on any thread, handled on the core's.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/cluster/cluster_driver.h"
#include "common/base/digest.h"
#include "proto/agent_service.pb.h"

namespace muster::agent {

// ---------------------------------------------------------------- the hub

// A stream is open and wants its Hello.
struct LinkUp {};

struct LinkDown {
  absl::Status reason;
};

struct Welcomed {
  v1::Welcome welcome;
};

// Nothing of it was verified yet.
struct Pushed {
  v1::Push push;
};

struct ReportAcked {
  uint64_t number = 0;
};

struct ReportWanted {};

// The end of a FetchBlobsJob. What arrived is in the store, each blob checked by its digest.
struct BlobsFetched {
  uint64_t job = 0;
  absl::Status status;  // of the whole; on failure some may have arrived all the same
};

// ---------------------------------------------------------------- the cluster

// The end of a ListJob.
struct Listed {
  uint64_t job = 0;
  absl::StatusOr<std::vector<LiveObject>> objects;
};

// The end of an ActJob: one result a request, applies first.
struct Acted {
  uint64_t job = 0;
  std::vector<DriverResult> applied;
  std::vector<DriverResult> removed;
};

// Something in the cluster may have changed.
struct ClusterChanged {};

// Time has passed; see AgentCore::NextWake.
struct Tick {};

using Event = std::variant<LinkUp, LinkDown, Welcomed, Pushed, ReportAcked, ReportWanted,
                           BlobsFetched, Listed, Acted, ClusterChanged, Tick>;

}  // namespace muster::agent
