// The real fetch child in its sandbox, against real servers: names are resolved, TLS and ssh are
// spoken, packs are written, and a server that says nothing is given up.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/random.h"
#include "hub/child/fetch_child.h"
#include "hub/child/supervised_child.h"
#include "hub/source/libgit2_fixture.h"
#include "proto/child.pb.h"
#include "test/integration/git_server.h"

namespace muster::integration {
namespace {

constexpr absl::Duration kLong = absl::Minutes(4);

class FetchChild : public testing::Test {
 protected:
  FetchChild() {
    std::filesystem::create_directory(clones());
    commit_ = hub::GitFixture(served() + "/apps.git")
                  .Commit("main", {{"web/a.yaml", "kind: ConfigMap"}}, "one");
  }

  std::string clones() const { return directory_.path() + "/clones"; }
  std::string served() const { return directory_.path() + "/served"; }

  v1::FetchChildRequest Fetch(const std::string& url) const {
    v1::FetchChildRequest request;
    request.set_id(9);
    request.mutable_fetch()->set_repository("apps");
    request.mutable_fetch()->set_url(url);
    request.mutable_fetch()->set_branch("main");
    return request;
  }

  v1::FetchChildResponse Ask(const v1::FetchChildRequest& request, absl::Duration timeout = kLong) {
    v1::FetchChildResponse response;
    const auto answer = child_.Call(request.SerializeAsString(), timeout);
    if (!answer.ok()) {
      response.set_code(static_cast<int>(answer.status().code()));
      response.set_message(std::string(answer.status().message()));
    } else {
      EXPECT_TRUE(response.ParseFromString(*answer));
      EXPECT_EQ(response.id(), request.id());
    }
    return response;
  }

  TemporaryDirectory directory_;
  std::string commit_;
  SeededRandom random_{1};
  hub::SupervisedChild child_{
      {"fetch", hub::FetchChildArguments({clones(), clones() + "/.scratch-0", {}})}, &random_};
};

TEST_F(FetchChild, FetchesOverHttps) {
  if (const std::string missing = MissingTool(HttpsGitServer::Programs()); !missing.empty()) {
    GTEST_SKIP() << missing << ": fetching over https is not tested here";
  }
  const HttpsGitServer server(served());
  v1::FetchChildRequest request = Fetch(server.UrlOf("apps"));
  request.mutable_fetch()->mutable_credential()->set_username("robot");
  request.mutable_fetch()->mutable_credential()->set_password("hunter2");
  request.mutable_fetch()->mutable_credential()->set_ca_pem(server.ca_pem());

  const v1::FetchChildResponse response = Ask(request);

  EXPECT_EQ(response.code(), 0) << response.message();
  EXPECT_EQ(response.fetch().commit(), commit_);
  // The machine's own authorities can be read in the sandbox too; they do not know this server.
  request.mutable_fetch()->mutable_credential()->clear_ca_pem();
  request.mutable_fetch()->set_repository("other");
  const v1::FetchChildResponse refused = Ask(request);
  EXPECT_TRUE(absl::StrContains(refused.message(), "an authority that this machine trusts"))
      << refused.message();
}

TEST_F(FetchChild, FetchesOverSsh) {
  if (const std::string missing = MissingTool(SshGitServer::Programs()); !missing.empty()) {
    GTEST_SKIP() << missing << ": fetching over ssh is not tested here";
  }
  if (const std::string obstacle = SshGitServer::Obstacle(); !obstacle.empty()) {
    GTEST_SKIP() << obstacle << ": fetching over ssh is not tested here";
  }
  const SshGitServer server;
  v1::FetchChildRequest request = Fetch(server.UrlOf(served() + "/apps.git"));
  request.mutable_fetch()->mutable_credential()->set_ssh_private_key(server.client_key());
  request.mutable_fetch()->mutable_credential()->set_ssh_known_hosts(server.known_hosts());

  const v1::FetchChildResponse response = Ask(request);

  EXPECT_EQ(response.code(), 0) << response.message();
  EXPECT_EQ(response.fetch().commit(), commit_);
}

TEST_F(FetchChild, ASilentServerIsGivenUpOverHttpsAndSsh) {
  const SilentServer silent;
  for (const char* scheme : {"https", "ssh"}) {
    const v1::FetchChildResponse response =
        Ask(Fetch(absl::StrCat(scheme, "://localhost:", silent.port(), "/x.git")),
            absl::Milliseconds(500));
    EXPECT_EQ(response.code(), static_cast<int>(absl::StatusCode::kDeadlineExceeded))
        << response.message();
  }
}

TEST_F(FetchChild, ReadsNoFileThatItWasNotGiven) {
  constexpr long kLandlockCreateRuleset = 444;
  if (syscall(kLandlockCreateRuleset, nullptr, 0, 1) <= 0) {
    GTEST_SKIP() << "this kernel has no Landlock, so files are not restricted";
  }
  v1::FetchChildRequest request = Fetch("file://" + served() + "/apps.git");
  request.mutable_fetch()->set_allow_file(true);
  const v1::FetchChildResponse refused = Ask(request);
  EXPECT_NE(refused.code(), 0);

  child_.Renew(
      hub::FetchChildArguments({clones(), clones() + "/.scratch-0", {served() + "/apps.git"}}));
  const v1::FetchChildResponse response = Ask(request);
  EXPECT_EQ(response.code(), 0) << response.message();
  EXPECT_EQ(response.fetch().commit(), commit_);
}

}  // namespace
}  // namespace muster::integration

int main(int argc, char** argv) {
  if (auto code = muster::hub::RunAsChild(argc, argv, {{"fetch", &muster::hub::FetchChildMain}})) {
    return *code;
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
