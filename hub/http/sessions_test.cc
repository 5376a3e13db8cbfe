#include "hub/http/sessions.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace muster::hub {
namespace {

class HandClock final : public Clock {
 public:
  absl::Time Now() const override { return now; }
  absl::Time now = absl::FromUnixSeconds(1'800'000'000);
};

class SessionsTest : public testing::Test {
 protected:
  std::string SignIn(const std::string& actor) {
    return sessions_.Redeem(sessions_.CreateCode(actor)->code)->token;
  }

  HandClock clock_;
  SeededRandom random_{1};
  Sessions sessions_{clock_, random_};
};

TEST_F(SessionsTest, ACodeOpensOneSessionOnce) {
  const std::string code = sessions_.CreateCode("ada")->code;
  const auto session = sessions_.Redeem(code);
  ASSERT_TRUE(session.ok());
  EXPECT_EQ(session->actor, "ada");
  EXPECT_EQ(sessions_.Find(session->token), "ada");
  EXPECT_EQ(sessions_.Redeem(code).status().code(), absl::StatusCode::kUnauthenticated);
}

TEST_F(SessionsTest, WhatWasNotGivenOpensNothing) {
  sessions_.CreateCode("ada").IgnoreError();
  for (const char* code : {"", "AAAA", "ada"}) {
    EXPECT_EQ(sessions_.Redeem(code).status().code(), absl::StatusCode::kUnauthenticated) << code;
  }
  EXPECT_EQ(sessions_.Find(""), std::nullopt);
  EXPECT_EQ(sessions_.Find("AAAA"), std::nullopt);
}

TEST_F(SessionsTest, ACodeIsNoSessionAndASessionNoCode) {
  const std::string code = sessions_.CreateCode("ada")->code;
  EXPECT_EQ(sessions_.Find(code), std::nullopt);
  const std::string token = SignIn("ada");
  EXPECT_FALSE(sessions_.Redeem(token).ok());
}

TEST_F(SessionsTest, ACodeEndsAfterFiveMinutes) {
  const std::string code = sessions_.CreateCode("ada")->code;
  clock_.now += Sessions::kCodeLifetime;
  EXPECT_EQ(sessions_.Redeem(code).status().code(), absl::StatusCode::kUnauthenticated);
}

TEST_F(SessionsTest, ASessionInUseLastsUntilItsEndAndNoLonger) {
  const std::string token = SignIn("ada");
  const absl::Time begun = clock_.now;
  while (clock_.now + absl::Minutes(50) < begun + Sessions::kSessionLifetime) {
    clock_.now += absl::Minutes(50);
    EXPECT_EQ(sessions_.Find(token), "ada");
  }
  clock_.now = begun + Sessions::kSessionLifetime;
  EXPECT_EQ(sessions_.Find(token), std::nullopt);
}

TEST_F(SessionsTest, AnIdleSessionEndsAfterAnHour) {
  const std::string token = SignIn("ada");
  clock_.now += Sessions::kSessionIdle - absl::Seconds(1);
  EXPECT_EQ(sessions_.Find(token), "ada");
  clock_.now += Sessions::kSessionIdle;
  EXPECT_EQ(sessions_.Find(token), std::nullopt);
}

TEST_F(SessionsTest, SigningOutEndsThatSessionOnly) {
  const std::string first = SignIn("ada");
  const std::string second = SignIn("ada");
  sessions_.End(first);
  EXPECT_EQ(sessions_.Find(first), std::nullopt);
  EXPECT_EQ(sessions_.Find(second), "ada");
}

TEST_F(SessionsTest, APageThatIsOnlyOpenKeepsNoSessionAlive) {
  const std::string token = SignIn("ada");
  for (absl::Duration passed; passed < Sessions::kSessionIdle; passed += absl::Minutes(1)) {
    EXPECT_TRUE(sessions_.IsOpen(token));
    clock_.now += absl::Minutes(1);
  }
  EXPECT_FALSE(sessions_.IsOpen(token));
  EXPECT_EQ(sessions_.Find(token), std::nullopt);
}

TEST_F(SessionsTest, TooManyCodesAreRefusedUntilTheyEnd) {
  for (size_t i = 0; i < Sessions::kCodesMax; ++i) ASSERT_TRUE(sessions_.CreateCode("ada").ok());
  EXPECT_EQ(sessions_.CreateCode("ada").status().code(), absl::StatusCode::kResourceExhausted);
  clock_.now += Sessions::kCodeLifetime;
  EXPECT_TRUE(sessions_.CreateCode("ada").ok());
}

TEST_F(SessionsTest, BeyondTheMostTheOneThatWasIdleLongestEnds) {
  const std::string first = SignIn("first");
  clock_.now += absl::Seconds(1);
  const std::string second = SignIn("second");
  clock_.now += absl::Seconds(1);
  EXPECT_EQ(sessions_.Find(first), "first");  // so that the second is the idle one
  clock_.now += absl::Seconds(1);
  for (size_t i = 2; i <= Sessions::kSessionsMax; ++i) SignIn(absl::StrCat("other-", i));
  EXPECT_EQ(sessions_.Find(second), std::nullopt);
  EXPECT_EQ(sessions_.Find(first), "first");
}

}  // namespace
}  // namespace muster::hub
