// Plans at the hub: rendered by the same jobs and cache as what rules, and intent of nothing.
#include "hub/core/plans.h"

#include <gmock/gmock.h>

#include <string>

#include "hub/core/core_fixture_test.h"

namespace muster::hub {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class PlansTest : public CoreFixture {
 protected:
  PlansTest() {
    DeclareRepository("apps");
    DeclarePackage("web");
    PushConfig();
    PushApps("c1", {{"web", "hello"}});
    prod = &Join("prod", {{"env", "prod"}});
    stage = &Join("stage", {{"env", "stage"}});
    ReportAll();
    Run();
  }

  // What the hub answers to a plan of this revision.
  absl::StatusOr<v1::PlanComparisons> Plan(const std::string& revision,
                                           const std::string& repository = "apps") {
    v1::PlanRequest request;
    request.set_repository(repository);
    request.set_revision(revision);
    Do(OperatorAsked{++last_request, "ada", request});
    Run();
    EXPECT_EQ(replies.count(last_request), 1u);
    const absl::StatusOr<OperatorAnswer>& answer = replies.find(last_request)->second.response;
    if (!answer.ok()) return answer.status();
    return std::get<v1::PlanComparisons>(*answer);
  }

  FakeAgent* prod = nullptr;
  FakeAgent* stage = nullptr;
};

TEST_F(PlansTest, SaysWhatABranchWouldChangeAndChangesNothing) {
  git["apps"].branches["topic"] = "c2";
  git["apps"].at["c2"] = {{"web", "hello again"}};
  const std::string before = prod->desired_bytes;
  const int pushed = pushes;
  const auto plan = Plan("topic");
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->commit().id(), "c2");
  EXPECT_EQ(plan->commit().subject(), "Subject of c2");
  EXPECT_EQ(plan->ruling_commit(), "c1");
  EXPECT_TRUE(plan->descends());
  EXPECT_THAT(plan->clusters(), ElementsAre("prod", "stage"));
  ASSERT_EQ(plan->comparisons_size(), 1);
  EXPECT_EQ(plan->comparisons(0).current(), BundleOf("hello").bytes());
  EXPECT_EQ(plan->comparisons(0).next(), BundleOf("hello again").bytes());
  EXPECT_THAT(plan->comparisons(0).clusters(), ElementsAre(0, 1));
  // Nothing was pushed, then or after the next poll and a restart; the commit rules nowhere.
  EXPECT_EQ(pushes, pushed);
  EXPECT_EQ(prod->desired_bytes, before);
  Pass(absl::Minutes(5));
  EXPECT_EQ(RepositoryOf("apps").commit(), "c1");
  EXPECT_EQ(prod->desired_bytes, before);
}

TEST_F(PlansTest, ARegistryOfChartsHasNoRevisions) {
  v1::Repository& charts = *config.add_repositories();
  charts.set_name("charts");
  charts.set_type(v1::REPOSITORY_TYPE_HELM);
  charts.set_url("https://charts.example.com");
  git["charts"].commit = "r1";
  PushConfig();
  const int before = fetches;
  const auto plan = Plan("main", "charts");
  EXPECT_EQ(plan.status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(std::string(plan.status().message()), HasSubstr("'charts' is a registry of charts"));
  EXPECT_EQ(fetches, before) << "nobody is asked";
}

TEST_F(PlansTest, FindsATagWhereThereIsNoBranch) {
  git["apps"].tags["v2"] = "c2";
  git["apps"].at["c2"] = {{"web", "two"}};
  const auto plan = Plan("v2");
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->commit().id(), "c2");
}

