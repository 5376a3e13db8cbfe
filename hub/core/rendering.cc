#include "hub/core/rendering.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status_macros.h"
#include "hub/core/charts.h"
#include "hub/core/journal.h"
#include "hub/core/keys.h"
#include "hub/core/records.h"
#include "hub/core/remote_bases.h"
#include "hub/core/rollouts.h"
#include "hub/core/sources.h"

namespace muster::hub {
namespace pb = muster::v1;
namespace {

constexpr int kInputsPerJob = 256;
constexpr size_t kUsesMax = 256;

pb::DesiredPackage DesiredPackageOf(const pb::PackageRecord& package,
                                    const pb::RenderRecord& render, const pb::Repository& source) {
  const pb::Package& spec = package.spec();
  pb::DesiredPackage desired;
  desired.set_name(spec.name());
  desired.set_project(spec.project());
  desired.set_bundle_digest(render.bundle_digest());
  desired.set_manifest_bytes(render.manifest_bytes());
  desired.set_object_count(render.object_count());
  desired.set_object_bytes(render.object_bytes());
  desired.mutable_source()->set_repository(spec.repository());
  desired.mutable_source()->set_url(source.url());
  desired.mutable_source()->set_ref(RefText(source));
  desired.mutable_source()->set_commit(render.commit());
  desired.mutable_source()->set_path(render.path());
  desired.mutable_render()->set_engine(render.engine());
  desired.mutable_render()->set_version(render.engine_version());
  desired.mutable_render()->set_params_digest(render.params_digest());
  *desired.mutable_sync() = spec.sync();
  desired.set_on_removal(spec.on_removal());
  *desired.mutable_depends_on() = spec.depends_on();
  // Of a governed package a rollout's entry is suspended where it is given out.
  desired.set_suspended(package.suspended() && !IsGoverned(spec));
  desired.set_namespace_(spec.namespace_());
  desired.set_health_timeout_ms(spec.health_timeout_ms());
  *desired.mutable_health_rules() = spec.health_rules();
  desired.set_service_account(spec.service_account());
  return desired;
}

// The entry of the variant's last good rendering. What cannot be said, because the repository's
// declaration is gone, leaves the former entry as it is.
std::shared_ptr<const PackageEntry> EntryOf(const State& state, const PackageState& package,
                                            const Variant& variant) {
  if (!variant.good) return nullptr;
  const auto repository =
      state.repositories.find(RepositoryName(package.record.spec().repository()));
  if (repository == state.repositories.end()) return variant.entry;
  auto entry =
      MakeEntry(DesiredPackageOf(package.record, *variant.good, repository->second.record.spec()));
  const bool same = variant.entry != nullptr && variant.entry->digest == entry->digest;
  return same ? variant.entry : entry;
}

void Spread(State& state, Variant& variant) {
  variant.changed = true;
  state.marks.spread = true;
}

void RefreshEntry(State& state, const PackageState& package, Variant& variant) {
  auto entry = EntryOf(state, package, variant);
  if (entry == variant.entry) return;
  variant.entry = std::move(entry);
  state.marks.rollouts.insert(PackageName(package.record.spec().name()));
  Spread(state, variant);
}

// ---------------------------------------------------------------- starting

// Says in the journal of commits how the one that rules came out.
void Conclude(Turn& turn, const RepositoryName& name, RepositoryState& repository) {
  if (name.text() == keys::kFleetRepository) return;
  std::vector<std::string> failed;
  for (const auto& [package_name, package] : turn.state.packages) {
    if (package.record.spec().repository() != name.text()) continue;
    for (const auto& [params, variant] : package.variants) {
      if (variant.error == nullptr) continue;
      failed.push_back(absl::StrCat(package_name.text(), ": ", *variant.error));
      break;
    }
  }
  SetCommitResult(turn, repository, repository.record.commit(),
                  failed.empty() ? "Rendered" : "Failed", absl::StrJoin(failed, "\n"));
}

void StartRender(Turn& turn, const RepositoryName& name, RepositoryState& repository) {
  State& state = turn.state;
  const std::string& commit = repository.record.commit();
  if (commit.empty() || repository.rendering) return;
  if (repository.render_after > state.now) return;
  RenderUnderWay under_way;
  under_way.repository = name;
  under_way.commit = commit;
  RenderJob job;
  job.request.set_repository(name.text());
  job.request.set_commit(commit);
  for (auto& [package_name, package] : state.packages) {
    if (package.record.spec().repository() != name.text()) continue;
    for (auto& [params, variant] : package.variants) {
      if ((variant.tried_commit == commit && !variant.again) || variant.clusters == 0) continue;
      if (job.request.inputs_size() == kInputsPerJob) break;
      *job.request.add_inputs() = InputFor(state, package_name, variant.params, variant.input);
      under_way.inputs.push_back({package_name, params});
    }
  }
  if (under_way.inputs.empty()) {
    Conclude(turn, name, repository);
    return;
  }
  DeclareRepositories(state, job.request, under_way);
  job.job = ++state.last_job;
  repository.rendering = true;
  state.renders_under_way[job.job] = std::move(under_way);
  turn.out.jobs.push_back(std::move(job));
}

// ---------------------------------------------------------------- results

// Whether clusters have what was rendered from the input: plans of branches must not push it out.
bool IsInUse(const State& state, const Digest& params, const Digest& input) {
  return std::any_of(state.packages.begin(), state.packages.end(), [&](const auto& entry) {
    const auto variant = entry.second.variants.find(params);
    return variant != entry.second.variants.end() && variant->second.good &&
           variant->second.good->input_digest() == input.view();
  });
}

void Remember(Turn& turn, const Digest& params, const Rendered& result) {
  RenderCache& renders = turn.state.renders;
  pb::RenderCacheRecord& record = renders.by_input[result.input];
  record.set_bundle_digest(result.bundle.bytes());
  record.set_manifest_bytes(result.manifest_bytes);
  record.set_object_count(result.object_count);
  record.set_object_bytes(result.object_bytes);
  record.set_engine(result.engine);
  record.set_engine_version(result.engine_version);
  record.set_params_digest(params.bytes());
  record.set_rendered_ms(turn.state.now_ms());
  turn.out.batch.Put(keys::Render(result.input), record.SerializeAsString());
  std::vector<Digest>& inputs = renders.by_params[params];
  inputs.erase(std::remove(inputs.begin(), inputs.end(), result.input), inputs.end());
  inputs.push_back(result.input);
  if (inputs.size() <= kRendersKept) return;
  const auto oldest = std::find_if(inputs.begin(), inputs.end(), [&](const Digest& input) {
    return !IsInUse(turn.state, params, input);
  });
  if (oldest == inputs.end()) return;
  renders.by_input.erase(*oldest);
  turn.out.batch.Delete(keys::Render(*oldest));
  turn.out.batch.Delete(keys::Sources(*oldest));
  inputs.erase(oldest);
}

void TakeGood(Turn& turn, PackageState& package, Variant& variant, const std::string& commit,
              const Digest& input, const pb::RenderCacheRecord& bundle) {
  const bool same = variant.good && variant.good->bundle_digest() == bundle.bundle_digest();
  pb::RenderRecord good;
  good.set_params_digest(variant.params.bytes());
  good.set_input_digest(input.bytes());
  good.set_commit(same ? variant.good->commit() : commit);
  good.set_path(variant.input.path());
  good.set_bundle_digest(bundle.bundle_digest());
  good.set_manifest_bytes(bundle.manifest_bytes());
  good.set_object_count(bundle.object_count());
  good.set_object_bytes(bundle.object_bytes());
  good.set_engine(bundle.engine());
  good.set_engine_version(bundle.engine_version());
  const bool news = !variant.good || variant.good->SerializeAsString() != good.SerializeAsString();
  if (news) {
    variant.good = std::move(good);
    turn.state.marks.packages.insert(PackageName(package.record.spec().name()));
  }
  if (variant.error != nullptr) Spread(turn.state, variant);
  variant.error = nullptr;
  RefreshEntry(turn.state, package, variant);
}

// Whether all that the text used was told apart already. If not, clusters are told apart by more,
// and placed again.
bool ToldApart(Turn& turn, const PackageName& name, PackageState& package, const Variant& variant,
               const Rendered& result) {
  // Without substitution only a chart can depend on the cluster.
  if (!variant.input.substitute() && result.uses.empty()) return true;
  if (turn.state.marks.place_packages.contains(name)) return false;
  // A failure that did not get far is a failure for all that share the input.
  if (!result.status.ok() && !result.uses_known) return true;
  auto& uses = *package.record.mutable_uses();
  std::set<std::string> all(uses.begin(), uses.end());
  if (all.contains("*")) return true;
  const size_t before = all.size();
  all.insert(result.uses.begin(), result.uses.end());
  if (!result.uses_known || all.size() > kUsesMax) all = {"*"};
  if (all.size() == before && !all.contains("*")) return true;
  uses.Assign(all.begin(), all.end());
  turn.state.marks.packages.insert(name);
  turn.state.marks.place_packages.insert(name);
  return false;
}

// Returns a status when the result says nothing and the job has to be tried again.
absl::Status TakeResult(Turn& turn, const RenderUnderWay& under_way,
                        const RenderUnderWay::Input& asked, const Rendered& result) {
  if (PassesByItself(result.status)) return result.status;
  const absl::StatusOr<pb::RenderCacheRecord> bundle = TakeRendered(turn, asked.params, result);
  if (absl::IsInternal(bundle.status())) return bundle.status();
  const auto found = turn.state.packages.find(asked.package);
  if (found == turn.state.packages.end()) return absl::OkStatus();
  PackageState& package = found->second;
  const auto at = package.variants.find(asked.params);
  if (at == package.variants.end()) return absl::OkStatus();
  Variant& variant = at->second;
  if (!ToldApart(turn, asked.package, package, variant, result)) return absl::OkStatus();
  variant.tried_commit = under_way.commit;
  variant.repositories.clear();
  for (const std::string& name : result.repositories) variant.repositories.emplace(name);
  variant.charts = result.charts;
  FetchWanted(turn, variant);
  variant.again = MustRenderAgain(turn.state, under_way, result);
  turn.state.marks.view_packages.insert(asked.package);
  if (bundle.ok()) {
    TakeGood(turn, package, variant, under_way.commit, result.input, *bundle);
    return absl::OkStatus();
  }
  const std::string message(bundle.status().message());
  if (variant.error == nullptr || *variant.error != message) {
    variant.error = std::make_shared<const std::string>(message);
    Spread(turn.state, variant);
  }
  return absl::OkStatus();
}

void TryAgainLater(Turn& turn, RepositoryState& repository, const absl::Status& status) {
  State& state = turn.state;
  const RepositoryName name(repository.record.spec().name());
  ++repository.render_failures;
  repository.render_after = state.now + repository.render_backoff.NextAtLeastHalf(state.random);
  state.wakes.insert({repository.render_after, Wake::Kind::kRender, name.text()});
  if (repository.render_failures < 2) return;
  const bool changed = SetCondition(
      *repository.record.mutable_conditions(),
      MakeCondition("Rendering", pb::CONDITION_STATUS_FALSE, "RenderJobFailed",
                    absl::StrCat("render commit ", ShortCommit(repository.record.commit()), ": ",
                                 status.message(), "; tried again by itself"),
                    repository.record.commit()),
      state.now_ms());
  if (changed) state.marks.repositories.insert(name);
  state.marks.view_repositories.insert(name);
}

void WentWell(Turn& turn, RepositoryState& repository) {
  repository.render_failures = 0;
  repository.render_backoff.Reset();
  repository.render_after = absl::InfinitePast();
  if (!ClearCondition(*repository.record.mutable_conditions(), "Rendering")) return;
  const RepositoryName name(repository.record.spec().name());
  turn.state.marks.repositories.insert(name);
  turn.state.marks.view_repositories.insert(name);
}

pb::Condition RenderedCondition(const PackageState& package, int failed, int untried) {
  const pb::Package& spec = package.record.spec();
  const int all = static_cast<int>(package.variants.size());
  for (const auto& [params, variant] : package.variants) {
    if (variant.error == nullptr) continue;
    const std::string which =
        all == 1 ? "" : absl::StrCat(" (", failed, " of ", all, " renderings)");
    const std::string kept = variant.good ? "; the last good rendering is kept" : "";
    return MakeCondition(
        "Rendered", pb::CONDITION_STATUS_FALSE, "RenderFailed",
        absl::StrCat("render '", spec.name(), "' at ", ShortCommit(variant.tried_commit), which,
                     ": ", *variant.error, kept),
        variant.tried_commit);
  }
  if (untried > 0) {
    return MakeCondition("Rendered", pb::CONDITION_STATUS_UNKNOWN, "Pending",
                         absl::StrCat("waits for a commit of repository '", spec.repository(), "'"),
                         "");
  }
  return MakeCondition(
      "Rendered", pb::CONDITION_STATUS_TRUE, "Rendered",
      absl::StrCat(all, all == 1 ? " rendering is" : " renderings are", " up to date"), "");
}

}  // namespace

bool PassesByItself(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kAborted:
      return true;
    default:
      return false;
  }
}

