#include "hub/core/sources.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "hub/core/charts.h"
#include "hub/core/fleet_config.h"
#include "hub/core/journal.h"
#include "hub/core/keys.h"
#include "hub/core/rendering.h"
#include "hub/core/signatures.h"

namespace muster::hub {
namespace pb = muster::v1;
namespace {

constexpr absl::Duration kIntervalMin = absl::Seconds(1);
constexpr absl::Duration kIntervalDefault = absl::Minutes(1);
// A poll that found nothing new is written at most this often.
constexpr int64_t kPolledStepMs = 600'000;

RepositoryName NameOf(const RepositoryState& repository) {
  return RepositoryName(repository.record.spec().name());
}

std::string SubjectOf(const RepositoryState& repository) {
  return absl::StrCat("repository/", repository.record.spec().name());
}

bool IsFleet(const RepositoryState& repository) {
  return repository.record.spec().name() == keys::kFleetRepository;
}

std::string SourceOf(const pb::Repository& spec) {
  return absl::StrCat(spec.url(), " ", RefText(spec));
}

void Save(Turn& turn, const RepositoryState& repository) {
  turn.state.marks.repositories.insert(NameOf(repository));
  turn.state.marks.view_repositories.insert(NameOf(repository));
}

bool Set(Turn& turn, RepositoryState& repository, pb::Condition condition) {
  if (!SetCondition(*repository.record.mutable_conditions(), std::move(condition),
                    turn.state.now_ms())) {
    return false;
  }
  Save(turn, repository);
  return true;
}

void Clear(Turn& turn, RepositoryState& repository, absl::string_view type) {
  if (ClearCondition(*repository.record.mutable_conditions(), type)) Save(turn, repository);
}

void PlanPoll(Turn& turn, RepositoryState& repository, absl::Time at) {
  repository.next_poll = at;
  turn.state.wakes.insert({at, Wake::Kind::kPoll, repository.record.spec().name()});
  turn.state.marks.view_repositories.insert(NameOf(repository));
}

// The interval, give or take a tenth, so that a hundred repositories spread out.
absl::Time NextPoll(Turn& turn, const RepositoryState& repository) {
  absl::Duration interval = absl::Milliseconds(repository.record.spec().interval_ms());
  if (interval <= absl::ZeroDuration()) interval = kIntervalDefault;
  const int64_t ms = absl::ToInt64Milliseconds(std::max(interval, kIntervalMin));
  const int64_t spread = ms / 5 + 1;
  return turn.state.now +
         absl::Milliseconds(ms - ms / 10 + static_cast<int64_t>(turn.state.random.Below(spread)));
}

void StartFetch(Turn& turn, RepositoryState& repository) {
  const pb::Repository& spec = repository.record.spec();
  if (!spec.credentials().empty() && !turn.state.credentials.contains(spec.credentials())) {
    Set(turn, repository,
        MakeCondition(
            "Fetched", pb::CONDITION_STATUS_FALSE, "CredentialMissing",
            absl::StrCat("fetch ", spec.url(), ": this hub has no credential '", spec.credentials(),
                         "'; give it one with 'muster credential put ", spec.credentials(), "'"),
            ""));
    // What waits for it has to go on without it, until somebody gives the credential.
    ++repository.failures;
    turn.state.marks.compose.merge(turn.state.waiting_first);
    turn.state.waiting_first.clear();
    PlanPoll(turn, repository, NextPoll(turn, repository));
    return;
  }
  FetchJob job;
  job.job = repository.fetch_job = ++turn.state.last_job;
  job.repository = NameOf(repository);
  job.credentials = spec.credentials();
  job.request.set_repository(spec.name());
  job.request.set_url(spec.url());
  job.request.set_branch(spec.branch());
  job.request.set_tag(spec.tag());
  job.request.set_commit(spec.commit());
  repository.fetch_source = SourceOf(spec);
  // Another ref of the same repository is compared with what rules, too: what was below that was
  // looked at, or taken over, when it began to rule.
  if (absl::StartsWith(repository.record.commit_source(), absl::StrCat(spec.url(), " "))) {
    job.request.set_known_commit(repository.record.commit());
  }
  if (IsFleet(repository)) {
    job.request.set_config_path_set(true);
    job.request.set_config_path(turn.state.meta.fleet_path());
  }
  job.request.set_allow_file(turn.state.settings.allow_file_urls);
  if (IsRegistry(spec)) AskForCharts(turn.state, repository, job.request);
  if (spec.has_verify()) *job.request.mutable_verify() = spec.verify();
  repository.fetch_verify = spec.verify().SerializeAsString();
  repository.fetching = true;
  repository.again = false;
  turn.out.jobs.push_back(std::move(job));
}

void OnFetchFailed(Turn& turn, RepositoryState& repository, const absl::Status& status) {
  ++repository.failures;
  const bool passing =
      absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) || absl::IsInternal(status);
  PlanPoll(turn, repository,
           turn.state.now + repository.fetch_backoff.NextAtLeastHalf(turn.state.random));
  // What passes by itself is shown from the second time on.
  if (passing && repository.failures < 2 && !repository.record.commit().empty()) return;
  const std::string kept =
      repository.record.commit().empty()
          ? ""
          : absl::StrCat("; commit ", ShortCommit(repository.record.commit()), " keeps ruling");
  const pb::Repository& spec = repository.record.spec();
  const bool changed = Set(
      turn, repository,
      MakeCondition(
          "Fetched", pb::CONDITION_STATUS_FALSE, passing ? "Unreachable" : "FetchFailed",
          absl::StrCat("fetch ", RefText(spec), " of ", spec.url(), ": ", status.message(), kept),
          repository.record.commit()));
  if (!changed) return;
  Note(turn, {.reason = "FetchFailed",
              .subject = SubjectOf(repository),
              .message = std::string(status.message()),
              .warning = true});
}

// The history was rewritten: what rules goes on ruling until an operator has looked.
void Freeze(Turn& turn, RepositoryState& repository, const pb::FetchResponse& response) {
  pb::RepositoryRecord& record = repository.record;
  if (record.frozen_commit() == response.commit()) return;
  record.set_frozen_commit(response.commit());
  const std::string what =
      IsRegistry(record.spec())
          ? absl::StrCat(
                "what was released has changed: ", absl::StrJoin(response.rewritten(), "; "), "; ",
                ShortCommit(record.commit()), " keeps ruling with what it was")
          : absl::StrCat(RefText(record.spec()), " was rewritten: ", ShortCommit(response.commit()),
                         " does not descend from ", ShortCommit(record.commit()),
                         ", which keeps ruling");
  const std::string message =
      absl::StrCat(what, "; when the rewrite was meant, run 'muster accept-rewrite ",
                   record.spec().name(), " ", response.commit(), "'");
  Set(turn, repository,
      MakeCondition("Frozen", pb::CONDITION_STATUS_TRUE, "HistoryRewritten", message,
                    response.commit()));
  google::protobuf::RepeatedPtrField<pb::Commit> head;
  if (response.commits_size() > 0) {
    *head.Add() = response.commits(response.commits_size() - 1);
  } else {
    head.Add()->set_id(response.commit());
  }
  RecordCommits(turn, repository, head, "Frozen");
  Save(turn, repository);
  Note(turn,
       {.reason = "Frozen", .subject = SubjectOf(repository), .message = message, .warning = true});
}

void Thaw(Turn& turn, RepositoryState& repository) {
  if (repository.record.frozen_commit().empty()) return;
  repository.record.clear_frozen_commit();
  Clear(turn, repository, "Frozen");
  Save(turn, repository);
}

// Its signature does not let the commit rule: what rules goes on ruling.
void Refuse(Turn& turn, RepositoryState& repository, const pb::FetchResponse& response,
            const Refusal& refusal) {
  const pb::RepositoryRecord& record = repository.record;
  const std::string& commit = response.commit();
  const bool rules = record.commit() == commit;
  const std::string kept =
      rules ? "; it rules since before, until a commit takes its place that may"
      : record.commit().empty()
          ? "; nothing rules yet"
          : absl::StrCat("; commit ", ShortCommit(record.commit()), " keeps ruling");
  const std::string message =
      absl::StrCat("verify ", RefText(record.spec()), ": ", refusal.message, kept);
  if (!Set(
          turn, repository,
          MakeCondition("Verified", pb::CONDITION_STATUS_FALSE, refusal.reason, message, commit))) {
    return;
  }
  if (!rules) {
    if (repository.head.commit().id() != commit) {
      google::protobuf::RepeatedPtrField<pb::Commit> head;
      head.Add()->set_id(commit);
      for (const pb::Commit& one : response.commits()) {
        if (one.id() == commit) head[0] = one;
      }
      RecordCommits(turn, repository, head, "Refused");
    }
    SetCommitResult(turn, repository, commit, "Refused", message);
  }
  Note(turn, {.reason = "CommitRefused",
              .subject = SubjectOf(repository),
              .message = message,
              .warning = true});
}

// Whether the head's signature lets it rule; else says so.
bool Verify(Turn& turn, RepositoryState& repository, const pb::FetchResponse& response) {
  const pb::Repository& spec = repository.record.spec();
  if (!spec.has_verify()) {
    Clear(turn, repository, "Verified");
    return true;
  }
  if (const std::optional<Refusal> refusal = JudgeSignatures(spec.verify(), response)) {
    Refuse(turn, repository, response, *refusal);
    return false;
  }
  std::string by;
  for (const pb::CommitSignature& signature : response.signatures()) {
    if (signature.commit() != response.commit()) continue;
    if (signature.result() != pb::SIGNATURE_RESULT_GOOD) continue;
    by = absl::StrCat(signature.tag() ? "the tag of " : "", ShortCommit(response.commit()),
                      " is signed by ", signature.signer(), " with ", signature.key());
    break;
  }
  Set(turn, repository,
      MakeCondition("Verified", pb::CONDITION_STATUS_TRUE, "Signed", by, response.commit()));
  return true;
}

// `commit` rules from now on.
void Advance(Turn& turn, RepositoryState& repository, const pb::FetchResponse& response) {
  pb::RepositoryRecord& record = repository.record;
  google::protobuf::RepeatedPtrField<pb::Commit> commits = response.commits();
  if (commits.empty()) commits.Add()->set_id(response.commit());
  record.set_commit(response.commit());
  record.set_commit_source(repository.fetch_source);
  Thaw(turn, repository);
  if (repository.head.commit().id() == response.commit()) {  // seen before, and not let rule
    SetCommitResult(turn, repository, response.commit(), "Pending", "");
  } else {
    RecordCommits(turn, repository, commits, "Pending");
  }
  Save(turn, repository);
  const pb::Commit& head = commits[commits.size() - 1];
  Note(turn, {.reason = "CommitSeen",
              .subject = SubjectOf(repository),
              .message = absl::StrCat(ShortCommit(response.commit()), " ", head.subject()),
              .actor = head.author()});
  CommitRules(turn, repository);
}

void OnFetched(Turn& turn, RepositoryState& repository, const pb::FetchResponse& response) {
  repository.failures = 0;
  repository.fetch_backoff.Reset();
  pb::RepositoryRecord& record = repository.record;
  if (turn.state.now_ms() - record.polled_ms() >= kPolledStepMs) Save(turn, repository);
  record.set_polled_ms(turn.state.now_ms());
  turn.state.marks.view_repositories.insert(NameOf(repository));
  const bool same_source = record.commit_source() == repository.fetch_source;
  const bool moved = response.commit() != record.commit() || !same_source;
  const bool may_rule = Verify(turn, repository, response);
  if (!may_rule) {
    // Neither advances nor waits for an operator: nobody can accept what is not signed.
  } else if (moved && same_source && !response.descends()) {
    Freeze(turn, repository, response);
  } else if (moved) {
    Advance(turn, repository, response);
  } else {
    Thaw(turn, repository);  // the rewrite was taken back
  }
  if (IsRegistry(record.spec())) Set(turn, repository, TakeCharts(repository, response));
  Set(turn, repository,
      MakeCondition("Fetched", pb::CONDITION_STATUS_TRUE, "Fetched",
                    absl::StrCat(RefText(record.spec()), " is at ", ShortCommit(response.commit())),
                    response.commit()));
  const bool rules = may_rule && record.commit() == response.commit();
  if (IsFleet(repository) && rules && (moved || repository.read_config)) {
    repository.read_config = false;
    ApplyConfig(turn, repository, response.config());
  }
}

}  // namespace

