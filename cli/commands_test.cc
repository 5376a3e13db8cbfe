// describe, diff, trace, history, the changing commands, doctor.
#include <string>

#include "absl/strings/str_cat.h"
#include "cli/test_run.h"
#include "common/manifest/json.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace muster::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

v1::ClusterView Drifted(const TestRun& run) {
  v1::ClusterView view = MakeCluster(run, "prod-1");
  view.set_sync(v1::SYNC_STATUS_OUT_OF_SYNC);
  view.set_applied_generation(3);
  view.set_drifted(1);
  v1::ClusterPackageView& package = *view.add_packages();
  package.set_name("web");
  package.set_sync(v1::SYNC_STATUS_OUT_OF_SYNC);
  package.set_health(v1::HEALTH_STATUS_HEALTHY);
  package.set_desired_commit("1a2b3c4d5e");
  package.set_applied_commit("0f0f0f0f0f");
  package.set_desired_bundle("new");
  package.set_applied_bundle("old");
  package.set_drift_healed(2);
  v1::ObjectProblem& drift = *package.add_problems();
  drift.set_kind("ConfigMap");
  drift.set_namespace_("web");
  drift.set_name("settings");
  drift.set_what(v1::ObjectProblem::WHAT_DRIFTED);
  drift.add_fields("/data/x");
  drift.add_fields("/data/y");
  drift.set_changed_by("kubectl");
  drift.set_since_ms(run.Ago(absl::Minutes(5)));
  v1::ObjectProblem& gone = *package.add_problems();
  gone.set_kind("Service");
  gone.set_namespace_("web");
  gone.set_name("old");
  gone.set_what(v1::ObjectProblem::WHAT_WOULD_DELETE);
  v1::ClusterPackageView& fine = *view.add_packages();
  fine.set_name("base");
  fine.set_sync(v1::SYNC_STATUS_SYNCED);
  fine.set_health(v1::HEALTH_STATUS_HEALTHY);
  v1::Condition& condition = *view.add_conditions();
  condition.set_type("DriftDetected");
  condition.set_status(v1::CONDITION_STATUS_TRUE);
  condition.set_reason("ChangedByHand");
  condition.set_message("1 object differs");
  condition.set_since_ms(run.Ago(absl::Minutes(5)));
  return view;
}

TEST(Diff, ShowsBothValuesOfEachField) {
  TestRun run;
  v1::ClusterView view = Drifted(run);
  v1::ObjectProblem& drift = *view.mutable_packages(0)->mutable_problems(0);
  drift.set_changed_ms(run.Ago(absl::Minutes(2)));
  drift.set_recurring(true);
  for (const char* pointer : {"/data/x", "/data/y"}) {
    v1::FieldDifference& difference = *drift.add_differences();
    difference.set_pointer(pointer);
    difference.set_desired("\"1\"");
  }
  drift.mutable_differences(0)->set_live("\"9\"");
  v1::ObjectProblem& refused = *view.mutable_packages(0)->mutable_problems(1);
  refused.set_what(v1::ObjectProblem::WHAT_FAILED);
  refused.set_message("conflict");
  refused.add_conflicts()->set_manager("hpa");
  refused.mutable_conflicts(0)->set_pointer("/spec/replicas");
  v1::ObjectProblem& ails = *view.mutable_packages(0)->add_problems();
  ails.set_kind("Deployment");
  ails.set_namespace_("web");
  ails.set_name("front");
  ails.set_what(v1::ObjectProblem::WHAT_UNHEALTHY);
  ails.set_health(v1::HEALTH_STATUS_DEGRADED);
  ails.set_message("image cannot be pulled");
  run.hub->clusters.push_back(view);
  EXPECT_EQ(run({"diff", "prod-1"}), 1);
  EXPECT_EQ(run.out(),
            "cluster/prod-1: generation 4 desired, 3 applied\n"
            "package/web: 0f0f0f0 -> 1a2b3c4\n"
            "  ~ ConfigMap web/settings: drifted: /data/x, /data/y (changed by kubectl 2m ago, "
            "again and again)\n"
            "      /data/x: \"9\", should be \"1\"\n"
            "      /data/y: absent, should be \"1\"\n"
            "  ! Service web/old: failed: conflict\n"
            "      /spec/replicas: owned by hpa\n"
            "  ! Deployment web/front: degraded: image cannot be pulled\n"
            "3 objects differ in 1 package\n");
}