pb::RenderInput InputFor(const State& state, const PackageName& package, const Digest& params,
                         pb::RenderInput input) {
  input.set_package(package.text());
  TakeFromOwnRegistry(state, package, input);
  const auto known = state.renders.by_params.find(params);
  if (known != state.renders.by_params.end()) {
    for (const Digest& digest : known->second) input.add_known_inputs(digest.bytes());
  }
  return input;
}

absl::StatusOr<pb::RenderCacheRecord> TakeRendered(Turn& turn, const Digest& params,
                                                   const Rendered& result) {
  RETURN_IF_ERROR(result.status);
  if (!result.bundle.empty()) {
    if (result.object_count == 0) {
      return absl::FailedPreconditionError(
          "it gives no objects at all; an empty rendering is never applied. To take the package "
          "away, delete its declaration");
    }
    Remember(turn, params, result);
  }
  const auto known = turn.state.renders.by_input.find(result.input);
  if (known == turn.state.renders.by_input.end()) {
    return absl::InternalError("the fetch process named an input that this hub never rendered");
  }
  return known->second;
}

void CommitRules(Turn& turn, RepositoryState& repository) {
  const RepositoryName name(repository.record.spec().name());
  repository.render_after = absl::InfinitePast();
  turn.state.marks.render.insert(name);
  RenderBasesAgain(turn, name, /*failed_too=*/false);
}

