#include "hub/core/charts.h"

#include "hub/core/core_fixture_test.h"

namespace muster::hub {
namespace {

namespace pb = muster::v1;

// A hub whose package takes a chart from a registry.
class ChartsTest : public CoreFixture {
 protected:
  void Declare() {
    SmallFleet();
    pb::Repository& charts = *config.add_repositories();
    charts.set_name("charts");
    charts.set_project("default");
    charts.set_type(pb::REPOSITORY_TYPE_HELM);
    charts.set_url("https://charts.example.com");
    charts.set_interval_ms(60'000);
    git["charts"].commit = "r1";
    git["apps"].files["web"] = "chart ^1";
    PushConfig();
    Join("one");
  }

  // What the registry has from now on; the hub looks at once.
  void Release(const std::string& commit, const std::string& digest) {
    FakeRepository& charts = git["charts"];
    charts.commit = commit;
    charts.charts.Clear();
    pb::ChartPin& pin = *charts.charts.mutable_charts()->add_pins();
    pin.mutable_want()->set_chart("web");
    pin.mutable_want()->set_version("^1");
    pin.set_version("1.2.3");
    pin.set_archive_digest(digest);
    if (!charts.descends) charts.charts.add_rewritten("web 1.2.3 was sha256:a and is sha256:b");
    Look();
  }

  void Look() {
    ASSERT_TRUE(Ask(SyncNow{"charts"}).ok());
    Do(Tick{});
    Run();
  }

  std::string KnownDigest() {
    const pb::ChartLock& known = git["charts"].asked.known_charts();
    return known.pins().empty() ? "none" : known.pins(0).archive_digest();
  }
};

TEST_F(ChartsTest, WhatARenderingWantsIsAskedForAtOnce) {
  Declare();
  const pb::FetchRequest& asked = git["charts"].asked;
  EXPECT_EQ(asked.type(), pb::REPOSITORY_TYPE_HELM);
  ASSERT_EQ(asked.charts_size(), 1) << "without waiting for the next look";
  EXPECT_EQ(asked.charts(0).chart(), "web");
  EXPECT_EQ(asked.charts(0).version(), "^1");
}

TEST_F(ChartsTest, TheLockIsKnownAtTheNextLookAndOverARestart) {
  Declare();
  Release("r2", "sha256:a");
  Look();
  EXPECT_EQ(KnownDigest(), "sha256:a");
  EXPECT_EQ(git["charts"].asked.known_commit(), "r2");
  git["charts"].asked.Clear();
  Restart();
  Do(Tick{});
  Run();
  EXPECT_EQ(KnownDigest(), "sha256:a");
}

TEST_F(ChartsTest, WhatMayBeWantedStillIsKept) {
  Declare();
  Release("r2", "sha256:a");
  Look();
  EXPECT_FALSE(git["charts"].asked.keep_charts());
  // Nothing was rendered since the start, so nobody knows what will be asked for.
  Restart();
  Do(Tick{});
  for (const Job& job : jobs) {
    const auto* fetch = std::get_if<FetchJob>(&job);
    if (fetch != nullptr && fetch->repository.text() == "charts") {
      EXPECT_TRUE(fetch->request.keep_charts());
    }
  }
  Run();
  // A package that fails may not have got as far as asking.
  git["apps"].files["web"] = "error";
  PushApps("c2", {{"web", "error"}});
  Look();
  EXPECT_TRUE(git["charts"].asked.keep_charts());
}

TEST_F(ChartsTest, OtherContentWaitsForAnOperator) {
  Declare();
  Release("r2", "sha256:a");
  git["charts"].descends = false;
  Release("r3", "sha256:b");
  const pb::RepositoryView charts = RepositoryOf("charts");
  EXPECT_TRUE(charts.frozen());
  EXPECT_EQ(charts.commit(), "r2");
  EXPECT_NE(charts.message().find("what was released has changed: web 1.2.3 was sha256:a and is "
                                  "sha256:b; r2 keeps ruling with what it was"),
            std::string::npos)
      << charts.message();
  Look();
  EXPECT_EQ(KnownDigest(), "sha256:a") << "not taken over";
  pb::AcceptRewriteRequest accept;
  accept.set_repository("charts");
  accept.set_commit("r3");
  ASSERT_TRUE(Ask(accept).ok());
  Do(Tick{});
  Run();
  EXPECT_EQ(KnownDigest(), "sha256:b");
  EXPECT_EQ(git["charts"].asked.known_commit(), "r3");
  EXPECT_FALSE(RepositoryOf("charts").frozen());
  EXPECT_EQ(RepositoryOf("charts").commit(), "r3");
}

TEST_F(ChartsTest, AProblemOfOneChartIsACondition) {
  Declare();
  Release("r2", "sha256:a");
  EXPECT_EQ(RepositoryOf("charts").message(), "");
  git["charts"].charts.add_problems("version 1.2.3 was withdrawn");
  Look();
  EXPECT_EQ(RepositoryOf("charts").message(), "version 1.2.3 was withdrawn");
  EXPECT_EQ(RepositoryOf("charts").commit(), "r2");
  git["charts"].charts.clear_problems();
  Look();
  EXPECT_EQ(RepositoryOf("charts").message(), "");
}

}  // namespace
}  // namespace muster::hub