TEST(DescribeCluster, NamesWhatNobodyManagesAndWhoSuspendedIt) {
  TestRun run;
  v1::ClusterView view = Drifted(run);
  view.set_unmanaged(3);
  view.set_suspended_locally("incident 42");
  v1::UnmanagedObject& object = *view.add_unmanaged_objects();
  object.set_kind("Deployment");
  object.set_namespace_("web");
  object.set_name("debug");
  run.hub->clusters.push_back(view);
  EXPECT_EQ(run({"describe", "cluster", "prod-1"}), 0);
  EXPECT_NE(run.out().find("in the cluster itself: incident 42"), std::string::npos);
  EXPECT_NE(run.out().find("Deployment web/debug\n"), std::string::npos) << run.out();
  EXPECT_NE(run.out().find("and 2 more\n"), std::string::npos);
}

TEST(DescribeCluster, NamesTheFileOfWhatIsWrong) {
  TestRun run;
  run.hub->clusters.push_back(Drifted(run));
  v1::ObjectView& object = run.hub->objects["prod-1"].emplace_back();
  object.set_package("web");
  object.mutable_entry()->set_kind("ConfigMap");
  object.mutable_entry()->set_namespace_("web");
  object.mutable_entry()->set_name("settings");
  object.set_source_file("apps/web/settings.yaml");
  object.set_source_line(7);
  EXPECT_EQ(run({"describe", "cluster", "prod-1"}), 0);
  EXPECT_THAT(run.out(), HasSubstr("(changed by kubectl, 5m ago)\n"
                                   "      file apps/web/settings.yaml:7\n"));
}

TEST(Diff, ShowsEachObjectThatDiffersDownToTheFields) {
  TestRun run;
  run.hub->clusters.push_back(Drifted(run));
  EXPECT_EQ(run({"diff", "prod-1"}), 1);
  EXPECT_EQ(run.out(),
            "cluster/prod-1: generation 4 desired, 3 applied\n"
            "package/web: 0f0f0f0 -> 1a2b3c4\n"
            "  ~ ConfigMap web/settings: drifted: /data/x, /data/y (changed by kubectl, 5m ago)\n"
            "  - Service web/old: would be deleted\n"
            "2 objects differ in 1 package\n");
  EXPECT_EQ(run.err(), "1 of 1 cluster differs\n");
}

TEST(Diff, IsSilentAndZeroWhenNothingDiffers) {
  TestRun run;
  run.hub->clusters.push_back(MakeCluster(run, "prod-1"));
  EXPECT_EQ(run({"diff", "--all"}), 0);
  EXPECT_EQ(run.out(), "");
  EXPECT_EQ(run.err(), "0 of 1 cluster differ\n");
}

TEST(Diff, SaysWhenItSpeaksOfThePast) {
  TestRun run;
  v1::ClusterView view = Drifted(run);
  view.set_connection(v1::CONNECTION_STATUS_OFFLINE);
  view.set_last_seen_ms(run.Ago(absl::Hours(3)));
  run.hub->clusters.push_back(view);
  EXPECT_EQ(run({"diff", "cluster/prod-1"}), 1);
  EXPECT_THAT(run.out(), HasSubstr("; as last reported 3h ago"));
}

