// DesiredState: composes what each cluster should have, and brings it to those that listen.
//
// A new generation is due only when the content changed, when the old one grows stale, or when the
// agent is ahead of the hub. A package without a good rendering keeps the cluster's former entry,
// so that nothing leaves a cluster by accident. Pure; the core's thread.
#pragma once

#include "hub/core/state.h"

namespace muster::hub {

// Composes the clusters that the marks name, and pushes what is new to those that are connected.
void Compose(Turn& turn);

// What a new stream needs: the desired state, if the agent has another one.
void PushIfNews(Turn& turn, ClusterState& cluster);

// Makes a new generation of the same content when the present one grows stale. Only for a cluster
// that is connected: nobody else would hear of it.
void RefreshIfDue(Turn& turn, ClusterState& cluster);

// Whether the agent has accepted the present content, maybe in an earlier generation of it.
bool HasPresentContent(const ClusterState& cluster);

// The bundle of a package in what was last signed for the cluster; null when it is not in it.
std::shared_ptr<const PackageEntry> DesiredEntry(const ClusterState& cluster,
                                                 const PackageName& name);

// What the agent last said of a package; null: nothing.
const ReportedPackage* ReportedOf(const ClusterState& cluster, const PackageName& name);

// As its declaration says.
v1::ClusterMode ModeOf(const State& state, const ClusterState& cluster);

// Whether the agent was seen with every bundle that it should have, and with no other.
bool HasAllBundles(const ClusterState& cluster);

}  // namespace muster::hub
