// muster trace: from an object back to where it comes from.
#include <string>

#include "cli/test_run.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace muster::cli {
namespace {

using ::testing::HasSubstr;

void AddTraceable(TestRun& run) {
  v1::ObjectView& object = run.hub->objects["prod-1"].emplace_back();
  object.set_package("web");
  object.mutable_entry()->set_api_version("apps/v1");
  object.mutable_entry()->set_kind("Deployment");
  object.mutable_entry()->set_namespace_("web");
  object.mutable_entry()->set_name("api");
  object.mutable_entry()->set_digest("\x01\x02");
  object.set_sync(v1::SYNC_STATUS_SYNCED);
  object.set_health(v1::HEALTH_STATUS_HEALTHY);
  object.set_commit("1a2b3c4d5e");
  v1::PackageView& package = run.hub->packages.emplace_back();
  package.set_name("web");
  package.set_project("default");
  package.set_repository("apps");
  package.set_path("web");
  v1::RepositoryView& repository = run.hub->repositories.emplace_back();
  repository.set_name("apps");
  repository.set_url("https://git.example.com/apps.git");
  repository.set_ref("branch main");
  v1::CommitView& commit = run.hub->commits.emplace_back();
  commit.set_repository("apps");
  commit.mutable_commit()->set_id("1a2b3c4d5e");
  commit.mutable_commit()->set_author("Ada <ada@example.com>");
  commit.mutable_commit()->set_subject("Raise the limits");
  commit.mutable_commit()->set_committed_ms(run.Ago(absl::Hours(2)));
}

TEST(Trace, LeadsFromAnObjectToItsAuthor) {
  TestRun run;
  AddTraceable(run);
  EXPECT_EQ(run({"trace", "prod-1", "deployment/api"}), 0);
  EXPECT_EQ(run.out(),
            "Object:      Deployment web/api (apps/v1)\n"
            "Digest:      0102\n"
            "Cluster:     prod-1\n"
            "Sync:        Synced\n"
            "Health:      Healthy\n"
            "---\n"
            "Package:     web (project default)\n"
            "Declared:    <unknown>\n"
            "File:        below web\n"
            "---\n"
            "Repository:  apps https://git.example.com/apps.git (branch main)\n"
            "Commit:      1a2b3c4d5e\n"
            "Author:      Ada <ada@example.com>\n"
            "Committed:   2026-11-21T10:00:00Z (120m ago)\n"
            "Subject:     Raise the limits\n");
  run.hub->objects["prod-1"][0].set_source_file("web/api.yaml");
  run.hub->objects["prod-1"][0].set_source_line(12);
  EXPECT_EQ(run({"trace", "prod-1", "object/Deployment/web/api"}), 0);
  EXPECT_THAT(run.out(), HasSubstr("File:        web/api.yaml:12\n"));
}

// What was taken out of Git, and is there all the same, comes from somewhere too.
TEST(Trace, FollowsADeletionThatIsHeld) {
  TestRun run;
  AddTraceable(run);
  v1::ObjectView& object = run.hub->objects["prod-1"][0];
  object.mutable_entry()->clear_digest();
  object.set_repository("apps");
  object.mutable_problem()->set_what(v1::ObjectProblem::WHAT_HELD);
  object.mutable_problem()->set_message("9 of 10 objects would be deleted, the budget is 1");
  EXPECT_EQ(run({"trace", "prod-1", "Deployment/web/api"}), 0);
  EXPECT_THAT(run.out(), HasSubstr("Digest:      <not in Git any more>\n"));
  EXPECT_THAT(run.out(), HasSubstr("held: 9 of 10 objects would be deleted, the budget is 1"));
  EXPECT_THAT(run.out(), HasSubstr("File:        none: no file of the package has it any more\n"));
  EXPECT_THAT(run.out(), HasSubstr("Applied from: 1a2b3c4d5e\n"));
  run.hub->packages.clear();  // its declaration went, too
  EXPECT_EQ(run({"trace", "prod-1", "Deployment/web/api"}), 0) << run.err();
  EXPECT_THAT(run.out(), HasSubstr("none: the package is not declared any more"));
  EXPECT_THAT(run.out(), HasSubstr("Author:      Ada <ada@example.com>\n"));
}

TEST(Trace, GoesAsFarAsTheRecordDoes) {
  TestRun run;
  AddTraceable(run);
  run.hub->commits.clear();
  EXPECT_EQ(run({"trace", "prod-1", "Deployment/api", "-n", "web"}), 0);
  EXPECT_THAT(run.out(), HasSubstr("Commit:      1a2b3c4d5e\nAuthor:      <unknown>\n"));
}

TEST(Trace, RefusesToGuess) {
  TestRun run;
  AddTraceable(run);
  v1::ObjectView other = run.hub->objects["prod-1"][0];
  other.mutable_entry()->set_namespace_("shop");
  run.hub->objects["prod-1"].push_back(other);
  EXPECT_EQ(run({"trace", "prod-1", "Deployment/api"}), 2);
  EXPECT_THAT(run.err(), HasSubstr("they are Deployment.apps/web/api, Deployment.apps/shop/api"));
  EXPECT_EQ(run({"trace", "prod-1", "Deployment/shop/api"}), 0);
  for (const char* name : {"object/Deployment.apps/shop/api", "Deployment.apps/shop/api",
                           "deployments.apps/shop/api", "apps/v1/Deployment/shop/api"}) {
    EXPECT_EQ(run({"trace", "prod-1", name}), 0) << name << ": " << run.err();
  }
  EXPECT_EQ(run({"trace", "prod-1", "Deployment.batch/shop/api"}), 2);
  EXPECT_EQ(run({"trace", "prod-1", "Secret/api"}), 2);
  EXPECT_THAT(run.err(), HasSubstr("hint: muster get objects --cluster prod-1"));
  EXPECT_EQ(run({"trace", "prod-1", "api"}), 2);
  EXPECT_EQ(run({"trace", "prod-9", "Deployment/api"}), 2);
}

}  // namespace
}  // namespace muster::cli