TEST(Diff, IsADocumentForPrograms) {
  TestRun run;
  run.hub->clusters.push_back(Drifted(run));
  EXPECT_EQ(run({"diff", "prod-1", "-o", "json"}), 1);
  const Value diff = *ParseJson(run.out());
  EXPECT_EQ(diff.Get("kind")->string(), "ClusterDiff");
  EXPECT_TRUE(diff.Get("differs")->boolean());
  ASSERT_EQ(diff.Get("packages")->list().size(), 1u);
  EXPECT_EQ(diff.Find("/packages/0/problems/0/what")->string(), "Drifted");
  EXPECT_EQ(diff.Find("/packages/0/problems/0/fields/1")->string(), "/data/y");
}

TEST(Diff, NeedsToKnowOfWhichCluster) {
  TestRun run;
  EXPECT_EQ(run({"diff"}), 2);
  EXPECT_THAT(run.err(), HasSubstr("of which cluster?"));
}

TEST(DescribeCluster, ShowsWhatOneWouldLookUpNext) {
  TestRun run;
  run.hub->clusters.push_back(Drifted(run));
  v1::EventView& event = run.hub->events.emplace_back();
  event.set_subject("cluster/prod-1");
  event.set_type("Warning");
  event.set_reason("Drifted");
  event.set_message("ConfigMap web/settings was changed");
  event.set_time_ms(run.Ago(absl::Minutes(5)));
  EXPECT_EQ(run({"describe", "cluster", "prod-1"}), 0);
  EXPECT_EQ(
      run.out(),
      absl::StrCat(
          "Name:          prod-1\n"
          "Id:            cccccccccccccccccccccccccccccccc\n"
          "Project:       default\n"
          "Labels:        env=prod\n"
          "State:         Enrolled\n"
          "Mode:          Enforce\n"
          "Connection:    Connected (seen 5s ago)\n"
          "Sync:          OutOfSync\n"
          "Health:        Healthy\n"
          "Desired:       generation 4, apps@1a2b3c4, digest 121212121212\n"
          "Applied:       generation 3, apps@1a2b3c4, 5m ago\n"
          "Objects:       12 (1 drifted, 0 unmanaged)\n"
          "Healed:        2 objects put right so far\n"
          "Agent:         0.1.0, driver directory\n"
          "Packages:\n"
          "  PACKAGE   SYNC        HEALTH    DESIRED   APPLIED   OBJECTS   DRIFTED   HELD   "
          "HEALED   MESSAGE\n"
          "  web       OutOfSync   Healthy   1a2b3c4   0f0f0f0   0         0         0      2\n"
          "  base      Synced      Healthy   <none>    <none>    0         0         0      0\n"
          "Problems:\n"
          "  ~ web: ConfigMap web/settings drifted: /data/x, /data/y (changed by kubectl, 5m ago)\n"
          "  - web: Service web/old would be deleted\n"
          "Conditions:\n"
          "  TYPE            STATUS   REASON          SINCE   MESSAGE\n"
          "  DriftDetected   True     ChangedByHand   5m      1 object differs\n"
          "Events:\n"
          "  AGE   TYPE      REASON    SUBJECT          ACTOR    TIME                   MESSAGE\n"
          "  5m    Warning   Drifted   cluster/prod-1   <none>   2026-11-21T11:55:00Z   "
          "ConfigMap web/settings was changed\n"));
  EXPECT_EQ(run.err(), "next: muster diff prod-1\n");
}

TEST(DescribePackageAndRepository, NameTheirOriginAndTheNextCommand) {
  TestRun run;
  v1::PackageView& package = run.hub->packages.emplace_back();
  package.set_name("web");
  package.set_repository("apps");
  package.mutable_origin()->set_file("fleet/packages.yaml");
  package.mutable_origin()->set_line(7);
  v1::RepositoryView& repository = run.hub->repositories.emplace_back();
  repository.set_name("apps");
  repository.set_url("https://git.example.com/apps.git");
  repository.set_frozen(true);
  repository.set_seen_commit("deadbeef");
  EXPECT_EQ(run({"describe", "package/web", "repository/apps"}), 0);
  EXPECT_THAT(run.out(), HasSubstr("Declared:      fleet/packages.yaml:7\n"));
  EXPECT_THAT(run.out(), HasSubstr("Frozen:        history was rewritten to deadbeef\n"));
  EXPECT_THAT(run.err(), HasSubstr("next: muster accept-rewrite apps deadbeef\n"));
  EXPECT_EQ(run({"describe", "package", "no"}), 2);
}

