// Remote bases: kustomizations that take a base from another declared repository, by its URL.
//
// A rendering then depends on two commits. The job is told what is declared and at which commits;
// the result says which of these it used; and when one of them moves, it is rendered again at the
// same commit of its own repository. Pure; the core's thread.
#pragma once

#include "hub/core/event.h"
#include "hub/core/state.h"

namespace muster::hub {

// Tells the job what kustomizations may take bases from: whatever a package can be rendered from.
void DeclareRepositories(const State& state, v1::RenderRequest& request, RenderUnderWay& under_way);

// Whether the result is of yesterday: a repository that it used has moved since the job began, or
// one came that it may have missed.
bool MustRenderAgain(const State& state, const RenderUnderWay& under_way, const Rendered& result);

// Renders again whatever took bases from the repository; with `failed_too` also what failed, for it
// may have missed this one.
void RenderBasesAgain(Turn& turn, const RepositoryName& name, bool failed_too);

}  // namespace muster::hub