RepositoryState* FleetRepository(State& state) {
  const auto found = state.repositories.find(RepositoryName(keys::kFleetRepository));
  return found == state.repositories.end() ? nullptr : &found->second;
}

std::string RefText(const pb::Repository& spec) {
  if (IsRegistry(spec)) return "charts";
  if (!spec.tag().empty()) return absl::StrCat("tag ", spec.tag());
  if (!spec.commit().empty()) return absl::StrCat("commit ", ShortCommit(spec.commit()));
  return absl::StrCat("branch ", spec.branch());
}

void StartSources(Turn& turn) {
  State& state = turn.state;
  if (!state.meta.fleet_url().empty()) {
    pb::Repository spec;
    spec.set_name(std::string(keys::kFleetRepository));
    spec.set_project("default");
    spec.set_url(state.meta.fleet_url());
    spec.set_branch(state.meta.fleet_branch().empty() ? "main" : state.meta.fleet_branch());
    spec.set_credentials(state.meta.fleet_credentials());
    spec.set_interval_ms(absl::ToInt64Milliseconds(state.settings.fleet_interval));
    if (state.meta.has_fleet_verify()) *spec.mutable_verify() = state.meta.fleet_verify();
    DeclareRepository(turn, spec);
    // What rules may have been accepted, and not read, before the hub ended; and this version may
    // understand more of it than the last.
    FleetRepository(state)->read_config = true;
  }
  for (auto& [name, repository] : state.repositories) {
    PlanPoll(turn, repository, state.now);
    state.marks.render.insert(name);
  }
}

