#include "agent/kube/open_api.h"

#include <gmock/gmock.h>

#include "absl/strings/str_join.h"
#include "agent/kube/kube_driver_fixture.h"
#include "common/manifest/json.h"

namespace muster::agent {
namespace {

using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

// A path with a patch of this kind; `more` beside it, `parameters` of the patch.
std::string Path(const std::string& place, const std::string& kind, const std::string& parameters,
                 const std::string& more = "") {
  return absl::StrCat(R"("/apis/a.io/v1/)", place, R"(": {)", more, R"("patch": {"parameters": [)",
                      parameters, R"(], "x-kubernetes-group-version-kind": )",
                      R"({"group": "a.io", "version": "v1", "kind": ")", kind, R"("}}})");
}

TEST(DryRunsIn, ReadsTheParametersOfAPatchAndNotThoseOfSubresources) {
  const std::string takes = R"({"in": "query", "name": "dryRun"})";
  const std::string other =
      R"({"in": "header", "name": "dryRun"}, {"in": "query", "name": "force"})";
  const std::vector<std::string> paths = {
      Path("namespaces/{namespace}/ones/{name}", "One", takes),
      Path("namespaces/{namespace}/ones/{name}/status", "One", ""),
      Path("twos/{name}", "Two", "", absl::StrCat(R"("parameters": [)", takes, "],")),
      Path("threes/{name}", "Three", other),
      R"("/apis/a.io/v1/": {"get": {}})",
  };
  const Value document =
      *ParseJson(absl::StrCat(R"({"paths": {)", absl::StrJoin(paths, ","), "}}"));
  EXPECT_THAT(DryRunsIn(document),
              UnorderedElementsAre(Pair("One", true), Pair("Two", true), Pair("Three", false)));
}

TEST(DryRunsIn, TakesNothingFromWhatIsNoSuchDocument) {
  for (const char* text : {"{}", "[]", R"({"paths": 1})", R"({"paths": {"/x/{name}": 1}})",
                           R"({"paths": {"/x/{name}": {"patch": {"parameters": 1,)"
                           R"("x-kubernetes-group-version-kind": {"kind": 2}}}}})"}) {
    EXPECT_TRUE(DryRunsIn(*ParseJson(text)).empty()) << text;
  }
}

class OpenApiTest : public KubeDriverFixture {
 protected:
  OpenApiTest() { Serve(/*dry_runs=*/true); }

  void Serve(bool dry_runs) {
    server_.Do([&](StubCluster& cluster) {
      cluster.Unserve("Widget");
      cluster.Serve({"example.org/v1", "Widget", "widgets", true, dry_runs});
    });
  }
  static ObjectKey Widget(absl::string_view name) {
    return {.api_version = "example.org/v1",
            .kind = "Widget",
            .namespace_ = "web",
            .name = std::string(name)};
  }
  static std::string WidgetPath(const ObjectKey& key) {
    return absl::StrCat("/apis/example.org/v1/namespaces/web/widgets/", key.name);
  }
  ApplyRequest Observe(const ObjectKey& key) {
    ApplyRequest request = Request(key, "1");
    request.dry_run = true;
    return request;
  }
};

TEST_F(OpenApiTest, IsReadOnceAndOnlyForWhatIsProbed) {
  ASSERT_TRUE(Apply(Request(Widget("a"), "1")).status.ok());
  ASSERT_TRUE(Apply(Observe(Key("c"))).status.ok());  // Kubernetes' own
  EXPECT_EQ(CountRequests("GET", "/openapi"), 0u);
  for (const char* name : {"a", "b", "c"}) {
    EXPECT_TRUE(Apply(Observe(Widget(name))).status.ok());
  }
  EXPECT_EQ(CountRequests("GET", "/openapi/v3"), 2u);  // the index and one document
  EXPECT_EQ(CountRequests("GET", "/openapi/v3/apis/example.org/v1"), 1u);
}

TEST_F(OpenApiTest, AServerThatKnowsNoDryRunsIsNeverSentOne) {
  Serve(/*dry_runs=*/false);
  const DriverResult observed = Apply(Observe(Widget("new")));
  EXPECT_TRUE(absl::IsFailedPrecondition(observed.status)) << observed.status;
  EXPECT_THAT(observed.status.message(), HasSubstr("knows no dry runs of Widget"));
  // Nor is somebody else's object tried for whether it is equal.
  const ObjectKey theirs = Widget("theirs");
  server_.Do([&](StubCluster& cluster) {
    cluster.Update(WidgetPath(theirs), Json(theirs, "1"), "another");
  });
  const DriverResult adopted = Apply(Request(theirs, "1"));
  EXPECT_TRUE(absl::IsAlreadyExists(adopted.status)) << adopted.status;
  EXPECT_THAT(adopted.status.message(), HasSubstr("that Muster did not make"));
  EXPECT_EQ(CountRequests("PATCH", "widgets"), 0u);
  // Who says that it is to be taken over needs no dry run.
  ApplyRequest always = Request(theirs, "1");
  always.adopt = AdoptRule::kAlways;
  EXPECT_TRUE(Apply(always).status.ok());
}

TEST_F(OpenApiTest, AKindThatIsNotToldIsNotProbed) {
  Intercept([](const StubRequest& request) -> Answer {
    if (request.path != "/openapi/v3") return std::nullopt;
    return StubResponse{.body = R"({"paths": {"apis/example.org/v1":
      {"serverRelativeURL": "https://elsewhere.example.com/openapi/v3/x"}}})"};
  });
  const DriverResult observed = Apply(Observe(Widget("a")));
  EXPECT_TRUE(absl::IsFailedPrecondition(observed.status)) << observed.status;
  EXPECT_THAT(observed.status.message(), HasSubstr("does not say"));
  EXPECT_EQ(CountRequests("PATCH", "widgets"), 0u);
}

TEST_F(OpenApiTest, WithoutTheRightToReadItNothingIsProbed) {
  Intercept([](const StubRequest& request) -> Answer {
    if (!absl::StartsWith(request.path, "/openapi")) return std::nullopt;
    return StubCluster::Error(403, "Forbidden", "openapi is forbidden");
  });
  const DriverResult observed = Apply(Observe(Widget("a")));
  EXPECT_TRUE(absl::IsPermissionDenied(observed.status)) << observed.status;
  EXPECT_THAT(observed.status.message(), HasSubstr("read /openapi/v3"));
  EXPECT_EQ(CountRequests("PATCH", "widgets"), 0u);
}

TEST_F(OpenApiTest, AServerOfBeforeIsTrusted) {
  server_.Do([](StubCluster& cluster) { cluster.has_open_api = false; });
  EXPECT_TRUE(Apply(Observe(Widget("a"))).status.ok());
}

}  // namespace
}  // namespace muster::agent
