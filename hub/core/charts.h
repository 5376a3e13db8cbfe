// Charts of registries, as the core sees them: a repository whose commits the hub makes itself.
//
// Which charts are wanted is known when what asks for them has been rendered: each rendering says
// what it took, or would take. A registry is asked for all of it together, and gives a lock (which
// version and content each want stands for) and a commit that holds them. From there on a chart is
// a base in another repository (remote_bases.h). Pure; the core's thread.
#pragma once

#include "hub/core/state.h"

namespace muster::hub {

bool IsRegistry(const v1::Repository& spec);

// What is wanted of the repository, and what it is known to be.
void AskForCharts(const State& state, const RepositoryState& repository, v1::FetchRequest& request);

// Keeps the lock of the commit that rules, or of the one that waits for an operator. The condition
// says which charts there are, or what is wrong with some.
v1::Condition TakeCharts(RepositoryState& repository, const v1::FetchResponse& response);

// A package whose own repository is a registry takes its chart from there.
void TakeFromOwnRegistry(const State& state, const PackageName& package, v1::RenderInput& input);

// Looks at once for charts that the rendering wanted and no lock has.
void FetchWanted(Turn& turn, const Variant& variant);

}  // namespace muster::hub
