// A cluster of which a part does not answer: the server behind one group (APIService), or what the
// API server needs for one kind (a conversion webhook). The rest goes on, and nothing that cannot
// be seen is taken for absent.
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/match.h"
#include "agent/kube/kube_driver_fixture.h"

namespace muster::agent {
namespace {

class KubeDriverAway : public KubeDriverFixture {
 protected:
  KubeDriverAway() {
    server_.Do([](StubCluster& cluster) {
      cluster.Serve({"meters.example.org/v1", "Gauge", "gauges", true});
    });
  }

  static ObjectKey Gauge() {
    return {
        .api_version = "meters.example.org/v1", .kind = "Gauge", .namespace_ = "web", .name = "g"};
  }
  void Away(bool away) {
    server_.Do([&](StubCluster& cluster) {
      cluster.away.clear();
      if (away) cluster.away.insert("meters.example.org/v1");
    });
  }
  void Forget() {
    driver_.reset();
    Start();
  }

  // That the ConfigMap is seen as it is, and the gauge is neither there nor absent.
  void ExpectOnlyTheGaugeUnreadable() {
    const auto live = driver_->List({Key("a"), Key("b"), Gauge()}, false);
    ASSERT_TRUE(live.ok()) << live.status();
    ASSERT_EQ(live->size(), 2u);
    EXPECT_EQ(live->at(0).key, Key("a"));
    EXPECT_TRUE(live->at(0).unreadable.ok());
    EXPECT_EQ(live->at(1).key, Gauge());
    EXPECT_TRUE(absl::IsUnavailable(live->at(1).unreadable)) << live->at(1).unreadable;
    EXPECT_EQ(live->at(1).health.word, HealthWord::kUnknown);
  }
};

TEST_F(KubeDriverAway, AGroupThatIsNotToldIsNotTakenForAbsent) {
  for (const bool aggregated : {true, false}) {
    server_.Do([&](StubCluster& cluster) { cluster.aggregated_discovery = aggregated; });
    Away(false);
    Forget();
    ASSERT_TRUE(Apply(Request(Key("a"), "1", true)).status.ok());
    ASSERT_TRUE(Apply(Request(Gauge(), "1", true)).status.ok());
    Away(true);
    Forget();  // an agent that starts while the group's server is away
    ExpectOnlyTheGaugeUnreadable();
    const DriverResult result = Apply(Request(Gauge(), "2", true));
    EXPECT_TRUE(absl::IsUnavailable(result.status)) << result.status;
    EXPECT_TRUE(absl::StrContains(result.status.message(), "kubectl get apiservices"));
    EXPECT_TRUE(Apply(Request(Key("a"), "2", true)).status.ok());
  }
}

TEST_F(KubeDriverAway, AKindThatCannotBeListedHidesNoOtherAndComesBackByItself) {
  ASSERT_TRUE(Apply(Request(Key("a"), "1")).status.ok());
  ASSERT_TRUE(Apply(Request(Gauge(), "1")).status.ok());
  Intercept([](const StubRequest& request) -> Answer {
    if (!absl::StrContains(request.path, "/gauges")) return std::nullopt;
    return StubCluster::Error(500, "InternalError", "conversion webhook for Gauge failed");
  });
  Forget();
  ExpectOnlyTheGaugeUnreadable();
  int seen = hints();
  Intercept([](const StubRequest&) -> Answer { return std::nullopt; });
  // The agent need not ask by itself: it is told; not always by the first hint, which may be older.
  for (bool readable = false; !readable;) {
    ASSERT_TRUE(AwaitHint(seen));
    seen = hints();
    const auto live = driver_->List({Key("a"), Gauge()}, false);
    ASSERT_TRUE(live.ok()) << live.status();
    ASSERT_EQ(live->size(), 2u);
    readable = live->at(1).unreadable.ok();
  }
}

TEST_F(KubeDriverAway, AServerThatCanDoNothingIsTheClustersTrouble) {
  ASSERT_TRUE(Apply(Request(Key("a"), "1")).status.ok());
  Intercept([](const StubRequest& request) -> Answer {
    if (!absl::StrContains(request.path, "/configmaps")) return std::nullopt;
    return StubCluster::Error(500, "InternalError", "etcd is away");
  });
  Forget();
  const auto live = driver_->List({Key("a"), Key("b")}, false);
  EXPECT_TRUE(absl::IsUnavailable(live.status())) << live.status();
  EXPECT_TRUE(absl::StrContains(live.status().message(), "etcd is away")) << live.status();
}

TEST_F(KubeDriverAway, WhatNobodyManagesIsCountedAmongTheRest) {
  server_.Do([&](StubCluster& cluster) {
    cluster.Update(Path(Key("x")), Json(Key("x"), "1"), "kubectl");
  });
  Intercept([](const StubRequest& request) -> Answer {
    if (!absl::StrContains(request.path, "/gauges")) return std::nullopt;
    return StubCluster::Error(500, "InternalError", "conversion webhook for Gauge failed");
  });
  const auto unmanaged = driver_->ListUnmanaged({.namespaces = {"web"}, .keys_max = 10});
  ASSERT_TRUE(unmanaged.ok()) << unmanaged.status();
  EXPECT_EQ(unmanaged->keys, (std::vector<ObjectKey>{Key("x")}));
}

}  // namespace
}  // namespace muster::agent
