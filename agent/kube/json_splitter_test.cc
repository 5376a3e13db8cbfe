#include "agent/kube/json_splitter.h"

#include <gtest/gtest.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/limits.h"

namespace muster::agent {
namespace {

// Fed in pieces of every size, the parts are the same.
std::vector<std::string> Split(JsonSplitter::Of of, absl::string_view text, size_t piece,
                               std::string* rest = nullptr) {
  std::vector<std::string> parts;
  JsonSplitter splitter(of, [&](absl::string_view part) { parts.emplace_back(part); });
  for (size_t at = 0; at < text.size(); at += piece) {
    EXPECT_TRUE(splitter.Feed(text.substr(at, piece)).ok());
  }
  EXPECT_TRUE(splitter.whole());
  if (rest != nullptr) *rest = splitter.rest();
  return parts;
}

TEST(JsonSplitter, CutsAWatchIntoItsEvents) {
  const std::string text = "{\"a\":{\"b\":[1,{}]}}\n {\"c\":\"}{\\\"\"}\n\n{}";
  for (size_t piece = 1; piece < 40; ++piece) {
    EXPECT_EQ(Split(JsonSplitter::Of::kSequence, text, piece),
              (std::vector<std::string>{"{\"a\":{\"b\":[1,{}]}}", "{\"c\":\"}{\\\"\"}", "{}"}));
  }
}

TEST(JsonSplitter, CutsAListIntoItsItemsAndWhatIsAround) {
  const std::string text =
      R"({"kind":"items","metadata":{"continue":"x","items":[{"no":1}]},"items":[{"a":[{}]}, )"
      R"({"b":"]"}],"more":[2]})";
  for (size_t piece = 1; piece < 40; ++piece) {
    std::string rest;
    EXPECT_EQ(Split(JsonSplitter::Of::kItems, text, piece, &rest),
              (std::vector<std::string>{R"({"a":[{}]})", R"({"b":"]"})"}));
    EXPECT_EQ(rest, R"({"kind":"items","metadata":{"continue":"x","items":[{"no":1}]},"items":[],)"
                    R"("more":[2]})");
  }
}

TEST(JsonSplitter, RefusesAnObjectWithoutEnd) {
  JsonSplitter splitter(JsonSplitter::Of::kSequence, [](absl::string_view) {});
  ASSERT_TRUE(splitter.Feed("{\"a\":\"").ok());
  EXPECT_TRUE(
      absl::IsResourceExhausted(splitter.Feed(std::string(limits::kObjectBytesMax + 1, 'x'))));
}

TEST(JsonSplitter, RefusesABracketThatNoneOpened) {
  JsonSplitter splitter(JsonSplitter::Of::kSequence, [](absl::string_view) {});
  EXPECT_TRUE(absl::IsInvalidArgument(splitter.Feed("}")));
}

}  // namespace
}  // namespace muster::agent