TEST(History, ShowsWhatRanAndWhoseItWas) {
  TestRun run;
  v1::HistoryView& entry = run.hub->history.emplace_back();
  entry.set_cluster("prod-1");
  entry.set_time_ms(run.Ago(absl::Hours(26)));
  entry.set_generation(7);
  entry.set_package("web");
  entry.set_bundle_digest("d");
  entry.set_commit("1a2b3c4d5e");
  entry.set_author("Ada <ada@example.com>");
  entry.set_subject("Raise the limits");
  v1::HistoryView& removed = run.hub->history.emplace_back();
  removed.set_cluster("prod-1");
  removed.set_time_ms(run.Ago(absl::Hours(50)));
  removed.set_generation(6);
  removed.set_package("legacy");
  EXPECT_EQ(run({"history", "prod-1"}), 0);
  EXPECT_EQ(run.out(),
            "AGE    GENERATION   PACKAGE   COMMIT      AUTHOR   SUBJECT\n"
            "26h    7            web       1a2b3c4     Ada      Raise the limits\n"
            "2d2h   6            legacy    <removed>   <none>\n");
}

TEST(Token, PrintsTheExactCommandForTheAgent) {
  TestRun run;
  EXPECT_EQ(run({"join", "prod-1", "--label", "env=prod", "--label", "region=eu"}), 0);
  EXPECT_EQ(run.out(),
            "token/0000000000000001 created for cluster/prod-1, valid until 2026-11-21T13:00:00Z, "
            "for one use, shown only now\n\n"
            "Run this where the cluster's agent runs:\n\n"
            "  (umask 077; echo 0000000000000001.secret.fingerprint > prod-1.token) &&\n"
            "  muster-agent --data /var/lib/muster-agent --name prod-1 --join hub.test:7445 "
            "--token-file prod-1.token --driver directory --directory DIR\n\n");
  EXPECT_EQ(run.err(), "next: muster wait cluster/prod-1\n");
  ASSERT_EQ(run.hub->tokens[0].labels_size(), 2);
  EXPECT_EQ(run.hub->tokens[0].labels(1).value(), "eu");
  EXPECT_FALSE(run.hub->tokens[0].needs_accept());
}

TEST(Token, CanBePrintedAlone) {
  TestRun run;
  EXPECT_EQ(run({"token", "create", "dev-1", "--token-only"}), 0);
  EXPECT_EQ(run.hub->tokens[0].cluster_name(), "dev-1");
  run.hub->tokens.clear();
  EXPECT_EQ(run({"token", "create", "--name", "prod-1", "--lifetime", "30m", "--token-only"}), 0);
  EXPECT_EQ(run.out(), "0000000000000002.secret.fingerprint\n");
  EXPECT_EQ(run.hub->tokens[0].expires_ms() - run.hub->hub.now_ms(), 30 * 60 * 1000);
}

TEST(Token, ForAnyClusterAlwaysNeedsAPerson) {
  TestRun run;
  EXPECT_EQ(run({"token", "create"}), 0);
  EXPECT_TRUE(run.hub->tokens[0].needs_accept());
  EXPECT_EQ(run.err(), "next: muster accept NAME\n");
}

