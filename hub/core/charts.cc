#include "hub/core/charts.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "hub/core/sources.h"

namespace muster::hub {
namespace pb = muster::v1;
namespace {

constexpr size_t kChartsNamed = 10;

bool Same(const pb::ChartWant& a, const pb::ChartWant& b) {
  return a.chart() == b.chart() && a.version() == b.version() && a.digest() == b.digest();
}

// Nobody knows what an untried rendering will ask for, and one that fails may not get as far as
// asking for all.
bool MayWantMore(const State& state) {
  for (const auto& [name, package] : state.packages) {
    for (const auto& [params, variant] : package.variants) {
      if (variant.clusters == 0) continue;
      if (variant.tried_commit.empty() || variant.error != nullptr) return true;
    }
  }
  return false;
}

}  // namespace

bool IsRegistry(const pb::Repository& spec) {
  return spec.type() == pb::REPOSITORY_TYPE_HELM || spec.type() == pb::REPOSITORY_TYPE_OCI;
}

void AskForCharts(const State& state, const RepositoryState& repository,
                  pb::FetchRequest& request) {
  const pb::RepositoryRecord& record = repository.record;
  request.set_type(record.spec().type());
  if (!request.known_commit().empty()) *request.mutable_known_charts() = record.charts();
  request.set_keep_charts(MayWantMore(state));
  using Key = std::tuple<std::string, std::string, std::string>;
  std::set<Key> wants;
  for (const auto& [name, package] : state.packages) {
    for (const auto& [params, variant] : package.variants) {
      if (variant.clusters == 0) continue;
      for (const pb::ChartWant& want : variant.charts) {
        if (want.repository() != record.spec().name()) continue;
        wants.insert({want.chart(), want.version(), want.digest()});
      }
    }
  }
  for (const auto& [chart, version, digest] : wants) {
    pb::ChartWant& want = *request.add_charts();
    want.set_chart(chart);
    want.set_version(version);
    want.set_digest(digest);
  }
}

pb::Condition TakeCharts(RepositoryState& repository, const pb::FetchResponse& response) {
  if (repository.record.commit() == response.commit()) {
    *repository.record.mutable_charts() = response.charts();
    repository.frozen_charts.Clear();
  } else {
    repository.frozen_charts = response.charts();
  }
  if (!response.problems().empty()) {
    return MakeCondition("Charts", pb::CONDITION_STATUS_FALSE, "ChartUnavailable",
                         absl::StrJoin(response.problems(), "\n"), response.commit());
  }
  std::vector<std::string> charts;
  for (const pb::ChartPin& pin : repository.record.charts().pins()) {
    charts.push_back(
        absl::StrCat(pin.want().chart(), " ", pin.version(), " ",
                     pin.manifest_digest().empty() ? pin.archive_digest() : pin.manifest_digest()));
  }
  charts.erase(std::unique(charts.begin(), charts.end()), charts.end());
  const size_t more = charts.size() - std::min(charts.size(), kChartsNamed);
  charts.resize(charts.size() - more);
  return MakeCondition("Charts", pb::CONDITION_STATUS_TRUE, "ChartsFetched",
                       charts.empty()
                           ? "no chart is asked for"
                           : absl::StrCat(absl::StrJoin(charts, ", "),
                                          more > 0 ? absl::StrCat(" and ", more, " more") : ""),
                       response.commit());
}

void TakeFromOwnRegistry(const State& state, const PackageName& package, pb::RenderInput& input) {
  const auto found = state.packages.find(package);
  if (found == state.packages.end() || !input.helm().repository().empty()) return;
  const std::string& own = found->second.record.spec().repository();
  const auto repository = state.repositories.find(RepositoryName(own));
  if (repository == state.repositories.end()) return;
  if (IsRegistry(repository->second.record.spec())) input.mutable_helm()->set_repository(own);
}

void FetchWanted(Turn& turn, const Variant& variant) {
  for (const pb::ChartWant& want : variant.charts) {
    const auto found = turn.state.repositories.find(RepositoryName(want.repository()));
    if (found == turn.state.repositories.end()) continue;
    RepositoryState& repository = found->second;
    const auto& pins = repository.record.charts().pins();
    const bool known = std::any_of(pins.begin(), pins.end(), [&want](const pb::ChartPin& pin) {
      return Same(pin.want(), want);
    });
    // One that failed a moment ago is asked again when its pause is over.
    if (!known && repository.failures == 0 && IsRegistry(repository.record.spec())) {
      PollNow(turn, repository);
    }
  }
}

}  // namespace muster::hub
