#include "common/render/file_tree.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace muster {
namespace {

using std::string_literals::operator""s;

FileTree TreeOf(const std::vector<std::string>& paths) {
  FileTree tree;
  for (const std::string& path : paths)
    EXPECT_TRUE(tree.Add(path, "bytes of " + path).ok()) << path;
  return tree;
}

std::vector<std::string> PathsOf(FileTree::Range range) {
  std::vector<std::string> paths;
  for (const auto& [path, bytes] : range) paths.push_back(path);
  return paths;
}

TEST(NormalizePath, HasOneSpellingForEachPath) {
  EXPECT_EQ(*NormalizePath("apps/web.yaml"), "apps/web.yaml");
  EXPECT_EQ(*NormalizePath("./apps//web/"), "apps/web");
  EXPECT_EQ(*NormalizePath("a/./b"), "a/b");
  EXPECT_EQ(*NormalizePath(""), "");
  EXPECT_EQ(*NormalizePath("."), "");
  EXPECT_EQ(*NormalizePath("..a/b..c/..."), "..a/b..c/...");
}

TEST(NormalizePath, RefusesWhatLeavesTheTreeOrHidesInAName) {
  for (const std::string& path : {"/etc/passwd"s, "//a"s, ".."s, "../a"s, "a/../b"s, "a/.."s,
                                  "a\\..\\b"s, "a\0b"s, "a\rb"s, "a\nb"s, "a\x7f"s}) {
    EXPECT_EQ(NormalizePath(path).status().code(), absl::StatusCode::kInvalidArgument) << path;
  }
  EXPECT_EQ(NormalizePath("a/../b").status().message(),
            "path 'a/../b': '..' is not allowed; nothing outside may be reached");
}

TEST(JoinPath, ReadsFromTheBaseAndNeverLeavesIt) {
  EXPECT_EQ(*JoinPath("apps/web", "./patches/prod.yaml"), "apps/web/patches/prod.yaml");
  EXPECT_EQ(*JoinPath("", "a"), "a");
  EXPECT_EQ(*JoinPath("a", "."), "a");
  EXPECT_FALSE(JoinPath("apps/web", "../secret").ok());
  EXPECT_FALSE(JoinPath("apps/web", "/secret").ok());
}

TEST(FileTree, KeepsFilesSortedUnderNormalisedPaths) {
  const FileTree tree = TreeOf({"b", "./a//c", "a/b"});
  EXPECT_EQ(PathsOf(tree.Below("")), (std::vector<std::string>{"a/b", "a/c", "b"}));
  ASSERT_NE(tree.Find("a/c"), nullptr);
  EXPECT_EQ(*tree.Find("a/c"), "bytes of ./a//c");
  EXPECT_EQ(tree.Find("a"), nullptr);
  EXPECT_EQ(tree.bytes(),
            "bytes of b"s.size() + "bytes of ./a//c"s.size() + "bytes of a/b"s.size());
}

TEST(FileTree, RefusesTheSameFileTwiceAndPathsThatNameNone) {
  FileTree tree = TreeOf({"a/b"});
  EXPECT_EQ(tree.Add("a//b", "other").code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(*tree.Find("a/b"), "bytes of a/b");
  EXPECT_EQ(tree.Add("./", "x").code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(tree.Add("../x", "x").code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(tree.size(), 1u);
}

// "a-b" and "a.b" sort before "a/", and "a0" after it: none of them is below "a".
TEST(FileTree, GivesOnlyWhatIsBelowADirectory) {
  const FileTree tree = TreeOf({"a-b/x", "a.b", "a/1", "a/z/2", "a0/y", "ab", "b"});
  EXPECT_EQ(PathsOf(tree.Below("a")), (std::vector<std::string>{"a/1", "a/z/2"}));
  EXPECT_EQ(PathsOf(tree.Below("a/z")), (std::vector<std::string>{"a/z/2"}));
  EXPECT_TRUE(tree.Below("a/1").empty());
  EXPECT_TRUE(tree.Contains("a/1"));
  EXPECT_TRUE(tree.Contains("a/z"));
  EXPECT_FALSE(tree.Contains("a/zz"));
}

}  // namespace
}  // namespace muster
