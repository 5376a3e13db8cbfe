#include "agent/core/story.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace muster::agent {
namespace pb = muster::v1;
namespace {

constexpr int kPackagesMax = 100;
constexpr int kProblemsMax = 20;
constexpr size_t kAppliedNamedMax = 10;                      // in one Event
constexpr absl::Duration kPause = absl::Seconds(5);          // between two posts
constexpr absl::Duration kProgressDelay = absl::Seconds(2);  // for the end of the work

std::string Time(int64_t ms) {
  return absl::FormatTime("%Y-%m-%d%ET%H:%M:%SZ", absl::FromUnixMillis(ms), absl::UTCTimeZone());
}

absl::string_view Word(pb::SyncStatus status) {
  switch (status) {
    case pb::SYNC_STATUS_SYNCED:
      return "Synced";
    case pb::SYNC_STATUS_OUT_OF_SYNC:
      return "OutOfSync";
    default:
      return "Unknown";
  }
}

absl::string_view Word(pb::HealthStatus status) {
  switch (status) {
    case pb::HEALTH_STATUS_HEALTHY:
      return "Healthy";
    case pb::HEALTH_STATUS_SUSPENDED:
      return "Suspended";
    case pb::HEALTH_STATUS_PROGRESSING:
      return "Progressing";
    case pb::HEALTH_STATUS_MISSING:
      return "Missing";
    case pb::HEALTH_STATUS_DEGRADED:
      return "Degraded";
    default:
      return "Unknown";
  }
}

absl::string_view Word(pb::ConditionStatus status) {
  return status == pb::CONDITION_STATUS_TRUE    ? "True"
         : status == pb::CONDITION_STATUS_FALSE ? "False"
                                                : "Unknown";
}

std::string Name(const pb::ObjectProblem& problem) {
  return absl::StrCat(problem.kind(), " ", problem.namespace_(),
                      problem.namespace_().empty() ? "" : "/", problem.name());
}

// One line for people.
std::string Tell(const pb::ObjectProblem& problem) {
  const std::string by =
      problem.changed_by().empty() ? "" : absl::StrCat(" by ", problem.changed_by());
  const std::string fields =
      problem.fields().empty() ? "" : absl::StrCat(" at ", absl::StrJoin(problem.fields(), ", "));
  switch (problem.what()) {
    case pb::ObjectProblem::WHAT_MISSING:
      return "is missing";
    case pb::ObjectProblem::WHAT_DRIFTED:
      return absl::StrCat("was changed", by, fields);
    case pb::ObjectProblem::WHAT_FAILED:
      return absl::StrCat("failed: ", problem.message());
    case pb::ObjectProblem::WHAT_UNHEALTHY:
      return absl::StrCat("is ", Word(problem.health()), problem.message().empty() ? "" : ": ",
                          problem.message());
    case pb::ObjectProblem::WHAT_WOULD_ADD:
      return "would be added";
    case pb::ObjectProblem::WHAT_WOULD_CHANGE:
      return absl::StrCat("would be changed", fields);
    case pb::ObjectProblem::WHAT_WOULD_DELETE:
      return "would be deleted";
    case pb::ObjectProblem::WHAT_HELD:
      return absl::StrCat("its deletion is held: ", problem.message());
    default:
      return "is not managed any more";
  }
}

Value ConditionValue(absl::string_view type, absl::string_view status, absl::string_view reason,
                     absl::string_view message, int64_t since_ms) {
  Value::Map condition{{"type", Value(type)},
                       {"status", Value(status)},
                       {"reason", Value(reason.empty() ? "Unspecified" : reason)},
                       {"message", Value(message)}};
  condition.Set("lastTransitionTime", Value(Time(since_ms)));
  return Value(std::move(condition));
}

// Whether all is well, as one condition, so that `kubectl wait --for=condition=Ready` works.
Value ReadyCondition(const pb::ObservedState& observed) {
  const bool synced = observed.sync() == pb::SYNC_STATUS_SYNCED;
  const bool healthy = observed.health() == pb::HEALTH_STATUS_HEALTHY;
  const std::string message = absl::StrCat(Word(observed.sync()), ", ", Word(observed.health()));
  return ConditionValue("Ready", synced && healthy ? "True" : "False",
                        !synced ? Word(observed.sync()) : Word(observed.health()), message,
                        observed.observed_ms());
}

struct Sums {
  int64_t objects = 0, drifted = 0, failed = 0, held = 0, unhealthy = 0;
};

Value PackageValue(const pb::ObservedPackage& package) {
  Value::Map value{{"name", Value(package.name())},
                   {"sync", Value(Word(package.sync()))},
                   {"health", Value(Word(package.health()))},
                   {"objects", Value(int64_t{package.objects()})}};
  for (const pb::Condition& condition : package.conditions()) {
    if (condition.status() != pb::CONDITION_STATUS_TRUE) continue;
    value.Set("message", Value(absl::StrCat(condition.type(), ": ", condition.message())));
    break;
  }
  return Value(std::move(value));
}

// ---------------------------------------------------------------- happenings

const pb::ObservedPackage* Find(const pb::ObservedState& state, const std::string& name) {
  for (const pb::ObservedPackage& package : state.packages()) {
    if (package.name() == name) return &package;
  }
  return nullptr;
}

const pb::Condition* Find(const google::protobuf::RepeatedPtrField<pb::Condition>& conditions,
                          absl::string_view type) {
  for (const pb::Condition& condition : conditions) {
    if (condition.type() == type) return &condition;
  }
  return nullptr;
}

bool IsNews(const pb::ObservedPackage* before, const pb::ObjectProblem& problem) {
  if (before == nullptr) return true;
  for (const pb::ObjectProblem& old : before->problems()) {
    if (old.kind() == problem.kind() && old.name() == problem.name() &&
        old.namespace_() == problem.namespace_() && old.api_version() == problem.api_version()) {
      return old.what() != problem.what() || old.health() != problem.health();
    }
  }
  return true;
}

// The reason of the Event about a problem; empty when it is none worth one.
absl::string_view Reason(const pb::ObjectProblem& problem) {
  switch (problem.what()) {
    case pb::ObjectProblem::WHAT_FAILED:
      return "Failed";
    case pb::ObjectProblem::WHAT_DRIFTED:
      return "Drifted";
    case pb::ObjectProblem::WHAT_MISSING:
      return "Missing";
    case pb::ObjectProblem::WHAT_HELD:
      return "DeletionHeld";
    case pb::ObjectProblem::WHAT_UNHEALTHY:
      return problem.health() == pb::HEALTH_STATUS_DEGRADED ? "Degraded" : "";
    default:
      return "";
  }
}

class Happenings {
 public:
  void OfObject(const pb::ObjectProblem& problem) {
    const absl::string_view reason = Reason(problem);
    if (reason.empty()) return;
    Happening happening{.warning = true, .reason = std::string(reason), .message = Tell(problem)};
    happening.about = ObjectKey{.api_version = problem.api_version(),
                                .kind = problem.kind(),
                                .namespace_ = problem.namespace_(),
                                .name = problem.name()};
    // Nobody finds an Event on an object that is not there.
    if (problem.what() == pb::ObjectProblem::WHAT_MISSING) {
      happening.about = ObjectKey();
      happening.message = absl::StrCat(Name(problem), " ", happening.message);
    }
    Add(std::move(happening));
  }

