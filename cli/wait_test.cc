// muster wait and muster sync --wait.
#include <string>

#include "absl/strings/str_cat.h"
#include "cli/test_run.h"
#include "common/manifest/json.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace muster::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

v1::ClusterView Behind(const TestRun& run, const std::string& name) {
  v1::ClusterView view = MakeCluster(run, name);
  view.set_applied_generation(3);
  view.set_sync(v1::SYNC_STATUS_OUT_OF_SYNC);
  view.set_health(v1::HEALTH_STATUS_PROGRESSING);
  return view;
}

void Arrive(v1::ClusterView& view) {
  view.set_applied_generation(view.desired_generation());
  view.set_sync(v1::SYNC_STATUS_SYNCED);
  view.set_health(v1::HEALTH_STATUS_HEALTHY);
}

v1::CommitView Commit(const std::string& id, const std::string& result) {
  v1::CommitView view;
  view.set_repository("apps");
  view.mutable_commit()->set_id(id);
  view.set_result(result);
  return view;
}

TEST(Wait, ReturnsAtOnceWhenAllIsWell) {
  TestRun run;
  run.hub->clusters.push_back(MakeCluster(run, "prod-1"));
  EXPECT_EQ(run({"wait", "cluster/prod-1"}), 0);
  EXPECT_EQ(run.out(), "1 cluster synced\n");
  EXPECT_EQ(run.err(), "cluster/prod-1: synced\n");
}

TEST(Wait, TellsEachChangeOfPhaseOnce) {
  TestRun run;
  run.hub->clusters.push_back(Behind(run, "prod-1"));
  run.hub->Then([](MemoryHubClient&) {});  // something else happened
  run.hub->Then([](MemoryHubClient& hub) { hub.clusters[0].set_applied_generation(4); });
  run.hub->Then([](MemoryHubClient& hub) { Arrive(hub.clusters[0]); });
  EXPECT_EQ(run({"wait", "--all", "--timeout", "1m"}), 0);
  EXPECT_EQ(run.err(),
            "cluster/prod-1: OutOfSync, Progressing, generation 3 of 4\n"
            "cluster/prod-1: OutOfSync, Progressing\n"
            "cluster/prod-1: synced\n");
}

TEST(Wait, RunsOutOfTimeAndSaysWhoIsMissingAndWhy) {
  TestRun run;
  run.hub->clusters.push_back(MakeCluster(run, "dev-1"));
  run.hub->clusters.push_back(Behind(run, "prod-1"));
  run.hub->clusters[1].set_connection(v1::CONNECTION_STATUS_OFFLINE);
  EXPECT_EQ(run({"wait", "--all", "--timeout", "30s", "-q"}), 3);
  EXPECT_EQ(run.out(), "");
  EXPECT_EQ(run.err(),
            "error: 1 of 2 clusters not synced: gave up after 30s\n"
            "  where: hub hub.test:7444 (context test)\n"
            "  why: cluster/prod-1: OutOfSync, Progressing, generation 3 of 4, Offline\n"
            "  hint: muster describe cluster prod-1\n");
}

TEST(Wait, FailsFastOnWhatHasFailed) {
  TestRun run;
  v1::ClusterView view = Behind(run, "prod-1");
  v1::ClusterPackageView& package = *view.add_packages();
  package.set_name("web");
  package.set_desired_bundle("new");
  package.set_attempted_bundle("new");
  v1::ObjectProblem& problem = *package.add_problems();
  problem.set_what(v1::ObjectProblem::WHAT_FAILED);
  problem.set_kind("Service");
  problem.set_name("api");
  problem.set_message("port 70000 is out of range");
  run.hub->clusters.push_back(view);
  run.hub->clusters.push_back(MakeCluster(run, "prod-2"));
  EXPECT_EQ(run({"wait", "--all", "-q"}), 1);
  EXPECT_EQ(run.out(), "");
  EXPECT_EQ(run.err(),
            "error: 1 of 2 clusters not synced: failed\n"
            "  why: cluster/prod-1: package/web: Service api failed: port 70000 is out of range\n"
            "  hint: muster describe cluster prod-1\n");
  EXPECT_EQ(run({"wait", "--all", "-q", "--no-fail-fast", "--timeout", "1m"}), 3);
}

