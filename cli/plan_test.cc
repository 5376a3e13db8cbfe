// muster plan: of a revision, as the hub answers; of a working tree, rendered here.
#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "cli/output/plan_text.h"
#include "cli/test_run.h"
#include "common/manifest/bundle.h"
#include "common/manifest/json.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace muster::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

void Write(const std::string& path, const std::string& text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path) << text;
}

// Two clusters change, one object each; in one of them a claim would be deleted.
pb::FleetPlan SomePlan() {
  pb::FleetPlan plan;
  plan.set_repository("apps");
  plan.mutable_commit()->set_id("1a2b3c4d5e6f7a8b9c0d1a2b3c4d5e6f7a8b9c0d");
  plan.mutable_commit()->set_subject("More replicas");
  plan.set_ruling_commit("9f8e7d6c5b4a9f8e7d6c5b4a9f8e7d6c5b4a9f8e");
  plan.set_descends(true);
  plan.set_clusters(3);
  plan.set_clusters_changed(2);
  plan.set_changed(2);
  plan.set_deleted(1);
  plan.set_held(1);
  pb::PlanGroup& claim = *plan.add_groups();
  claim.set_package("db");
  claim.add_clusters("prod-2");
  claim.set_deleted(1);
  claim.set_held(1);
  claim.set_objects_total(1);
  pb::PlanObject& gone = *claim.add_objects();
  gone.set_what(pb::PlanObject::WHAT_DELETED);
  gone.set_kind("PersistentVolumeClaim");
  gone.set_namespace_("db");
  gone.set_name("data");
  gone.set_held("objects of kind PersistentVolumeClaim are never deleted by Muster");
  pb::PlanStop& stop = *claim.add_stops();
  stop.set_rail("ProtectedKind");
  stop.set_message("1 of a protected kind would leave Git");
  pb::PlanGroup& web = *plan.add_groups();
  web.set_package("web");
  web.add_clusters("prod-1");
  web.add_clusters("prod-2");
  web.set_changed(1);
  web.set_objects_total(1);
  pb::PlanObject& deployment = *web.add_objects();
  deployment.set_what(pb::PlanObject::WHAT_CHANGED);
  deployment.set_kind("Deployment");
  deployment.set_namespace_("web");
  deployment.set_name("web");
  deployment.set_fields_total(2);
  pb::PlanField& field = *deployment.add_fields();
  field.set_pointer("/spec/replicas");
  field.set_path("spec.replicas");
  field.set_before("2");
  field.set_after("3");
  pb::PlanField& hidden = *deployment.add_fields();
  hidden.set_path("data.password");
  hidden.set_hidden(true);
  return plan;
}

TEST(Plan, SaysWhatARevisionWouldChange) {
  TestRun run;
  run.hub->plan = SomePlan();
  EXPECT_EQ(run({"plan", "--repository", "apps", "--revision", "topic"}), 1);
  EXPECT_EQ(run.out(),
            "Plan of repository apps at 1a2b3c4 \"More replicas\", now 9f8e7d6: 2 of 3 clusters "
            "change: 1 object deleted (held), 2 changed\n"
            "\n"
            "db: 1 cluster (prod-2): 1 object deleted (held)\n"
            "  ProtectedKind: 1 of a protected kind would leave Git\n"
            "  - delete PersistentVolumeClaim db/data  held: objects of kind "
            "PersistentVolumeClaim are never deleted by Muster\n"
            "\n"
            "web: 2 clusters (prod-1, prod-2): 1 object changed\n"
            "  ~ change Deployment web/web\n"
            "      spec.replicas: 2 -> 3\n"
            "      data.password: (hidden)\n");
  EXPECT_EQ(run.hub->asked_plan.repository(), "apps");
  EXPECT_EQ(run.hub->asked_plan.revision(), "topic");
}

TEST(Plan, ExitsWith0WhenNothingChangesAnd2WhenSomethingCannotBeRendered) {
  TestRun run;
  run.hub->plan.set_repository("apps");
  run.hub->plan.set_clusters(3);
  run.hub->plan.mutable_commit()->set_id("1a2b3c4d5e6f7a8b9c0d1a2b3c4d5e6f7a8b9c0d");
  EXPECT_EQ(run({"plan", "--repository", "apps", "--revision", "topic"}), 0);
  EXPECT_THAT(run.out(), HasSubstr("nothing changes in 3 clusters"));
  run.hub->plan.set_failed(1);
  pb::PlanGroup& group = *run.hub->plan.add_groups();
  group.set_package("web");
  group.set_error("web/a.yaml:7: bad\x1b[2J");
  EXPECT_EQ(run({"plan", "--repository", "apps", "--revision", "topic"}), 2);
  EXPECT_THAT(run.out(), HasSubstr("web/a.yaml:7: bad\\x1b[2J"));
}

TEST(Plan, WarnsOfARevisionThatLacksWhatRules) {
  TestRun run;
  run.hub->plan = SomePlan();
  run.hub->plan.set_descends(false);
  EXPECT_EQ(run({"plan", "--repository", "apps", "--revision", "topic"}), 1);
  EXPECT_THAT(run.out(), HasSubstr("does not descend from 9f8e7d6"));
}

TEST(Plan, IsADocumentForPrograms) {
  TestRun run;
  run.hub->plan = SomePlan();
  EXPECT_EQ(run({"plan", "--repository", "apps", "--revision", "topic", "-o", "json"}), 1);
  const absl::StatusOr<Value> document = ParseJson(run.out());
  ASSERT_TRUE(document.ok()) << document.status();
  EXPECT_EQ(document->Get("kind")->string(), "FleetPlan");
  EXPECT_EQ(document->Find("/groups/0/objects/0/what")->string(), "Deleted");
  EXPECT_EQ(document->Find("/groups/1/objects/0/fields/0/after")->string(), "3");
}

