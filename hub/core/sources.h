// Sources: when each repository is polled, and what becomes of what a poll found.
//
// A failure keeps the last good commit, and so does a rewritten history, which waits for an
// operator. Pure; the core's thread.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "hub/core/state.h"

namespace muster::hub {

// Makes the fleet repository known if the hub was pointed at one, and plans the first polls. Once,
// in the first turn.
void StartSources(Turn& turn);

// Polls the repository if its time has come.
void PollIfDue(Turn& turn, const std::string& name);

void OnFetchDone(Turn& turn, const FetchDone& done);

// Polls as soon as possible, whatever failed before.
void PollNow(Turn& turn, RepositoryState& repository);

// Lets the rewritten head rule. kFailedPrecondition when nothing waits, or something else does.
absl::Status AcceptRewrite(Turn& turn, const v1::AcceptRewriteRequest& request,
                           const std::string& actor);

// Takes over a declaration; the repository may be new.
void DeclareRepository(Turn& turn, const v1::Repository& spec);

// What is rendered from it goes on running; nothing newer comes.
void RemoveRepository(Turn& turn, const RepositoryName& name);

// "branch main", "tag v1", "commit 1a2b3c4".
std::string RefText(const v1::Repository& spec);

// The fleet repository, if the hub was pointed at one.
RepositoryState* FleetRepository(State& state);

}  // namespace muster::hub
