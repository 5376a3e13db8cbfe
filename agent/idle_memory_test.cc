#include "agent/idle_memory.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace muster::agent {
namespace {

constexpr int64_t kMega = 1 << 20;

// The program's own code and constants are what is given back: it has to go on as before.
TEST(IdleMemory, AProgramThatGaveItsPagesBackGoesOnAsBefore) {
  IdleMemory memory;
  EXPECT_TRUE(memory.Look());  // its libraries, at least
  std::string text;
  for (int i = 0; i < 100; ++i) {
    ReturnIdleMemory();
    absl::StrAppend(&text, i, " ");
  }
  EXPECT_EQ(text.size(), 290u);
}

TEST(RestingMemory, WhatIsNeededAtRestIsNotGivenBackAgainAndAgain) {
  RestingMemory resting;
  EXPECT_TRUE(resting.IsWorthIt(30 * kMega));  // all that it took to start
  resting.Returned(2 * kMega);
  EXPECT_TRUE(resting.IsWorthIt(9 * kMega));  // is that what it needs?
  resting.Returned(2 * kMega);
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(resting.IsWorthIt(9 * kMega));  // it is
}

TEST(RestingMemory, ABusyMinuteIsNotTakenForRest) {
  RestingMemory resting;
  EXPECT_TRUE(resting.IsWorthIt(30 * kMega));
  resting.Returned(2 * kMega);
  EXPECT_TRUE(resting.IsWorthIt(25 * kMega));  // busy
  resting.Returned(2 * kMega);
  EXPECT_FALSE(resting.IsWorthIt(9 * kMega));
  EXPECT_TRUE(resting.IsWorthIt(20 * kMega));  // busy again, later
  resting.Returned(2 * kMega);
  EXPECT_FALSE(resting.IsWorthIt(9 * kMega));
}

TEST(RestingMemory, LittleIsNotWorthIt) {
  RestingMemory resting;
  EXPECT_FALSE(resting.IsWorthIt(3 * kMega));
}

}  // namespace
}  // namespace muster::agent
