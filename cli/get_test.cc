// muster get: what people and programs see.
#include <string>

#include "absl/strings/str_cat.h"
#include "cli/test_run.h"
#include "common/manifest/json.h"
#include "common/manifest/yaml.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace muster::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// One cluster that is well, one that is not, one that waits, one that is only declared.
void AddFleet(TestRun& run) {
  run.hub->clusters.push_back(MakeCluster(run, "dev-1"));
  v1::ClusterView broken = MakeCluster(run, "prod-1");
  broken.set_connection(v1::CONNECTION_STATUS_STALE);
  broken.set_sync(v1::SYNC_STATUS_OUT_OF_SYNC);
  broken.set_health(v1::HEALTH_STATUS_DEGRADED);
  broken.set_applied_revision("apps@0f0f0f0");
  broken.set_applied_generation(3);
  broken.set_applied_ms(run.Ago(absl::Hours(52)));
  broken.set_message("package/web: Service web/api failed: port 70000\x1b[31m");
  run.hub->clusters.push_back(broken);
  v1::ClusterView pending;
  pending.set_name("prod-2");
  pending.set_state("Pending");
  pending.set_words("apple-river-stone");
  run.hub->clusters.push_back(pending);
  v1::ClusterView declared;
  declared.set_name("prod-3");
  declared.set_state("Declared");
  declared.set_connection(v1::CONNECTION_STATUS_OFFLINE);
  run.hub->clusters.push_back(declared);
}

TEST(GetClusters, ShowsTheFleetAtAGlance) {
  TestRun run;
  AddFleet(run);
  EXPECT_EQ(run({"get", "clusters"}), 0);
  EXPECT_EQ(run.out(),
            "NAME     CONNECTION   SYNC        HEALTH     DESIRED        APPLIED        AGE      "
            "MESSAGE\n"
            "dev-1    Connected    Synced      Healthy    apps@1a2b3c4   apps@1a2b3c4   5m\n"
            "prod-1   Stale        OutOfSync   Degraded   apps@1a2b3c4   apps@0f0f0f0   2d4h     "
            "package/web: Service web/api failed: port 70000\\x1b[31m\n"
            "prod-2   Pending      Unknown     Unknown    <none>         <none>         <none>   "
            "waits for: muster accept prod-2 (words: apple-river-stone)\n"
            "prod-3   Declared     Unknown     Unknown    <none>         <none>         <none>   "
            "declared in Git, has not joined\n");
  EXPECT_EQ(run.err(), "");
}

TEST(GetClusters, SaysStatesWithGlyphsAndColoursOnATerminalOnly) {
  TestRun run;
  AddFleet(run);
  run.terminal = true;
  run.width = 200;
  run({"get", "clusters"});
  EXPECT_THAT(run.out(), HasSubstr("\x1b[32m✔ Connected\x1b[0m"));
  EXPECT_THAT(run.out(), HasSubstr("\x1b[31m✗ OutOfSync\x1b[0m"));
  run.variables["NO_COLOR"] = "1";
  run({"get", "clusters", "--ascii"});
  EXPECT_THAT(run.out(), HasSubstr("+ Connected"));
  EXPECT_THAT(run.out(), Not(HasSubstr("\x1b")));
}

TEST(GetClusters, PrintsWhatATemplateAsksFor) {
  TestRun run;
  AddFleet(run);
  EXPECT_EQ(run({"get", "clusters", "-o", "jsonpath={.items[?(@.sync==\"OutOfSync\")].name}"}), 0);
  EXPECT_EQ(run.out(), "prod-1\n");
  EXPECT_EQ(run({"get", "cluster/dev-1", "-o", "jsonpath={.kind} {.appliedRevision}{\"\\n\"}"}), 0);
  EXPECT_EQ(run.out(), "Cluster apps@1a2b3c4\n");
  EXPECT_EQ(run({"get", "clusters", "-o", "jsonpath={.items"}), 2);
  EXPECT_THAT(run.err(), HasSubstr("column 8: '}' is missing"));
  EXPECT_EQ(run({"get", "clusters", "-o", "jsonpath"}), 2);
  EXPECT_THAT(run.err(), HasSubstr("needs a template"));
}