void RepositoryChanged(Turn& turn, const RepositoryName& name) {
  turn.state.marks.render.insert(name);
  RenderBasesAgain(turn, name, /*failed_too=*/true);  // what was missing may be this one
  for (auto& [package_name, package] : turn.state.packages) {
    if (package.record.spec().repository() != name.text()) continue;
    RefreshEntries(turn, package);
    JudgePackage(turn, package_name, package);
  }
}

void StartRenders(Turn& turn) {
  State& state = turn.state;
  for (const RepositoryName& name : std::exchange(state.marks.render, {})) {
    const auto repository = state.repositories.find(name);
    if (repository != state.repositories.end()) StartRender(turn, name, repository->second);
  }
}

void OnRenderDone(Turn& turn, const RenderDone& done) {
  State& state = turn.state;
  const auto found = state.renders_under_way.find(done.job);
  if (found == state.renders_under_way.end()) return;
  const RenderUnderWay under_way = std::move(found->second);
  state.renders_under_way.erase(found);
  absl::Status failure = done.results.status();
  if (failure.ok() && done.results->size() != under_way.inputs.size()) {
    failure = absl::InternalError("the fetch process answered another number of inputs");
  }
  std::set<PackageName> touched;
  if (failure.ok()) {
    for (size_t i = 0; i < under_way.inputs.size(); ++i) {
      const absl::Status status =
          TakeResult(turn, under_way, under_way.inputs[i], (*done.results)[i]);
      if (!status.ok()) failure = status;
      touched.insert(under_way.inputs[i].package);
    }
  }
  for (const PackageName& name : touched) {
    const auto package = state.packages.find(name);
    if (package == state.packages.end()) continue;
    if (state.marks.packages.contains(name)) KeepRenderings(turn, name, package->second);
    JudgePackage(turn, name, package->second);
    state.marks.view_packages.insert(name);
    state.marks.rollouts.insert(name);
  }
  const auto repository = state.repositories.find(under_way.repository);
  if (repository == state.repositories.end()) return;
  repository->second.rendering = false;
  if (failure.ok()) {
    WentWell(turn, repository->second);
  } else {
    TryAgainLater(turn, repository->second, failure);
  }
  state.marks.render.insert(under_way.repository);
}