  void OfAgent(bool warning, absl::string_view reason, std::string message) {
    Add(Happening{.about = ObjectKey(),
                  .warning = warning,
                  .reason = std::string(reason),
                  .message = std::move(message)});
  }

  std::vector<Happening> Take() {
    std::stable_sort(all_.begin(), all_.end(), [](const Happening& a, const Happening& b) {
      return a.warning && !b.warning;
    });
    if (all_.size() > kHappeningsMax) all_.resize(kHappeningsMax);
    return std::move(all_);
  }

 private:
  void Add(Happening happening) { all_.push_back(std::move(happening)); }
  std::vector<Happening> all_;
};

bool IsApplied(const pb::ObservedPackage* before, const pb::ObservedPackage& after) {
  return !after.bundle_digest().empty() &&
         (before == nullptr || before->bundle_digest() != after.bundle_digest());
}

void OfPackage(const pb::ObservedPackage* before, const pb::ObservedPackage& after,
               Happenings& out) {
  for (const pb::ObjectProblem& problem : after.problems()) {
    if (IsNews(before, problem)) out.OfObject(problem);
  }
  if (before != nullptr && after.drift_healed() > before->drift_healed()) {
    const pb::Condition* drift = Find(after.conditions(), "DriftDetected");
    out.OfAgent(false, "DriftCorrected",
                drift == nullptr ? absl::StrCat("package ", after.name()) : drift->message());
  }
}

}  // namespace

Value StatusOf(const pb::ObservedState& observed, const AgentSettings& settings) {
  Sums sums;
  Value::List packages;
  Value::List problems;
  for (const pb::ObservedPackage& package : observed.packages()) {
    sums.objects += package.objects();
    sums.drifted += package.drifted();
    sums.failed += package.failed();
    sums.held += package.held();
    sums.unhealthy += package.unhealthy();
    if (packages.size() < kPackagesMax) packages.push_back(PackageValue(package));
    for (const pb::ObjectProblem& problem : package.problems()) {
      if (problems.size() == kProblemsMax) break;
      problems.push_back(Value(absl::StrCat(Name(problem), " ", Tell(problem))));
    }
  }
  Value::List conditions{ReadyCondition(observed)};
  for (const pb::Condition& condition : observed.conditions()) {
    conditions.push_back(ConditionValue(condition.type(), Word(condition.status()),
                                        condition.reason(), condition.message(),
                                        condition.since_ms()));
  }
  const bool observe = observed.mode() == pb::CLUSTER_MODE_OBSERVE;
  return Value::Map{{"cluster", Value(settings.cluster_id)},
                    {"agentVersion", Value(settings.agent_version)},
                    {"mode", Value(observe ? "Observe" : "Enforce")},
                    {"generation", Value(static_cast<int64_t>(observed.generation()))},
                    {"sync", Value(Word(observed.sync()))},
                    {"health", Value(Word(observed.health()))},
                    {"suspended", Value(observed.suspended_locally())},
                    {"objects", Value(sums.objects)},
                    {"drifted", Value(sums.drifted)},
                    {"failed", Value(sums.failed)},
                    {"held", Value(sums.held)},
                    {"unhealthy", Value(sums.unhealthy)},
                    {"unmanaged", Value(int64_t{observed.unmanaged()})},
                    {"observedTime", Value(Time(observed.observed_ms()))},
                    {"conditions", Value(std::move(conditions))},
                    {"packages", Value(std::move(packages))},
                    {"problems", Value(std::move(problems))}};
}

