#include "hub/core/observed.h"

#include "hub/core/core_fixture_test.h"

namespace muster::hub {
namespace {

namespace pb = muster::v1;

class ObservedTest : public CoreFixture {
 protected:
  ObservedTest() {
    SmallFleet();
    Join("one");
  }

  FakeAgent& one() { return agents["one"]; }

  int Events(absl::string_view reason) {
    int count = 0;
    const auto records = store.Scan(keys::kEvents);
    for (const Record& record : *records) {
      pb::EventRecord event;
      event.ParseFromString(record.value);
      count += event.reason() == reason;
    }
    return count;
  }

  std::vector<pb::HistoryRecord> History() {
    std::vector<pb::HistoryRecord> entries;
    const auto records = store.Scan(keys::HistoryOf(one().id));
    for (const Record& record : *records) {
      entries.emplace_back().ParseFromString(record.value);
    }
    return entries;
  }
};

TEST_F(ObservedTest, AReportIsDurableBeforeItIsAcknowledged) {
  const Outbox out = Report(one(), Applied(one()));
  ASSERT_EQ(out.sends.size(), 1u);
  EXPECT_EQ(std::get<pb::ReportAck>(out.sends[0].message).number(), 1u);
  bool written = false;
  for (const auto& operation : out.batch.operations()) {
    written |= operation.key == keys::Observed(one().id);
  }
  EXPECT_TRUE(written) << "in the same outbox, whose batch is committed before the rest";
}

TEST_F(ObservedTest, AnEqualReportIsAcknowledgedWithoutAWrite) {
  Report(one(), Applied(one()));
  const Outbox out = Report(one(), Applied(one()));
  EXPECT_EQ(out.sends.size(), 1u);
  EXPECT_TRUE(out.batch.empty());
}

TEST_F(ObservedTest, WhatWasHealedDoesNotHideWhatFails) {
  pb::ObservedState state = Applied(one());
  pb::ObservedPackage& web = *state.mutable_packages(0);
  web.set_health(pb::HEALTH_STATUS_DEGRADED);
  pb::Condition& healed = *web.add_conditions();
  healed.set_type("DriftDetected");
  healed.set_status(pb::CONDITION_STATUS_FALSE);
  healed.set_message("ConfigMap a was changed and is put right");
  pb::ObjectProblem& problem = *web.add_problems();
  problem.set_kind("Secret");
  problem.set_name("db");
  problem.set_message("it cannot be opened");
  Report(one(), state);
  EXPECT_EQ(ClusterOf("one")->message, "web: Secret db: it cannot be opened");
}

// A commit that is held or fails somewhere has not arrived there.
TEST_F(ObservedTest, ACommitIsAppliedWhereNothingOfItIsHeldOrFailed) {
  Report(one(), Applied(one()));
  const auto count = [&] { return CountCommit(*core->View(), "apps", "c1"); };
  EXPECT_EQ(count().clusters_applied, 1);
  EXPECT_EQ(count().clusters_healthy, 1);
  pb::ObservedState state = Applied(one());
  state.mutable_packages(0)->set_held(3);
  Report(one(), state);
  EXPECT_EQ(count().clusters_desired, 1);
  EXPECT_EQ(count().clusters_applied, 0);
  state = Applied(one());
  state.mutable_packages(0)->set_failed(1);
  Report(one(), state);
  EXPECT_EQ(count().clusters_applied, 0);
  state = Applied(one());
  state.mutable_packages(0)->set_health(pb::HEALTH_STATUS_DEGRADED);
  Report(one(), state);
  EXPECT_EQ(count().clusters_applied, 1);
  EXPECT_EQ(count().clusters_healthy, 0);
}

TEST_F(ObservedTest, TroubleIsAnEventWhenItBeginsAndWhenItEnds) {
  Report(one(), Applied(one()));
  pb::ObservedState state = Applied(one());
  pb::ObservedPackage& web = *state.mutable_packages(0);
  web.set_failed(1);
  web.set_health(pb::HEALTH_STATUS_DEGRADED);
  pb::Condition& failed = *web.add_conditions();
  failed.set_type("Failed");
  failed.set_status(pb::CONDITION_STATUS_TRUE);
  failed.set_message("1 failed; Secret web/db: it cannot be opened");
  Report(one(), state);
  EXPECT_EQ(Events("ObjectsFailed"), 1);
  state.set_observed_ms(5);
  Report(one(), state);  // as it was
  EXPECT_EQ(Events("ObjectsFailed"), 1);
  EXPECT_EQ(Events("PackageDegraded"), 0) << "it is told once, as what it is";
  Report(one(), Applied(one()));
  EXPECT_EQ(Events("FailureOver"), 1);
  state = Applied(one());
  state.mutable_packages(0)->set_held(2);
  Report(one(), state);
  EXPECT_EQ(Events("DeletionsHeld"), 1);
  EXPECT_EQ(Events("FailureOver"), 1);
}

TEST_F(ObservedTest, APackageSaysWhereItIsInTroubleAndWhy) {
  pb::ObservedState state = Applied(one());
  pb::ObservedPackage& web = *state.mutable_packages(0);
  web.set_held(2);
  pb::ObjectProblem& problem = *web.add_problems();
  problem.set_kind("ConfigMap");
  problem.set_namespace_("web");
  problem.set_name("a");
  problem.set_message("the budget is 1");
  Report(one(), state);
  const std::string why = "ConfigMap web/a: the budget is 1";
  const FleetView& view = *core->View();
  EXPECT_EQ(MakePackageView(view, *view.packages().Find("web")).message(), "cluster/one: " + why);
  EXPECT_EQ(MakePackageViews(view)[0].message(), "cluster/one: " + why);
  EXPECT_EQ(ViewOf("one", true).packages(0).message(), why);
}

// A suspension hides neither the other one nor what became of the objects.
TEST_F(ObservedTest, ASuspendedClusterShowsDriftAndWhoElseSuspendsIt) {
  Report(one(), Applied(one()));
  pb::ObservedState state = Applied(one());
  state.set_suspended_locally("incident 42");
  state.mutable_packages(0)->set_drifted(2);
  Report(one(), state);
  EXPECT_EQ(ClusterOf("one")->message,
            "suspended in the cluster itself: incident 42; 2 objects differ from what Git says");
  pb::SuspendRequest request;
  request.set_kind("cluster");
  request.set_name("one");
  request.set_suspended(true);
  request.set_reason("audit");
  ASSERT_TRUE(Ask(request).ok());
  EXPECT_EQ(ClusterOf("one")->message,
            "suspended: audit; also suspended in the cluster itself: incident 42; 2 objects differ "
            "from what Git says");
  EXPECT_EQ(ViewOf("one", true).suspended_locally(), "incident 42");
  EXPECT_EQ(ViewOf("one", true).packages(0).drifted(), 2u);
}

TEST_F(ObservedTest, AHeartbeatCostsNoWrite) {
  Report(one(), Applied(one()));
  EXPECT_TRUE(Beat(one()).batch.empty());
}

TEST_F(ObservedTest, StatusOfAnOlderStateDoesNotSpeakForTheNewerOne) {
  const pb::ObservedState old = Applied(one());
  Report(one(), old);
  EXPECT_TRUE(ClusterOf("one")->converged);
  PushApps("c2", {{"web", "two"}});
  pb::ObservedState again = old;
  again.set_observed_ms(5);
  Report(one(), again);
  EXPECT_FALSE(ClusterOf("one")->converged);
  EXPECT_EQ(ClusterOf("one")->sync, pb::SYNC_STATUS_OUT_OF_SYNC);
  EXPECT_EQ(ClusterOf("one")->health, pb::HEALTH_STATUS_PROGRESSING);
  EXPECT_EQ(ClusterOf("one")->applied_generation, 1u);
  EXPECT_EQ(ClusterOf("one")->applied_ms, 0);
}

TEST_F(ObservedTest, HistorySaysWhatRanAndFromWhichCommit) {
  Report(one(), Applied(one()));
  PushApps("c2", {{"web", "two"}});
  now += absl::Seconds(1);
  Report(one(), Applied(one()));
  config.clear_packages();
  DeclarePackage("api");
  git["apps"].files["api"] = "api";
  PushConfig();
  now += absl::Seconds(1);
  Report(one(), Applied(one()));
  const std::vector<pb::HistoryRecord> history = History();
  ASSERT_EQ(history.size(), 4u);
  EXPECT_EQ(history[0].bundle_digest(), BundleOf("one").bytes());
  EXPECT_EQ(history[0].commit(), "c1");
  EXPECT_EQ(history[0].repository(), "apps");
  EXPECT_EQ(history[1].commit(), "c2");
  EXPECT_EQ(history[2].bundle_digest(), BundleOf("api").bytes());
  EXPECT_EQ(history[3].bundle_digest(), "") << "web left";
}

TEST_F(ObservedTest, DriftIsNotedWhenSeenAndWhenHealed) {
  pb::ObservedState state = Applied(one());
  Report(one(), state);
  state.mutable_packages(0)->set_drifted(1);
  state.mutable_packages(0)->set_sync(pb::SYNC_STATUS_OUT_OF_SYNC);
  state.set_sync(pb::SYNC_STATUS_OUT_OF_SYNC);
  Report(one(), state);
  EXPECT_TRUE(HasEvent("DriftDetected"));
  EXPECT_EQ(ClusterOf("one")->sync, pb::SYNC_STATUS_OUT_OF_SYNC);
  EXPECT_EQ(ViewOf("one", false).drifted(), 1u);
  state.mutable_packages(0)->set_drifted(0);
  state.mutable_packages(0)->set_drift_healed(1);
  Report(one(), state);
  EXPECT_TRUE(HasEvent("DriftHealed"));
}

// Whoever waits must know whether a problem is about what is desired now.
TEST_F(ObservedTest, DetailNamesTheBundleThatProblemsSpeakOf) {
  pb::ObservedState state = Applied(one());
  state.mutable_packages(0)->set_attempted_digest(std::string(Digest::kSize, 'a'));
  Report(one(), state);
  const pb::ClusterView view = ViewOf("one", true);
  EXPECT_EQ(view.packages(0).attempted_bundle(), std::string(Digest::kSize, 'a'));
  EXPECT_EQ(view.packages(0).repository(), "apps");
}

TEST_F(ObservedTest, ARefusedStateShowsTheAgentsReason) {
  pb::ObservedState state = Applied(one());
  state.set_sync(pb::SYNC_STATUS_OUT_OF_SYNC);
  pb::Condition* condition = state.add_conditions();
  condition->set_type("Accepted");
  condition->set_status(pb::CONDITION_STATUS_FALSE);
  condition->set_reason("Expired");
  condition->set_message("generation 1 has expired");
  Report(one(), state);
  EXPECT_EQ(ClusterOf("one")->message, "generation 1 has expired");
  EXPECT_FALSE(ClusterOf("one")->converged);
}

TEST_F(ObservedTest, AReportThatNoSoundAgentSendsEndsTheStream) {
  Report(one(), Applied(one()));
  pb::ObservedState twice = Applied(one());
  *twice.add_packages() = twice.packages(0);
  pb::ObservedState unnamed = Applied(one());
  unnamed.mutable_packages(0)->set_name("../../cluster");
  pb::ObservedState many = Applied(one());
  for (int i = 0; i < 2'000; ++i) many.add_packages()->set_name(absl::StrCat("p", i));
  for (const pb::ObservedState& state : {twice, unnamed, many}) {
    Connect(one());
    const Outbox out = Report(one(), state);
    ASSERT_EQ(out.closes.size(), 1u);
    EXPECT_TRUE(absl::IsInvalidArgument(out.closes[0].reason));
    EXPECT_TRUE(out.sends.empty()) << "it is not acknowledged";
  }
  EXPECT_EQ(ClusterOf("one")->packages.size(), 1u) << "the last good report stands";
}

TEST_F(ObservedTest, AReportOfAnUnknownStreamIsDropped) {
  AgentReport event;
  event.link = 999;
  const Outbox out = Do(event);
  EXPECT_TRUE(out.sends.empty());
  EXPECT_TRUE(out.batch.empty());
}

TEST_F(ObservedTest, AnotherReportIsWantedWhenTheDigestsDiffer) {
  Report(one(), Applied(one()));
  agent_reported["one"] = "something that the hub has not seen";
  const Outbox out = Connect(one());
  bool wanted = false;
  for (const Send& send : out.sends) {
    wanted |= std::holds_alternative<pb::ReportWanted>(send.message);
  }
  EXPECT_TRUE(wanted);
}

// ---------------------------------------------------------------- liveness

TEST_F(ObservedTest, SilenceMakesStaleThenOfflineAndALifeSignConnected) {
  Report(one(), Applied(one()));
  Pass(absl::Seconds(59));
  EXPECT_EQ(ClusterOf("one")->connection, pb::CONNECTION_STATUS_CONNECTED);
  Pass(absl::Seconds(2));
  EXPECT_EQ(ClusterOf("one")->connection, pb::CONNECTION_STATUS_STALE);
  EXPECT_EQ(ClusterOf("one")->sync, pb::SYNC_STATUS_UNKNOWN);
  EXPECT_EQ(ClusterOf("one")->health, pb::HEALTH_STATUS_UNKNOWN);
  EXPECT_EQ(ClusterOf("one")->applied_generation, 1u) << "the last word is kept";
  EXPECT_EQ(ViewOf("one", false).applied_revision(), "apps@c1");
  Pass(absl::Seconds(240));
  EXPECT_EQ(ClusterOf("one")->connection, pb::CONNECTION_STATUS_OFFLINE);
  EXPECT_TRUE(HasEvent("ClusterOffline"));
  Beat(one());
  EXPECT_EQ(ClusterOf("one")->connection, pb::CONNECTION_STATUS_CONNECTED);
  EXPECT_EQ(ClusterOf("one")->sync, pb::SYNC_STATUS_SYNCED);
  EXPECT_TRUE(HasEvent("ClusterBack"));
}

TEST_F(ObservedTest, HeartbeatsKeepAClusterConnected) {
  for (int i = 0; i < 40; ++i) {
    Pass(absl::Seconds(30));
    Beat(one());
    ASSERT_EQ(ClusterOf("one")->connection, pb::CONNECTION_STATUS_CONNECTED) << i;
  }
}

TEST_F(ObservedTest, AfterARestartAClusterIsStaleUntilItIsHeardOrTooLateForIt) {
  Report(one(), Applied(one()));
  Restart();
  Do(Tick{});
  EXPECT_EQ(ClusterOf("one")->connection, pb::CONNECTION_STATUS_STALE);
  Pass(absl::Seconds(301));
  EXPECT_EQ(ClusterOf("one")->connection, pb::CONNECTION_STATUS_OFFLINE);
}

TEST_F(ObservedTest, ANewerStreamReplacesTheOlderOne) {
  const LinkId old = one().link;
  const Outbox out = Connect(one());
  ASSERT_EQ(out.closes.size(), 1u);
  EXPECT_EQ(out.closes[0].link, old);
  EXPECT_FALSE(out.closes[0].connection);
  // The end of the old stream does not end the new one.
  Do(AgentDisconnected{old});
  EXPECT_EQ(Report(one(), Applied(one())).sends.size(), 1u);
}

// ---------------------------------------------------------------- suspension

TEST_F(ObservedTest, ASuspendedClusterIsToldSo) {
  Report(one(), Applied(one()));
  pb::SuspendRequest request;
  request.set_kind("cluster");
  request.set_name("one");
  request.set_suspended(true);
  request.set_reason("maintenance");
  ASSERT_TRUE(Ask(request).ok());
  EXPECT_TRUE(one().desired.suspended());
  EXPECT_EQ(ClusterOf("one")->message, "suspended: maintenance");
  Restart();
  Do(Tick{});
  EXPECT_TRUE(ClusterOf("one")->suspended);
  request.set_kind("planet");
  EXPECT_TRUE(absl::IsInvalidArgument(Ask(request).status()));
  request.set_kind("cluster");
  request.set_name("nobody");
  EXPECT_TRUE(absl::IsNotFound(Ask(request).status()));
}

}  // namespace
}  // namespace muster::hub
