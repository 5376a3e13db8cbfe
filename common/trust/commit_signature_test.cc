#include "common/trust/commit_signature.h"

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/trust/allowed_signers.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

namespace pb = muster::v1;

// 2023-11-14T22:13:20Z, when the vectors say that they were made.
constexpr int64_t kMadeMs = 1'700'000'000'000;

std::string Read(const std::string& name) {
  std::ifstream file(absl::StrCat("common/trust/testdata/signed/", name), std::ios::binary);
  EXPECT_TRUE(file.good()) << name;
  std::stringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

// The policy that trusts the keys of testdata/signed/allowed_signers.
pb::VerifyPolicy Policy() {
  pb::VerifyPolicy policy;
  const auto signers = ParseAllowedSigners(Read("allowed_signers"));
  EXPECT_TRUE(signers.ok()) << signers.status();
  for (const pb::SshSigner& signer : *signers) *policy.add_ssh() = signer;
  return policy;
}

pb::CommitSignature Check(const std::string& raw, const pb::VerifyPolicy& policy = Policy()) {
  return CheckCommitSignature("c1", raw, policy);
}

pb::SignatureResult ResultOf(const std::string& file) { return Check(Read(file)).result(); }

// The armoured signature's text in the commit, and another in its place.
std::string WithSignature(const std::string& raw, const std::string& armoured) {
  const size_t at = raw.find("gpgsig "), end = raw.find("\n\n", at);
  EXPECT_NE(at, std::string::npos);
  return absl::StrCat(raw.substr(0, at), "gpgsig ", absl::StrReplaceAll(armoured, {{"\n", "\n "}}),
                      raw.substr(end));
}

TEST(CommitSignature, IsGoodForEveryKindOfKeyThatGitSignsWith) {
  for (const char* key : {"ed25519", "ecdsa256", "ecdsa384", "ecdsa521", "rsa"}) {
    const pb::CommitSignature found = Check(Read(absl::StrCat(key, ".commit")));
    EXPECT_EQ(found.result(), pb::SIGNATURE_RESULT_GOOD) << key << ": " << found.detail();
    EXPECT_EQ(found.signer(), absl::StrCat(key, "@example.com"));
    EXPECT_EQ(found.author_email(), "ada@example.com");
    EXPECT_EQ(found.key().substr(0, 7), "SHA256:");
    EXPECT_FALSE(found.seal());
  }
}

TEST(CommitSignature, NamesTheKeyAsSshKeygenDoes) {
  EXPECT_EQ(Check(Read("ed25519.commit")).key(),
            absl::StripAsciiWhitespace(Read("ed25519.fingerprint")));
}

TEST(CommitSignature, SaysWhyWhatIsNotGoodIsNot) {
  EXPECT_EQ(ResultOf("unsigned.commit"), pb::SIGNATURE_RESULT_UNSIGNED);
  EXPECT_EQ(ResultOf("namespace.commit"), pb::SIGNATURE_RESULT_WRONG_NAMESPACE);
  const pb::CommitSignature other = Check(Read("other.commit"));
  EXPECT_EQ(other.result(), pb::SIGNATURE_RESULT_UNKNOWN_KEY);
  EXPECT_EQ(other.key().substr(0, 7), "SHA256:");
  EXPECT_EQ(other.signer(), "");
  const pb::CommitSignature small = Check(Read("short.commit"));
  EXPECT_EQ(small.result(), pb::SIGNATURE_RESULT_UNSUPPORTED);
  EXPECT_NE(small.detail().find("1024 bits"), std::string::npos) << small.detail();
  const pb::CommitSignature openpgp = Check(Read("openpgp.commit"));
  EXPECT_EQ(openpgp.result(), pb::SIGNATURE_RESULT_UNSUPPORTED);
  EXPECT_NE(openpgp.detail().find("OpenPGP"), std::string::npos);
}

TEST(CommitSignature, WithoutAnyKeyNothingIsGood) {
  EXPECT_EQ(Check(Read("ed25519.commit"), {}).result(), pb::SIGNATURE_RESULT_UNKNOWN_KEY);
}

TEST(CommitSignature, AKeyCountsFromItsFirstToItsLastMoment) {
  const auto with = [](int64_t after, int64_t before) {
    pb::VerifyPolicy policy = Policy();
    for (pb::SshSigner& signer : *policy.mutable_ssh()) {
      signer.set_valid_after_ms(after);
      signer.set_valid_before_ms(before);
    }
    return Check(Read("ed25519.commit"), policy).result();
  };
  EXPECT_EQ(with(kMadeMs, kMadeMs + 1), pb::SIGNATURE_RESULT_GOOD);
  EXPECT_EQ(with(0, kMadeMs), pb::SIGNATURE_RESULT_KEY_EXPIRED);
  EXPECT_EQ(with(kMadeMs + 1, 0), pb::SIGNATURE_RESULT_KEY_NOT_YET_VALID);
}

TEST(CommitSignature, OneOfTwoEntriesOfAKeyIsEnough) {
  pb::VerifyPolicy policy = Policy();
  policy.mutable_ssh(0)->set_valid_before_ms(kMadeMs);
  pb::SshSigner* second = policy.add_ssh();
  *second = policy.ssh(0);
  second->set_valid_before_ms(0);
  EXPECT_EQ(Check(Read("ed25519.commit"), policy).result(), pb::SIGNATURE_RESULT_GOOD);
}

TEST(CommitSignature, ASealIsATrailerOfTheLastParagraph) {
  const pb::CommitSignature seal = Check(Read("seal.commit"));
  EXPECT_EQ(seal.result(), pb::SIGNATURE_RESULT_GOOD);
  EXPECT_TRUE(seal.seal());
  const std::string head =
      "tree " + std::string(40, 'a') + "\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\n";
  const auto sealed = [&](const std::string& message) { return Check(head + message).seal(); };
  EXPECT_TRUE(sealed("subject\n\nMuster-Seal: why\nSigned-off-by: A\n"));
  EXPECT_FALSE(sealed("Muster-Seal: a subject\n"));
  EXPECT_FALSE(sealed("subject\n\nMuster-Seal: quoted\n\nlast paragraph\n"));
  EXPECT_FALSE(sealed("subject\n\nMuster-Seal:  \n"));
}

// Every single bit of commits that are good: none may be changed without notice.
TEST(CommitSignature, NoBitOfASignedCommitCanBeFlipped) {
  const pb::VerifyPolicy policy = Policy();
  int tried = 0;
  for (const char* name : {"ed25519.commit", "ecdsa256.commit", "rsa.commit"}) {
    std::string raw = Read(name);
    for (size_t i = 0; i < raw.size(); ++i) {
      for (int bit = 0; bit < 8; ++bit, ++tried) {
        raw[i] = static_cast<char>(raw[i] ^ (1 << bit));
        ASSERT_NE(Check(raw, policy).result(), pb::SIGNATURE_RESULT_GOOD)
            << name << " byte " << i << " bit " << bit;
        raw[i] = static_cast<char>(raw[i] ^ (1 << bit));
      }
    }
    ASSERT_EQ(Check(raw, policy).result(), pb::SIGNATURE_RESULT_GOOD);
  }
  EXPECT_GE(tried, 15'000);
}

TEST(CommitSignature, OneSpellingOfASignatureCounts) {
  const std::string raw = Read("ed25519.commit");
  const size_t at = raw.find("-----BEGIN"), end = raw.find("\n\n", at);
  const std::string armoured = absl::StrReplaceAll(raw.substr(at, end - at), {{"\n ", "\n"}});
  ASSERT_EQ(Check(WithSignature(raw, armoured)).result(), pb::SIGNATURE_RESULT_GOOD);
  const auto result = [&](const std::string& other) {
    EXPECT_NE(other, armoured);
    return Check(WithSignature(raw, other)).result();
  };
  const std::string last = "\n-----END SSH SIGNATURE-----";
  const std::vector<std::string> others = {
      absl::StrReplaceAll(armoured, {{last, "\n" + last}}),  // an empty line
      absl::StrReplaceAll(armoured, {{last, " " + last}}),
      absl::StrReplaceAll(armoured, {{"\nU1N", "\r\nU1N"}}),
      absl::StrReplaceAll(armoured, {{last, "=" + last}}),
      absl::StrReplaceAll(armoured, {{"\nU1NI", "\nU1N\nI"}}),  // uneven lines
      armoured + "\n" + armoured,
      armoured + "\ntrailing",
      armoured.substr(0, armoured.size() - last.size()),
  };
  for (const std::string& other : others) {
    EXPECT_EQ(result(other), pb::SIGNATURE_RESULT_MALFORMED) << other;
  }
}

TEST(CommitSignature, ACommitInAnotherFormIsRefused) {
  const std::string raw = Read("ed25519.commit");
  const size_t at = raw.find("gpgsig "), end = raw.find("\n\n", at);
  const std::string header = raw.substr(at, end - at + 1);
  const std::vector<std::string> others = {
      absl::StrReplaceAll(raw, {{"gpgsig ", header + "gpgsig "}}),  // two signatures
      absl::StrReplaceAll(raw, {{"gpgsig ", "gpgsig-sha256 x\ngpgsig "}}),
      absl::StrReplaceAll(raw, {{"\nauthor ", "\nauthor Eve <eve@example.com> 1 +0000\nauthor "}}),
      absl::StrReplaceAll(raw, {{"gpgsig ", "author Eve <eve@example.com> 1 +0000\ngpgsig "}}),
      absl::StrReplaceAll(raw, {{"gpgsig ", "tree " + std::string(40, 'b') + "\ngpgsig "}}),
      absl::StrReplaceAll(raw, {{"1700000000", "-1"}}),
      raw.substr(1),
      "",
      "\n",
      " x\n\n",
  };
  for (const std::string& other : others) {
    EXPECT_EQ(Check(other).result(), pb::SIGNATURE_RESULT_MALFORMED) << other;
  }
}

TEST(TagSignature, VouchesForTheCommitUnderItsOwnName) {
  const pb::CommitSignature good = CheckTagSignature("v1", Read("signed.tag"), Policy());
  EXPECT_EQ(good.result(), pb::SIGNATURE_RESULT_GOOD) << good.detail();
  EXPECT_EQ(good.signer(), "ed25519@example.com");
  EXPECT_EQ(good.commit().size(), 40u);
  EXPECT_TRUE(good.tag());
  const pb::CommitSignature renamed = CheckTagSignature("v2", Read("signed.tag"), Policy());
  EXPECT_EQ(renamed.result(), pb::SIGNATURE_RESULT_BAD);
  EXPECT_NE(renamed.detail().find("signed as 'v1'"), std::string::npos);
  EXPECT_EQ(CheckTagSignature("v2", Read("unsigned.tag"), Policy()).result(),
            pb::SIGNATURE_RESULT_UNSPECIFIED);
}

TEST(TagSignature, NoBitOfASignedTagCanBeFlipped) {
  const pb::VerifyPolicy policy = Policy();
  std::string raw = Read("signed.tag");
  for (size_t i = 0; i < raw.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      // Without its first line it is no signature any more, and the last line end is no part of it.
      raw[i] = static_cast<char>(raw[i] ^ (1 << bit));
      const pb::SignatureResult result = CheckTagSignature("v1", raw, policy).result();
      ASSERT_NE(result, pb::SIGNATURE_RESULT_GOOD) << "byte " << i << " bit " << bit;
      raw[i] = static_cast<char>(raw[i] ^ (1 << bit));
    }
  }
}

// ---------------------------------------------------------------- allowed signers

std::string Key() { return std::string(absl::StripAsciiWhitespace(Read("ed25519.pub"))); }

std::string ErrorOf(const std::string& text) {
  return std::string(ParseAllowedSigners(text).status().message());
}

TEST(AllowedSigners, ReadsWhatSshKeygenReads) {
  const auto signers = ParseAllowedSigners(absl::StrCat(
      "# the team\n\nada@example.com,bob@example.com ", Key(), " a comment\n",
      "\"c d\" namespaces=\"file,git\",valid-after=\"20240101\",valid-before=\"202501021530Z\" ",
      Key(), "\ne@example.com namespaces=\"file\" ", Key(), "\n"));
  ASSERT_TRUE(signers.ok()) << signers.status();
  ASSERT_EQ(signers->size(), 2u) << "a key for files only signs no commit";
  EXPECT_EQ((*signers)[0].principals(), "ada@example.com,bob@example.com");
  EXPECT_EQ((*signers)[0].valid_before_ms(), 0);
  EXPECT_EQ((*signers)[1].principals(), "c d");
  EXPECT_EQ((*signers)[1].valid_after_ms(), 1'704'067'200'000);
  EXPECT_EQ((*signers)[1].valid_before_ms(), 1'735'831'800'000);
  EXPECT_EQ(SshFingerprint((*signers)[0].public_key()),
            absl::StripAsciiWhitespace(Read("ed25519.fingerprint")));
}

TEST(AllowedSigners, RefusesWhatCannotCountWithItsLine) {
  EXPECT_NE(ErrorOf("# a\nada@example.com\n").find("line 2: has no key"), std::string::npos);
  EXPECT_NE(ErrorOf(Key()).find("does not start with whose"), std::string::npos);
  EXPECT_NE(ErrorOf("a cert-authority " + Key()).find("certificates are not"), std::string::npos);
  EXPECT_NE(ErrorOf("a namespaces=\"g*\" " + Key()).find("patterns"), std::string::npos);
  EXPECT_NE(ErrorOf("a valid-before=\"20250230\" " + Key()).find("no time"), std::string::npos);
  EXPECT_NE(ErrorOf("a valid-before=20250201 " + Key()).find("option"), std::string::npos);
  EXPECT_NE(ErrorOf("a no-touch-required=\"x\" " + Key()).find("unknown"), std::string::npos);
  EXPECT_NE(
      ErrorOf("a valid-after=\"20250101\",valid-before=\"20240101\" " + Key()).find("never counts"),
      std::string::npos);
  EXPECT_NE(ErrorOf("!a " + Key()).find("excluded"), std::string::npos);
  EXPECT_NE(ErrorOf("a ssh-rsa " + Key().substr(12)).find("says 'ssh-rsa'"), std::string::npos);
  EXPECT_NE(ErrorOf("a " + Key() + "=").find("canonical base64"), std::string::npos);
  const std::string small(absl::StripAsciiWhitespace(Read("short.pub")));
  EXPECT_NE(ErrorOf("a " + small).find("1024 bits"), std::string::npos);
  std::string dsa;
  dsa = std::string("\0\0\0\7ssh-dss", 11);
  EXPECT_NE(ErrorOf("a ssh-dss " + absl::Base64Escape(dsa)).find("do not count"),
            std::string::npos);
}

}  // namespace
}  // namespace muster
