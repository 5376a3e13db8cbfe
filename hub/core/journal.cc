#include "hub/core/journal.h"

#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/base/digest.h"
#include "hub/core/audit.h"
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

constexpr int64_t kThrottleMs = 3'600'000;
// What is remembered of strangers, too, has an end.
constexpr size_t kSubjectsMax = 20'000;

void Write(Turn& turn, uint64_t number, const pb::EventRecord& record) {
  turn.state.marks.view_hub = true;
  turn.out.batch.Put(keys::Event(number), record.SerializeAsString());
}

uint64_t Append(Turn& turn, const pb::EventRecord& record) {
  const uint64_t number = ++turn.state.last_event;
  Write(turn, number, record);
  if (number > kEventsKept) turn.out.batch.Delete(keys::Event(number - kEventsKept));
  return number;
}

void ForgetPastHours(State& state) {
  std::erase_if(state.throttled, [&](const auto& entry) {
    return state.now_ms() - entry.second.since_ms >= kThrottleMs;
  });
}

// The events of this hour of the subject, which begins now when none runs.
ThrottledEvents& HourOf(State& state, const std::string& subject) {
  auto found = state.throttled.find(subject);
  if (found == state.throttled.end() && state.throttled.size() >= kSubjectsMax) {
    ForgetPastHours(state);
    if (state.throttled.size() >= kSubjectsMax) state.throttled.clear();
  }
  ThrottledEvents& hour = state.throttled[subject];
  if (state.now_ms() - hour.since_ms >= kThrottleMs)
    hour = {.since_ms = state.now_ms(), .events = {}};
  return hour;
}

void NoteThrottled(Turn& turn, pb::EventRecord record) {
  State& state = turn.state;
  ThrottledEvents& hour = HourOf(state, record.subject());
  const auto digest_of = [](const pb::EventRecord& event) {
    return Digest::Of(absl::StrCat(event.reason(), "\n", event.actor(), "\n", event.message()));
  };
  Digest digest = digest_of(record);
  if (hour.events.size() >= kThrottledKept && !hour.events.contains(digest)) {
    record.set_type("Warning");
    record.set_reason("EventsLeftOut");
    record.set_message(absl::StrCat(
        "more than ", kThrottledKept,
        " different events in an hour; those that follow are counted here and not written down"));
    digest = digest_of(record);
  }
  ThrottledEvents::Event& event = hour.events[digest];
  const bool has_left = event.number + kEventsKept <= state.last_event;
  if (++event.times == 1 || has_left) {
    event = {.number = Append(turn, record), .times = 1, .first_ms = record.time_ms()};
    return;
  }
  absl::StrAppend(record.mutable_message(), "; ", event.times, " times, last at ",
                  absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", state.now, absl::UTCTimeZone()));
  record.set_time_ms(event.first_ms);
  Write(turn, event.number, record);
}

}  // namespace

void Note(Turn& turn, Happening happening) {
  AuditHappening(turn, happening);
  pb::EventRecord record;
  record.set_time_ms(turn.state.now_ms());
  record.set_type(happening.warning ? "Warning" : "Normal");
  record.set_reason(std::string(happening.reason));
  record.set_subject(std::move(happening.subject));
  record.set_message(std::move(happening.message));
  record.set_actor(std::move(happening.actor));
  if (happening.throttled) {
    NoteThrottled(turn, std::move(record));
  } else {
    Append(turn, record);
  }
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
