// Journal: what happened, for people: events of the hub and commits of its repositories. Never
// needed to know the state; bounded, the oldest goes first.
//
// Pure; the core's thread.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "hub/core/state.h"

namespace muster::hub {

inline constexpr uint64_t kEventsKept = 10'000;
inline constexpr uint64_t kCommitsKept = 1'000;  // of one repository

// An event with the facts that the caller knows; the number and the time are added.
struct Happening {
  absl::string_view reason;  // one UpperCamel word
  std::string subject;       // "cluster/prod-1"
  std::string message;
  std::string actor;  // empty for the hub itself
  bool warning = false;
};
void Note(Turn& turn, Happening happening);

// Records the commits that a fetch found, oldest first; the last one gets `result`, those before it
// "Superseded".
void RecordCommits(Turn& turn, RepositoryState& repository,
                   const google::protobuf::RepeatedPtrField<v1::Commit>& commits,
                   absl::string_view result);

// Changes the result of the newest commit, if it is `commit`.
void SetCommitResult(Turn& turn, RepositoryState& repository, absl::string_view commit,
                     absl::string_view result, std::string message);

// "1a2b3c4": a commit as people name it.
std::string ShortCommit(absl::string_view commit);

}  // namespace muster::hub
