#include "hub/core/snowflakes.h"

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace muster::hub {
namespace {

namespace pb = muster::v1;
using testing::IsEmpty;
using testing::SizeIs;

// A fleet in which every cluster should have the package "web" and has it.
class SnowflakesTest : public testing::Test {
 protected:
  ClusterRow& Add(const std::string& name, const std::string& env = "prod") {
    ClusterRow& row = rows_[name];
    row.name = name;
    row.state = pb::ClusterRecord::STATE_ENROLLED;
    row.connection = pb::CONNECTION_STATUS_CONNECTED;
    row.sync = pb::SYNC_STATUS_SYNCED;
    row.health = pb::HEALTH_STATUS_HEALTHY;
    row.mode = pb::CLUSTER_MODE_ENFORCE;
    pb::Label label;
    label.set_key("env");
    label.set_value(env);
    row.labels.push_back(label);
    PackageStatus& package = row.packages.emplace_back();
    package.name = PackageName("web");
    package.selected = true;
    package.rendering = env == "prod" ? 1 : 2;
    Give(row, absl::StrCat("bundle for ", env), "c1");
    row.observed = std::make_shared<const std::string>();
    return row;
  }

  // It should have the bundle, and has it.
  static void Give(ClusterRow& row, const std::string& bundle, const std::string& commit) {
    auto desired = std::make_shared<PackageEntry>();
    desired->bundle = Digest::Of(bundle);
    row.packages[0].desired = std::move(desired);
    row.packages[0].applied =
        std::make_shared<AppliedBundle>(AppliedBundle{Digest::Of(bundle), "apps", commit});
  }

  // What the agent last said.
  static void Report(ClusterRow& row, const pb::ObservedState& state) {
    row.observed = std::make_shared<const std::string>(state.SerializeAsString());
    row.unmanaged = state.unmanaged();
    if (state.packages_size() > 0) row.sync = pb::SYNC_STATUS_OUT_OF_SYNC;
  }

  static pb::ObservedState Drift(const std::string& live) {
    pb::ObservedState state;
    pb::ObservedPackage& package = *state.add_packages();
    package.set_name("web");
    package.set_drifted(1);
    pb::ObjectProblem& problem = *package.add_problems();
    problem.set_api_version("apps/v1");
    problem.set_kind("Deployment");
    problem.set_namespace_("web");
    problem.set_name("api");
    problem.set_what(pb::ObjectProblem::WHAT_DRIFTED);
    problem.set_changed_by("kubectl-edit");
    problem.set_changed_ms(1234);
    problem.add_fields("/spec/replicas");
    pb::FieldDifference& field = *problem.add_differences();
    field.set_pointer("/spec/replicas");
    field.set_live(live);
    field.set_desired("3");
    return state;
  }

  pb::Snowflakes Find(const pb::SnowflakesRequest& request = {}) const {
    Rows<ClusterRow> rows;
    for (const auto& [name, row] : rows_) rows.Set(name, std::make_shared<const ClusterRow>(row));
    const absl::StatusOr<SnowflakeQuery> query = ParseSnowflakeQuery(request);
    EXPECT_TRUE(query.ok()) << query.status();
    return query.ok() ? FindSnowflakes(rows, *query) : pb::Snowflakes();
  }

  std::map<std::string, ClusterRow> rows_;
};

TEST_F(SnowflakesTest, AreNoneWhereAllAreEqual) {
  for (int i = 0; i < 5; ++i) Add(absl::StrCat("prod-", i));
  const pb::Snowflakes found = Find();
  EXPECT_THAT(found.snowflakes(), IsEmpty());
  EXPECT_EQ(found.clusters(), 5);
  EXPECT_EQ(found.alike(), 5);
  ASSERT_THAT(found.groups(), SizeIs(1));
  EXPECT_EQ(found.groups(0).name(), "web");
  EXPECT_EQ(found.groups(0).labels(0).value(), "prod");
}

TEST_F(SnowflakesTest, OneOfTwoHundredComesFirstWithTheFieldThatDiffers) {
  for (int i = 0; i < 200; ++i) Add(absl::StrCat("prod-", i));
  for (int i = 0; i < 10; ++i) Add(absl::StrCat("dev-", i), "dev");
  Report(rows_["prod-77"], Drift("7"));
  Report(rows_["dev-3"], Drift("1"));  // odd too, among fewer
  for (int i = 20; i < 30; ++i) Give(rows_[absl::StrCat("prod-", i)], "the next one", "c2");

  const pb::Snowflakes found = Find();
  ASSERT_THAT(found.snowflakes(), SizeIs(3));
  const pb::Snowflake& first = found.snowflakes(0);
  EXPECT_EQ(first.reason(), pb::Snowflake::REASON_CHANGED);
  ASSERT_THAT(first.clusters(), SizeIs(1));
  EXPECT_EQ(first.clusters(0).name(), "prod-77");
  EXPECT_EQ(first.peers(), 200);
  EXPECT_EQ(first.usual(), 189);
  ASSERT_THAT(first.differences(), SizeIs(1));
  EXPECT_EQ(first.differences(0).what(), pb::LiveDifference::WHAT_FIELD);
  EXPECT_EQ(first.differences(0).pointer(), "/spec/replicas");
  EXPECT_EQ(first.differences(0).here(), "7");
  EXPECT_EQ(first.differences(0).usual(), "3");
  EXPECT_TRUE(first.differences(0).usual_is_git());
  EXPECT_EQ(first.differences(0).changed_by(), "kubectl-edit");
  EXPECT_EQ(found.snowflakes(1).clusters(0).name(), "dev-3");
  EXPECT_EQ(found.snowflakes(2).reason(), pb::Snowflake::REASON_STAGED);
  EXPECT_EQ(found.differing(), 12);
  EXPECT_EQ(found.alike(), 198);
}

TEST_F(SnowflakesTest, TellBehindFromStaged) {
  for (int i = 0; i < 6; ++i) Add(absl::StrCat("prod-", i));
  Give(rows_["prod-1"], "next", "c2");
  Give(rows_["prod-2"], "next", "c2");
  // Should have it, and runs the one before the usual one.
  rows_["prod-3"].packages[0].applied =
      std::make_shared<AppliedBundle>(AppliedBundle{Digest::Of("old"), "apps", "c0"});
  const pb::Snowflakes found = Find();
  ASSERT_THAT(found.snowflakes(), SizeIs(2));
  EXPECT_EQ(found.snowflakes(0).reason(), pb::Snowflake::REASON_BEHIND);
  EXPECT_EQ(found.snowflakes(0).clusters(0).name(), "prod-3");
  EXPECT_EQ(found.snowflakes(0).differences(0).here(), "c0");
  EXPECT_EQ(found.snowflakes(0).differences(0).usual(), "c1");
  EXPECT_EQ(found.snowflakes(1).reason(), pb::Snowflake::REASON_STAGED);
  EXPECT_EQ(found.snowflakes(1).clusters_total(), 2);
}

TEST_F(SnowflakesTest, WhatMostHaveIsUsualEvenWhenGitSaysOtherwise) {
  for (int i = 0; i < 5; ++i) Report(Add(absl::StrCat("prod-", i)), Drift("9"));
  Add("prod-5");
  const pb::Snowflakes found = Find();
  EXPECT_TRUE(found.groups(0).usual_differs());
  ASSERT_THAT(found.snowflakes(), SizeIs(1));
  EXPECT_EQ(found.snowflakes(0).clusters(0).name(), "prod-5");
  EXPECT_EQ(found.snowflakes(0).differences(0).here(), "3");
  EXPECT_TRUE(found.snowflakes(0).differences(0).here_is_git());
  EXPECT_EQ(found.snowflakes(0).differences(0).usual(), "9");
}

TEST_F(SnowflakesTest, OfTwoTheOneAsGitSaysIsUsual) {
  Report(Add("a"), Drift("9"));
  Add("b");
  const pb::Snowflakes found = Find();
  ASSERT_THAT(found.snowflakes(), SizeIs(1));
  EXPECT_EQ(found.snowflakes(0).clusters(0).name(), "a");
}

TEST_F(SnowflakesTest, WhoAndWhenDoNotMakeTwoStatesDiffer) {
  Add("a"), Add("b"), Add("c");
  pb::ObservedState other = Drift("9");
  other.mutable_packages(0)->mutable_problems(0)->set_changed_by("somebody else");
  other.set_observed_ms(77);
  Report(rows_["a"], Drift("9"));
  Report(rows_["b"], other);
  const pb::Snowflakes found = Find();
  EXPECT_EQ(found.groups(0).variants(), 2);
  EXPECT_EQ(found.groups(0).alike(), 2);
}

TEST_F(SnowflakesTest, AnObjectOfNobodyAndOneThatIsGoneAreDifferences) {
  for (int i = 0; i < 4; ++i) Add(absl::StrCat("prod-", i));
  pb::ObservedState extra;
  extra.set_unmanaged(3);  // of which the agent names one
  extra.add_unmanaged_objects()->set_name("debug");
  Report(rows_["prod-1"], extra);
  pb::ObservedState missing = Drift("");
  missing.mutable_packages(0)->mutable_problems(0)->set_what(pb::ObjectProblem::WHAT_MISSING);
  Report(rows_["prod-2"], missing);
  const pb::Snowflakes found = Find();
  ASSERT_THAT(found.snowflakes(), SizeIs(2));
  EXPECT_EQ(found.snowflakes(0).differences(0).what(), pb::LiveDifference::WHAT_MORE);
  EXPECT_EQ(found.snowflakes(0).differences(0).here(), "3");
  EXPECT_EQ(found.snowflakes(0).differences(1).what(), pb::LiveDifference::WHAT_EXTRA);
  EXPECT_EQ(found.snowflakes(0).differences(1).name(), "debug");
  EXPECT_EQ(found.snowflakes(1).differences(0).what(), pb::LiveDifference::WHAT_MISSING);
}

TEST_F(SnowflakesTest, LabelsSayWhoIsEqualWhenAsked) {
  Add("prod-0"), Add("prod-1"), Add("prod-2");
  rows_["prod-2"].packages.clear();  // Git gives it nothing: by itself no peer of anybody
  EXPECT_THAT(Find().snowflakes(), IsEmpty());
  EXPECT_EQ(Find().alone(), 1);
  pb::SnowflakesRequest request;
  request.add_by("env");
  const pb::Snowflakes found = Find(request);
  ASSERT_THAT(found.snowflakes(), SizeIs(1));
  EXPECT_EQ(found.snowflakes(0).group(), "env=prod");
  EXPECT_EQ(found.snowflakes(0).clusters(0).name(), "prod-2");
  EXPECT_EQ(found.snowflakes(0).differences(0).what(), pb::LiveDifference::WHAT_VERSION);
  EXPECT_EQ(found.snowflakes(0).differences(0).here(), "");
}

TEST_F(SnowflakesTest, WhoWasNeverHeardOrIsNotAskedForIsNotCompared) {
  Add("prod-0"), Add("prod-1");
  Add("prod-2").observed = nullptr;
  Add("gone").state = pb::ClusterRecord::STATE_REVOKED;
  Report(Add("dev-0", "dev"), Drift("1"));
  Add("dev-1", "dev");
  EXPECT_EQ(Find().unheard(), 1);
  EXPECT_EQ(Find().clusters(), 4);
  pb::SnowflakesRequest request;
  request.set_selector("env=prod");
  EXPECT_EQ(Find(request).clusters(), 2);
  EXPECT_THAT(Find(request).snowflakes(), IsEmpty());
}

TEST_F(SnowflakesTest, HealthIsAnotherAxis) {
  Add("a"), Add("b");
  pb::ObservedState state = Drift("");
  state.mutable_packages(0)->set_drifted(0);
  state.mutable_packages(0)->mutable_problems(0)->set_what(pb::ObjectProblem::WHAT_UNHEALTHY);
  Report(rows_["a"], state);
  EXPECT_THAT(Find().snowflakes(), IsEmpty());
}

TEST_F(SnowflakesTest, ManyAreCountedAndTheFirstAreNamed) {
  for (int i = 0; i < 400; ++i) Add(absl::StrCat("prod-", i));
  for (int i = 0; i < 150; ++i) {
    Report(rows_[absl::StrCat("prod-", i)], Drift(absl::StrCat(i, "0")));
  }
  for (int i = 150; i < 220; ++i) Report(rows_[absl::StrCat("prod-", i)], Drift("x"));
  const pb::Snowflakes found = Find();
  EXPECT_EQ(found.total(), 151);
  EXPECT_THAT(found.snowflakes(), SizeIs(kSnowflakesMax));
  pb::SnowflakesRequest request;
  request.set_limit(1);
  EXPECT_THAT(Find(request).snowflakes(), SizeIs(1));
  EXPECT_EQ(Find(request).total(), 151);
}

TEST(SnowflakeQuery, RefusesWhatItCannotRead) {
  const auto refused = [](auto fill) {
    pb::SnowflakesRequest request;
    fill(request);
    return ParseSnowflakeQuery(request).status().code() == absl::StatusCode::kInvalidArgument;
  };
  EXPECT_TRUE(refused([](auto& request) { request.set_selector("env in prod"); }));
  EXPECT_TRUE(refused([](auto& request) { request.add_by(""); }));
  EXPECT_TRUE(refused([](auto& request) { request.set_limit(-1); }));
  EXPECT_TRUE(refused([](auto& request) {
    for (int i = 0; i < 11; ++i) request.add_by("env");
  }));
}

}  // namespace
}  // namespace muster::hub