void RecallRendering(const State& state, const PackageState& package, Variant& variant) {
  for (const pb::RenderRecord& render : package.record.renders()) {
    if (render.params_digest() != variant.params.view()) continue;
    variant.good = render;
    variant.entry = EntryOf(state, package, variant);
    return;
  }
}

void KeepRenderings(Turn& turn, const PackageName& name, PackageState& package) {
  package.record.clear_renders();
  for (const auto& [params, variant] : package.variants) {
    if (variant.good) *package.record.add_renders() = *variant.good;
  }
  turn.state.marks.packages.insert(name);
}

void RefreshEntries(Turn& turn, PackageState& package) {
  for (auto& [params, variant] : package.variants) RefreshEntry(turn.state, package, variant);
}

void JudgePackage(Turn& turn, const PackageName& name, PackageState& package) {
  const pb::Package& spec = package.record.spec();
  int failed = 0;
  int untried = 0;
  for (const auto& [params, variant] : package.variants) {
    failed += variant.error != nullptr;
    untried += variant.error == nullptr && variant.tried_commit.empty();
  }
  auto& conditions = *package.record.mutable_conditions();
  const bool known = std::any_of(conditions.begin(), conditions.end(), [](const auto& condition) {
    return condition.type() == "Rendered" && condition.status() != pb::CONDITION_STATUS_UNKNOWN;
  });
  pb::Condition condition;
  if (!turn.state.repositories.contains(RepositoryName(spec.repository()))) {
    condition =
        MakeCondition("Rendered", pb::CONDITION_STATUS_FALSE, "RepositoryMissing",
                      absl::StrCat(spec.origin().file(), ":", spec.origin().line(), ": package '",
                                   spec.name(), "' names repository '", spec.repository(),
                                   "', which is not declared; what runs keeps running"),
                      "");
  } else if (package.variants.empty()) {
    condition = MakeCondition("Rendered", pb::CONDITION_STATUS_UNKNOWN, "SelectsNothing",
                              absl::StrCat(spec.origin().file(), ":", spec.origin().line(),
                                           ": no enrolled cluster is selected"),
                              "");
  } else if (untried > 0 && failed == 0 && known) {
    return;  // after a restart: the former word stands until the commit was looked at again
  } else {
    condition = RenderedCondition(package, failed, untried);
  }
  const bool bad = condition.status() == pb::CONDITION_STATUS_FALSE;
  const std::string message = condition.message();
  const std::string reason = condition.reason();
  if (!SetCondition(conditions, std::move(condition), turn.state.now_ms())) return;
  turn.state.marks.packages.insert(name);
  turn.state.marks.view_packages.insert(name);
  if (!bad) return;
  Note(turn, {.reason = reason,
              .subject = absl::StrCat("package/", name.text()),
              .message = message,
              .warning = true});
}

void SpreadChanges(Turn& turn) {
  State& state = turn.state;
  if (!std::exchange(state.marks.spread, false)) return;
  for (auto& [id, cluster] : state.clusters) {
    const bool touched = std::any_of(
        cluster.placements.begin(), cluster.placements.end(), [](const Placement& placement) {
          return placement.variant != nullptr && placement.variant->changed;
        });
    if (!touched) continue;
    state.marks.compose.insert(id);
    ShowCluster(state, cluster);
  }
  for (auto& [name, package] : state.packages) {
    for (auto& [params, variant] : package.variants) variant.changed = false;
  }
}

}  // namespace muster::hub