TEST(Wait, AllMeansTheDeclaredOnesToo) {
  TestRun run;
  run.hub->clusters.push_back(MakeCluster(run, "prod-1"));
  v1::ClusterView& declared = run.hub->clusters.emplace_back();
  declared.set_name("prod-2");
  declared.set_state("Declared");
  EXPECT_EQ(run({"wait", "--all", "-q", "--timeout", "1m"}), 3);
  EXPECT_THAT(run.err(), HasSubstr("cluster/prod-2: it has not joined"));
  // A selector means those that are here.
  EXPECT_EQ(run({"wait", "-l", "env=prod"}), 0);
}

TEST(Wait, IsNotFooledByAHubThatKnowsNothingYet) {
  TestRun run;
  run.hub->clusters.push_back(MakeCluster(run, "prod-1"));
  run.hub->hub.clear_fleet_commit();
  EXPECT_EQ(run({"wait", "--all", "--timeout", "1m"}), 3);
  EXPECT_THAT(run.err(), HasSubstr("the hub has not read the fleet repository yet"));
  EXPECT_EQ(run({"wait", "--all", "--for=connected"}), 0);
}

TEST(Wait, WaitsForAClusterThatIsStillToCome) {
  TestRun run;
  run.hub->Then([&](MemoryHubClient& hub) { hub.clusters.push_back(MakeCluster(run, "new")); });
  EXPECT_EQ(run({"wait", "cluster/new", "--for", "connected"}), 0);
  EXPECT_EQ(run.err(), "cluster/new: the hub does not know it\ncluster/new: connected\n");
}

TEST(Wait, OutlastsARestartOfTheHubButNotItsAbsence) {
  TestRun run;
  run.hub->clusters.push_back(Behind(run, "prod-1"));
  run.hub->Then([](MemoryHubClient& hub) {
    hub.Fail("ListClusters", absl::UnavailableError("connection refused"));
    Arrive(hub.clusters[0]);
  });
  EXPECT_EQ(run({"wait", "--all"}), 0);
  EXPECT_THAT(run.err(), HasSubstr("trying again"));
  run.hub->Fail("GetHub", absl::UnavailableError("connection refused"));
  EXPECT_EQ(run({"wait", "--all"}), 5);
}

TEST(Wait, FirstWaitsForTheRevision) {
  TestRun run;
  run.hub->clusters.push_back(MakeCluster(run, "prod-1"));
  run.hub->Then(
      [](MemoryHubClient& hub) { hub.commits.push_back(Commit("1a2b3c4d5e", "Pending")); });
  run.hub->Then([](MemoryHubClient& hub) {
    hub.commits[0].set_result("Rendered");
    hub.clusters[0].set_desired_generation(5);
  });
  run.hub->Then([](MemoryHubClient& hub) { Arrive(hub.clusters[0]); });
  EXPECT_EQ(run({"wait", "--all", "--revision", "1a2b3c4"}), 0);
  EXPECT_EQ(run.err(),
            "commit/1a2b3c4: not seen by the hub yet\n"
            "commit/1a2b3c4: Pending\n"
            "commit/1a2b3c4: Rendered\n"
            "cluster/prod-1: Synced, Healthy, generation 4 of 5\n"
            "cluster/prod-1: synced\n");
}

TEST(Wait, FailsOnACommitThatCannotBeRendered) {
  TestRun run;
  run.hub->clusters.push_back(MakeCluster(run, "prod-1"));
  run.hub->commits.push_back(Commit("1a2b3c4d5e", "Failed"));
  run.hub->commits[0].set_message("apps/web.yaml:12: tab used for indentation");
  EXPECT_EQ(run({"wait", "commit/1a2b3c4d"}), 1);
  EXPECT_THAT(run.err(), HasSubstr("apps/web.yaml:12: tab used for indentation"));
  EXPECT_THAT(run.err(), HasSubstr("hint: muster describe repository apps"));
  EXPECT_EQ(run.out(), "");
  EXPECT_EQ(run({"wait", "commit/1a2b"}), 2);  // too short to be sure of
}

TEST(Wait, CanLookAtOnePackage) {
  TestRun run;
  v1::ClusterView view = Behind(run, "prod-1");
  v1::ClusterPackageView& package = *view.add_packages();
  package.set_name("web");
  package.set_sync(v1::SYNC_STATUS_SYNCED);
  package.set_health(v1::HEALTH_STATUS_HEALTHY);
  run.hub->clusters.push_back(view);
  EXPECT_EQ(run({"wait", "package/web"}), 0);
}

