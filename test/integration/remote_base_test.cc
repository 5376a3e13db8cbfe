// Bases that stand in another repository, over real https: the hub follows both, a cluster gets
// what the base holds, and a commit to the base reaches it without one to the package.
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "hub/source/libgit2_fixture.h"
#include "test/integration/git_server.h"
#include "test/integration/world.h"

namespace muster::test {
namespace {

namespace pb = muster::v1;

using integration::HttpsGitServer;

class RemoteBase : public testing::Test {
 protected:
  void SetUp() override {
    const std::string missing = integration::MissingTool(HttpsGitServer::Programs());
    if (!missing.empty()) GTEST_SKIP() << missing << ": bases over https are not tested here";
    server_ = std::make_unique<HttpsGitServer>(directory_.path());
    Publish("one");
    WriteFleet(hub_.repository());
    hub_.repository().Write(
        "fleet/library.yaml",
        absl::StrCat("apiVersion: muster.dev/v1alpha1\nkind: Repository\n"
                     "metadata: {name: library}\nspec:\n  url: ",
                     server_->UrlOf("library"),
                     "\n  ref: {branch: main}\n  interval: 1m\n  credentials: library\n"));
    PointAt("?ref=main");
    hub_.Start();
    pb::PutCredentialRequest request;
    request.set_name("library");
    request.set_username("robot");
    request.set_password("hunter2");
    request.set_ca_pem(server_->ca_pem());
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(30)));
    pb::DoneResponse done;
    const grpc::Status put = hub_.operators().PutCredential(&context, request, &done);
    ASSERT_TRUE(put.ok()) << put.error_message();
  }

  // A commit to the library, whose base says `text`.
  void Publish(const std::string& text) {
    hub::GitFixture(directory_.path() + "/library.git")
        .Commit("main",
                {{"web/kustomization.yaml", "resources: [greeting.yaml]\n"},
                 {"web/greeting.yaml",
                  absl::StrCat("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: greeting}\n"
                               "data: {text: ",
                               text, "}\n")}},
                text);
  }

  // A commit to the package, whose kustomization stands on the library's base.
  void PointAt(const std::string& query) {
    std::filesystem::remove(hub_.repository().directory() + "/web/greeting.yaml");
    hub_.repository().Write("web/kustomization.yaml",
                            absl::StrCat("namespace: web\nresources:\n- ",
                                         server_->UrlOf("library"), "//web", query, "\n"));
    hub_.repository().Commit(query);
  }

  // All that the hub says of packages.
  std::string Packages() {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(30)));
    pb::ListPackagesResponse response;
    const grpc::Status status = hub_.operators().ListPackages(&context, {}, &response);
    return status.ok() ? response.ShortDebugString() : status.error_message();
  }

  integration::TemporaryDirectory directory_;
  std::unique_ptr<HttpsGitServer> server_;
  TestHub hub_;
};

TEST_F(RemoteBase, ReachesTheClusterAndMovesWithItsBranch) {
  TestAgent agent(hub_, "prod-1");
  agent.Start();
  ASSERT_TRUE(Eventually([&] { return agent.Greets("one"); })) << server_->errors();
  Publish("two");
  hub_.Sync();
  EXPECT_TRUE(Eventually([&] { return agent.Greets("two"); })) << server_->errors();
}

TEST_F(RemoteBase, OfARefThatNobodyFollowsChangesNothingAndIsNamed) {
  TestAgent agent(hub_, "prod-1");
  agent.Start();
  ASSERT_TRUE(Eventually([&] { return agent.Greets("one"); })) << server_->errors();
  PointAt("?ref=v9");
  hub_.Sync();
  EXPECT_TRUE(Eventually([&] {
    const std::string said = Packages();
    return absl::StrContains(said, "web/kustomization.yaml:3") && absl::StrContains(said, "v9");
  })) << Packages();
  EXPECT_TRUE(agent.Greets("one"));
}

}  // namespace
}  // namespace muster::test
