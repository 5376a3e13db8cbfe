// Snowflakes: clusters that should be equal and are not. Peers are clusters for which Git says the
// same (or that have the same labels); among them the state that most have is the usual one, and
// whoever is in another one is a snowflake. Everything is worked out of the published picture, so
// that page, command and API agree.
//
// A live state is what the agent last reported: the bundle that it applied of each package, and
// each thing in which the cluster differs from it. What an agent leaves out is not compared:
// objects that are as Git says, fields that Git does not mention, values of Secrets. Health is not
// compared.
//
//   ASSIGN_OR_RETURN(const SnowflakeQuery query, ParseSnowflakeQuery(request));
//   const pb::Snowflakes found = FindSnowflakes(view->clusters(), query);
//
// Pure; any thread. 10,000 clusters of 20 packages take some tens of milliseconds
// (test/bench/snowflakes), so: for worker threads.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "hub/core/fleet_view.h"
#include "proto/review.pb.h"

namespace muster::hub {

inline constexpr int kSnowflakesMax = 100;           // shown
inline constexpr int kSnowflakeClustersMax = 50;     // named of one
inline constexpr int kSnowflakeDifferencesMax = 50;  // named of one
inline constexpr int kSnowflakeGroupsMax = 200;      // shown
inline constexpr size_t kSnowflakeLabelsMax = 10;    // to group by

struct SnowflakeQuery {
  v1::LabelSelector selector;
  std::vector<std::string> by;  // labels' keys; none: what Git says
  int limit = kSnowflakesMax;
};

// kInvalidArgument, naming the part, for what cannot be read.
absl::StatusOr<SnowflakeQuery> ParseSnowflakeQuery(const v1::SnowflakesRequest& request);

v1::Snowflakes FindSnowflakes(const Rows<ClusterRow>& clusters, const SnowflakeQuery& query);

}  // namespace muster::hub
