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
  // An agent or a stranger can cause it as often as it likes, and must not push what people did out
  // of the journal. Never set for what a person does.
  bool throttled = false;
};

// Writes it down. Of what is throttled, an hour of one subject holds kThrottledKept different
// events and, from then on, one EventsLeftOut; one that was written in that hour before is not
// written again but counted in its message: "...; 3 times, last at 2026-05-04T10:31:05Z".
void Note(Turn& turn, Happening happening);
inline constexpr size_t kThrottledKept = 100;

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
