// Fetches over real ssh: OpenSSH's sshd with an ed25519 host key, and a client key that only memory
// holds.
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

class GitSsh : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string missing = MissingTool(SshGitServer::Programs()); !missing.empty()) {
      GTEST_SKIP() << missing << ": fetching over ssh is not tested here";
    }
    if (const std::string obstacle = SshGitServer::Obstacle(); !obstacle.empty()) {
      GTEST_SKIP() << obstacle << ": fetching over ssh is not tested here";
    }
    std::filesystem::create_directory(clones());
    server_ = std::make_unique<SshGitServer>();
    source_ = std::make_unique<hub::Libgit2Source>(
        hub::Libgit2Source::Options{.directory = clones(), .scratch = clones() + "/.scratch"});
  }

  std::string clones() const { return directory_.path() + "/clones"; }
  std::string served() const { return directory_.path() + "/apps.git"; }

  v1::FetchRequest Request() const {
    v1::FetchRequest request;
    request.set_repository("apps");
    request.set_url(server_->UrlOf(served()));
    request.set_branch("main");
    request.mutable_credential()->set_ssh_private_key(server_->client_key());
    request.mutable_credential()->set_ssh_known_hosts(server_->known_hosts());
    return request;
  }

  std::string Refused(const v1::FetchRequest& request, absl::StatusCode code) {
    const absl::Status status = source_->Fetch(request).status();
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_FALSE(absl::StrContains(status.message(), "PRIVATE KEY")) << status;
    return std::string(status.message());
  }

  TemporaryDirectory directory_;
  std::unique_ptr<SshGitServer> server_;
  std::unique_ptr<hub::Libgit2Source> source_;
};

TEST_F(GitSsh, FetchesWithAKeyFromMemory) {
  hub::GitFixture fixture(served());
  const std::string first = fixture.Commit("main", {{"a.yaml", "1"}}, "one");
  const auto fetched = source_->Fetch(Request());
  ASSERT_TRUE(fetched.ok()) << fetched.status();
  EXPECT_EQ(fetched->commit(), first);

  const std::string second = fixture.Commit("main", {{"a.yaml", "2"}}, "two");
  v1::FetchRequest request = Request();
  request.set_known_commit(first);
  const auto again = source_->Fetch(request);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->commit(), second);
  EXPECT_EQ(again->commits_size(), 1);
}

TEST_F(GitSsh, RefusesAnUnknownHostAndShowsItsKey) {
  hub::GitFixture(served()).Commit("main", {{"a.yaml", "1"}}, "one");
  v1::FetchRequest request = Request();
  request.mutable_credential()->clear_ssh_known_hosts();

  const std::string message = Refused(request, absl::StatusCode::kPermissionDenied);

  EXPECT_TRUE(absl::StrContains(message, "is not known")) << message;
  EXPECT_TRUE(absl::StrContains(message, server_->fingerprint())) << message;
  // The line that it offers is the one that mends it.
  const size_t line = message.find(absl::StrCat("[localhost]:", server_->port(), " ssh-ed25519 "));
  ASSERT_NE(line, std::string::npos) << message;
  request.mutable_credential()->set_ssh_known_hosts(message.substr(line));
  EXPECT_TRUE(source_->Fetch(request).ok());
}

// A server has keys of several kinds and people note one of them: that one must be asked for.
TEST_F(GitSsh, AsksForTheKindOfHostKeyThatIsKnown) {
  const std::string head = hub::GitFixture(served()).Commit("main", {{"a.yaml", "1"}}, "one");
  server_ = std::make_unique<SshGitServer>(SshGitServer::HostKeys::kEcdsaAndEd25519);
  const auto fetched = source_->Fetch(Request());
  ASSERT_TRUE(fetched.ok()) << fetched.status();
  EXPECT_EQ(fetched->commit(), head);
}

TEST_F(GitSsh, RefusesAHostWithAnotherKey) {
  hub::GitFixture(served()).Commit("main", {{"a.yaml", "1"}}, "one");
  const SshGitServer impostor;
  v1::FetchRequest request = Request();
  // As if the name that we know led to somebody else.
  request.set_url(impostor.UrlOf(served()));
  std::string known = server_->known_hosts();
  known.replace(0, known.find(' '), absl::StrCat("[localhost]:", impostor.port()));
  request.mutable_credential()->set_ssh_known_hosts(known);

  const std::string message = Refused(request, absl::StatusCode::kPermissionDenied);

  EXPECT_TRUE(absl::StrContains(message, "not the one that the credential's known hosts name"))
      << message;
  EXPECT_TRUE(absl::StrContains(message, impostor.fingerprint())) << message;
}

TEST_F(GitSsh, SaysThatAKeyIsMissingOrRefused) {
  hub::GitFixture(served()).Commit("main", {{"a.yaml", "1"}}, "one");
  const SshGitServer other;
  v1::FetchRequest request = Request();
  request.mutable_credential()->set_ssh_private_key(other.client_key());
  EXPECT_TRUE(absl::StrContains(Refused(request, absl::StatusCode::kUnauthenticated),
                                "refused the credential"));
  request.mutable_credential()->clear_ssh_private_key();
  EXPECT_TRUE(absl::StrContains(Refused(request, absl::StatusCode::kUnauthenticated),
                                "asks for an SSH key"));
  request.mutable_credential()->set_ssh_private_key("not a key");
  Refused(request, absl::StatusCode::kUnauthenticated);
}

TEST_F(GitSsh, ARepositoryThatIsNotThereIsAnError) {
  hub::GitFixture(served()).Commit("main", {{"a.yaml", "1"}}, "one");
  v1::FetchRequest request = Request();
  request.set_url(server_->UrlOf(directory_.path() + "/nobody.git"));
  EXPECT_FALSE(source_->Fetch(request).ok());
  EXPECT_TRUE(source_->Fetch(Request()).ok());
}

}  // namespace
}  // namespace muster::integration
