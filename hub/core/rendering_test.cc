#include "hub/core/rendering.h"

#include "hub/core/core_fixture_test.h"

namespace muster::hub {
namespace {

namespace pb = muster::v1;

class RenderingTest : public CoreFixture {
 protected:
  const pb::Condition& Rendered(const std::string& package) {
    package_ = PackageOf(package);
    return *ConditionIn(package_->conditions, "Rendered");
  }

  std::shared_ptr<const PackageRow> package_;
};

TEST_F(RenderingTest, AnErrorKeepsTheLastGoodRenderingAndSaysWhere) {
  SmallFleet();
  FakeAgent& one = Join("one");
  ReportAll();
  PushApps("c2", {{"web", "error"}});
  EXPECT_EQ(one.desired.generation(), 1u);
  EXPECT_EQ(Rendered("web").status(), pb::CONDITION_STATUS_FALSE);
  EXPECT_NE(Rendered("web").message().find("web/a.yaml:7: bad"), std::string::npos);
  EXPECT_NE(Rendered("web").message().find("c2"), std::string::npos);
  // Nothing is green above a broken child.
  EXPECT_EQ(ClusterOf("one")->sync, pb::SYNC_STATUS_OUT_OF_SYNC);
  EXPECT_FALSE(ClusterOf("one")->converged);
  EXPECT_NE(ClusterOf("one")->message.find("web/a.yaml:7"), std::string::npos);
  EXPECT_EQ(MakePackageView(*core->View(), *PackageOf("web")).sync(), pb::SYNC_STATUS_OUT_OF_SYNC);

  PushApps("c3", {{"web", "three"}});
  EXPECT_EQ(one.desired.packages(0).bundle_digest(), BundleOf("three").bytes());
  EXPECT_EQ(Rendered("web").status(), pb::CONDITION_STATUS_TRUE);
}

TEST_F(RenderingTest, AFailingPackageStopsNoOther) {
  SmallFleet();
  DeclarePackage("api");
  git["apps"].files["api"] = "api";
  PushConfig();
  FakeAgent& one = Join("one");
  PushApps("c2", {{"web", "error"}, {"api", "new"}});
  ASSERT_EQ(one.desired.packages_size(), 2);
  EXPECT_EQ(one.desired.packages(0).bundle_digest(), BundleOf("new").bytes());
  EXPECT_EQ(one.desired.packages(1).bundle_digest(), BundleOf("one").bytes());
}

TEST_F(RenderingTest, AnEmptyRenderingIsNeverIntent) {
  SmallFleet();
  FakeAgent& one = Join("one");
  PushApps("c2", {{"web", ""}});
  EXPECT_EQ(one.desired.generation(), 1u);
  EXPECT_NE(Rendered("web").message().find("no objects"), std::string::npos);
}

TEST_F(RenderingTest, AVanishedPathIsHeld) {
  SmallFleet();
  FakeAgent& one = Join("one");
  PushApps("c2", {{"other", "x"}});
  EXPECT_EQ(one.desired.packages(0).bundle_digest(), BundleOf("one").bytes());
  EXPECT_NE(Rendered("web").message().find("no such directory"), std::string::npos);
}

TEST_F(RenderingTest, FollowsABaseInAnotherRepository) {
  SmallFleet();
  DeclareRepository("library").set_interval_ms(3'600'000);
  git["library"].commit = "l1";
  PushConfig();
  FakeAgent& one = Join("one");
  PushApps("c2", {{"web", "base library"}});
  EXPECT_EQ(one.desired.packages(0).bundle_digest(), BundleOf("on l1").bytes());
  EXPECT_EQ(one.desired.packages(0).source().commit(), "c2");

  // It moves, and what stands on it is rendered again, although its own commit is the same.
  git["library"].commit = "l2";
  Ask(SyncNow{"library"}).IgnoreError();
  Do(Tick{});
  Run();
  EXPECT_EQ(one.desired.packages(0).bundle_digest(), BundleOf("on l2").bytes());
  EXPECT_EQ(one.desired.packages(0).source().commit(), "c2");

  // Without the base, its moves are nobody's concern.
  PushApps("c3", {{"web", "three"}});
  const int before = render_jobs;
  git["library"].commit = "l3";
  Ask(SyncNow{"library"}).IgnoreError();
  Do(Tick{});
  Run();
  EXPECT_EQ(render_jobs, before);
}

TEST_F(RenderingTest, MendsAMissingBaseWhenItIsDeclaredAndWhenItIsFetched) {
  SmallFleet();
  FakeAgent& one = Join("one");
  PushApps("c2", {{"web", "base library"}});
  EXPECT_NE(Rendered("web").message().find("web/k.yaml:2: no library"), std::string::npos);
  EXPECT_EQ(one.desired.packages(0).bundle_digest(), BundleOf("one").bytes());

  DeclareRepository("library");
  git["library"].error = absl::UnavailableError("no route");
  PushConfig();
  EXPECT_EQ(Rendered("web").status(), pb::CONDITION_STATUS_FALSE);

  git["library"].error = absl::OkStatus();
  git["library"].commit = "l1";
  Pass(absl::Minutes(10));
  EXPECT_EQ(Rendered("web").status(), pb::CONDITION_STATUS_TRUE);
  EXPECT_EQ(one.desired.packages(0).bundle_digest(), BundleOf("on l1").bytes());
}

TEST_F(RenderingTest, LooksAgainWhenABaseMovedWhileItWasRendered) {
  SmallFleet();
  DeclareRepository("library");
  git["library"].commit = "l1";
  PushConfig();
  FakeAgent& one = Join("one");
  git["apps"].commit = "c2";
  git["apps"].files = {{"web", "base library"}};
  git["library"].commit = "l2";
  // Both move at once; whichever is fetched first, the end is the same.
  Ask(SyncNow{"apps"}).IgnoreError();
  Ask(SyncNow{"library"}).IgnoreError();
  Do(Tick{});
  Run();
  EXPECT_EQ(one.desired.packages(0).bundle_digest(), BundleOf("on l2").bytes());
}

TEST_F(RenderingTest, AFailedJobIsTriedAgainAndShownFromTheSecondTime) {
  SmallFleet();
  FakeAgent& one = Join("one");
  render_failure = absl::UnavailableError("the fetch process died");
  PushApps("c2", {{"web", "two"}});
  EXPECT_EQ(RepositoryOf("apps").message(), "");
  Pass(absl::Seconds(30));
  EXPECT_NE(RepositoryOf("apps").message().find("the fetch process died"), std::string::npos);
  EXPECT_EQ(one.desired.generation(), 1u);
  render_failure = absl::OkStatus();
  Pass(absl::Minutes(3));
  EXPECT_EQ(one.desired.generation(), 2u);
  EXPECT_EQ(RepositoryOf("apps").message(), "");
}

TEST_F(RenderingTest, ClustersAreToldApartByWhatTheTextUsesOnly) {
  SmallFleet();
  pb::Variable* variable = config.mutable_packages(0)->add_variables();
  variable->set_name("replicas");
  variable->set_value("2");
  git["apps"].files["web"] = "in $env";
  PushConfig();
  FakeAgent& one = Join("one", {{"env", "dev"}});
  FakeAgent& two = Join("two", {{"env", "prod"}});
  FakeAgent& three = Join("three", {{"env", "prod"}});
  const auto bundle = [](const FakeAgent& agent) {
    return agent.desired.packages(0).bundle_digest();
  };
  EXPECT_EQ(bundle(one), BundleOf("in $env replicas=2 env is dev").bytes());
  EXPECT_EQ(bundle(two), BundleOf("in $env replicas=2 env is prod").bytes());
  EXPECT_EQ(bundle(three), bundle(two));
  EXPECT_EQ(PackageOf("web")->bundles, 2);

  // The next commit uses the name as well: each cluster gets its own.
  PushApps("c2", {{"web", "in $env as $name"}});
  EXPECT_EQ(bundle(two), BundleOf("in $env as $name replicas=2 env is prod name is two").bytes());
  EXPECT_EQ(bundle(three),
            BundleOf("in $env as $name replicas=2 env is prod name is three").bytes());
  EXPECT_EQ(PackageOf("web")->bundles, 3);
}

// Charts may ask for it; without any variable too.
TEST_F(RenderingTest, TheKubernetesVersionTellsApartOnlyWhoAsksForIt) {
  kubernetes_versions = {{"one", "v1.31.4"}, {"two", "v1.32.0"}};
  SmallFleet();
  FakeAgent& one = Join("one");
  FakeAgent& two = Join("two");
  EXPECT_EQ(PackageOf("web")->bundles, 1);
  PushApps("c2", {{"web", "needs $kubernetes"}});
  EXPECT_EQ(one.desired.packages(0).bundle_digest(),
            BundleOf("needs $kubernetes for v1.31.4").bytes());
  EXPECT_EQ(two.desired.packages(0).bundle_digest(),
            BundleOf("needs $kubernetes for v1.32.0").bytes());
  // A cluster that was updated gets what its version asks for.
  kubernetes_versions["one"] = "v1.32.0";
  Connect(one);
  Run();
  EXPECT_EQ(one.desired.packages(0).bundle_digest(), two.desired.packages(0).bundle_digest());
  EXPECT_EQ(PackageOf("web")->bundles, 1);
}

TEST_F(RenderingTest, TheFirstTargetThatMatchesDecides) {
  SmallFleet();
  pb::Package* web = config.mutable_packages(0);
  web->clear_targets();
  pb::Target* prod = web->add_targets();
  pb::Label* label = prod->mutable_cluster_selector()->add_match_labels();
  label->set_key("env");
  label->set_value("prod");
  pb::Variable* variable = prod->add_variables();
  variable->set_name("replicas");
  variable->set_value("6");
  web->add_targets()->mutable_cluster_selector();
  PushConfig();
  FakeAgent& one = Join("one", {{"env", "dev"}});
  FakeAgent& two = Join("two", {{"env", "prod"}});
  EXPECT_EQ(one.desired.packages(0).bundle_digest(), BundleOf("one").bytes());
  EXPECT_EQ(two.desired.packages(0).bundle_digest(), BundleOf("one replicas=6").bytes());
}

TEST_F(RenderingTest, AnUndefinedVariableInAPathIsTheClustersOwnTrouble) {
  SmallFleet();
  config.mutable_packages(0)->set_path("web/${cluster.labels.env}");
  git["apps"].files["web/dev"] = "dev";
  PushConfig();
  FakeAgent& one = Join("one", {{"env", "dev"}});
  FakeAgent& two = Join("two");
  EXPECT_EQ(one.desired.packages_size(), 1);
  EXPECT_EQ(two.desired.packages_size(), 0);
  Report(two, Applied(two));
  EXPECT_EQ(ClusterOf("two")->sync, pb::SYNC_STATUS_OUT_OF_SYNC);
  EXPECT_NE(ClusterOf("two")->message.find("env"), std::string::npos);
}

TEST_F(RenderingTest, AnotherPathKeepsTheFormerBundleUntilItIsRendered) {
  SmallFleet();
  FakeAgent& one = Join("one");
  config.mutable_packages(0)->set_path("elsewhere");
  PushConfig();  // nothing stands there yet
  EXPECT_EQ(one.desired.packages_size(), 1);
  EXPECT_EQ(one.desired.packages(0).bundle_digest(), BundleOf("one").bytes());
  PushApps("c2", {{"elsewhere", "two"}});
  EXPECT_EQ(one.desired.packages(0).bundle_digest(), BundleOf("two").bytes());
}

TEST_F(RenderingTest, TheFirstStateWaitsForTheFirstRendering) {
  SmallFleet();
  FakeAgent& one = agents["one"];
  one.name = "one";
  Do(EnrollWith(Token("one"), one, MakeCsr(one.key)));
  Answer(std::get<IssueJob>(jobs.front()));
  jobs.pop_front();
  one.id = ClusterOf("one")->id;
  Connect(one);  // the RenderJob is still under way
  EXPECT_EQ(one.desired.generation(), 0u);
  Run();
  EXPECT_EQ(one.desired.generation(), 1u);
  EXPECT_EQ(one.desired.packages_size(), 1);
}

}  // namespace
}  // namespace muster::hub