TEST(Plan, IsACommentThatNobodyCanBreakOutOf) {
  TestRun run;
  run.hub->plan = SomePlan();
  pb::PlanGroup& web = *run.hub->plan.mutable_groups(1);
  web.set_package("w</details>@all");
  web.mutable_objects(0)->mutable_fields(0)->set_after("```\n# hello");
  run.hub->plan.mutable_commit()->set_subject("<img src=x> [link](http://x)");
  EXPECT_EQ(run({"plan", "--repository", "apps", "--revision", "topic", "-o", "markdown"}), 1);
  EXPECT_THAT(run.out(), ::testing::StartsWith("<!-- muster-plan apps -->\n### Muster plan: apps"));
  EXPECT_THAT(run.out(), HasSubstr("\n- delete PersistentVolumeClaim db/data"));
  EXPECT_THAT(run.out(), HasSubstr("\n````diff\n! change Deployment web/web"));
  EXPECT_THAT(run.out(), HasSubstr("w&lt;/details&gt;@\u200ball"));
  EXPECT_THAT(run.out(), Not(HasSubstr("<img")));
  EXPECT_THAT(run.out(), HasSubstr("\\[link\\]"));
}

TEST(PlanMarkdown, FitsIntoACommentAndSaysWhatDoesNot) {
  pb::FleetPlan plan = SomePlan();
  for (int i = 0; i < 200; ++i) {
    pb::PlanGroup& group = *plan.add_groups();
    group = plan.groups(1);
    group.mutable_objects(0)->mutable_fields(0)->set_after(std::string(1'000, 'x'));
  }
  const std::string text = PlanMarkdown(plan);
  EXPECT_LT(text.size(), 65'536u);
  EXPECT_THAT(text, HasSubstr("more groups that would not fit here"));
}

TEST(Plan, AsksForWhatIsMissing) {
  TestRun run;
  EXPECT_EQ(run({"plan", "--repository", "apps"}), 2);
  EXPECT_THAT(run.err(), HasSubstr("either --revision or --local"));
  EXPECT_EQ(run({"plan", "--repository", "apps", "--revision", "x", "--local", "."}), 2);
  EXPECT_EQ(run({"plan", "--revision", "x"}), 2);
  EXPECT_EQ(run({"plan", "--repository", "apps", "--revision", "x", "-o", "csv"}), 2);
  EXPECT_EQ(run({"get", "clusters", "-o", "markdown"}), 2);
  EXPECT_THAT(run.err(), HasSubstr("-o markdown is for 'muster plan' alone"));
}

TEST(Plan, RendersAWorkingTreeHereAndComparesItWithTheHubs) {
  TestRun run;
  const auto config_map = [](const std::string& value) {
    return *MakeObject(*ParseJson(absl::StrCat(
        R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"k":")", value,
        R"("}})")));
  };
  const Bundle ruling = *MakeBundle({{config_map("one"), "x"}});
  run.hub->blobs[ruling.digest.bytes()] = ruling.manifest_bytes;
  for (const Bundle::Blob& blob : ruling.blobs) run.hub->blobs[blob.digest.bytes()] = blob.json;
  pb::PlanFleet& fleet = run.hub->plan_fleet;
  fleet.set_repository("apps");
  fleet.set_commit("9f8e7d6c5b4a9f8e7d6c5b4a9f8e7d6c5b4a9f8e");
  fleet.add_clusters()->set_name("prod-1");
  fleet.add_clusters()->set_name("prod-2");
  pb::PlanPackage& package = *fleet.add_packages();
  package.mutable_spec()->set_name("web");
  package.mutable_spec()->set_path("web");
  package.mutable_spec()->set_renderer(pb::RENDERER_AUTO);
  package.mutable_spec()->add_targets()->mutable_cluster_selector();
  pb::PlanCurrent& current = *package.add_current();
  current.set_bundle_digest(ruling.digest.bytes());
  current.add_clusters(0);
  current.add_clusters(1);

  const std::string tree = run.folder + "/tree";
  std::filesystem::create_directories(tree + "/.git");  // where the working tree begins
  const auto write = [&](const std::string& value) {
    Write(tree + "/web/a.yaml", absl::StrCat("apiVersion: v1\nkind: ConfigMap\n"
                                             "metadata: {name: a}\ndata: {k: ",
                                             value, "}\n"));
  };
  write("one");
  EXPECT_EQ(run({"plan", "--repository", "apps", "--local", tree}), 0) << run.err();
  EXPECT_THAT(run.out(), HasSubstr("nothing changes in 2 clusters"));
  write("two");
  EXPECT_EQ(run({"plan", "--repository", "apps", "--local", tree}), 1) << run.err();
  EXPECT_THAT(run.out(), HasSubstr("web: 2 clusters (prod-1, prod-2): 1 object changed"));
  EXPECT_THAT(run.out(), HasSubstr("data.k: \"one\" -> \"two\""));
  write("[");
  EXPECT_EQ(run({"plan", "--repository", "apps", "--local", tree}), 2);
  EXPECT_THAT(run.out(), HasSubstr("web/a.yaml:"));
  EXPECT_EQ(run({"plan", "--repository", "apps", "--local", run.folder + "/nowhere"}), 2);
}

}  // namespace
}  // namespace muster::cli
