// What a server does to a driver on a bad day, and what comes of it.
#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "agent/kube/kube_driver_fixture.h"

namespace muster::agent {
namespace {

using KubeDriverFault = KubeDriverFixture;

// ---------------------------------------------------------------- cost

TEST_F(KubeDriverFault, ListsWithoutARequestWhileNothingChanges) {
  std::vector<Query> queries;
  std::vector<ApplyRequest> requests;
  for (int i = 0; i < 300; ++i) {
    queries.emplace_back(Key(absl::StrCat("a", i)));
    requests.push_back(Request(queries.back().key, "1"));
  }
  ASSERT_TRUE(driver_->List(queries, false).ok());
  for (const DriverResult& result : driver_->Apply(requests)) ASSERT_TRUE(result.status.ok());
  const uint64_t before = driver_->requests_sent();
  for (int i = 0; i < 10; ++i) ASSERT_EQ(driver_->List(queries, false)->size(), 300u);
  EXPECT_EQ(driver_->requests_sent(), before);
}

TEST_F(KubeDriverFault, AsksOnceWhatTheServerServes) {
  const ObjectKey account{
      .api_version = "v1", .kind = "ServiceAccount", .namespace_ = "web", .name = "a"};
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(driver_->List({Key("a"), account}, false).ok());
    ASSERT_TRUE(Apply(Request(Key("a"), absl::StrCat(i))).status.ok());
  }
  int asked = 0;
  server_.Do([&](StubCluster& cluster) {
    for (const StubRequest& request : cluster.log) {
      asked += request.path == "/api" || request.path == "/apis";
      EXPECT_FALSE(absl::StrContains(request.path, "openapi"));
    }
  });
  EXPECT_EQ(asked, 2);
}

TEST_F(KubeDriverFault, WritesWhatIsKnownNotToBeThereWithOneRequestEach) {
  std::vector<Query> queries;
  std::vector<ApplyRequest> requests;
  for (int i = 0; i < 50; ++i) {
    queries.emplace_back(Key(absl::StrCat("a", i)));
    requests.push_back(Request(queries.back().key, "1"));
  }
  ASSERT_TRUE(driver_->List(queries, false).ok());
  const uint64_t before = driver_->requests_sent();
  for (const DriverResult& result : driver_->Apply(requests)) ASSERT_TRUE(result.status.ok());
  EXPECT_EQ(driver_->requests_sent() - before, 50u);
}

// ---------------------------------------------------------------- the server is in trouble

TEST_F(KubeDriverFault, WaitsAsLongAsAServerThatHasTooMuchToDoAsks) {
  auto refusals = std::make_shared<int>(3);
  Intercept([refusals](const StubRequest& request) -> Answer {
    if (request.method != "PATCH" || (*refusals)-- <= 0) return std::nullopt;
    StubResponse answer = StubCluster::Error(429, "TooManyRequests", "later");
    answer.headers["retry-after"] = "0";
    return answer;
  });
  EXPECT_TRUE(Apply(Request(Key("a"), "1")).status.ok());
  EXPECT_EQ(CountRequests("PATCH", "/configmaps/a"), 4u);
}

// A bare 500 is the object's (a webhook's, say); one that names a time is the server's.
TEST_F(KubeDriverFault, AServerInTroubleThatNamesATimeIsAskedAgain) {
  auto refusals = std::make_shared<int>(2);
  Intercept([refusals](const StubRequest& request) -> Answer {
    if (request.method != "PATCH" || (*refusals)-- <= 0) return std::nullopt;
    StubResponse answer = StubCluster::Error(500, "ServerTimeout", "etcdserver: leader changed");
    answer.headers["retry-after"] = "0";
    return answer;
  });
  EXPECT_TRUE(Apply(Request(Key("a"), "1")).status.ok());
  EXPECT_EQ(CountRequests("PATCH", "/configmaps/a"), 3u);
}

// What was made a moment ago by somebody else, and is gone again when we look at it.
TEST_F(KubeDriverFault, AConflictWithWhatIsGoneWhenItIsLookedAtIsNoConflict) {
  auto first = std::make_shared<bool>(true);
  Intercept([first](const StubRequest& request) -> Answer {
    if (request.method != "PATCH" || !std::exchange(*first, false)) return std::nullopt;
    const Value cause = Value::Map{{"reason", "FieldManagerConflict"},
                                   {"message", "conflict with \"kubectl\""},
                                   {"field", ".data.value"}};
    return StubCluster::Error(409, "Conflict", "Apply failed with 1 conflict",
                              {{"causes", Value::List{cause}}});
  });
  ASSERT_TRUE(driver_->List({Key("a")}, false).ok());
  EXPECT_TRUE(Apply(Request(Key("a"), "1")).status.ok());
}

TEST_F(KubeDriverFault, ANamespaceThatIsGoingIsWaitedOutByTheAgent) {
  Intercept([](const StubRequest& request) -> Answer {
    if (request.method != "PATCH") return std::nullopt;
    const Value cause = Value::Map{{"reason", "NamespaceTerminating"},
                                   {"message", "namespace web is being terminated"},
                                   {"field", "metadata.namespace"}};
    return StubCluster::Error(403, "Forbidden",
                              "configmaps \"a\" is forbidden: unable to create new content in "
                              "namespace web because it is being terminated",
                              {{"causes", Value::List{cause}}});
  });
  const DriverResult result = Apply(Request(Key("a"), "1"));
  EXPECT_TRUE(absl::IsAborted(result.status)) << result.status;
  EXPECT_TRUE(absl::StrContains(result.status.message(), "being terminated"));
}

TEST_F(KubeDriverFault, ASilentOrCutConnectionIsNotTheEnd) {
  try_timeout_ = absl::Milliseconds(300);
  Start();
  auto faults = std::make_shared<int>(2);
  Intercept([faults](const StubRequest& request) -> Answer {
    if (request.method != "PATCH" || *faults == 0) return std::nullopt;
    return (*faults)-- == 2 ? StubResponse{.cuts = true} : StubResponse{.hangs = true};
  });
  EXPECT_TRUE(Apply(Request(Key("a"), "1")).status.ok());
}

TEST_F(KubeDriverFault, AWebhookThatFailsIsToldAtOnceWithTheServersWords) {
  Intercept([](const StubRequest& request) -> Answer {
    if (request.method != "PATCH") return std::nullopt;
    return StubCluster::Error(500, "InternalError",
                              "Internal error occurred: failed calling webhook \"x\"");
  });
  const DriverResult result = Apply(Request(Key("a"), "1"));
  EXPECT_TRUE(absl::IsUnavailable(result.status)) << result.status;
  EXPECT_TRUE(absl::StrContains(result.status.message(), "failed calling webhook \"x\""));
  EXPECT_EQ(CountRequests("PATCH", "/configmaps/a"), 1u);
}

TEST_F(KubeDriverFault, AServerThatIsAwayIsSaidToBeAndFoundAgain) {
  Apply(Request(Key("a"), "1"));
  ASSERT_EQ(driver_->List({Key("a")}, false)->size(), 1u);
  server_.StopListening();
  // What was true before is not passed off as what is.
  absl::Status listed;
  EXPECT_TRUE(Eventually([&] {
    listed = driver_->List({Key("a")}, false).status();
    return !listed.ok();
  }));
  EXPECT_TRUE(absl::IsUnavailable(listed)) << listed;
  EXPECT_TRUE(absl::StrContains(listed.message(), "https://127.0.0.1:")) << listed;
  EXPECT_TRUE(absl::IsUnavailable(Apply(Request(Key("b"), "1", true)).status));
  server_.Do([&](StubCluster& cluster) { cluster.Delete(Path(Key("a"))); });
  server_.Resume();
  EXPECT_TRUE(ListUntil(Key("a"), [](const auto& live) { return live.empty(); }));
  EXPECT_TRUE(Apply(Request(Key("b"), "1", true)).status.ok());
}

// They share their tries to connect: one after the other would take a thousand times as long.
TEST_F(KubeDriverFault, ManyWritesToADeadServerFailTogether) {
  ASSERT_TRUE(driver_->List({Key("a")}, false).ok());
  server_.StopListening();
  std::vector<ApplyRequest> requests;
  for (int i = 0; i < 1000; ++i) requests.push_back(Request(Key(absl::StrCat("a", i)), "1", true));
  const uint64_t before = driver_->requests_sent();
  for (const DriverResult& result : driver_->Apply(requests)) {
    EXPECT_TRUE(absl::IsUnavailable(result.status)) << result.status;
  }
  EXPECT_LT(driver_->requests_sent() - before, 1000u);
}

// ---------------------------------------------------------------- watches

TEST_F(KubeDriverFault, SeesAChangeAndWhoMadeIt) {
  const DriverResult applied = Apply(Request(Key("a"), "1"));
  ASSERT_EQ(driver_->List({Key("a")}, false)->at(0).digest, applied.digest);
  const int before = hints();
  server_.Do([&](StubCluster& cluster) {
    cluster.Update(Path(Key("a")), Json(Key("a"), "2"), "kubectl-edit");
  });
  ASSERT_TRUE(AwaitHint(before));
  ASSERT_TRUE(
      ListUntil(Key("a"), [&](const auto& live) { return live.at(0).digest != applied.digest; }));
  const LiveObject live = driver_->List({Key("a")}, false)->at(0);
  EXPECT_EQ(live.changed_by, "kubectl-edit");
  EXPECT_EQ(absl::FormatTime("%Y", live.changed_at, absl::UTCTimeZone()), "2026");
}

TEST_F(KubeDriverFault, ResumesAWatchThatEndedWithoutListingAgain) {
  ASSERT_TRUE(driver_->List({Key("a")}, false).ok());
  server_.Do([&](StubCluster& cluster) {
    cluster.Update(Path(Key("b")), Json(Key("b"), "1"), "kubectl");
    cluster.SendBookmarks();
    cluster.EndWatches();
  });
  server_.Do([&](StubCluster& cluster) {
    cluster.Update(Path(Key("a")), Json(Key("a"), "1"), "kubectl");
  });
  EXPECT_TRUE(ListUntil(Key("a"), [](const auto& live) { return live.size() == 1; }));
  size_t lists = 0;
  server_.Do([&](StubCluster& cluster) {
    for (const StubRequest& request : cluster.log) {
      lists += absl::EndsWith(request.path, "/configmaps") && !request.query.contains("watch");
    }
  });
  EXPECT_EQ(lists, 1u);
}

TEST_F(KubeDriverFault, ListsAnewWhenTheServerHasForgottenThePast) {
  ASSERT_TRUE(driver_->List({Key("a")}, false).ok());
  server_.Do([&](StubCluster& cluster) {
    cluster.Update(Path(Key("b")), Json(Key("b"), "1"), "kubectl");
    cluster.ForgetThePast();
  });
  server_.CutConnections();
  server_.Do([&](StubCluster& cluster) {
    cluster.Update(Path(Key("a")), Json(Key("a"), "1"), "kubectl");
    cluster.ForgetThePast();
  });
  EXPECT_TRUE(ListUntil(Key("a"), [](const auto& live) { return live.size() == 1; }));
}

TEST_F(KubeDriverFault, AServerThatLiesWith410IsBelievedLessAndLessOften) {
  Apply(Request(Key("a"), "1"));
  Intercept([](const StubRequest& request) -> Answer {
    if (!request.query.contains("watch")) return std::nullopt;
    return StubResponse{.body = R"({"type":"ERROR","object":{"kind":"Status","code":410}})"};
  });
  for (int i = 0; i < 3; ++i) {
    const auto live = driver_->List({Key("a")}, false);
    ASSERT_TRUE(live.ok()) << live.status();
    EXPECT_EQ(live->size(), 1u);
  }
  size_t watches = 0;
  server_.Do([&](StubCluster& cluster) {
    for (const StubRequest& request : cluster.log) watches += request.query.contains("watch");
  });
  EXPECT_LT(watches, 20u);
}

TEST_F(KubeDriverFault, ManyNamespacesAreOneWatch) {
  std::vector<Query> queries;
  for (int i = 0; i < 10; ++i) queries.emplace_back(Key("a", absl::StrCat("ns", i)));
  ASSERT_TRUE(driver_->List(queries, false).ok());
  // The watch tells of each of them.
  const ObjectKey last = queries[9].key;
  server_.Do([&](StubCluster& cluster) { cluster.Update(Path(last), Json(last, "1"), "kubectl"); });
  EXPECT_TRUE(Eventually([&] { return !driver_->List(queries, false)->empty(); }));
  EXPECT_EQ(CountRequests("GET", "/namespaces/"), 0u);
  EXPECT_EQ(CountRequests("GET", "/api/v1/configmaps"), 2u);  // a list and a watch
}

// ---------------------------------------------------------------- rights

TEST_F(KubeDriverFault, WithRightsInNamespacesOnlyItWatchesEachOfThem) {
  Intercept([](const StubRequest& request) -> Answer {
    if (request.path != "/api/v1/configmaps") return std::nullopt;
    return StubCluster::Error(403, "Forbidden", "configmaps is forbidden");
  });
  std::vector<Query> queries;
  for (int i = 0; i < 5; ++i) queries.emplace_back(Key("a", absl::StrCat("ns", i)));
  for (const Query& query : queries) ASSERT_TRUE(Apply(Request(query.key, "1")).status.ok());
  EXPECT_EQ(driver_->List(queries, false)->size(), 5u);
  const uint64_t before = driver_->requests_sent();
  EXPECT_EQ(driver_->List(queries, false)->size(), 5u);
  EXPECT_EQ(driver_->requests_sent(), before);
}

TEST_F(KubeDriverFault, WithoutTheRightToListItLooksAtEachObject) {
  Intercept([](const StubRequest& request) -> Answer {
    if (!absl::EndsWith(request.path, "/configmaps")) return std::nullopt;
    return StubCluster::Error(403, "Forbidden", "configmaps is forbidden");
  });
  ASSERT_TRUE(Apply(Request(Key("a"), "1")).status.ok());
  EXPECT_EQ(driver_->List({Key("a"), Key("b")}, false)->size(), 1u);
}

TEST_F(KubeDriverFault, WhatMayNotBeReadIsNeitherThereNorAbsent) {
  ASSERT_TRUE(Apply(Request(Key("b"), "1")).status.ok());
  Intercept([](const StubRequest& request) -> Answer {
    if (request.method != "GET" || absl::EndsWith(request.path, "/b")) return std::nullopt;
    if (!absl::StrContains(request.path, "/configmaps")) return std::nullopt;
    return StubCluster::Error(403, "Forbidden", "configmaps is forbidden");
  });
  const auto live = driver_->List({Key("a"), Key("b")}, false);
  ASSERT_TRUE(live.ok()) << live.status();
  ASSERT_EQ(live->size(), 2u);
  EXPECT_EQ(live->at(0).key, Key("a"));
  EXPECT_TRUE(absl::IsPermissionDenied(live->at(0).unreadable));
  EXPECT_EQ(live->at(0).health.word, HealthWord::kUnknown);
  EXPECT_TRUE(live->at(1).unreadable.ok());
}

TEST_F(KubeDriverFault, ADeniedWriteIsTheObjectsTroubleAlone) {
  Intercept([](const StubRequest& request) -> Answer {
    if (request.method != "PATCH" || !absl::EndsWith(request.path, "/a")) return std::nullopt;
    return StubCluster::Error(403, "Forbidden", "configmaps \"a\" is forbidden: User cannot patch");
  });
  const auto results = driver_->Apply({Request(Key("a"), "1"), Request(Key("b"), "1")});
  EXPECT_TRUE(absl::IsPermissionDenied(results[0].status));
  EXPECT_EQ(results[0].status.message(),
            "apply v1/ConfigMap/web/a: configmaps \"a\" is forbidden: User cannot patch");
  EXPECT_TRUE(results[1].status.ok());
}

TEST_F(KubeDriverFault, ActsAsThePackagesServiceAccountInEveryCallForItsObjects) {
  auto terms = std::make_shared<Terms>();
  terms->service_account = "team/deployer";
  ApplyRequest request = Request(Key("a"), "1");
  request.terms = terms;
  const DriverResult applied = Apply(request);
  ASSERT_TRUE(applied.status.ok());
  ASSERT_TRUE(driver_->Remove({{Key("a"), applied.uid, terms}})[0].status.ok());
  int seen = 0;
  server_.Do([&](StubCluster& cluster) {
    for (const StubRequest& each : cluster.log) {
      if (!absl::EndsWith(each.path, "/configmaps/a")) continue;
      ++seen;
      EXPECT_EQ(each.headers.at("impersonate-user"), "system:serviceaccount:team:deployer");
    }
  });
  EXPECT_GE(seen, 2);
}

TEST_F(KubeDriverFault, ARotatedTokenIsReadAgain) {
  const std::string file = absl::StrCat(testing::TempDir(), "/token");
  const auto write = [&](const char* text) { std::ofstream(file) << text << "\n"; };
  write("first");
  token_ = {.file = file};
  server_.Do([](StubCluster& cluster) { cluster.token = "first"; });
  Start();
  ASSERT_TRUE(Apply(Request(Key("a"), "1")).status.ok());
  server_.Do([](StubCluster& cluster) { cluster.token = "second"; });
  write("second");
  EXPECT_TRUE(Apply(Request(Key("a"), "2", true)).status.ok());
  server_.Do([](StubCluster& cluster) { cluster.token = "third"; });
  const DriverResult result = Apply(Request(Key("a"), "3", true));
  EXPECT_TRUE(absl::IsUnauthenticated(result.status)) << result.status;
}

}  // namespace
}  // namespace muster::agent
