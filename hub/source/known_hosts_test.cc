#include "hub/source/known_hosts.h"

#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace muster::hub {
namespace {

// Any bytes do: the file holds keys as base64, and this code never looks inside them.
std::string Key(char seed) {
  return absl::StrCat(absl::string_view("\0\0\0\x0bssh-ed25519", 15), std::string(32, seed));
}

std::string Line(absl::string_view names, const std::string& key) {
  return absl::StrCat(names, " ssh-ed25519 ", absl::Base64Escape(key), " a comment\n");
}

TEST(KnownHosts, KnowsTheListedKey) {
  const std::string file = "# keys of our server\n\n" + Line("git.example.com,10.0.0.7", Key('a'));
  EXPECT_EQ(CheckHostKey(file, "git.example.com", 0, Key('a')), HostKeyVerdict::kKnown);
  EXPECT_EQ(CheckHostKey(file, "GIT.example.com", 22, Key('a')), HostKeyVerdict::kKnown);
  EXPECT_EQ(CheckHostKey(file, "10.0.0.7", 22, Key('a')), HostKeyVerdict::kKnown);
}

TEST(KnownHosts, TellsAnUnknownHostFromAChangedKey) {
  const std::string file = Line("git.example.com", Key('a'));
  EXPECT_EQ(CheckHostKey(file, "git.example.com", 0, Key('b')), HostKeyVerdict::kChanged);
  EXPECT_EQ(CheckHostKey(file, "other.example.com", 0, Key('a')), HostKeyVerdict::kUnknown);
  EXPECT_EQ(CheckHostKey("", "git.example.com", 0, Key('a')), HostKeyVerdict::kUnknown);
}

TEST(KnownHosts, APortIsPartOfTheName) {
  const std::string file = Line("[git.example.com]:2222", Key('a'));
  EXPECT_EQ(CheckHostKey(file, "git.example.com", 2222, Key('a')), HostKeyVerdict::kKnown);
  EXPECT_EQ(CheckHostKey(file, "git.example.com", 22, Key('a')), HostKeyVerdict::kUnknown);
}

TEST(KnownHosts, SeveralKeysOfOneHostAreEachGood) {
  const std::string file = Line("h", Key('a')) + Line("h", Key('b'));
  EXPECT_EQ(CheckHostKey(file, "h", 0, Key('a')), HostKeyVerdict::kKnown);
  EXPECT_EQ(CheckHostKey(file, "h", 0, Key('b')), HostKeyVerdict::kKnown);
  EXPECT_EQ(CheckHostKey(file, "h", 0, Key('c')), HostKeyVerdict::kChanged);
}

TEST(KnownHosts, WildcardsAndNegations) {
  const std::string file = Line("*.example.com,!bad.example.com", Key('a'));
  EXPECT_EQ(CheckHostKey(file, "git.example.com", 0, Key('a')), HostKeyVerdict::kKnown);
  EXPECT_EQ(CheckHostKey(file, "bad.example.com", 0, Key('a')), HostKeyVerdict::kUnknown);
  EXPECT_EQ(CheckHostKey(file, "example.com", 0, Key('a')), HostKeyVerdict::kUnknown);
}

TEST(KnownHosts, ARevokedKeyIsRefusedWhereverTheLineStands) {
  const std::string file = Line("h", Key('a')) + "@revoked " + Line("h", Key('a'));
  EXPECT_EQ(CheckHostKey(file, "h", 0, Key('a')), HostKeyVerdict::kRevoked);
}

TEST(KnownHosts, AnAuthorityLineIsNotAHostKey) {
  const std::string file = "@cert-authority " + Line("h", Key('a'));
  EXPECT_EQ(CheckHostKey(file, "h", 0, Key('a')), HostKeyVerdict::kUnknown);
}

TEST(KnownHosts, HashedNames) {
  // Made by `ssh-keygen -H` from "git.example.com ssh-ed25519 ...": HMAC-SHA1 of the name.
  const std::string names = "|1|4LVYnS7DX/fxreQjg2Z7uaEFPRg=|LerEro8VVEnMPajf4vJ0HHq03xs=";
  const std::string file = Line(names, Key('a'));
  EXPECT_EQ(CheckHostKey(file, "git.example.com", 0, Key('a')), HostKeyVerdict::kKnown);
  EXPECT_EQ(CheckHostKey(file, "git2.example.com", 0, Key('a')), HostKeyVerdict::kUnknown);
}

TEST(KnownHosts, BrokenLinesNeverMatch) {
  for (const char* file : {"h", "h ssh-ed25519", "h ssh-ed25519 !!!", "|1|x ssh-ed25519 AAAA",
                           "|1||| ssh-ed25519 AAAA", "@revoked", "@revoked h"}) {
    EXPECT_EQ(CheckHostKey(file, "h", 0, Key('a')), HostKeyVerdict::kUnknown) << file;
  }
}

TEST(KnownHosts, TheOfferedLineMakesTheKeyKnown) {
  const std::string line = KnownHostsLine("git.example.com", 2222, Key('a'));
  EXPECT_EQ(line.substr(0, 36), "[git.example.com]:2222 ssh-ed25519 A");
  EXPECT_EQ(CheckHostKey(line, "git.example.com", 2222, Key('a')), HostKeyVerdict::kKnown);
}

}  // namespace
}  // namespace muster::hub
