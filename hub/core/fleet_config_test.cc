#include "hub/core/fleet_config.h"

#include "hub/core/core_fixture_test.h"

namespace muster::hub {
namespace {

namespace pb = muster::v1;

class FleetConfigTest : public CoreFixture {
 protected:
  void AddError(const std::string& file, const std::string& kind, const std::string& name) {
    pb::ConfigError* error = config.add_errors();
    error->set_file(file);
    error->set_line(7);
    error->set_message("spec.pth: unknown field; did you mean 'path'?");
    error->set_kind(kind);
    error->set_name(name);
  }

  const pb::Condition& ConfigValid() {
    fleet_ = RepositoryOf(".fleet");
    return *ConditionIn(fleet_.conditions(), "ConfigValid");
  }

  pb::RepositoryView fleet_;
};

TEST_F(FleetConfigTest, ABrokenFileKeepsItsFormerDeclarations) {
  SmallFleet();
  FakeAgent& one = Join("one");
  config.clear_packages();  // what is left of fleet/web.yaml after its error
  AddError("fleet/web.yaml", "Package", "web");
  PushConfig();
  EXPECT_EQ(one.desired.packages_size(), 1);
  EXPECT_NE(PackageOf("web"), nullptr);
  EXPECT_EQ(ConfigValid().status(), pb::CONDITION_STATUS_FALSE);
  EXPECT_NE(ConfigValid().message().find("fleet/web.yaml:7: spec.pth"), std::string::npos);

  // Another file goes on being taken over.
  pb::Package& api = DeclarePackage("api");
  api.mutable_origin()->set_file("fleet/api.yaml");
  PushApps("c2", {{"web", "one"}, {"api", "new"}});
  PushConfig();
  EXPECT_EQ(one.desired.packages_size(), 2);
}

TEST_F(FleetConfigTest, ADeclarationInABrokenFileIsNotTakenOver) {
  SmallFleet();
  FakeAgent& one = Join("one");
  config.mutable_packages(0)->set_path("elsewhere");
  AddError("fleet/web.yaml", "Package", "other");
  git["apps"].files["elsewhere"] = "elsewhere";
  PushConfig();
  EXPECT_EQ(one.desired.packages(0).source().path(), "web");
}

TEST_F(FleetConfigTest, ARemovedPackageLeavesTheDesiredState) {
  SmallFleet();
  DeclarePackage("api");
  git["apps"].files["api"] = "api";
  PushConfig();
  FakeAgent& one = Join("one");
  ASSERT_EQ(one.desired.packages_size(), 2);
  config.mutable_packages()->DeleteSubrange(0, 1);
  PushConfig();
  ASSERT_EQ(one.desired.packages_size(), 1);
  EXPECT_EQ(one.desired.packages(0).name(), "api");
  EXPECT_EQ(PackageOf("web"), nullptr);
  EXPECT_TRUE(absl::IsNotFound(store.Get(keys::Package(PackageName("web"))).status()));
}

TEST_F(FleetConfigTest, NothingAtAllIsNeverIntent) {
  SmallFleet();
  FakeAgent& one = Join("one");
  const pb::FleetConfig full = config;
  config.Clear();
  PushConfig();
  EXPECT_EQ(one.desired.generation(), 1u);
  EXPECT_EQ(ConfigValid().reason(), "Empty");
  EXPECT_NE(PackageOf("web"), nullptr);
  config = full;
  PushConfig();
  EXPECT_EQ(ConfigValid().status(), pb::CONDITION_STATUS_TRUE);
}

TEST_F(FleetConfigTest, ABrokenNewFileHoldsRemovalsBecauseSomethingMayHaveMovedThere) {
  SmallFleet();
  FakeAgent& one = Join("one");
  config.clear_packages();
  AddError("fleet/moved.yaml", "", "");
  PushConfig();
  EXPECT_EQ(one.desired.packages_size(), 1);
  EXPECT_NE(ConfigValid().message().find("package/web"), std::string::npos);

  config.clear_errors();
  PushConfig();
  EXPECT_EQ(one.desired.packages_size(), 0);
}

TEST_F(FleetConfigTest, ARemovedRepositoryTakesNothingAway) {
  SmallFleet();
  FakeAgent& one = Join("one");
  config.clear_repositories();
  PushConfig();
  EXPECT_EQ(one.desired.packages_size(), 1);
  EXPECT_EQ(one.desired.generation(), 1u);
  const pb::Condition* condition = ConditionIn(PackageOf("web")->conditions, "Rendered");
  EXPECT_EQ(condition->reason(), "RepositoryMissing");
  EXPECT_NE(condition->message().find("fleet/web.yaml:1"), std::string::npos);

  Restart();
  Do(Tick{});
  Run();
  Connect(one);
  EXPECT_EQ(one.desired.packages_size(), 1);
}

TEST_F(FleetConfigTest, LabelsOfADeclarationWinOverThoseOfTheToken) {
  SmallFleet();
  auto* target = config.mutable_packages(0)->mutable_targets(0)->mutable_cluster_selector();
  pb::Label* wanted = target->add_match_labels();
  wanted->set_key("env");
  wanted->set_value("prod");
  PushConfig();
  FakeAgent& one = Join("one", {{"env", "dev"}});
  EXPECT_EQ(one.desired.packages_size(), 0);

  pb::ClusterDeclaration* declaration = config.add_clusters();
  declaration->set_name("one");
  *declaration->add_labels() = *wanted;
  declaration->mutable_origin()->set_file("fleet/clusters.yaml");
  PushConfig();
  EXPECT_EQ(one.desired.packages_size(), 1);
}

TEST_F(FleetConfigTest, AnEnrolledClusterKeepsItsLabelsWhenItsDeclarationGoes) {
  SmallFleet();
  pb::ClusterDeclaration* declaration = config.add_clusters();
  declaration->set_name("one");
  pb::Label* label = declaration->add_labels();
  label->set_key("env");
  label->set_value("prod");
  declaration->mutable_origin()->set_file("fleet/clusters.yaml");
  *config.mutable_packages(0)->mutable_targets(0)->mutable_cluster_selector()->add_match_labels() =
      *label;
  PushConfig();
  EXPECT_EQ(ViewOf("one", false).state(), "Declared");
  FakeAgent& one = Join("one");
  ASSERT_EQ(one.desired.packages_size(), 1);
  config.clear_clusters();
  PushConfig();
  EXPECT_EQ(one.desired.packages_size(), 1);
  Report(one, Applied(one));
  EXPECT_NE(ClusterOf("one")->message.find("left Git"), std::string::npos);
}

TEST_F(FleetConfigTest, ModeObserveReachesTheAgent) {
  SmallFleet();
  FakeAgent& one = Join("one");
  EXPECT_EQ(one.desired.mode(), pb::CLUSTER_MODE_ENFORCE);
  pb::ClusterDeclaration* declaration = config.add_clusters();
  declaration->set_name("one");
  declaration->set_mode(pb::CLUSTER_MODE_OBSERVE);
  declaration->mutable_origin()->set_file("fleet/clusters.yaml");
  PushConfig();
  EXPECT_EQ(one.desired.mode(), pb::CLUSTER_MODE_OBSERVE);
}

TEST_F(FleetConfigTest, ASuspendedPackageIsHeldUntilItIsResumed) {
  SmallFleet();
  DeclarePackage("api");
  git["apps"].files["api"] = "api";
  PushConfig();
  FakeAgent& one = Join("one");
  pb::SuspendRequest request;
  request.set_kind("package");
  request.set_name("web");
  request.set_suspended(true);
  ASSERT_TRUE(Ask(request).ok());
  EXPECT_TRUE(one.desired.packages(1).suspended());
  config.mutable_packages()->DeleteSubrange(0, 1);
  PushConfig();
  EXPECT_EQ(one.desired.packages_size(), 2);

  request.set_suspended(false);
  ASSERT_TRUE(Ask(request).ok());
  Run();
  EXPECT_EQ(one.desired.packages_size(), 1);
}

TEST_F(FleetConfigTest, AChangedPolicyIsANewStateOfTheSameBundle) {
  SmallFleet();
  FakeAgent& one = Join("one");
  config.mutable_packages(0)->mutable_sync()->set_drift(pb::DRIFT_MODE_REPORT);
  PushConfig();
  EXPECT_EQ(one.desired.generation(), 2u);
  EXPECT_EQ(one.desired.packages(0).sync().drift(), pb::DRIFT_MODE_REPORT);
  EXPECT_EQ(one.desired.packages(0).bundle_digest(), BundleOf("one").bytes());
  EXPECT_EQ(rendered, 1);
}

}  // namespace
}  // namespace muster::hub