TEST(Token, IsListedAndRevoked) {
  TestRun run;
  run({"token", "create", "--name", "prod-1"});
  EXPECT_EQ(run({"token", "list"}), 0);
  EXPECT_EQ(run.out(),
            "ID                 STATE   CLUSTER   EXPIRES   ACCEPT   AGE   BY\n"
            "0000000000000001   Valid   prod-1    60m       no       0s    <none>\n");
  EXPECT_THAT(run.out(), Not(HasSubstr("secret")));
  EXPECT_EQ(run({"token", "revoke", "0000000000000001"}), 0);
  EXPECT_EQ(run.out(), "token/0000000000000001 revoked\n");
  EXPECT_EQ(run({"token", "revoke", "nonsense"}), 2);
  EXPECT_EQ(run({"token", "create", "--label", "env"}), 2);
  EXPECT_THAT(run.err(), HasSubstr("'env' is not KEY=VALUE"));
  EXPECT_EQ(run({"token", "create", "--lifetime", "soon"}), 2);
}

TEST(Accept, SaysWhatHappenedAndWhatNext) {
  TestRun run;
  run.hub->clusters.push_back(MakeCluster(run, "prod-1"));
  run.hub->clusters[0].set_state("Pending");
  EXPECT_EQ(run({"accept", "cluster/prod-1"}), 0);
  EXPECT_EQ(run.out(), "cluster/prod-1 accepted\n");
  EXPECT_EQ(run.err(), "next: muster wait cluster/prod-1\n");
  EXPECT_EQ(run({"accept", "prod-1"}), 2);
  EXPECT_THAT(run.err(), HasSubstr("error: cannot accept cluster/prod-1\n"));
}

TEST(Revoke, MustBeConfirmedByTheName) {
  TestRun run;
  run.hub->clusters.push_back(MakeCluster(run, "prod-1"));
  EXPECT_EQ(run({"revoke", "prod-1"}), 2);  // nobody there to ask
  EXPECT_THAT(run.err(), HasSubstr("hint: muster revoke prod-1 --yes"));
  run.terminal = true;
  run.in = "prod-2\n";
  EXPECT_EQ(run({"revoke", "prod-1"}), 2);
  EXPECT_EQ(run.hub->clusters[0].state(), "Enrolled");
  run.in = "prod-1\n";
  EXPECT_EQ(run({"revoke", "prod-1"}), 0);
  EXPECT_EQ(run.hub->clusters[0].state(), "Revoked");
  run.terminal = false;
  EXPECT_EQ(run({"revoke", "prod-1", "--yes", "-o", "json"}), 0);
  EXPECT_EQ(ParseJson(run.out())->Get("message")->string(), "cluster/prod-1 revoked");
}

TEST(SuspendAndResume, ActOnEachSubject) {
  TestRun run;
  run.hub->clusters.push_back(MakeCluster(run, "prod-1"));
  run.hub->packages.emplace_back().set_name("web");
  EXPECT_EQ(run({"suspend", "cluster/prod-1", "package/web", "--reason", "freeze"}), 0);
  EXPECT_EQ(run.out(), "cluster/prod-1 suspended\npackage/web suspended\n");
  EXPECT_TRUE(run.hub->packages[0].suspended());
  EXPECT_EQ(run({"resume", "package", "web"}), 0);
  EXPECT_FALSE(run.hub->packages[0].suspended());
  EXPECT_EQ(run({"suspend", "token/x"}), 2);
  EXPECT_EQ(run({"suspend", "cluster", "nobody"}), 2);
}

TEST(AcceptRewrite, TakesTheHeadThatWaitsWithAllItsDigits) {
  TestRun run;
  v1::RepositoryView& view = run.hub->repositories.emplace_back();
  view.set_name("apps");
  view.set_frozen(true);
  view.set_seen_commit("deadbeef00112233");
  EXPECT_EQ(run({"accept-rewrite", "apps", "1234567"}), 2);
  EXPECT_TRUE(run.hub->repositories[0].frozen());
  EXPECT_EQ(run({"accept-rewrite", "apps", "deadbee"}), 2) << "others may begin with the same";
  EXPECT_TRUE(run.hub->repositories[0].frozen());
  EXPECT_EQ(run({"accept-rewrite", "apps", "deadbeef00112233"}), 0);
  EXPECT_EQ(run.hub->repositories[0].commit(), "deadbeef00112233");
}

