// Verdict: whether a cluster has reached what `muster wait` waits for, and whether it ever will.
//
// Pure; any thread.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "proto/operator_service.pb.h"

namespace muster::cli {

enum class Goal {
  kSynced,     // what is desired is applied, Synced and Healthy
  kApplied,    // what is desired is applied, whatever its health
  kConnected,  // the agent is heard from
};

struct Verdict {
  enum class State { kReached, kWaiting, kFailed };
  State state = State::kWaiting;
  std::string reason;  // of kWaiting and kFailed; from outside
};

// Judges a cluster by its summary and, when they are there, by its packages and conditions. Failed
// means: waiting alone will not mend it (revoked, suspended, refused, held, failed to apply, or
// degraded). Reports that speak of something else than what is desired now never fail it.
Verdict JudgeCluster(const v1::ClusterView& view, Goal goal);

// Judges one package in a cluster. Requires: a view with detail.
Verdict JudgePackage(const v1::ClusterView& view, absl::string_view package, Goal goal);

}  // namespace muster::cli
