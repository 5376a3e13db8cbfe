#include "common/plan/planner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace muster {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

namespace pb = muster::v1;

// Three clusters, two of them in prod, and a package for all of them.
pb::PlanFleet Fleet(bool substitute) {
  pb::PlanFleet fleet;
  fleet.set_repository("apps");
  fleet.set_commit("c1");
  for (const auto& [name, env] : {std::pair{"a", "prod"}, {"b", "stage"}, {"c", "prod"}}) {
    pb::PlanCluster& cluster = *fleet.add_clusters();
    cluster.set_name(name);
    pb::Label& label = *cluster.add_labels();
    label.set_key("env");
    label.set_value(env);
  }
  pb::PlanPackage& package = *fleet.add_packages();
  package.mutable_spec()->set_name("web");
  package.mutable_spec()->set_path("web");
  package.mutable_spec()->add_targets()->mutable_cluster_selector();
  if (substitute) package.mutable_spec()->add_variables()->set_name("x");
  pb::PlanCurrent& current = *package.add_current();
  current.set_bundle_digest(Digest::Of("old").bytes());
  current.add_clusters(0);
  current.add_clusters(1);
  return fleet;
}

// Renders by a function of the input until nothing is wanted; returns how many renderings it took.
template <typename Render>
int RunPlanner(Planner& planner, Render render) {
  int renderings = 0;
  for (auto wanted = planner.Wanted(); !wanted.empty(); wanted = planner.Wanted()) {
    for (const Planner::Input& input : wanted) {
      planner.Take(input.package, input.params, render(input.input));
      if (++renderings > 100) return renderings;
    }
  }
  return renderings;
}

TEST(Planner, SharesARenderingAndTellsApartWhatClustersHaveNow) {
  Planner planner(Fleet(false));
  EXPECT_EQ(RunPlanner(planner,
                       [](const pb::RenderInput&) {
                         return Planner::Output{absl::OkStatus(), Digest::Of("new"), {}, true};
                       }),
            1);
  const pb::PlanComparisons all = planner.Comparisons();
  EXPECT_THAT(all.clusters(), ElementsAre("a", "b", "c"));
  ASSERT_EQ(all.comparisons_size(), 2);
  EXPECT_THAT(all.comparisons(0).clusters(), ElementsAre(0, 1));
  EXPECT_EQ(all.comparisons(0).current(), Digest::Of("old").bytes());
  EXPECT_THAT(all.comparisons(1).clusters(), ElementsAre(2));
  EXPECT_EQ(all.comparisons(1).current(), "");
}

TEST(Planner, DividesByTheFactsThatARenderingTurnsOutToUse) {
  Planner planner(Fleet(true));
  RunPlanner(planner, [](const pb::RenderInput& input) {
    return Planner::Output{
        absl::OkStatus(), Digest::Of(input.labels(0).value()), {"cluster.labels.env"}, true};
  });
  const pb::PlanComparisons all = planner.Comparisons();
  std::map<std::string, std::string> next;
  for (const pb::PlanComparison& one : all.comparisons()) {
    for (const uint32_t cluster : one.clusters()) next[all.clusters(cluster)] = one.next();
  }
  EXPECT_EQ(next["a"], Digest::Of("prod").bytes());
  EXPECT_EQ(next["b"], Digest::Of("stage").bytes());
  EXPECT_EQ(next["c"], Digest::Of("prod").bytes());
}

TEST(Planner, GivesEachClusterItsOwnWhenNobodyKnowsWhatWasUsed) {
  Planner planner(Fleet(true));
  const int renderings = RunPlanner(planner, [](const pb::RenderInput& input) {
    return Planner::Output{absl::OkStatus(), Digest::Of(input.cluster_name()), {}, false};
  });
  EXPECT_LE(renderings, 5);
  EXPECT_EQ(planner.Comparisons().comparisons_size(), 3);
}

TEST(Planner, WhatCannotBeResolvedIsAnErrorOfItsClustersAlone) {
  pb::PlanFleet fleet = Fleet(true);
  fleet.mutable_packages(0)->mutable_spec()->set_path("web/${cluster.labels.size}");
  pb::Label& label = *fleet.mutable_clusters(0)->add_labels();
  label.set_key("size");
  label.set_value("big");
  Planner planner(std::move(fleet));
  RunPlanner(planner, [](const pb::RenderInput&) {
    return Planner::Output{absl::OkStatus(), Digest::Of("new"), {}, true};
  });
  int failed = 0;
  const pb::PlanComparisons all = planner.Comparisons();
  for (const pb::PlanComparison& one : all.comparisons()) {
    if (!one.error().empty()) failed += one.clusters_size();
  }
  EXPECT_EQ(failed, 2);
}

TEST(Planner, AFailureIsTheGroupsWord) {
  Planner planner(Fleet(false));
  RunPlanner(planner, [](const pb::RenderInput&) {
    return Planner::Output{absl::InvalidArgumentError("web/a.yaml:7: bad"), Digest(), {}, false};
  });
  const pb::PlanComparisons all = planner.Comparisons();
  for (const pb::PlanComparison& one : all.comparisons()) {
    EXPECT_EQ(one.error(), "web/a.yaml:7: bad");
    EXPECT_EQ(one.next(), "");
  }
}

TEST(Planner, APackageThatSelectsNobodyWantsNothing) {
  pb::PlanFleet fleet = Fleet(false);
  fleet.mutable_packages(0)->mutable_spec()->clear_targets();
  Planner planner(std::move(fleet));
  EXPECT_THAT(planner.Wanted(), IsEmpty());
  EXPECT_EQ(planner.Comparisons().comparisons_size(), 0);
}

}  // namespace
}  // namespace muster
