#include <gtest/gtest.h>

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "agent/cluster/noticeboard.h"
#include "agent/kube/kube_driver_fixture.h"

namespace muster::agent {
namespace {

constexpr const char* kPath = "/apis/muster.dev/v1alpha1/namespaces/muster-system/musters/agent";

class KubeNoticeboardTest : public KubeDriverFixture {
 protected:
  void Define() {
    server_.Do([](StubCluster& cluster) {
      cluster.Serve({"muster.dev/v1alpha1", "Muster", "musters", true});
    });
  }
  Noticeboard& board() { return driver_->noticeboard(); }

  void Annotate(const std::string& annotations) {
    server_.Do([&](StubCluster& cluster) {
      cluster.Update(kPath,
                     absl::StrCat(R"({"apiVersion":"muster.dev/v1alpha1","kind":"Muster",)",
                                  R"("metadata":{"annotations":{)", annotations,
                                  R"(},"name":"agent","namespace":"muster-system"}})"),
                     "kubectl-annotate");
    });
  }
  // Asks whenever something changed, until the board says so.
  bool SuspendedBecomes(const std::string& text) {
    while (true) {
      const int before = hints();
      const absl::StatusOr<std::string> suspended = board().Suspended();
      if (suspended.ok() && *suspended == text) return true;
      if (!AwaitHint(before)) return false;
    }
  }
  // Until the watch answers instead of the server.
  bool IsWatched() {
    return Eventually([&] {
      const uint64_t before = driver_->requests_sent();
      return board().Suspended().ok() && driver_->requests_sent() == before;
    });
  }

  std::string At(const std::string& path, const char* pointer) {
    std::string text = "(nothing)";
    server_.Do([&](StubCluster& cluster) {
      const Value* object = cluster.Get(path);
      const Value* value = object == nullptr ? nullptr : object->Find(pointer);
      if (value != nullptr && value->is_string()) text = value->string();
    });
    return text;
  }
};

TEST_F(KubeNoticeboardTest, WithoutItsDefinitionThereIsNothingToTellAndNoError) {
  EXPECT_EQ(*board().Suspended(), "");
  EXPECT_TRUE(board().Post(Value::Map{{"sync", "Synced"}}, {}).ok());
}

TEST_F(KubeNoticeboardTest, MakesTheStatusObjectAndKeepsItsAnnotations) {
  Define();
  ASSERT_TRUE(board().Post(Value::Map{{"sync", "Synced"}}, {}).ok());
  EXPECT_EQ(At(kPath, "/status/sync"), "Synced");
  Annotate(R"("muster.dev/suspend":"audit")");
  EXPECT_EQ(*board().Suspended(), "audit");
  ASSERT_TRUE(board().Post(Value::Map{{"sync", "OutOfSync"}}, {}).ok());
  EXPECT_EQ(At(kPath, "/status/sync"), "OutOfSync");
  EXPECT_EQ(*board().Suspended(), "audit");
}

TEST_F(KubeNoticeboardTest, AnAnnotationWithoutTextSuspendsAndFalseDoesNot) {
  Define();
  Annotate(R"("muster.dev/suspend":"")");
  EXPECT_TRUE(SuspendedBecomes("suspended"));
  Annotate(R"("muster.dev/suspend":"false")");
  EXPECT_TRUE(SuspendedBecomes(""));
}

TEST_F(KubeNoticeboardTest, ItIsWatchedSoThatAskingCostsNothing) {
  Define();
  ASSERT_TRUE(board().Post(Value::Map{{"sync", "Synced"}}, {}).ok());
  ASSERT_TRUE(IsWatched());
  const uint64_t before = driver_->requests_sent();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(*board().Suspended(), "");
  ASSERT_TRUE(board().Post(Value::Map{{"sync", "OutOfSync"}}, {}).ok());
  EXPECT_EQ(driver_->requests_sent() - before, 1u);
  // What somebody writes is hinted at; what we write ourselves is not.
  Annotate(R"("muster.dev/suspend":"audit")");
  EXPECT_TRUE(SuspendedBecomes("audit"));
  Annotate("");
  EXPECT_TRUE(SuspendedBecomes(""));
  Annotate(R"("muster.dev/suspend":"again")");
  EXPECT_TRUE(SuspendedBecomes("again"));
  server_.Do([](StubCluster& cluster) { cluster.Delete(kPath); });
  EXPECT_TRUE(SuspendedBecomes(""));
}

TEST_F(KubeNoticeboardTest, WhileTheWatchIsBrokenItIsAskedFor) {
  Define();
  ASSERT_TRUE(board().Post(Value::Map{}, {}).ok());
  ASSERT_TRUE(IsWatched());
  Intercept([](const StubRequest& request) -> Answer {
    if (!request.query.contains("watch")) return std::nullopt;
    return StubCluster::Error(403, "Forbidden", "musters is forbidden: cannot watch");
  });
  server_.CutConnections();
  Annotate(R"("muster.dev/suspend":"audit")");
  EXPECT_TRUE(SuspendedBecomes("audit"));
}

TEST_F(KubeNoticeboardTest, ThatItCannotBeReadIsAnError) {
  Define();
  Intercept([](const StubRequest& request) -> Answer {
    if (!absl::StrContains(request.path, "/musters")) return std::nullopt;
    return StubCluster::Error(403, "Forbidden", "musters is forbidden");
  });
  EXPECT_TRUE(absl::IsPermissionDenied(board().Suspended().status()));
  EXPECT_TRUE(absl::IsPermissionDenied(board().Post(Value::Map{}, {})));
}

TEST_F(KubeNoticeboardTest, AnnouncesOnTheObjectAndCountsWhatRepeatsItself) {
  Define();
  const std::string uid = Apply(Request(Key("a"), "1")).uid;
  ASSERT_TRUE(driver_->List({Key("a")}, false).ok());
  const Happening drift{.about = Key("a"), .warning = true, .reason = "Drifted", .message = "by x"};
  ASSERT_TRUE(board().Post(Value::Map{}, {drift, drift}).ok());
  server_.Do([&](StubCluster& cluster) {
    int events = 0;
    for (const StubRequest& request : cluster.log) {
      if (request.method != "PATCH" || !absl::StrContains(request.path, "/events/")) continue;
      const Value* event = cluster.Get(request.path);
      ASSERT_NE(event, nullptr);
      ++events;
      EXPECT_EQ(event->Find("/involvedObject/name")->string(), "a");
      EXPECT_EQ(event->Find("/involvedObject/uid")->string(),
                uid);  // kubectl describe looks for it
      EXPECT_EQ(event->Find("/metadata/namespace")->string(), "web");
      EXPECT_EQ(event->Find("/type")->string(), "Warning");
      EXPECT_EQ(event->Find("/count")->AsInt64(), 2);
    }
    EXPECT_EQ(events, 1);
  });
}

}  // namespace
}  // namespace muster::agent
