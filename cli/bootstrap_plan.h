// BootstrapPlan: what `muster bootstrap` decides, apart from doing it: whether a cluster may be
// joined, under which name, and what its pods wait for. Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/manifest/value.h"

namespace muster::cli {

// Annotations of the agent's workload, by which a second bootstrap knows the first.
inline constexpr absl::string_view kHubAnnotation = "muster.dev/hub";
inline constexpr absl::string_view kClusterAnnotation = "muster.dev/cluster";

// The agent that a cluster has already.
struct InstalledAgent {
  bool exists = false;
  std::string hub_id;   // empty when nobody said
  std::string cluster;  // likewise
};

// From its workload.
InstalledAgent InstalledOf(const Value& workload);

enum class BootstrapStep {
  kJoin,    // with a new token
  kUpdate,  // it has joined: only the objects are brought up to date
};

struct BootstrapSituation {
  std::string cluster;  // its name
  std::string hub_id;
  std::string state;  // of that name at the hub: "Enrolled", "Pending", "Revoked", "Declared" or ""
  std::string name_space;
  InstalledAgent installed;
};

// What to do; an error says what stands in the way and which command clears it.
absl::StatusOr<BootstrapStep> PlanBootstrap(const BootstrapSituation& situation);

// A cluster's name from that of a kubectl context: "kind-dev" stays, of
// "arn:aws:eks:eu-west-1:1234:cluster/Prod_1" the last part, "prod-1". kInvalidArgument when
// nothing sensible is left.
absl::StatusOr<std::string> ClusterNameFrom(absl::string_view context);

// What will hardly work in the cluster, and what to do instead; a line each. The addresses are
// those of the hub for agents, host:port; either may be empty.
std::vector<std::string> BootstrapWarnings(absl::string_view join_address,
                                           absl::string_view agent_address,
                                           absl::string_view image);

// What the agent's pods wait for, in one line: "pod muster-agent-0: ImagePullBackOff: ...".
std::string PodsStory(const Value::List& pods);

}  // namespace muster::cli