void PollIfDue(Turn& turn, const std::string& name) {
  const auto found = turn.state.repositories.find(RepositoryName(name));
  if (found == turn.state.repositories.end()) return;
  RepositoryState& repository = found->second;
  if (repository.fetching || repository.record.suspended()) return;
  if (repository.next_poll > turn.state.now) return;
  StartFetch(turn, repository);
}

void OnFetchDone(Turn& turn, const FetchDone& done) {
  const auto found = turn.state.repositories.find(done.repository);
  if (found == turn.state.repositories.end()) return;
  RepositoryState& repository = found->second;
  // Asked for a repository of this name that was removed since.
  if (!repository.fetching || done.job != repository.fetch_job) return;
  repository.fetching = false;
  // The answer to a question that is no longer asked.
  const bool stale =
      repository.fetch_source != SourceOf(repository.record.spec()) ||
      repository.fetch_verify != repository.record.spec().verify().SerializeAsString();
  if (repository.record.suspended()) return;
  if (stale) {
    PlanPoll(turn, repository, turn.state.now);
    return;
  }
  if (done.result.ok()) {
    pb::FetchResponse response = *done.result;
    NameSigners(response);
    OnFetched(turn, repository, response);
    PlanPoll(turn, repository, NextPoll(turn, repository));
  } else {
    OnFetchFailed(turn, repository, done.result.status());
  }
  if (repository.again) PollNow(turn, repository);
}

