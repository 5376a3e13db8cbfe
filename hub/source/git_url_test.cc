#include "hub/source/git_url.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/match.h"

namespace muster::hub {
namespace {

TEST(GitUrl, ReadsHttps) {
  const auto url = ParseGitUrl("https://git.example.com:8443/platform/apps.git");
  ASSERT_TRUE(url.ok()) << url.status();
  EXPECT_EQ(url->scheme, GitUrl::Scheme::kHttps);
  EXPECT_EQ(url->host, "git.example.com");
  EXPECT_EQ(url->port, 8443);
  EXPECT_EQ(url->path, "/platform/apps.git");
}

TEST(GitUrl, ReadsSshAndItsScpForm) {
  const auto url = ParseGitUrl("ssh://git@[2001:db8::1]:2222/srv/apps.git");
  ASSERT_TRUE(url.ok()) << url.status();
  EXPECT_EQ(url->scheme, GitUrl::Scheme::kSsh);
  EXPECT_EQ(url->user, "git");
  EXPECT_EQ(url->host, "2001:db8::1");
  EXPECT_EQ(url->port, 2222);

  const auto scp = ParseGitUrl("git@example.com:platform/apps.git");
  ASSERT_TRUE(scp.ok()) << scp.status();
  EXPECT_EQ(scp->scheme, GitUrl::Scheme::kSsh);
  EXPECT_EQ(scp->host, "example.com");
  EXPECT_EQ(scp->port, 0);
  EXPECT_EQ(scp->path, "platform/apps.git");
}

TEST(GitUrl, ReadsFile) {
  const auto url = ParseGitUrl("file:///srv/git/apps");
  ASSERT_TRUE(url.ok()) << url.status();
  EXPECT_EQ(url->scheme, GitUrl::Scheme::kFile);
  EXPECT_EQ(url->path, "/srv/git/apps");
}

TEST(GitUrl, RefusesWhatIsNoSafeAddress) {
  for (const char* text : {"",
                           "apps",
                           "/srv/git/apps",
                           "http://example.com/a",
                           "git://example.com/a",
                           "ext::sh -c touch% /tmp/x",
                           "ext::x",
                           "https://",
                           "https://example.com",
                           "https://example.com/",
                           "https:///path",
                           "https://-oProxyCommand=x/a",
                           "ssh://-oProxyCommand=x/a",
                           "-x@host:a",
                           "git@host:-upload",
                           "ssh://git@host:0/a",
                           "ssh://git@host:65536/a",
                           "ssh://git@host:x/a",
                           "ssh://[::1/a",
                           "https://exa mple.com/a",
                           "https://example.com/a\r\nX: y",
                           "https://example.com/a\\b",
                           "https://exa%6dple.com/a",
                           "file://srv/a",
                           "file:a/b",
                           "HTTPS://example.com/a",
                           "ftp://example.com/a"}) {
    const auto url = ParseGitUrl(text);
    EXPECT_EQ(url.status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(GitUrl, RefusesAPasswordWithoutRepeatingIt) {
  const auto url = ParseGitUrl("https://me:hunter2@example.com/a");
  ASSERT_FALSE(url.ok());
  EXPECT_FALSE(absl::StrContains(url.status().message(), "hunter2"));
  EXPECT_TRUE(absl::StrContains(url.status().message(), "password"));
}

TEST(RepositoryName, CannotLeaveItsDirectory) {
  EXPECT_TRUE(IsRepositoryName("apps"));
  EXPECT_TRUE(IsRepositoryName(".fleet"));
  for (const char* name : {"", ".", "..", "a/b", "../a", "a b", "a\n"}) {
    EXPECT_FALSE(IsRepositoryName(name)) << name;
  }
}

TEST(ObjectId, IsWholeAndLowerCase) {
  EXPECT_TRUE(IsObjectId(std::string(40, 'a')));
  EXPECT_FALSE(IsObjectId(std::string(39, 'a')));
  EXPECT_FALSE(IsObjectId(std::string(40, 'A')));
  EXPECT_FALSE(IsObjectId("main"));
}

}  // namespace
}  // namespace muster::hub
