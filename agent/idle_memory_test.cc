#include "agent/idle_memory.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace muster::agent {
namespace {

// The program's own code and constants are what is given back: it has to go on as before.
TEST(IdleMemory, AProgramThatGaveItsPagesBackGoesOnAsBefore) {
  EXPECT_TRUE(HasIdleMemory());  // its libraries, at least
  std::string text;
  for (int i = 0; i < 100; ++i) {
    ReturnIdleMemory();
    absl::StrAppend(&text, i, " ");
  }
  EXPECT_EQ(text.size(), 290u);
  ReturnIdleMemory();
  EXPECT_FALSE(HasIdleMemory());
}

}  // namespace
}  // namespace muster::agent