TEST(Credential, ComesFromStdinAndIsNeverPrinted) {
  TestRun run;
  run.in = "s3cret\n";
  EXPECT_EQ(run({"credential", "put", "apps-git", "--username", "ci", "--password-stdin"}), 0);
  EXPECT_EQ(run.hub->credentials["apps-git"].password(), "s3cret");
  EXPECT_EQ(run.out(), "credential/apps-git kept\n");
  EXPECT_THAT(run.out() + run.err(), Not(HasSubstr("s3cret")));
  EXPECT_EQ(run({"credential", "delete", "apps-git"}), 0);
  EXPECT_EQ(run({"credential", "delete", "apps-git"}), 2);
}

TEST(Credential, RefusesWhatWouldNotWork) {
  TestRun run;
  EXPECT_EQ(run({"credential", "put", "x"}), 2);
  EXPECT_THAT(run.err(), HasSubstr("would be empty"));
  EXPECT_EQ(run({"credential", "put", "x", "--ssh-key-file", "/nowhere"}), 2);
  EXPECT_THAT(run.err(), HasSubstr("--known-hosts-file"));
  EXPECT_EQ(run({"credential", "put", "x", "--password-file", "/nowhere"}), 2);
  EXPECT_THAT(run.err(), HasSubstr("there is no file /nowhere"));
  run.in = "";
  EXPECT_EQ(run({"credential", "put", "x", "--password-stdin"}), 2);
  EXPECT_THAT(run.hub->calls, ElementsAre());
}

TEST(Doctor, SaysEachFindingWithTheNextCommand) {
  TestRun run;
  run.hub->hub.set_clusters(3);
  run.hub->hub.set_connected(3);
  run.hub->hub.set_converged(2);
  v1::Finding& finding = *run.hub->hub.add_findings();
  finding.set_severity("error");
  finding.set_subject("repository/apps");
  finding.set_message("cannot be fetched since 2h");
  finding.set_next("muster describe repository apps");
  // The context's certificate is none.
  EXPECT_EQ(run({"doctor"}), 1);
  EXPECT_THAT(run.out(), HasSubstr("ok configuration: "));
  EXPECT_THAT(run.out(), HasSubstr("ok context: test: hub hub.test:7444\n"));
  EXPECT_THAT(run.out(), HasSubstr("error certificate: "));
  EXPECT_THAT(run.out(), HasSubstr("ok hub: version 0.1.0, up 3h"));
  EXPECT_THAT(run.out(), HasSubstr("warning fleet: 3 clusters, 3 connected, 2 converged, fleet "
                                   "repository at fffffff\n  next: muster diff --all\n"));
  EXPECT_THAT(run.out(), HasSubstr("error repository/apps: cannot be fetched since 2h\n"
                                   "  next: muster describe repository apps\n"));
}

TEST(Doctor, NoticesClocksAndVersionsThatDiffer) {
  TestRun run;
  run.hub->hub.set_version("9.9.9");
  run.hub->hub.set_now_ms(run.Ago(absl::Minutes(2)));
  run({"doctor"});
  EXPECT_THAT(run.out(), HasSubstr("warning version: this is muster 0.1.0, the hub is 9.9.9\n"));
  EXPECT_THAT(run.out(), HasSubstr("warning clock: this machine and the hub are 2m apart\n"));
}

TEST(Doctor, FindsAHubThatIsAway) {
  TestRun run;
  run.hub->Fail("GetHub", absl::UnavailableError("connection refused"));
  EXPECT_EQ(run({"doctor", "-o", "json"}), 1);
  const Value findings = *ParseJson(run.out());
  EXPECT_EQ(findings.Get("kind")->string(), "FindingList");
  EXPECT_THAT(run.out(), HasSubstr("cannot reach the hub"));
}

}  // namespace
}  // namespace muster::cli
