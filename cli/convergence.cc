#include "cli/convergence.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/fetch.h"
#include "cli/follow.h"
#include "cli/output/document.h"
#include "cli/output/text.h"
#include "cli/problem.h"
#include "common/base/status_macros.h"

namespace muster::cli {
namespace {

constexpr int kDetailsMax = 20;  // clusters that are looked at closely, each time
constexpr int kLinesMax = 20;    // clusters that are told of by name
constexpr int kCommitsSearched = 1'000;

using State = Verdict::State;

absl::string_view GoalWord(Goal goal) {
  switch (goal) {
    case Goal::kApplied:
      return "applied";
    case Goal::kConnected:
      return "connected";
    case Goal::kSynced:
      break;
  }
  return "synced";
}

class Convergence {
 public:
  Convergence(Session& session, HubClient& hub, const ConvergenceOptions& options)
      : session_(session), hub_(hub), options_(options) {}

  absl::StatusOr<ExitCode> Await() {
    const absl::Time deadline = session_.now() + options_.timeout;
    const absl::Status status =
        Follow(session_, hub_, deadline, [this]() -> absl::StatusOr<bool> { return Look(); });
    if (absl::IsDeadlineExceeded(status)) return OutOfTime();
    RETURN_IF_ERROR(status);
    if (!failure_.ok()) {
      session_.TellProblem(failure_);
      return ExitCode::kDiffers;
    }
    PrintResult();
    return ExitCode::kOk;
  }

 private:
  absl::StatusOr<bool> Look() {
    while (rendered_ < options_.revisions.size()) {
      ASSIGN_OR_RETURN(const bool settled, LookAtCommit(options_.revisions[rendered_]));
      if (!settled || !failure_.ok()) return settled;
      ++rendered_;
    }
    ASSIGN_OR_RETURN(const bool knows, HubKnowsFleet());
    if (!knows) return false;
    ASSIGN_OR_RETURN(std::vector<pb::ClusterView> views, FetchClusters());
    RETURN_IF_ERROR(Judge(std::move(views)));
    Report();
    const bool failed = std::any_of(verdicts_.begin(), verdicts_.end(), [](const auto& entry) {
      return entry.second.state == State::kFailed;
    });
    if (failed && options_.fail_fast) {
      failure_ = Unfinished("failed");
      return true;
    }
    return !verdicts_.empty() &&
           std::all_of(verdicts_.begin(), verdicts_.end(),
                       [](const auto& entry) { return entry.second.state == State::kReached; });
  }

  // A hub that has not read its fleet repository yet desires nothing of anybody, and everybody
  // would seem to have arrived.
  absl::StatusOr<bool> HubKnowsFleet() {
    if (knows_fleet_ || options_.goal == Goal::kConnected) return true;
    ASSIGN_OR_RETURN(const pb::HubView hub, Tried("ask the hub", hub_.GetHub()));
    knows_fleet_ = !hub.fleet_commit().empty();
    if (!knows_fleet_) Phase("", "the hub has not read the fleet repository yet");
    return knows_fleet_;
  }

  // Whether the hub is done with the commit, one way or the other.
  absl::StatusOr<bool> LookAtCommit(const Revision& revision) {
    pb::ListRequest request;
    request.set_repository(revision.repository);
    request.set_limit(kCommitsSearched);
    ASSIGN_OR_RETURN(const Fetched<pb::CommitView> commits, Fetch<pb::CommitView>(hub_, request));
    for (const pb::CommitView& view : commits.items) {
      if (!absl::StartsWith(view.commit().id(), revision.id)) continue;
      const std::string subject = absl::StrCat("commit/", ShortCommit(view.commit().id()));
      if (view.result() == "Failed" || view.result() == "Frozen") {
        failure_ = ProblemStatus(
            absl::StatusCode::kFailedPrecondition,
            {.what = absl::StrCat(subject, " does not reach any cluster: ", view.result()),
             .where = absl::StrCat("repository/", view.repository()),
             .why = view.message(),
             .hint = absl::StrCat("muster describe repository ", view.repository())});
        return true;
      }
      Phase("commit", absl::StrCat(subject, ": ", view.result()));
      return view.result() == "Rendered" || view.result() == "Superseded";
    }
    Phase("commit", absl::StrCat("commit/", revision.id, ": not seen by the hub yet"));
    return false;
  }

  absl::StatusOr<std::vector<pb::ClusterView>> FetchClusters() {
    pb::ListRequest request;
    request.set_selector(options_.selector);
    request.set_detail(!options_.package.empty());
    if (options_.clusters.size() == 1) {
      request.set_name(options_.clusters.front());
      request.set_detail(true);
    }
    auto fetched = Fetch<pb::ClusterView>(hub_, request);
    if (absl::IsNotFound(fetched.status())) return std::vector<pb::ClusterView>();
    RETURN_IF_ERROR(fetched.status());
    return std::move(fetched->items);
  }

  bool IsMeant(const pb::ClusterView& view) const {
    if (!options_.clusters.empty()) {
      return std::find(options_.clusters.begin(), options_.clusters.end(), view.name()) !=
             options_.clusters.end();
    }
    if (view.state() == "Revoked") return false;
    if (view.state() == "Declared" || view.state() == "Pending") return options_.declared_too;
    if (options_.package.empty()) return true;
    return std::any_of(view.packages().begin(), view.packages().end(),
                       [&](const auto& package) { return package.name() == options_.package; });
  }