TEST(GetClusters, SortsByAField) {
  TestRun run;
  AddFleet(run);
  EXPECT_EQ(run({"get", "clusters", "-o", "name", "--sort-by", "{.appliedRevision}"}), 0);
  EXPECT_EQ(run.out(), "cluster/prod-2\ncluster/prod-3\ncluster/prod-1\ncluster/dev-1\n");
  EXPECT_EQ(
      run({"get", "clusters", "-o", "name", "--sort-by", "appliedGeneration", "--limit", "3"}), 0);
  EXPECT_EQ(run.out(), "cluster/prod-2\ncluster/prod-3\ncluster/prod-1\n");
}

TEST(GetClusters, SaysThatItCannotSort) {
  TestRun run;
  AddFleet(run);
  EXPECT_EQ(run({"get", "clusters", "--sort-by", ".nothing"}), 2);
  EXPECT_THAT(run.err(), HasSubstr("there is no such field"));
  EXPECT_EQ(run({"get", "clusters", "--sort-by", ".name["}), 2);
  EXPECT_THAT(run.err(), HasSubstr("column 7"));
  EXPECT_EQ(run({"get", "clusters", "--sort-by", ".name", "--page-token", "x"}), 2);
}

TEST(GetClusters, ShowsMoreWithWide) {
  TestRun run;
  run.hub->clusters.push_back(MakeCluster(run, "dev-1"));
  EXPECT_EQ(run({"get", "clusters", "-o", "wide", "--no-headers"}), 0);
  EXPECT_EQ(run.out(),
            "dev-1   Connected   Synced   Healthy   apps@1a2b3c4   apps@1a2b3c4   5m   Enrolled   "
            "Enforce   4/4   12   0   0   5s   0.1.0   env=prod\n");
}

TEST(GetClusters, IsAJsonListForPrograms) {
  TestRun run;
  AddFleet(run);
  EXPECT_EQ(run({"get", "clusters", "-o", "json"}), 0);
  const Value list = *ParseJson(run.out());
  EXPECT_EQ(list.Get("apiVersion")->string(), "muster.dev/v1alpha1");
  EXPECT_EQ(list.Get("kind")->string(), "ClusterList");
  EXPECT_EQ(list.Get("nextPageToken")->string(), "");
  EXPECT_EQ(list.Find("/items/0/name")->string(), "dev-1");
  EXPECT_EQ(list.Find("/items/0/labels/env")->string(), "prod");
  EXPECT_EQ(list.Find("/items/0/appliedAt")->string(), "2026-11-21T11:55:00Z");
  EXPECT_EQ(list.Find("/items/1/sync")->string(), "OutOfSync");
  EXPECT_EQ(list.Get("items")->list().size(), 4u);
  EXPECT_THAT(run.out(), Not(HasSubstr("\x1b")));
}

TEST(GetClusters, GivesTheThingItselfWhenOneIsNamed) {
  TestRun run;
  AddFleet(run);
  EXPECT_EQ(run({"get", "cluster/dev-1", "-o", "json"}), 0);
  const Value json = *ParseJson(run.out());
  EXPECT_EQ(json.Get("kind")->string(), "Cluster");
  EXPECT_EQ(json.Get("name")->string(), "dev-1");
  EXPECT_EQ(run({"get", "cluster", "dev-1", "-o", "yaml"}), 0);
  const auto documents = *ParseYaml(run.out(), "out");
  ASSERT_EQ(documents.size(), 1u);
  EXPECT_TRUE(documents[0].value == json);
  EXPECT_EQ(run.out().back(), '\n');
}

TEST(GetClusters, DocumentsSteerNoTerminal) {
  TestRun run;
  run.hub->clusters.push_back(MakeCluster(run, "dev-1"));
  run.hub->clusters[0].set_message(
      "\x1b[2J \xc2\x9b"
      "31m \xe2\x80\xae \x7f");
  for (const std::string format : {"json", "yaml", "csv", "table"}) {
    EXPECT_EQ(run({"get", "clusters", "-o", format}), 0);
    for (const std::string bad : {"\x1b", "\xc2\x9b", "\xe2\x80\xae", "\x7f"}) {
      EXPECT_THAT(run.out(), Not(HasSubstr(bad))) << format;
    }
  }
}

