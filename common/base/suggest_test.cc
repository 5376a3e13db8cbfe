#include "common/base/suggest.h"

#include "gtest/gtest.h"

namespace muster {
namespace {

const std::vector<absl::string_view> kFields = {"path", "patches", "renderer", "clusterSelector"};

TEST(Suggest, FindsTheWordThatWasMeant) {
  EXPECT_EQ(ClosestWord("pth", kFields), "path");
  EXPECT_EQ(ClosestWord("paht", kFields), "path");
  EXPECT_EQ(ClosestWord("Path", kFields), "path");
  EXPECT_EQ(ClosestWord("patchs", kFields), "patches");
  EXPECT_EQ(ClosestWord("clusterSelecter", kFields), "clusterSelector");
  EXPECT_EQ(DidYouMean("pth", kFields), "; did you mean 'path'?");
}

TEST(Suggest, IsSilentWhenNothingIsNear) {
  EXPECT_EQ(ClosestWord("xyz", kFields), "");
  EXPECT_EQ(ClosestWord("", kFields), "");
  EXPECT_EQ(ClosestWord("p", kFields), "");
  EXPECT_EQ(ClosestWord("path", {}), "");
  EXPECT_EQ(ClosestWord(std::string(100'000, 'a'), {"a"}), "");
  EXPECT_EQ(DidYouMean("xyz", kFields), "");
}

}  // namespace
}  // namespace muster
