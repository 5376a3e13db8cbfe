// Rendering: which inputs are rendered at which commit, and what becomes of the results.
//
// One RenderJob at a time for a repository; a result that fails, or is empty, keeps the last good
// one. Pure; the core's thread.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "hub/core/state.h"

namespace muster::hub {

// A commit of `repository` rules: what is rendered from it has to be looked at.
void CommitRules(Turn& turn, RepositoryState& repository);

// The declaration of a repository changed, or came, or went.
void RepositoryChanged(Turn& turn, const RepositoryName& name);

// Starts jobs for the repositories that the marks name.
void StartRenders(Turn& turn);

void OnRenderDone(Turn& turn, const RenderDone& done);

// The input of a job for the renderings with these params: `input`, with what is known already.
v1::RenderInput InputFor(const State& state, const PackageName& package, const Digest& params,
                         v1::RenderInput input);

// What a job found for `params`, completed from the cache when its input was known; kept in the
// cache when it is new. kFailedPrecondition for an empty rendering, kInternal when the result makes
// no sense.
absl::StatusOr<v1::RenderCacheRecord> TakeRendered(Turn& turn, const Digest& params,
                                                   const Rendered& result);

// Neither the user's fault nor for ever: the job is tried again.
bool PassesByItself(const absl::Status& status);

// Gives a new variant the rendering that the package's record remembers, if there is one.
void RecallRendering(const State& state, const PackageState& package, Variant& variant);

// Writes the renderings in use into the package's record.
void KeepRenderings(Turn& turn, const PackageName& name, PackageState& package);

// Makes the entries of the package's variants anew, after its declaration changed.
void RefreshEntries(Turn& turn, PackageState& package);

// Works out the package's conditions.
void JudgePackage(Turn& turn, const PackageName& name, PackageState& package);

// Marks the clusters of every variant whose entry changed or failed, to be composed and shown.
void SpreadChanges(Turn& turn);

}  // namespace muster::hub