TEST(GetClusters, NamesThemForScripts) {
  TestRun run;
  AddFleet(run);
  EXPECT_EQ(run({"get", "clusters", "dev-1", "prod-1", "-o", "name"}), 0);
  EXPECT_EQ(run.out(), "cluster/dev-1\ncluster/prod-1\n");
}

TEST(GetClusters, AsksTheHubToSelect) {
  TestRun run;
  AddFleet(run);
  EXPECT_EQ(run({"get", "clusters", "-l", "env=prod", "-o", "name"}), 0);
  EXPECT_EQ(run.out(), "cluster/dev-1\ncluster/prod-1\n");
  EXPECT_EQ(run.hub->asked[0].selector(), "env=prod");
}

TEST(GetClusters, FetchesEveryPageUnlessALimitIsGiven) {
  TestRun run;
  AddFleet(run);
  run.hub->page_size = 2;
  EXPECT_EQ(run({"get", "clusters", "-o", "name"}), 0);
  EXPECT_EQ(run.out(), "cluster/dev-1\ncluster/prod-1\ncluster/prod-2\ncluster/prod-3\n");
  EXPECT_EQ(run.hub->calls.size(), 2u);
  EXPECT_EQ(run({"get", "clusters", "-o", "json", "--limit", "3"}), 0);
  EXPECT_EQ(ParseJson(run.out())->Get("nextPageToken")->string(), "3");
  EXPECT_EQ(run({"get", "clusters", "-o", "name", "--limit", "3", "--page-token", "3"}), 0);
  EXPECT_EQ(run.out(), "cluster/prod-3\n");
}

TEST(GetClusters, SaysWhatToDoWhenThereAreNone) {
  TestRun run;
  EXPECT_EQ(run({"get", "clusters"}), 0);
  EXPECT_EQ(run.out(), "");
  EXPECT_EQ(run.err(), "no clusters\nnext: muster join NAME\n");
  EXPECT_EQ(run({"get", "clusters", "-o", "json"}), 0);
  EXPECT_TRUE(ParseJson(run.out())->Get("items")->list().empty());
}

TEST(GetClusters, SaysThatThereIsNoneOfThatName) {
  TestRun run;
  AddFleet(run);
  EXPECT_EQ(run({"get", "cluster", "prod-9"}), 2);
  EXPECT_EQ(run.out(), "");
  EXPECT_EQ(run.err(), "error: cannot get cluster/prod-9\n  why: there is no 'prod-9'\n");
}

TEST(GetClusters, WatchPrintsOnlyWhatChanged) {
  TestRun run;
  AddFleet(run);
  run.hub->Then([&](MemoryHubClient& hub) {  // a sign of life is no change to look at
    hub.clusters[0].set_last_seen_ms(run.Ago(absl::ZeroDuration()));
  });
  run.hub->Then([](MemoryHubClient& hub) {
    hub.clusters[1].set_sync(v1::SYNC_STATUS_SYNCED);
    hub.clusters.pop_back();
  });
  EXPECT_EQ(run({"get", "clusters", "-w", "--timeout", "1m"}), 0);
  EXPECT_THAT(run.out(), HasSubstr("prod-3"));
  const std::string tail = run.out().substr(run.out().find("has not joined"));
  EXPECT_EQ(tail,
            "has not joined\n"
            "prod-1   Stale   Synced   Degraded   apps@1a2b3c4   apps@0f0f0f0   2d4h   "
            "package/web: Service web/api failed: port 70000\\x1b[31m\n");
  EXPECT_EQ(run.err(), "cluster/prod-3 is gone\n");
}

