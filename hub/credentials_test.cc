#include "hub/credentials.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "common/trust/sealing.h"

namespace muster::hub {
namespace {

class CredentialsTest : public testing::Test {
 protected:
  CredentialsTest() {
    credential_.set_name("apps-git");
    credential_.set_username("robot");
    credential_.set_password("hunter2");
    credential_.set_ssh_private_key("a key");
    credential_.set_ssh_known_hosts("a host");
    credential_.set_ca_pem("an authority");
  }

  const std::string key_ = NewSealingKey();
  v1::PutCredentialRequest credential_;
};

TEST_F(CredentialsTest, OpenUnderTheirNameWithTheirKey) {
  const auto opened = UnsealCredential(key_, "apps-git", SealCredential(key_, credential_));
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(opened->username(), "robot");
  EXPECT_EQ(opened->password(), "hunter2");
  EXPECT_EQ(opened->ssh_private_key(), "a key");
  EXPECT_EQ(opened->ssh_known_hosts(), "a host");
  EXPECT_EQ(opened->ca_pem(), "an authority");
}

TEST_F(CredentialsTest, DoNotOpenAsAnothersOrWithAnotherKey) {
  const v1::CredentialRecord record = SealCredential(key_, credential_);
  EXPECT_EQ(UnsealCredential(key_, "other", record).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(UnsealCredential(NewSealingKey(), "apps-git", record).status().code(),
            absl::StatusCode::kDataLoss);
  EXPECT_FALSE(UnsealCredential(key_, "apps-git", {}).ok());
}

TEST_F(CredentialsTest, NoChangedByteIsAccepted) {
  const v1::CredentialRecord record = SealCredential(key_, credential_);
  for (size_t i = 0; i < record.sealed().size(); ++i) {
    v1::CredentialRecord altered = record;
    (*altered.mutable_sealed())[i] ^= 1;
    EXPECT_FALSE(UnsealCredential(key_, "apps-git", altered).ok()) << i;
  }
}

TEST_F(CredentialsTest, TheRecordShowsNothing) {
  const std::string bytes = SealCredential(key_, credential_).SerializeAsString();
  for (const char* secret : {"hunter2", "robot", "a key"}) {
    EXPECT_FALSE(absl::StrContains(bytes, secret)) << secret;
  }
}

}  // namespace
}  // namespace muster::hub
