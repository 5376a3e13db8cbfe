#include "common/secrets/age.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"

namespace muster {
namespace {

// The pair of the specification's own example.
constexpr absl::string_view kRecipient =
    "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";
constexpr absl::string_view kIdentity =
    "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";

TEST(AgeKeys, AreSpelledAsAgeSpellsThem) {
  const absl::StatusOr<AgeIdentity> identity = AgeIdentity::Parse(kIdentity);
  ASSERT_TRUE(identity.ok()) << identity.status();
  EXPECT_EQ(identity->text(), kIdentity);
  EXPECT_EQ(identity->recipient().text(), kRecipient);
  EXPECT_EQ(AgeRecipient::Parse(kRecipient)->key(), identity->recipient().key());
}

TEST(AgeKeys, AreRefusedWhenALetterIsWrong) {
  for (size_t i = 0; i < kRecipient.size(); ++i) {
    std::string text(kRecipient);
    text[i] = text[i] == 'q' ? 'p' : 'q';
    EXPECT_FALSE(AgeRecipient::Parse(text).ok()) << text;
  }
  EXPECT_FALSE(AgeRecipient::Parse("").ok());
  EXPECT_FALSE(AgeRecipient::Parse("age1").ok());
  EXPECT_FALSE(AgeRecipient::Parse(kIdentity).ok());
  EXPECT_FALSE(AgeRecipient::Parse(kRecipient.substr(0, 40)).ok());
  EXPECT_FALSE(
      AgeRecipient::Parse("Age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj").ok());
  EXPECT_FALSE(AgeIdentity::Parse(kRecipient).ok());
}

TEST(AgeKeys, MessagesNeverRepeatASecretKey) {
  const std::string wrong = absl::StrReplaceAll(std::string(kIdentity), {{"EGAEX", "EGAEY"}});
  const absl::Status status = AgeIdentity::Parse(wrong).status();
  ASSERT_FALSE(status.ok());
  EXPECT_FALSE(absl::StrContains(status.message(), "GFPYYSJZ")) << status;
  const absl::Status file = ParseAgeIdentities("# a comment\n\n" + wrong).status();
  EXPECT_TRUE(absl::StrContains(file.message(), "line 3")) << file;
  EXPECT_FALSE(absl::StrContains(file.message(), "GFPYYSJZ")) << file;
}

TEST(AgeKeys, AFileOfThemIsRead) {
  const AgeIdentity made = AgeIdentity::Generate();
  const auto read = ParseAgeIdentities(AgeIdentityFile(made) + std::string(kIdentity) + "\r\n");
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_EQ(read->size(), 2u);
  EXPECT_EQ((*read)[0].text(), made.text());
  EXPECT_EQ((*read)[1].recipient().text(), kRecipient);
  EXPECT_FALSE(ParseAgeIdentities("# nothing\n").ok());
}

TEST(Age, OpensForEachRecipientAndForNobodyElse) {
  const AgeIdentity first = AgeIdentity::Generate();
  const AgeIdentity second = AgeIdentity::Generate();
  const AgeIdentity stranger = AgeIdentity::Generate();
  const std::string sealed = SealAge({first.recipient(), second.recipient()}, "open sesame");
  EXPECT_FALSE(absl::StrContains(sealed, "sesame"));
  EXPECT_EQ(*OpenAge({first}, sealed), "open sesame");
  EXPECT_EQ(*OpenAge({stranger, second}, sealed), "open sesame");
  EXPECT_TRUE(absl::IsNotFound(OpenAge({stranger}, sealed).status()));
  EXPECT_TRUE(absl::IsNotFound(OpenAge({}, sealed).status()));
}

TEST(Age, OpensSecretsOfEverySize) {
  const AgeIdentity identity = AgeIdentity::Generate();
  // Around the ends of base64 groups and armor lines.
  for (size_t size = 0; size < 200; ++size) {
    const std::string secret(size, static_cast<char>('a' + size % 26));
    const absl::StatusOr<std::string> opened =
        OpenAge({identity}, SealAge({identity.recipient()}, secret));
    ASSERT_TRUE(opened.ok()) << size << ": " << opened.status();
    EXPECT_EQ(*opened, secret);
  }
}

TEST(Age, AnyChangedLetterIsRefused) {
  const AgeIdentity identity = AgeIdentity::Generate();
  const std::string sealed = SealAge({identity.recipient()}, "open sesame");
  const size_t body = sealed.find('\n') + 1;
  for (size_t i = body; i + 34 < sealed.size(); ++i) {
    if (sealed[i] == '\n') continue;
    std::string altered = sealed;
    altered[i] = altered[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(OpenAge({identity}, altered).ok()) << "at " << i;
  }
}

TEST(Age, WhatIsCutShortIsRefused) {
  const AgeIdentity identity = AgeIdentity::Generate();
  const std::string sealed = SealAge({identity.recipient()}, "open sesame");
  for (size_t size = 0; size + 1 < sealed.size(); size += 3) {
    EXPECT_FALSE(OpenAge({identity}, sealed.substr(0, size)).ok()) << size;
  }
  EXPECT_TRUE(absl::IsInvalidArgument(OpenAge({identity}, "AGE").status()));
}

}  // namespace
}  // namespace muster
