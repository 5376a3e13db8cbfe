// Fetches over real https: git http-backend behind lighttpd, with a certificate of our own
// authority for "localhost".
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "hub/source/libgit2_fixture.h"
#include "hub/source/libgit2_source.h"
#include "test/integration/git_server.h"

namespace muster::integration {
namespace {

class GitHttps : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string missing = MissingTool(HttpsGitServer::Programs()); !missing.empty()) {
      GTEST_SKIP() << missing << ": fetching over https is not tested here";
    }
    std::filesystem::create_directory(clones());
    server_ = std::make_unique<HttpsGitServer>(root());
    source_ = std::make_unique<hub::Libgit2Source>(
        hub::Libgit2Source::Options{.directory = clones(), .scratch = clones() + "/.scratch"});
  }

  void TearDown() override {
    if (HasFailure() && server_ != nullptr) GTEST_LOG_(INFO) << server_->errors();
  }

  std::string root() const { return directory_.path() + "/served"; }
  std::string clones() const { return directory_.path() + "/clones"; }
  hub::GitFixture Served() const { return hub::GitFixture(root() + "/apps.git"); }

  v1::FetchRequest Request() const {
    v1::FetchRequest request;
    request.set_repository("apps");
    request.set_url(server_->UrlOf("apps"));
    request.set_branch("main");
    request.mutable_credential()->set_username("robot");
    request.mutable_credential()->set_password("hunter2");
    request.mutable_credential()->set_ca_pem(server_->ca_pem());
    return request;
  }

  // Fetches, expects `code`, and returns the message.
  std::string Refused(const v1::FetchRequest& request, absl::StatusCode code) {
    const absl::Status status = source_->Fetch(request).status();
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_FALSE(absl::StrContains(status.message(), "hunter2")) << status;
    return std::string(status.message());
  }

  TemporaryDirectory directory_;
  std::unique_ptr<HttpsGitServer> server_;
  std::unique_ptr<hub::Libgit2Source> source_;
};

TEST_F(GitHttps, FetchesAndFetchesWhatIsNew) {
  const std::string first = Served().Commit("main", {{"web/a.yaml", "1"}}, "one");
  const auto fetched = source_->Fetch(Request());
  ASSERT_TRUE(fetched.ok()) << fetched.status();
  EXPECT_EQ(fetched->commit(), first);

  const std::string second = Served().Commit("main", {{"web/a.yaml", "2"}}, "two");
  v1::FetchRequest request = Request();
  request.set_known_commit(first);
  const auto again = source_->Fetch(request);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->commit(), second);
  EXPECT_TRUE(again->descends());
  EXPECT_EQ(again->commits_size(), 1);
  const auto files = source_->Read("apps", second, "web");
  ASSERT_TRUE(files.ok()) << files.status();
  EXPECT_EQ(*files->Find("web/a.yaml"), "2");
}

TEST_F(GitHttps, RefusesAServerOfAnotherAuthority) {
  Served().Commit("main", {{"a.yaml", "1"}}, "one");
  const HttpsGitServer stranger(root());
  v1::FetchRequest request = Request();
  request.mutable_credential()->set_ca_pem(stranger.ca_pem());
  EXPECT_TRUE(absl::StrContains(Refused(request, absl::StatusCode::kPermissionDenied),
                                "certificate of 'localhost'"));
  // The machine's authorities do not know it either, and one fetch's trust never leaks into the
  // next.
  ASSERT_TRUE(source_->Fetch(Request()).ok());
  Served().Commit("main", {{"a.yaml", "2"}}, "two");
  request.mutable_credential()->clear_ca_pem();
  Refused(request, absl::StatusCode::kPermissionDenied);
}

TEST_F(GitHttps, RefusesACertificateForAnotherName) {
  Served().Commit("main", {{"a.yaml", "1"}}, "one");
  v1::FetchRequest request = Request();
  request.set_url(server_->UrlOf("apps", "127.0.0.1"));
  Refused(request, absl::StatusCode::kPermissionDenied);
}

TEST_F(GitHttps, SaysThatACredentialIsMissingOrRefused) {
  Served().Commit("main", {{"a.yaml", "1"}}, "one");
  v1::FetchRequest request = Request();
  request.mutable_credential()->set_password("wrong");
  EXPECT_TRUE(absl::StrContains(Refused(request, absl::StatusCode::kUnauthenticated),
                                "refused the credential of user 'robot'"));
  request.mutable_credential()->clear_password();
  EXPECT_TRUE(absl::StrContains(Refused(request, absl::StatusCode::kUnauthenticated),
                                "name one in spec.credentials"));
}

TEST_F(GitHttps, FollowsNoRedirectToAnotherHostOrOutOfTls) {
  Served().Commit("main", {{"a.yaml", "1"}}, "one");
  for (const char* below : {"away", "plain"}) {
    v1::FetchRequest request = Request();
    request.set_url(server_->UrlOf("apps", "localhost", below));
    const std::string message = Refused(request, absl::StatusCode::kPermissionDenied);
    EXPECT_TRUE(absl::StrContains(message, "redirects are not followed")) << message;
  }
}

// libgit2 follows a redirect within a host, whatever the port: the certificate still has to be the
// host's, from the authority that the credential names.
TEST_F(GitHttps, ChecksTheCertificateAgainAfterARedirectWithinTheHost) {
  const std::string head = Served().Commit("main", {{"a.yaml", "1"}}, "one");
  const HttpsGitServer other(root());
  v1::FetchRequest request = Request();
  request.set_url(server_->UrlOf("apps", "localhost", absl::StrCat("port/", other.port())));
  Refused(request, absl::StatusCode::kPermissionDenied);

  request.set_url(server_->UrlOf("apps", "localhost", "moved"));
  const auto fetched = source_->Fetch(request);
  ASSERT_TRUE(fetched.ok()) << fetched.status();
  EXPECT_EQ(fetched->commit(), head);
}

TEST_F(GitHttps, SaysThatThereIsNoSuchRepository) {
  Served();
  v1::FetchRequest request = Request();
  request.set_url(server_->UrlOf("nobody"));
  Refused(request, absl::StatusCode::kNotFound);
}

TEST_F(GitHttps, ANobodyAtThePortIsUnavailable) {
  Served().Commit("main", {{"a.yaml", "1"}}, "one");
  const v1::FetchRequest request = Request();
  LoopbackSocket closed;
  closed.Shutdown();
  v1::FetchRequest elsewhere = request;
  elsewhere.set_url(absl::StrCat("https://localhost:", closed.port(), "/git/apps.git"));
  Refused(elsewhere, absl::StatusCode::kUnavailable);
  EXPECT_TRUE(source_->Fetch(request).ok());
}

}  // namespace
}  // namespace muster::integration