  Verdict JudgeOne(const pb::ClusterView& view) const {
    return options_.package.empty() ? JudgeCluster(view, options_.goal)
                                    : JudgePackage(view, options_.package, options_.goal);
  }

  absl::Status Judge(std::vector<pb::ClusterView> views) {
    verdicts_.clear();
    for (const std::string& name : options_.clusters) {
      verdicts_[name] = {State::kWaiting, "the hub does not know it"};
    }
    int details = 0;
    for (pb::ClusterView& view : views) {
      if (!IsMeant(view)) continue;
      Verdict verdict = JudgeOne(view);
      const bool close_look = verdict.state == State::kWaiting && view.packages().empty() &&
                              view.conditions().empty() && details < kDetailsMax;
      if (close_look) {
        ++details;
        pb::ListRequest request;
        request.set_name(view.name());
        request.set_detail(true);
        ASSIGN_OR_RETURN(view, FetchOne<pb::ClusterView>(hub_, request));
        verdict = JudgeOne(view);
      }
      verdicts_[view.name()] = std::move(verdict);
    }
    return absl::OkStatus();
  }

  int ReachedCount() const {
    return static_cast<int>(
        std::count_if(verdicts_.begin(), verdicts_.end(),
                      [](const auto& entry) { return entry.second.state == State::kReached; }));
  }

  // One line for each change of phase, on stderr.
  void Report() {
    if (verdicts_.empty()) {
      Phase("", options_.declared_too ? "no cluster is known that fits"
                                      : "no cluster has joined that fits");
      return;
    }
    if (verdicts_.size() > kLinesMax) {
      Phase("", absl::StrCat(ReachedCount(), " of ", verdicts_.size(), " clusters ",
                             GoalWord(options_.goal)));
      return;
    }
    for (const auto& [name, verdict] : verdicts_) {
      Phase(name, absl::StrCat(
                      "cluster/", name, ": ",
                      verdict.state == State::kReached ? GoalWord(options_.goal) : verdict.reason));
    }
  }

  void Phase(const std::string& key, const std::string& line) {
    std::string& last = phases_[key];
    if (last == line) return;
    last = line;
    if (!session_.flags().quiet) session_.Tell(SafeText(line));
  }

  // What has not got there, and why.
  absl::Status Unfinished(absl::string_view end) const {
    std::vector<std::string> causes;
    std::string worst;
    for (const State state : {State::kFailed, State::kWaiting}) {
      for (const auto& [name, verdict] : verdicts_) {
        if (verdict.state != state) continue;
        if (worst.empty()) worst = name;
        causes.push_back(absl::StrCat("cluster/", name, ": ", verdict.reason));
      }
    }
    const size_t missing = causes.size();
    if (causes.size() > kLinesMax) {
      causes.resize(kLinesMax);
      causes.push_back(absl::StrCat("and ", missing - kLinesMax, " more"));
    }
    const absl::StatusCode code = end == "failed" ? absl::StatusCode::kFailedPrecondition
                                                  : absl::StatusCode::kDeadlineExceeded;
    return ProblemStatus(code,
                         {.what = absl::StrCat(missing, " of ", verdicts_.size(), " clusters not ",
                                               GoalWord(options_.goal), ": ", end),
                          .why = absl::StrJoin(causes, "\n"),
                          .hint = worst.empty() ? "muster get clusters"
                                                : absl::StrCat("muster describe cluster ", worst)});
  }

  absl::Status OutOfTime() const {
    const std::string end = absl::StrCat("gave up after ", absl::FormatDuration(options_.timeout));
    if (!verdicts_.empty()) return Unfinished(end);
    std::string why = phases_.contains("") ? phases_.at("") : "no cluster fits";
    if (rendered_ < options_.revisions.size()) why = phases_.at("commit");
    return ProblemStatus(absl::StatusCode::kDeadlineExceeded,
                         {.what = absl::StrCat("nothing ", GoalWord(options_.goal), ": ", end),
                          .why = why,
                          .hint = "muster get commits"});
  }

  void PrintResult() {
    if (IsDocument(session_.format())) {
      Value::List names;
      for (const auto& [name, verdict] : verdicts_) names.push_back(name);
      Value::Map body;
      body.Set("goal", GoalWord(options_.goal));
      body.Set("clusters", std::move(names));
      session_.PrintDocument(Typed("WaitResult", std::move(body)));
      return;
    }
    if (session_.format() == Format::kName) {
      for (const auto& [name, verdict] : verdicts_) {
        session_.Print(absl::StrCat("cluster/", SafeText(name), "\n"));
      }
      return;
    }
    session_.Print(
        absl::StrCat(session_.style().Mark(
                         Tone::kGood, Count(static_cast<int64_t>(verdicts_.size()), "cluster")),
                     " ", GoalWord(options_.goal), "\n"));
  }

  Session& session_;
  HubClient& hub_;
  const ConvergenceOptions& options_;
  std::map<std::string, Verdict> verdicts_;  // by cluster, of the last look
  std::map<std::string, std::string> phases_;
  bool knows_fleet_ = false;
  size_t rendered_ = 0;  // of the revisions
  absl::Status failure_;
};

}  // namespace

absl::StatusOr<ExitCode> AwaitConvergence(Session& session, HubClient& hub,
                                          const ConvergenceOptions& options) {
  return Convergence(session, hub, options).Await();
}

}  // namespace muster::cli