TEST(GetClusters, WatchRedrawsATerminal) {
  TestRun run;
  AddFleet(run);
  run.terminal = true;
  run.hub->Then([](MemoryHubClient& hub) { hub.clusters.pop_back(); });
  EXPECT_EQ(run({"get", "clusters", "--watch", "--timeout", "1s"}), 0);
  EXPECT_EQ(run.out().find("\x1b[H\x1b[2J"), 0u);
  EXPECT_NE(run.out().find("\x1b[H\x1b[2J", 1), std::string::npos);
}

TEST(GetClusters, WatchOutlivesARestartOfTheHub) {
  TestRun run;
  AddFleet(run);
  run.hub->Then([](MemoryHubClient& hub) {
    hub.Fail("ListClusters", absl::UnavailableError("connection refused"));
  });
  EXPECT_EQ(run({"get", "clusters", "-w", "--timeout", "1m", "-o", "name"}), 0);
  EXPECT_EQ(run.err(), "the hub cannot be reached at the moment; trying again\n");
}

TEST(GetPackages, CountsTheClustersThatAreSynced) {
  TestRun run;
  v1::PackageView& view = run.hub->packages.emplace_back();
  view.set_name("web");
  view.set_repository("apps");
  view.set_commit("1a2b3c4d5e6f");
  view.set_clusters(12);
  view.set_synced(11);
  view.set_sync(v1::SYNC_STATUS_OUT_OF_SYNC);
  view.set_health(v1::HEALTH_STATUS_HEALTHY);
  view.set_message("1 cluster is Offline");
  EXPECT_EQ(run({"get", "pkg"}), 0);
  EXPECT_EQ(run.out(),
            "NAME   REPOSITORY   COMMIT    SYNCED   SYNC        HEALTH    SUSPENDED   MESSAGE\n"
            "web    apps         1a2b3c4   11/12    OutOfSync   Healthy   no          "
            "1 cluster is Offline\n");
}

TEST(GetRepositories, ShowsWhichOneIsFrozenAndWhy) {
  TestRun run;
  v1::RepositoryView& good = run.hub->repositories.emplace_back();
  good.set_name("apps");
  good.set_ref("branch main");
  good.set_commit("1a2b3c4d5e6f");
  good.set_polled_ms(run.Ago(absl::Seconds(20)));
  v1::RepositoryView& frozen = run.hub->repositories.emplace_back(good);
  frozen.set_name("infra");
  frozen.set_frozen(true);
  frozen.set_seen_commit("deadbeef00");
  EXPECT_EQ(run({"get", "repositories"}), 0);
  EXPECT_EQ(run.out(),
            "NAME    STATE    REF           COMMIT    POLLED   MESSAGE\n"
            "apps    Ready    branch main   1a2b3c4   20s\n"
            "infra   Frozen   branch main   1a2b3c4   20s      "
            "history was rewritten to deadbeef00\n");
}

TEST(GetRepositories, ShowsWhatIsRefused) {
  TestRun run;
  v1::RepositoryView& view = run.hub->repositories.emplace_back();
  view.set_name("apps");
  view.set_ref("branch main");
  view.set_commit("1a2b3c4d5e6f");
  view.set_polled_ms(run.Ago(absl::Seconds(20)));
  view.set_message("verify branch main: commit 2b3c4d5 is not signed");
  v1::Condition& condition = *view.add_conditions();
  condition.set_type("Verified");
  condition.set_status(v1::CONDITION_STATUS_FALSE);
  EXPECT_EQ(run({"get", "repositories"}), 0);
  EXPECT_EQ(run.out(),
            "NAME   STATE     REF           COMMIT    POLLED   MESSAGE\n"
            "apps   Refused   branch main   1a2b3c4   20s      "
            "verify branch main: commit 2b3c4d5 is not signed\n");
}