void PollNow(Turn& turn, RepositoryState& repository) {
  repository.fetch_backoff.Reset();
  if (repository.fetching) {
    repository.again = true;
    return;
  }
  PlanPoll(turn, repository, turn.state.now);
}

absl::Status AcceptRewrite(Turn& turn, const pb::AcceptRewriteRequest& request,
                           const std::string& actor) {
  const auto found = turn.state.repositories.find(RepositoryName(request.repository()));
  if (found == turn.state.repositories.end()) {
    return absl::NotFoundError(absl::StrCat("accept rewrite: there is no repository '",
                                            request.repository(),
                                            "'; see 'muster get repositories'"));
  }
  RepositoryState& repository = found->second;
  const std::string frozen = repository.record.frozen_commit();
  if (frozen.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("accept rewrite: repository '", request.repository(), "' is not frozen"));
  }
  if (request.commit() != frozen) {
    return absl::FailedPreconditionError(absl::StrCat("accept rewrite: the commit that waits is ",
                                                      frozen, ", not '", request.commit(),
                                                      "'; look at it first, then name it in full"));
  }
  if (IsRegistry(repository.record.spec())) {
    if (repository.frozen_charts.pins().empty()) {
      PollNow(turn, repository);
      return absl::UnavailableError(
          "accept rewrite: the registry is being looked at; try again in a moment");
    }
    *repository.record.mutable_charts() = repository.frozen_charts;
  }
  Note(turn, {.reason = "RewriteAccepted",
              .subject = SubjectOf(repository),
              .message = absl::StrCat(frozen, " rules instead of ", repository.record.commit()),
              .actor = actor,
              .warning = true});
  repository.record.set_commit(frozen);
  SetCommitResult(turn, repository, frozen, "Pending", "");
  Thaw(turn, repository);
  Save(turn, repository);
  if (IsFleet(repository)) {
    repository.read_config = true;
  }
  CommitRules(turn, repository);
  PollNow(turn, repository);
  return absl::OkStatus();
}

void DeclareRepository(Turn& turn, const pb::Repository& spec) {
  const RepositoryName name(spec.name());
  auto [at, added] = turn.state.repositories.try_emplace(name);
  RepositoryState& repository = at->second;
  // Whoever may sign has changed: what waits for an operator was judged by others.
  const bool other_signers =
      repository.record.spec().verify().SerializeAsString() != spec.verify().SerializeAsString();
  const bool moved = added || SourceOf(repository.record.spec()) != SourceOf(spec) ||
                     repository.record.spec().credentials() != spec.credentials() || other_signers;
  const bool changed =
      added || repository.record.spec().SerializeAsString() != spec.SerializeAsString();
  if (!changed) return;
  *repository.record.mutable_spec() = spec;
  if (moved && !repository.record.frozen_commit().empty()) Thaw(turn, repository);
  Save(turn, repository);
  if (moved) PollNow(turn, repository);
  RepositoryChanged(turn, name);
}

void RemoveRepository(Turn& turn, const RepositoryName& name) {
  turn.state.repositories.erase(name);
  turn.state.marks.repositories.insert(name);
  turn.state.marks.view_repositories.insert(name);
  turn.out.batch.DeletePrefix(keys::CommitsOf(name));
  RepositoryChanged(turn, name);
}

}  // namespace muster::hub
