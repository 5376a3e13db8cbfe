// Join tokens, sealed secrets and key files.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/base/random.h"
#include "common/trust/join_token.h"
#include "common/trust/key_file.h"
#include "common/trust/sealing.h"

namespace muster {
namespace {

using testing::HasSubstr;

JoinToken Token() {
  SeededRandom random(1);
  return JoinToken::Make(random, Digest::Of("root"));
}

TEST(JoinToken, ReadsBackItsOwnText) {
  const JoinToken token = Token();
  const auto again = JoinToken::Parse(absl::StrCat(" ", token.Text(), "\n"));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->id, token.id);
  EXPECT_EQ(again->secret, token.secret);
  EXPECT_EQ(again->root_fingerprint, token.root_fingerprint);
  EXPECT_EQ(token.Text().size(), 16u + 1 + 64 + 1 + 64);
}

TEST(JoinToken, SaysWhichPartIsWrongWithoutRepeatingIt) {
  const std::string text = Token().Text();
  const std::string secret = absl::BytesToHexString(Token().secret);
  const struct {
    std::string text;
    std::string reason;
  } kCases[] = {
      {"", "1 of 3 parts"},
      {text.substr(0, 90), "third part"},
      {text.substr(0, 60), "2 of 3 parts"},
      {text + ".x", "4 of 3 parts"},
      {"x" + text.substr(1), "first part"},
      {text.substr(0, 17) + "A" + text.substr(18), "second part"},
      {text.substr(1), "first part"},
      {text + "0", "third part"},
      {absl::AsciiStrToUpper(text), "lower-case"},
  };
  for (const auto& wrong : kCases) {
    const auto parsed = JoinToken::Parse(wrong.text);
    ASSERT_FALSE(parsed.ok()) << wrong.text;
    EXPECT_THAT(parsed.status().message(), HasSubstr(wrong.reason));
    EXPECT_THAT(parsed.status().message(), Not(HasSubstr(secret.substr(1, 20))));
  }
}

TEST(JoinToken, KeyIsNotTheSecret) {
  const JoinToken token = Token();
  EXPECT_EQ(TokenKey(token.secret),
            Digest::Of(absl::StrCat("muster-join-token-v1", token.secret)).bytes());
  EXPECT_NE(TokenKey(token.secret), token.secret);
}

JoinClaim Claim() {
  return JoinClaim{.token_id = "0123456789abcdef",
                   .hub_id = Digest::Of("root").hex(),
                   .csr_der = "csr",
                   .identity_public_key = "key",
                   .cluster_name = "edge-1",
                   .cluster_uid = "uid"};
}

TEST(JoinProof, CoversEveryFieldOfTheClaim) {
  const std::string key = TokenKey(Token().secret);
  const std::string proof = JoinProof(key, Claim());
  EXPECT_TRUE(CheckJoinProof(key, Claim(), proof));
  for (std::string JoinClaim::*field :
       {&JoinClaim::token_id, &JoinClaim::hub_id, &JoinClaim::csr_der,
        &JoinClaim::identity_public_key, &JoinClaim::cluster_name, &JoinClaim::cluster_uid}) {
    JoinClaim claim = Claim();
    (claim.*field) += "x";
    EXPECT_FALSE(CheckJoinProof(key, claim, proof));
  }
}

TEST(JoinProof, TellsTheFieldsApart) {
  const std::string key = TokenKey(Token().secret);
  JoinClaim shifted = Claim();
  shifted.cluster_name = "edge-1u";
  shifted.cluster_uid = "id";
  EXPECT_NE(JoinProof(key, Claim()), JoinProof(key, shifted));
}

TEST(JoinProof, RefusesAnotherTokenAndAnotherProof) {
  const std::string key = TokenKey(Token().secret);
  const std::string proof = JoinProof(key, Claim());
  EXPECT_FALSE(CheckJoinProof(TokenKey("other"), Claim(), proof));
  EXPECT_FALSE(CheckJoinProof(key, Claim(), ""));
  EXPECT_FALSE(CheckJoinProof(key, Claim(), proof.substr(1)));
  EXPECT_FALSE(CheckJoinProof(key, Claim(), proof + "x"));
  for (size_t bit = 0; bit < proof.size() * 8; ++bit) {
    std::string flipped = proof;
    flipped[bit / 8] ^= static_cast<char>(1 << (bit % 8));
    EXPECT_FALSE(CheckJoinProof(key, Claim(), flipped));
  }
}

TEST(Sealing, OpensWhatItSealed) {
  const std::string key = NewSealingKey();
  for (const std::string& secret :
       {std::string(), std::string("hunter2"), std::string(5000, 'x')}) {
    for (const std::string& context : {std::string(), std::string("credential/git")}) {
      const std::string box = Seal(key, context, secret);
      const auto opened = Unseal(key, context, box);
      ASSERT_TRUE(opened.ok()) << opened.status();
      EXPECT_EQ(*opened, secret);
    }
  }
  EXPECT_NE(Seal(key, "c", "same"), Seal(key, "c", "same"));
  EXPECT_THAT(Seal(key, "c", "plain text"), Not(HasSubstr("plain")));
}

TEST(Sealing, RefusesAnotherKeyContextOrByte) {
  const std::string key = NewSealingKey();
  const std::string box = Seal(key, "credential/a", "secret");
  EXPECT_EQ(Unseal(NewSealingKey(), "credential/a", box).status().code(),
            absl::StatusCode::kDataLoss);
  EXPECT_FALSE(Unseal(key, "credential/b", box).ok());
  for (size_t size = 0; size < box.size(); ++size) {
    EXPECT_FALSE(Unseal(key, "credential/a", box.substr(0, size)).ok()) << size;
  }
  for (size_t bit = 0; bit < box.size() * 8; ++bit) {
    std::string flipped = box;
    flipped[bit / 8] ^= static_cast<char>(1 << (bit % 8));
    EXPECT_FALSE(Unseal(key, "credential/a", flipped).ok()) << bit;
  }
}

class KeyFile : public testing::Test {
 protected:
  KeyFile() {
    std::string pattern = testing::TempDir() + "/key_file.XXXXXX";
    directory_ = mkdtemp(pattern.data());
    path_ = directory_ + "/key.pem";
  }
  std::string directory_;
  std::string path_;
};

TEST_F(KeyFile, ReadsBackWhatItWroteForItsOwnerOnly) {
  ASSERT_TRUE(WriteKeyFile(path_, "first").ok());
  ASSERT_TRUE(WriteKeyFile(path_, "second").ok());
  EXPECT_EQ(*ReadKeyFile(path_), "second");
  struct stat facts;
  ASSERT_EQ(stat(path_.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600u);
}

TEST_F(KeyFile, RefusesWiderPermissionsAndSaysHowToMendThem) {
  ASSERT_TRUE(WriteKeyFile(path_, "secret").ok());
  for (const mode_t mode : {0640, 0604, 0620, 0666, 0610}) {
    ASSERT_EQ(chmod(path_.c_str(), mode), 0);
    const auto read = ReadKeyFile(path_);
    ASSERT_EQ(read.status().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(read.status().message(), HasSubstr("chmod 600"));
  }
  ASSERT_EQ(chmod(path_.c_str(), 0400), 0);
  EXPECT_TRUE(ReadKeyFile(path_).ok());
}

TEST_F(KeyFile, TakesWhatAContainerMountsUnlessOthersMayUseIt) {
  ASSERT_TRUE(WriteKeyFile(path_, "secret").ok());
  for (const mode_t mode : {0440, 0400, 0600, 0640}) {
    ASSERT_EQ(chmod(path_.c_str(), mode), 0);
    EXPECT_TRUE(ReadMountedKeyFile(path_).ok()) << mode;
  }
  for (const mode_t mode : {0444, 0460, 0404, 0666}) {
    ASSERT_EQ(chmod(path_.c_str(), mode), 0);
    const auto read = ReadMountedKeyFile(path_);
    ASSERT_EQ(read.status().code(), absl::StatusCode::kFailedPrecondition) << mode;
    EXPECT_THAT(read.status().message(), HasSubstr("chmod 440"));
  }
}

TEST_F(KeyFile, RefusesWhatIsNoFile) {
  EXPECT_EQ(ReadKeyFile(path_).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReadKeyFile(directory_).status().code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  EXPECT_EQ(ReadKeyFile(path_).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE(WriteKeyFile(directory_ + "/absent/key.pem", "x").ok());
}

TEST_F(KeyFile, WritesOverTheRemainsOfAKilledRun) {
  ASSERT_TRUE(WriteKeyFile(path_ + ".new", "remains").ok());
  ASSERT_TRUE(WriteKeyFile(path_, "key").ok());
  EXPECT_EQ(*ReadKeyFile(path_), "key");
}

}  // namespace
}  // namespace muster