std::vector<Happening> HappeningsBetween(const pb::ObservedState& before,
                                         const pb::ObservedState& after) {
  Happenings out;
  const pb::Condition* accepted = Find(after.conditions(), "Accepted");
  const pb::Condition* accepted_before = Find(before.conditions(), "Accepted");
  if (accepted != nullptr && accepted->status() == pb::CONDITION_STATUS_FALSE &&
      (accepted_before == nullptr || accepted_before->reason() != accepted->reason())) {
    out.OfAgent(true, "DesiredStateRefused",
                absl::StrCat(accepted->reason(), ": ", accepted->message()));
  }
  // One for all that came with a generation: each Event is a request.
  std::vector<std::string> applied;
  for (const pb::ObservedPackage& package : after.packages()) {
    if (!IsApplied(Find(before, package.name()), package)) continue;
    applied.push_back(
        absl::StrCat("package ", package.name(), ": ", package.objects(), " objects"));
  }
  const std::string generation = absl::StrCat("generation ", after.generation());
  if (!applied.empty()) {
    if (applied.size() > kAppliedNamedMax) {
      const size_t more = applied.size() - kAppliedNamedMax;
      applied.resize(kAppliedNamedMax);
      applied.push_back(absl::StrCat("and ", more, " more"));
    }
    out.OfAgent(false, "Applied", absl::StrCat(generation, "; ", absl::StrJoin(applied, ", ")));
  } else if (after.generation() > before.generation()) {
    out.OfAgent(false, "DesiredStateAccepted", generation);
  }
  if (before.suspended_locally().empty() != after.suspended_locally().empty()) {
    out.OfAgent(false, after.suspended_locally().empty() ? "Resumed" : "Suspended",
                after.suspended_locally());
  }
  for (const pb::ObservedPackage& package : after.packages()) {
    OfPackage(Find(before, package.name()), package, out);
  }
  return out.Take();
}

void Storyteller::Advance(const pb::ObservedState& observed, const Digest& digest, bool settled,
                          absl::Time now, Outbox& outbox) {
  if (!settings_.has_noticeboard) return;
  settled_ = settled;
  if (digest != seen_digest_) {
    // What was so when the process started is no news.
    if (!seen_digest_.empty()) {
      std::vector<Happening> news = HappeningsBetween(seen_, observed);
      const size_t room = kHappeningsMax - std::min(kHappeningsMax, pending_.size());
      if (news.size() > room) news.resize(room);
      std::move(news.begin(), news.end(), std::back_inserter(pending_));
    }
    if (seen_digest_ == told_) changed_at_ = now;
    seen_ = observed;
    seen_digest_ = digest;
  }
  const bool due = job_ == 0 && seen_digest_ != told_ && now >= not_before_ &&
                   (settled || now >= changed_at_ + kProgressDelay);
  if (!due) return;
  job_ = ++next_job_;
  telling_ = seen_digest_;
  telling_count_ = pending_.size();
  outbox.jobs.emplace_back(
      TellJob{.job = job_, .status = StatusOf(seen_, settings_), .happenings = pending_});
}

void Storyteller::OnHealed(const std::vector<Healed>& healed) {
  if (!settings_.has_noticeboard) return;
  for (const Healed& one : healed) {
    if (pending_.size() >= kHappeningsMax) return;
    pending_.push_back(
        Happening{.about = one.key, .reason = "DriftCorrected", .message = one.what});
  }
}

void Storyteller::OnTold(absl::Time now, const Told& event) {
  if (event.job != job_) return;
  job_ = 0;
  if (!event.status.ok()) {
    not_before_ = now + backoff_.NextAtLeastHalf(random_);
    return;
  }
  backoff_.Reset();
  told_ = telling_;
  changed_at_ = now;
  not_before_ = now + kPause;
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<ptrdiff_t>(telling_count_));
}

absl::Time Storyteller::NextWake() const {
  if (job_ != 0 || seen_digest_ == told_) return absl::InfiniteFuture();
  return std::max(not_before_, settled_ ? absl::InfinitePast() : changed_at_ + kProgressDelay);
}

}  // namespace muster::agent
