#include "hub/source/repository_name.h"

#include <gtest/gtest.h>

namespace muster::hub {
namespace {

TEST(RepositoryName, CannotLeaveItsDirectory) {
  EXPECT_TRUE(IsRepositoryName("apps"));
  EXPECT_TRUE(IsRepositoryName(".fleet"));
  for (const char* name : {"", ".", "..", "a/b", "../a", "a b", "a\n"}) {
    EXPECT_FALSE(IsRepositoryName(name)) << name;
  }
}

}  // namespace
}  // namespace muster::hub
