#include "common/render/ignore.h"

#include <string>

#include "gtest/gtest.h"

namespace muster {
namespace {

bool Ignores(absl::string_view patterns, absl::string_view path) {
  return IgnorePatterns(patterns).Ignores(path);
}

TEST(Glob, StopsAtDirectories) {
  EXPECT_TRUE(MatchesGlob("*.yaml", "web.yaml"));
  EXPECT_FALSE(MatchesGlob("*.yaml", "a/web.yaml"));
  EXPECT_TRUE(MatchesGlob("a?c", "abc"));
  EXPECT_FALSE(MatchesGlob("a?c", "a/c"));
  EXPECT_TRUE(MatchesGlob("v[0-9].[!a]", "v1.b"));
  EXPECT_FALSE(MatchesGlob("v[0-9].[!a]", "v1.a"));
  EXPECT_FALSE(MatchesGlob("v[0-9]", "vx"));
  EXPECT_TRUE(MatchesGlob("a\\*b", "a*b"));
  EXPECT_FALSE(MatchesGlob("a\\*b", "axb"));
  EXPECT_TRUE(MatchesGlob("a[b", "a[b"));
  EXPECT_TRUE(MatchesGlob("", ""));
}

TEST(Glob, TwoStarsCrossDirectories) {
  for (const char* path : {"a/b", "a/x/b", "a/x/y/b"}) EXPECT_TRUE(MatchesGlob("a/**/b", path));
  EXPECT_FALSE(MatchesGlob("a/**/b", "a/xb"));
  EXPECT_FALSE(MatchesGlob("a/**/b", "ab"));
  EXPECT_TRUE(MatchesGlob("**/b", "b"));
  EXPECT_TRUE(MatchesGlob("**/b", "x/y/b"));
  EXPECT_FALSE(MatchesGlob("**/b", "xb"));
  EXPECT_TRUE(MatchesGlob("a/**", "a/x/y"));
  EXPECT_FALSE(MatchesGlob("a/**", "a"));
}

// A pattern that makes a backtracking matcher take for ever.
TEST(Glob, IsNeverSlow) {
  std::string glob;
  for (int i = 0; i < 50; ++i) glob += "*a";
  EXPECT_FALSE(MatchesGlob(glob + "b", std::string(2'000, 'a')));
}

TEST(IgnorePatterns, NamesMatchInEveryDirectory) {
  EXPECT_TRUE(Ignores("values.yaml", "values.yaml"));
  EXPECT_TRUE(Ignores("values.yaml", "a/b/values.yaml"));
  EXPECT_FALSE(Ignores("values.yaml", "my-values.yaml"));
  EXPECT_FALSE(Ignores("", "a"));
}

TEST(IgnorePatterns, SlashesTieToTheDirectoryAndMeanDirectories) {
  EXPECT_TRUE(Ignores("/a.yaml", "a.yaml"));
  EXPECT_FALSE(Ignores("/a.yaml", "x/a.yaml"));
  EXPECT_TRUE(Ignores("x/*.yaml", "x/a.yaml"));
  EXPECT_FALSE(Ignores("x/*.yaml", "y/x/a.yaml"));
  EXPECT_TRUE(Ignores("tests/", "a/tests/b/c.yaml"));
  EXPECT_FALSE(Ignores("tests/", "tests"));
  EXPECT_TRUE(Ignores("/tests", "tests/a.yaml"));
}

TEST(IgnorePatterns, LastMatchDecides) {
  EXPECT_FALSE(Ignores("*.json\n!keep.json\n", "keep.json"));
  EXPECT_TRUE(Ignores("!keep.json\n*.json\n", "keep.json"));
  EXPECT_TRUE(Ignores("tests/\n!tests/a.yaml\n", "tests/a.yaml"));
  EXPECT_FALSE(Ignores("tests/*\n!tests/a.yaml\n", "tests/a.yaml"));
}

TEST(IgnorePatterns, SkipsCommentsAndBlanks) {
  EXPECT_FALSE(Ignores("# a.yaml\r\n\r\n  \n", "a.yaml"));
  EXPECT_TRUE(Ignores("a.yaml  \r\n", "a.yaml"));
  EXPECT_TRUE(Ignores("\\#a", "#a"));
  EXPECT_FALSE(Ignores("/", "a"));
}

}  // namespace
}  // namespace muster
