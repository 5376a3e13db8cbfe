#include "hub/core/journal.h"

#include <utility>

#include "hub/core/keys.h"

namespace muster::hub {
namespace pb = muster::v1;
namespace {

void WriteHead(Turn& turn, const RepositoryState& repository) {
  const RepositoryName name(repository.record.spec().name());
  turn.state.marks.view_hub = true;
  turn.out.batch.Put(keys::Commit(name, repository.head_number),
                     repository.head.SerializeAsString());
}

}  // namespace

void Note(Turn& turn, Happening happening) {
  State& state = turn.state;
  pb::EventRecord record;
  record.set_time_ms(state.now_ms());
  record.set_type(happening.warning ? "Warning" : "Normal");
  record.set_reason(std::string(happening.reason));
  record.set_subject(std::move(happening.subject));
  record.set_message(std::move(happening.message));
  record.set_actor(std::move(happening.actor));
  state.marks.view_hub = true;
  const uint64_t number = ++state.last_event;
  turn.out.batch.Put(keys::Event(number), record.SerializeAsString());
  if (number > kEventsKept) turn.out.batch.Delete(keys::Event(number - kEventsKept));
}

void RecordCommits(Turn& turn, RepositoryState& repository,
                   const google::protobuf::RepeatedPtrField<pb::Commit>& commits,
                   absl::string_view result) {
  if (commits.empty()) return;
  const RepositoryName name(repository.record.spec().name());
  if (repository.head_number > 0 && repository.head.result() == "Pending") {
    repository.head.set_result("Superseded");
    WriteHead(turn, repository);
  }
  for (int i = 0; i < commits.size(); ++i) {
    repository.head.Clear();
    *repository.head.mutable_commit() = commits[i];
    repository.head.set_seen_ms(turn.state.now_ms());
    repository.head.set_result(i + 1 == commits.size() ? std::string(result) : "Superseded");
    const uint64_t number = ++repository.head_number;
    WriteHead(turn, repository);
    if (number > kCommitsKept) turn.out.batch.Delete(keys::Commit(name, number - kCommitsKept));
  }
  turn.state.marks.view_repositories.insert(name);
}

void SetCommitResult(Turn& turn, RepositoryState& repository, absl::string_view commit,
                     absl::string_view result, std::string message) {
  pb::CommitRecord& head = repository.head;
  if (repository.head_number == 0 || head.commit().id() != commit) return;
  if (head.result() == result && head.message() == message) return;
  head.set_result(std::string(result));
  head.set_message(std::move(message));
  WriteHead(turn, repository);
}

std::string ShortCommit(absl::string_view commit) { return std::string(commit.substr(0, 7)); }

}  // namespace muster::hub
