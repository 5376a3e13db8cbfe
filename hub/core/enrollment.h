// Enrollment: how a cluster becomes known, keeps its certificate and loses it.
//
// A token is redeemed once, in the commit that makes the cluster; the same request gets the same
// answer. A revoked cluster keeps what it runs and is never deleted from. Pure; the core's thread.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "hub/core/state.h"

namespace muster::hub {

void OnEnrollRequested(Turn& turn, const EnrollRequested& event);
void OnRenewRequested(Turn& turn, const RenewRequested& event);
void OnCertificateIssued(Turn& turn, const CertificateIssued& event);

absl::Status AcceptClusterByName(Turn& turn, const std::string& name, const std::string& actor);
absl::Status RevokeClusterByName(Turn& turn, const std::string& name, const std::string& actor);

// The agent has used its renewed key: the former one is no longer admitted.
void PromoteKey(Turn& turn, ClusterState& cluster);

}  // namespace muster::hub