TEST(GetCommits, ShowsWhoseCommitReachedHowMany) {
  TestRun run;
  v1::CommitView& view = run.hub->commits.emplace_back();
  view.set_repository("apps");
  view.mutable_commit()->set_id("1a2b3c4d5e6f");
  view.mutable_commit()->set_author("Ada <ada@example.com>");
  view.mutable_commit()->set_signer("ada@example.com");
  view.mutable_commit()->set_subject("Raise the limits");
  view.set_seen_ms(run.Ago(absl::Minutes(3)));
  view.set_result("Rendered");
  view.set_clusters_desired(3);
  view.set_clusters_applied(2);
  view.set_clusters_healthy(1);
  EXPECT_EQ(run({"get", "commits", "--repository", "apps"}), 0);
  EXPECT_EQ(run.out(),
            "COMMIT    REPOSITORY   RESULT     APPLIED   HEALTHY   SEEN   AUTHOR   "
            "SIGNER            SUBJECT            MESSAGE\n"
            "1a2b3c4   apps         Rendered   2/3       1/3       3m     Ada      "
            "ada@example.com   Raise the limits\n");
}

TEST(GetObjects, NeedsACluster) {
  TestRun run;
  EXPECT_EQ(run({"get", "objects"}), 2);
  EXPECT_EQ(run.err(), "error: of which cluster?\n  hint: muster get objects --cluster NAME\n");
  v1::ObjectView& view = run.hub->objects["prod-1"].emplace_back();
  view.set_package("web");
  view.mutable_entry()->set_kind("ConfigMap");
  view.mutable_entry()->set_namespace_("web");
  view.mutable_entry()->set_name("settings");
  view.set_sync(v1::SYNC_STATUS_OUT_OF_SYNC);
  view.set_health(v1::HEALTH_STATUS_HEALTHY);
  view.set_commit("1a2b3c4d5e6f");
  view.mutable_problem()->set_what(v1::ObjectProblem::WHAT_DRIFTED);
  view.mutable_problem()->add_fields("/data/x");
  view.mutable_problem()->set_changed_by("kubectl");
  view.mutable_problem()->set_since_ms(run.Ago(absl::Minutes(5)));
  EXPECT_EQ(run({"get", "objects", "--cluster", "prod-1"}), 0);
  EXPECT_EQ(run.out(),
            "NAMESPACE   KIND        NAME       PACKAGE   SYNC        HEALTH    COMMIT    MESSAGE\n"
            "web         ConfigMap   settings   web       OutOfSync   Healthy   1a2b3c4   "
            "drifted: /data/x (changed by kubectl, 5m ago)\n");
  EXPECT_EQ(run({"get", "objects", "--cluster", "prod-1", "-o", "name"}), 0);
  EXPECT_EQ(run.out(), "object/ConfigMap/web/settings\n");
}

TEST(GetEvents, ListsThemAndIsTheSameAsEvents) {
  TestRun run;
  v1::EventView& view = run.hub->events.emplace_back();
  view.set_number(7);
  view.set_time_ms(run.Ago(absl::Seconds(30)));
  view.set_type("Warning");
  view.set_reason("FetchFailed");
  view.set_subject("repository/apps");
  view.set_message("connection refused");
  EXPECT_EQ(run({"get", "events"}), 0);
  const std::string listed = run.out();
  EXPECT_EQ(listed,
            "AGE   TYPE      REASON        SUBJECT           MESSAGE\n"
            "30s   Warning   FetchFailed   repository/apps   connection refused\n");
  EXPECT_EQ(run({"events"}), 0);
  EXPECT_EQ(run.out(), listed);
}

TEST(Get, RefusesAnUnknownKindWithASuggestion) {
  TestRun run;
  EXPECT_EQ(run({"get", "clsuters"}), 2);
  EXPECT_EQ(run.err(),
            "error: unknown kind 'clsuters'; did you mean 'clusters'?\n"
            "  hint: one of: clusters, packages, repositories, commits, objects, tokens, events, "
            "rollouts\n");
  EXPECT_EQ(run({"get"}), 2);
  EXPECT_THAT(run.hub->calls, ElementsAre());
}

TEST(Get, RefusesToMixKinds) {
  TestRun run;
  EXPECT_EQ(run({"get", "cluster/a", "package/b"}), 2);
  EXPECT_THAT(run.err(), HasSubstr("one kind at a time"));
}

}  // namespace
}  // namespace muster::cli
