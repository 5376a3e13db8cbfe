// How long it takes to compare a fleet with itself: 10,000 clusters of 20 packages, of which one in
// a hundred has drifted. Usage: bazel run -c opt //test/bench:snowflakes
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/check.h"
#include "hub/core/snowflakes.h"
#include "test/bench/metric.h"

namespace muster::hub {
namespace {

namespace pb = muster::v1;

constexpr int kClusters = 10'000;
constexpr int kPackages = 20;
constexpr int kRounds = 9;

std::shared_ptr<const std::string> Drifted(int value) {
  pb::ObservedState state;
  pb::ObservedPackage& package = *state.add_packages();
  package.set_name("package-3");
  package.set_drifted(1);
  pb::ObjectProblem& problem = *package.add_problems();
  problem.set_kind("Deployment");
  problem.set_name("api");
  problem.set_what(pb::ObjectProblem::WHAT_DRIFTED);
  pb::FieldDifference& field = *problem.add_differences();
  field.set_pointer("/spec/replicas");
  field.set_live(absl::StrCat(value));
  field.set_desired("3");
  return std::make_shared<const std::string>(state.SerializeAsString());
}

Rows<ClusterRow> Fleet() {
  std::vector<std::shared_ptr<const AppliedBundle>> bundles;
  for (int i = 0; i < kPackages; ++i) {
    bundles.push_back(std::make_shared<const AppliedBundle>(
        AppliedBundle{Digest::Of(absl::StrCat("bundle ", i)), "apps", "c1"}));
  }
  const auto quiet = std::make_shared<const std::string>();
  Rows<ClusterRow> rows;
  for (int i = 0; i < kClusters; ++i) {
    auto row = std::make_shared<ClusterRow>();
    row->name = absl::StrCat("cluster-", i);
    row->state = pb::ClusterRecord::STATE_ENROLLED;
    row->sync = i % 100 == 7 ? pb::SYNC_STATUS_OUT_OF_SYNC : pb::SYNC_STATUS_SYNCED;
    row->observed = i % 100 == 7 ? Drifted(i) : quiet;
    for (int j = 0; j < kPackages; ++j) {
      PackageStatus& package = row->packages.emplace_back();
      package.name = PackageName(absl::StrCat("package-", j));
      package.applied = bundles[j];
      package.selected = true;
      package.rendering = i % 4;
    }
    rows.Set(row->name, row);
  }
  return rows;
}

}  // namespace

int Main() {
  const Rows<ClusterRow> rows = Fleet();
  std::vector<double> took;
  for (int i = 0; i < kRounds; ++i) {
    const auto begun = std::chrono::steady_clock::now();
    const pb::Snowflakes found = FindSnowflakes(rows, {});
    took.push_back(
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begun)
            .count());
    CHECK(found.total() == kClusters / 100) << found.total();
  }
  std::sort(took.begin(), took.end());
  const std::string fleet = absl::StrCat("\"clusters\":", kClusters, ",\"packages\":", kPackages);
  bench::PrintMetric("snowflakes", "compare_median", took[kRounds / 2], "ms", fleet);
  bench::PrintMetric("snowflakes", "compare_best", took.front(), "ms", fleet);
  return 0;
}

}  // namespace muster::hub

int main() { return muster::hub::Main(); }
