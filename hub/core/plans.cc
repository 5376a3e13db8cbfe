#include "hub/core/plans.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/config/repository_url.h"
#include "hub/core/charts.h"
#include "hub/core/desired_state.h"
#include "hub/core/fleet_config.h"
#include "hub/core/journal.h"
#include "hub/core/keys.h"
#include "hub/core/remote_bases.h"
#include "hub/core/rendering.h"

namespace muster::hub {
namespace pb = muster::v1;
namespace {

constexpr size_t kInputsPerJob = 256;
constexpr int kJobFailuresMax = 3;
constexpr size_t kRevisionBytesMax = 250;

std::string What(const PlanUnderWay& plan) {
  return absl::StrCat("plan '", plan.repository.text(), "' at '", plan.revision, "'");
}

void Answer(Turn& turn, uint64_t number, absl::StatusOr<OperatorAnswer> answer) {
  const auto found = turn.state.plans.find(number);
  turn.out.operator_replies.push_back({found->second.request, std::move(answer)});
  turn.state.plans.erase(found);
}

void Fail(Turn& turn, uint64_t number, const absl::Status& status) {
  Answer(turn, number, Annotate(status, What(turn.state.plans.at(number))));
}

absl::StatusOr<const RepositoryState*> Find(const State& state, const std::string& name) {
  const auto found = state.repositories.find(RepositoryName(name));
  if (found == state.repositories.end()) {
    return absl::NotFoundError(
        absl::StrCat("plan: there is no repository '", name, "'; see 'muster get repositories'"));
  }
  if (name == keys::kFleetRepository) {
    return absl::UnimplementedError(
        "plan: changes of declarations cannot be planned yet, only those of packages; name the "
        "repository of a package, and check declarations with 'muster validate'");
  }
  if (IsRegistry(found->second.record.spec())) {
    return absl::UnimplementedError(
        absl::StrCat("plan: '", name,
                     "' is a registry of charts, which has no commits; name the repository of a "
                     "package, or try a chart's new version with 'muster render'"));
  }
  return &found->second;
}

void StartFetch(Turn& turn, uint64_t number, const RepositoryState& repository) {
  PlanUnderWay& plan = turn.state.plans.at(number);
  const pb::Repository& spec = repository.record.spec();
  FetchJob job;
  job.job = plan.fetch_job = ++turn.state.last_job;
  job.plan = number;
  job.repository = plan.repository;
  job.credentials = spec.credentials();
  job.request.set_repository(spec.name());
  job.request.set_url(spec.url());
  if (IsCommitId(plan.revision)) {
    job.request.set_commit(plan.revision);
  } else if (plan.tag_tried) {
    job.request.set_tag(plan.revision);
  } else {
    job.request.set_branch(plan.revision);
  }
  job.request.set_known_commit(repository.record.commit());
  job.request.set_allow_file(turn.state.settings.allow_file_urls);
  turn.out.jobs.push_back(std::move(job));
}

// Starts the next renderings; without any, the plan is complete.
void GoOn(Turn& turn, uint64_t number) {
  State& state = turn.state;
  PlanUnderWay& plan = state.plans.at(number);
  const std::vector<Planner::Input> wanted = plan.planner->Wanted();
  if (wanted.empty()) {
    pb::PlanComparisons comparisons = plan.planner->Comparisons();
    comparisons.set_revision(plan.revision);
    comparisons.set_descends(plan.head.descends());
    if (plan.head.commits_size() > 0) {
      *comparisons.mutable_commit() = plan.head.commits(plan.head.commits_size() - 1);
    }
    comparisons.mutable_commit()->set_id(plan.head.commit());
    Answer(turn, number, OperatorAnswer(std::move(comparisons)));
    return;
  }
  RenderJob job;
  job.job = plan.job = ++state.last_job;
  job.request.set_repository(plan.repository.text());
  job.request.set_commit(plan.head.commit());
  plan.inputs.clear();
  for (const Planner::Input& input : wanted) {
    if (plan.inputs.size() == kInputsPerJob) break;
    const PackageName package(input.package);
    *job.request.add_inputs() = InputFor(state, package, input.params, input.input);
    plan.inputs.push_back({package, input.params});
  }
  RenderUnderWay declared;
  DeclareRepositories(state, job.request, declared);
  turn.out.jobs.push_back(std::move(job));
}

// The job said nothing about its inputs: tried again, a few times.
void JobFailed(Turn& turn, uint64_t number, const absl::Status& status) {
  PlanUnderWay& plan = turn.state.plans.at(number);
  if (++plan.failures < kJobFailuresMax) {
    GoOn(turn, number);
  } else {
    Fail(turn, number, status);
  }
}

absl::Status TakeOutput(Turn& turn, PlanUnderWay& plan, const RenderUnderWay::Input& asked,
                        const Rendered& result) {
  if (PassesByItself(result.status)) return result.status;
  const absl::StatusOr<pb::RenderCacheRecord> bundle = TakeRendered(turn, asked.params, result);
  if (absl::IsInternal(bundle.status())) return bundle.status();
  Planner::Output output;
  output.status = bundle.status();
  if (bundle.ok()) {
    ASSIGN_OR_RETURN(output.bundle, Digest::FromBytes(bundle->bundle_digest()));
  }
  output.uses = result.uses;
  output.uses_known = result.uses_known;
  plan.planner->Take(asked.package.text(), asked.params, std::move(output));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<pb::PlanFleet> PlanFleetOf(const State& state, const std::string& repository) {
  ASSIGN_OR_RETURN(const RepositoryState* source, Find(state, repository));
  pb::PlanFleet fleet;
  fleet.set_repository(repository);
  fleet.set_commit(source->record.commit());
  std::map<ClusterName, const ClusterState*> clusters;
  for (const auto& [name, id] : state.names) {
    const ClusterState& cluster = state.clusters.at(id);
    if (cluster.enrolled()) clusters[name] = &cluster;
  }
  for (const auto& [name, cluster] : clusters) {
    pb::PlanCluster& one = *fleet.add_clusters();
    one.set_name(name.text());
    *one.mutable_labels() = LabelsInForce(state, *cluster);
    one.set_kubernetes_version(cluster->record.kubernetes_version());
  }
  for (const auto& [name, package] : state.packages) {
    if (package.record.spec().repository() != repository) continue;
    pb::PlanPackage& one = *fleet.add_packages();
    *one.mutable_spec() = package.record.spec();
    *one.mutable_uses() = package.record.uses();
    std::map<Digest, std::vector<uint32_t>> current;
    uint32_t index = 0;
    for (const auto& [cluster_name, cluster] : clusters) {
      if (const auto entry = DesiredEntry(*cluster, name)) current[entry->bundle].push_back(index);
      ++index;
    }
    for (const auto& [bundle, members] : current) {
      pb::PlanCurrent& shared = *one.add_current();
      shared.set_bundle_digest(bundle.bytes());
      shared.mutable_clusters()->Add(members.begin(), members.end());
    }
  }
  return fleet;
}

void StartPlan(Turn& turn, RequestId request, const pb::PlanRequest& asked) {
  State& state = turn.state;
  const auto refuse = [&](absl::Status status) {
    turn.out.operator_replies.push_back({request, std::move(status)});
  };
  const absl::StatusOr<const RepositoryState*> repository = Find(state, asked.repository());
  if (!repository.ok()) return refuse(repository.status());
  if (asked.revision().empty() || asked.revision().size() > kRevisionBytesMax) {
    return refuse(absl::InvalidArgumentError(
        "plan: say which revision: a branch, a tag, or all 40 digits of a commit"));
  }
  const std::string& credentials = (*repository)->record.spec().credentials();
  if (!credentials.empty() && !state.credentials.contains(credentials)) {
    return refuse(absl::FailedPreconditionError(absl::StrCat(
        "plan: this hub has no credential '", credentials, "' to fetch '", asked.repository(),
        "' with; give it one with 'muster credential put ", credentials, "'")));
  }
  if (state.plans.size() >= kPlansMax) {
    return refuse(absl::ResourceExhaustedError(
        absl::StrCat("plan: ", kPlansMax,
                     " plans are under way, which is the most at one time; "
                     "try again when one of them is done")));
  }
  PlanUnderWay& plan = state.plans[++state.last_plan];
  plan.request = request;
  plan.repository = RepositoryName(asked.repository());
  plan.revision = asked.revision();
  StartFetch(turn, state.last_plan, **repository);
}

void OnPlanFetched(Turn& turn, const FetchDone& done) {
  State& state = turn.state;
  const auto found = state.plans.find(done.plan);
  if (found == state.plans.end() || done.job != found->second.fetch_job) return;
  PlanUnderWay& plan = found->second;
  const absl::StatusOr<const RepositoryState*> repository = Find(state, plan.repository.text());
  if (!repository.ok()) return Fail(turn, done.plan, repository.status());
  if (absl::IsNotFound(done.result.status()) && !plan.tag_tried && !IsCommitId(plan.revision)) {
    plan.tag_tried = true;
    StartFetch(turn, done.plan, **repository);
    return;
  }
  if (absl::IsNotFound(done.result.status()) && plan.tag_tried) {
    return Fail(turn, done.plan,
                absl::NotFoundError("no branch and no tag has this name; a commit is named by all "
                                    "its 40 digits, and must be on a branch or tag"));
  }
  if (!done.result.ok()) return Fail(turn, done.plan, done.result.status());
  plan.head = *done.result;
  plan.planner = std::make_unique<Planner>(*PlanFleetOf(state, plan.repository.text()));
  GoOn(turn, done.plan);
}

bool OnPlanRendered(Turn& turn, const RenderDone& done) {
  State& state = turn.state;
  const auto found = std::find_if(state.plans.begin(), state.plans.end(),
                                  [&](const auto& entry) { return entry.second.job == done.job; });
  if (found == state.plans.end() || done.job == 0) return false;
  const uint64_t number = found->first;
  PlanUnderWay& plan = found->second;
  plan.job = 0;
  absl::Status failure = done.results.status();
  if (failure.ok() && done.results->size() != plan.inputs.size()) {
    failure = absl::InternalError("the render process answered another number of inputs");
  }
  for (size_t i = 0; failure.ok() && i < plan.inputs.size(); ++i) {
    failure = TakeOutput(turn, plan, plan.inputs[i], (*done.results)[i]);
  }
  if (failure.ok()) {
    GoOn(turn, number);
  } else {
    JobFailed(turn, number, failure);
  }
  return true;
}

}  // namespace muster::hub
