#include "common/config/repository_url.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

std::string Url(absl::string_view url) {
  const absl::StatusOr<std::string> normalized = NormalizeRepositoryUrl(url);
  return normalized.ok() ? *normalized : absl::StrCat("error: ", normalized.status().message());
}

TEST(RepositoryUrl, KeepsWhatIsAllowedInOneSpelling) {
  EXPECT_EQ(Url("https://git.example.com/a/b.git"), "https://git.example.com/a/b.git");
  EXPECT_EQ(Url("HTTPS://git.example.com:8443/a"), "https://git.example.com:8443/a");
  EXPECT_EQ(Url("ssh://git@git.example.com:2222/~u/a.git"),
            "ssh://git@git.example.com:2222/~u/a.git");
  EXPECT_EQ(Url("ssh://git.example.com/a"), "ssh://git.example.com/a");
  EXPECT_EQ(Url("git@git.example.com:org/a.git"), "ssh://git@git.example.com/org/a.git");
  EXPECT_EQ(Url("git@git.example.com:/srv/a.git"), "ssh://git@git.example.com/srv/a.git");
  EXPECT_EQ(Url("https://[2001:db8::1]:8443/a"), "https://[2001:db8::1]:8443/a");
  EXPECT_EQ(Url("file:///srv/git/a.git"), "file:///srv/git/a.git");
}

TEST(RepositoryUrl, IsTakenApart) {
  const auto https = ParseRepositoryUrl("https://git.example.com:8443/platform/apps.git");
  ASSERT_TRUE(https.ok()) << https.status();
  EXPECT_EQ(https->scheme, RepositoryUrl::Scheme::kHttps);
  EXPECT_EQ(https->user, "");
  EXPECT_EQ(https->host, "git.example.com");
  EXPECT_EQ(https->port, 8443);
  EXPECT_EQ(https->path, "/platform/apps.git");
  EXPECT_EQ(https->git, https->text);

  const auto ssh = ParseRepositoryUrl("SSH://git@[2001:db8::1]:2222/srv/apps.git");
  ASSERT_TRUE(ssh.ok()) << ssh.status();
  EXPECT_EQ(ssh->scheme, RepositoryUrl::Scheme::kSsh);
  EXPECT_EQ(ssh->user, "git");
  EXPECT_EQ(ssh->host, "2001:db8::1");
  EXPECT_EQ(ssh->port, 2222);
  EXPECT_EQ(ssh->git, "ssh://git@[2001:db8::1]:2222/srv/apps.git");

  const auto file = ParseRepositoryUrl("file:///srv/git/apps");
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->scheme, RepositoryUrl::Scheme::kFile);
  EXPECT_EQ(file->host, "");
  EXPECT_EQ(file->path, "/srv/git/apps");
}

TEST(RepositoryUrl, AHomeRelativePathReachesGitAsItIs) {
  const auto scp = ParseRepositoryUrl("git@example.com:platform/apps.git");
  ASSERT_TRUE(scp.ok()) << scp.status();
  EXPECT_EQ(scp->scheme, RepositoryUrl::Scheme::kSsh);
  EXPECT_EQ(scp->user, "git");
  EXPECT_EQ(scp->host, "example.com");
  EXPECT_EQ(scp->port, 0);
  EXPECT_EQ(scp->path, "platform/apps.git");
  EXPECT_EQ(scp->git, "git@example.com:platform/apps.git");
  EXPECT_EQ(scp->text, "ssh://git@example.com/platform/apps.git");
}

TEST(RepositoryUrl, RefusesCredentialsWithoutRepeatingThem) {
  for (const char* url :
       {"https://user:secret@git.example.com/a", "https://secret@git.example.com/a",
        "ssh://git:secret@git.example.com/a"}) {
    EXPECT_EQ(Url(url),
              "error: holds credentials; give them to the hub, and name them in 'credentials'");
  }
}

TEST(RepositoryUrl, RefusesWhatProgramsMistake) {
  for (const char* url : {"",
                          "http://git.example.com/a",
                          "git://git.example.com/a",
                          "ext::sh -c x",
                          "ftp://h/a",
                          "-oProxyCommand=x",
                          "ssh://-oProxyCommand=x/a",
                          "git@-oProxyCommand=x:a",
                          "-u@host:a",
                          "https://git.example.com/-x",
                          "git@host:-x",
                          "https://git.example.com",
                          "https://git.example.com/",
                          "https:///a",
                          "https://git.example.com/a?b",
                          "https://git.example.com/a#b",
                          "https://git.example.com/a b",
                          "https://git.example.com/a\nb",
                          "https://git.example.com/a\\b",
                          "https://git.example.com:0/a",
                          "https://git.example.com:99999/a",
                          "https://git.example.com:x/a",
                          "https://git.example.com:/a",
                          "https://h/../a",
                          "git@host:../a",
                          "file://host/a",
                          "file:///",
                          "git.example.com/a",
                          "/srv/a",
                          "git@host",
                          "https://[::1/a",
                          "https://[::1]x/a",
                          "https://[]/a",
                          "ssh://git@host:0/a",
                          "ssh://git@host:65536/a",
                          "ssh://git@host:+1/a",
                          "https://exa%6dple.com/a",
                          "https://example.com/a\r\nX: y",
                          "ext::x",
                          "file:a/b",
                          "file://srv/a",
                          "https://h\xc3\xb6st/a",
                          "https://a_b/c"}) {
    EXPECT_EQ(NormalizeRepositoryUrl(url).status().code(), absl::StatusCode::kInvalidArgument)
        << url;
  }
  EXPECT_FALSE(NormalizeRepositoryUrl(absl::StrCat("https://h/", std::string(3'000, 'a'))).ok());
}

TEST(RefName, IsOneThatGitAllows) {
  for (const char* name : {"main", "release/1.2", "v1.0", "a@b", "feature-x", "user/feature_y"}) {
    EXPECT_TRUE(CheckRefName(name).ok()) << name;
  }
  for (const char* name :
       {"",   "-main", "a..b", "a b", "a~1",  "a^",     "a:b", "a?", "a*",    "a[",   "a\\b",
        "/a", "a/",    "a//b", ".a",  "a/.b", "a.lock", "a.",  "@",  "a@{1}", "a\x01"}) {
    EXPECT_FALSE(CheckRefName(name).ok()) << name;
  }
}

TEST(CommitId, IsWholeAndLowerCase) {
  EXPECT_TRUE(IsCommitId("0123456789abcdef0123456789abcdef01234567"));
  EXPECT_FALSE(IsCommitId("0123456789ABCDEF0123456789abcdef01234567"));
  EXPECT_FALSE(IsCommitId("0123456"));
  EXPECT_FALSE(IsCommitId("g123456789abcdef0123456789abcdef01234567"));
}

}  // namespace
}  // namespace muster