TEST_F(PlansTest, SaysWhenThereIsNoSuchRevision) {
  const auto plan = Plan("nowhere");
  EXPECT_EQ(plan.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(plan.status().message(), HasSubstr("no branch and no tag has this name"));
  EXPECT_EQ(Plan("").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Plan("main", "elsewhere").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Plan("main", ".fleet").status().code(), absl::StatusCode::kUnimplemented);
}

TEST_F(PlansTest, TellsClustersApartByWhatTheNewTextUses) {
  // The ruling text mentions no fact of a cluster, so that both share a rendering; the new one
  // does.
  config.mutable_packages(0)->add_variables()->set_name("x");
  PushConfig();
  git["apps"].branches["topic"] = "c2";
  git["apps"].at["c2"] = {{"web", "hello $env"}};
  const auto plan = Plan("topic");
  ASSERT_TRUE(plan.ok()) << plan.status();
  ASSERT_EQ(plan->comparisons_size(), 2);
  EXPECT_NE(plan->comparisons(0).next(), plan->comparisons(1).next());
  EXPECT_EQ(plan->comparisons(0).clusters_size(), 1);
  // What rules is told apart by no more than before.
  EXPECT_EQ(PackageOf("web")->bundles, 1);
}

TEST_F(PlansTest, AnEmptyOrBrokenRenderingIsAnErrorOfItsPackageAlone) {
  DeclarePackage("db");
  PushConfig();
  PushApps("c2", {{"web", "hello"}, {"db", "rows"}});
  git["apps"].branches["topic"] = "c3";
  git["apps"].at["c3"] = {{"web", ""}, {"db", "more rows"}};
  const auto plan = Plan("topic");
  ASSERT_TRUE(plan.ok()) << plan.status();
  ASSERT_EQ(plan->comparisons_size(), 2);
  EXPECT_EQ(plan->comparisons(0).package(), "db");
  EXPECT_EQ(plan->comparisons(0).error(), "");
  EXPECT_THAT(plan->comparisons(1).error(), HasSubstr("no objects at all"));
  EXPECT_EQ(plan->comparisons(1).next(), "");
}

TEST_F(PlansTest, ASecondPlanRendersNothingAnew) {
  git["apps"].branches["topic"] = "c2";
  git["apps"].at["c2"] = {{"web", "hello again"}};
  ASSERT_TRUE(Plan("topic").ok());
  const int before = rendered;
  ASSERT_TRUE(Plan("topic").ok());
  EXPECT_EQ(rendered, before);
}

TEST_F(PlansTest, ManyPlansDoNotPushOutWhatRuns) {
  for (int i = 0; i < 40; ++i) {
    const std::string commit = absl::StrCat("p", i);
    git["apps"].branches["topic"] = commit;
    git["apps"].at[commit] = {{"web", absl::StrCat("try ", i)}};
    ASSERT_TRUE(Plan("topic").ok());
  }
  const int before = rendered;
  PushApps("c2", {{"web", "hello"}, {"other", "file"}});
  EXPECT_EQ(rendered, before);
}

TEST_F(PlansTest, RefusesMoreThanAFewAtOneTime) {
  for (size_t i = 0; i < kPlansMax; ++i) {
    v1::PlanRequest request;
    request.set_repository("apps");
    request.set_revision("main");
    EXPECT_TRUE(Do(OperatorAsked{++last_request, "ada", request}).operator_replies.empty());
  }
  v1::PlanRequest request;
  request.set_repository("apps");
  request.set_revision("main");
  const Outbox out = Do(OperatorAsked{++last_request, "ada", request});
  ASSERT_EQ(out.operator_replies.size(), 1u);
  EXPECT_EQ(out.operator_replies[0].response.status().code(), absl::StatusCode::kResourceExhausted);
  // When they have ended, there is room again.
  Run();
  EXPECT_TRUE(Plan("main").ok());
}

TEST_F(PlansTest, GivesTheFleetForALocalPlan) {
  v1::PlanFleetRequest request;
  request.set_repository("apps");
  const auto answered_fleet = Ask(request);
  ASSERT_TRUE(answered_fleet.ok()) << answered_fleet.status();
  const v1::PlanFleet& fleet = std::get<v1::PlanFleet>(*answered_fleet);
  EXPECT_EQ(fleet.commit(), "c1");
  ASSERT_EQ(fleet.clusters_size(), 2);
  EXPECT_EQ(fleet.clusters(1).labels(0).value(), "stage");
  ASSERT_EQ(fleet.packages_size(), 1);
  ASSERT_EQ(fleet.packages(0).current_size(), 1);
  EXPECT_THAT(fleet.packages(0).current(0).clusters(), ElementsAre(0, 1));
}

}  // namespace
}  // namespace muster::hub