TEST(Wait, GivesJsonToPrograms) {
  TestRun run;
  run.hub->clusters.push_back(MakeCluster(run, "prod-1"));
  EXPECT_EQ(run({"wait", "--all", "-o", "json"}), 0);
  const Value result = *ParseJson(run.out());
  EXPECT_EQ(result.Get("kind")->string(), "WaitResult");
  EXPECT_EQ(result.Find("/clusters/0")->string(), "prod-1");
}

TEST(Wait, RefusesWhatMakesNoSense) {
  TestRun run;
  EXPECT_EQ(run({"wait"}), 2);
  EXPECT_THAT(run.err(), HasSubstr("wait for what?"));
  EXPECT_EQ(run({"wait", "--all", "--for", "synecd"}), 2);
  EXPECT_THAT(run.err(), HasSubstr("did you mean 'synced'?"));
  EXPECT_EQ(run({"wait", "--all", "cluster/a"}), 2);
}

v1::RepositoryView Repository(const TestRun& run) {
  v1::RepositoryView view;
  view.set_name("apps");
  view.set_url("https://git.example.com/apps.git");
  view.set_commit("1a2b3c4d5e");
  view.set_polled_ms(run.Ago(absl::Seconds(30)));
  return view;
}

TEST(Sync, AsksForAPollAndSaysWhatNext) {
  TestRun run;
  run.hub->repositories.push_back(Repository(run));
  EXPECT_EQ(run({"sync", "apps"}), 0);
  EXPECT_EQ(run.out(), "polling repository/apps\n");
  EXPECT_EQ(run.err(), "next: muster wait --all\n");
  EXPECT_EQ(run({"sync", "nobody"}), 2);
  EXPECT_THAT(run.err(), HasSubstr("hint: muster get repositories"));
}

TEST(Sync, WaitsForThePollTheCommitAndTheClusters) {
  TestRun run;
  run.hub->repositories.push_back(Repository(run));
  run.hub->clusters.push_back(MakeCluster(run, "prod-1"));
  run.hub->Then([&](MemoryHubClient& hub) {
    hub.repositories[0].set_polled_ms(run.Ago(absl::ZeroDuration()));
    hub.commits.push_back(Commit("2b2b2b2b2b", "Pending"));
  });
  run.hub->Then([](MemoryHubClient& hub) {
    hub.commits[0].set_result("Rendered");
    hub.clusters[0].set_desired_generation(5);
  });
  run.hub->Then([](MemoryHubClient& hub) { Arrive(hub.clusters[0]); });
  EXPECT_EQ(run({"sync", "--wait"}), 0);
  EXPECT_EQ(run.out(), "1 cluster synced\n");
  EXPECT_THAT(run.err(), HasSubstr("commit/2b2b2b2: Rendered"));
}

TEST(Sync, FailsFastWhenGitCannotBeReached) {
  TestRun run;
  run.hub->repositories.push_back(Repository(run));
  run.hub->Then([](MemoryHubClient& hub) {
    hub.repositories[0].set_failures(1);
    hub.repositories[0].set_message("the host key is not among the known ones");
  });
  EXPECT_EQ(run({"sync", "apps", "--wait"}), 1);
  EXPECT_THAT(run.err(), HasSubstr("error: repository/apps could not be polled\n"));
  EXPECT_THAT(run.err(), HasSubstr("why: the host key is not among the known ones\n"));
  EXPECT_THAT(run.out(), Not(HasSubstr("synced")));
}

TEST(Sync, StopsAtARewrittenHistory) {
  TestRun run;
  run.hub->repositories.push_back(Repository(run));
  run.hub->Then([](MemoryHubClient& hub) {
    hub.repositories[0].set_frozen(true);
    hub.repositories[0].set_seen_commit("deadbeef");
  });
  EXPECT_EQ(run({"sync", "--wait"}), 1);
  EXPECT_THAT(run.err(), HasSubstr("hint: muster accept-rewrite apps deadbeef"));
}

TEST(Sync, GivesUpOnAPollThatNeverEnds) {
  TestRun run;
  run.hub->repositories.push_back(Repository(run));
  EXPECT_EQ(run({"sync", "--wait", "--timeout", "20s"}), 3);
  EXPECT_THAT(run.err(), HasSubstr("repository/apps was not polled in time"));
}

}  // namespace
}  // namespace muster::cli
