// muster import: what it writes, prints and answers. What becomes of each field:
// import/import_test.cc.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "cli/test_run.h"
#include "common/manifest/json.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace muster::cli {
namespace {

namespace fs = std::filesystem;

using ::testing::AllOf;
using ::testing::HasSubstr;

void Write(const std::string& path, const std::string& text) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream(path) << text;
}

std::string Read(const std::string& path) {
  std::ifstream file(path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// A clone with one bundle of Fleet, for every cluster of a group.
std::string MakeTree(const TestRun& run) {
  const std::string tree = run.folder + "/shop";
  Write(tree + "/.git/config", "[remote \"origin\"]\n\turl = git@git.example.com:me/shop.git\n");
  Write(tree + "/.git/HEAD", "ref: refs/heads/trunk\n");
  Write(tree + "/gitrepo.yaml",
        "apiVersion: fleet.cattle.io/v1alpha1\nkind: GitRepo\nmetadata: {name: shop}\n"
        "spec:\n  repo: https://git.example.com/me/shop\n  branch: trunk\n  paths: [web]\n"
        "  targets: [{clusterSelector: {matchLabels: {env: prod}}}]\n");
  Write(tree + "/web/fleet.yaml", "defaultNamespace: web\ncorrectDrift: {enabled: true}\n");
  Write(tree + "/web/config.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\n");
  return tree;
}

TEST(Import, WritesDeclarationsThatValidateAndRender) {
  TestRun run;
  const std::string tree = MakeTree(run);
  EXPECT_EQ(run({"import", "fleet", tree}), 0) << run.err();
  EXPECT_THAT(run.out(), AllOf(HasSubstr("web/fleet.yaml:1   Bundle shop-web"),
                               HasSubstr("package/shop-web"), HasSubstr("1 equal")));
  EXPECT_THAT(run.err(),
              AllOf(HasSubstr("1 Package declaration"), HasSubstr("next: muster validate")));
  EXPECT_EQ(run({"validate", tree + "/muster/fleet"}), 0) << run.err();
  EXPECT_EQ(run({"render", "--fleet", tree + "/muster/fleet", "--cluster", "a", "--label",
                 "env=prod", "--repository", "shop=" + tree, "-o", "name"}),
            0)
      << run.err();
  EXPECT_EQ(run.out(), "object/ConfigMap/web/web\n");
}

// A repository of strangers may hold a link where the result would go.
TEST(Import, NeverWritesThroughALinkOutOfTheTree) {
  TestRun run;
  const std::string tree = MakeTree(run);
  fs::create_directory(run.folder + "/outside");
  fs::create_symlink("../outside", tree + "/muster");
  EXPECT_EQ(run({"import", "fleet", tree}), 2);
  EXPECT_THAT(run.err(), HasSubstr("not a folder inside of"));
  EXPECT_TRUE(fs::is_empty(run.folder + "/outside"));
  fs::remove(tree + "/muster");
  fs::create_symlink("../nowhere", tree + "/muster");
  EXPECT_EQ(run({"import", "fleet", tree}), 2);
  EXPECT_FALSE(fs::exists(run.folder + "/nowhere"));
}

TEST(Import, DryRunWritesNothing) {
  TestRun run;
  const std::string tree = MakeTree(run);
  EXPECT_EQ(run({"import", "fleet", tree + "/web", "--dry-run"}), 1) << run.err();
  EXPECT_FALSE(fs::exists(tree + "/muster"));
  EXPECT_THAT(run.err(), HasSubstr("would write"));
}

TEST(Import, WhatIsLeftOutIsExitCodeOneAndStandsInTheDocument) {
  TestRun run;
  const std::string tree = MakeTree(run);
  Write(tree + "/web/fleet.yaml", "rolloutStrategy: {maxUnavailable: 1}\n");
  EXPECT_EQ(run({"import", "fleet", tree, "-o", "json"}), 1) << run.err();
  const auto document = ParseJson(run.out());
  ASSERT_TRUE(document.ok()) << run.out();
  EXPECT_EQ(*document->Find("/kind"), Value("ImportReport"));
  EXPECT_EQ(*document->Find("/complete"), Value(false));
  EXPECT_EQ(*document->Find("/items/1/outcome"), Value("Partly"));
  EXPECT_EQ(*document->Find("/items/1/leftOut/0/field"), Value("rolloutStrategy"));
  EXPECT_THAT(Read(tree + "/muster/fleet/packages/shop-web.yaml"),
              AllOf(HasSubstr("from web/fleet.yaml:1"), HasSubstr("drift: report")));
}

TEST(Import, TellsEachReasonOnceWithTheObjectsBelowIt) {
  TestRun run;
  const std::string tree = MakeTree(run);
  Write(tree + "/web/fleet.yaml", "rolloutStrategy: {maxUnavailable: 1}\n");
  EXPECT_EQ(run({"import", "fleet", tree, "--dry-run", "-o", "wide"}), 1) << run.err();
  EXPECT_THAT(run.out(), HasSubstr("\nLeft out:\n"
                                   "  rolloutStrategy: all clusters get a change at once\n"
                                   "    web/fleet.yaml:1  Bundle shop-web\n"));
}

TEST(Import, NeverOverwritesAndStaysInTheTree) {
  TestRun run;
  const std::string tree = MakeTree(run);
  Write(tree + "/muster/mine.yaml", "a: b\n");
  EXPECT_EQ(run({"import", "fleet", tree}), 2);
  EXPECT_THAT(run.err(), HasSubstr("never overwrites"));
  EXPECT_EQ(run({"import", "fleet", tree, "--into", run.folder + "/elsewhere"}), 2);
  EXPECT_THAT(run.err(), HasSubstr("is not a folder inside of"));
  EXPECT_EQ(run({"import", "fleet", tree, "--into", tree + "/deploy/muster"}), 0) << run.err();
  EXPECT_TRUE(fs::exists(tree + "/deploy/muster/fleet/repositories.yaml"));
}

TEST(Import, SaysWhenThereIsNothingOfTheTool) {
  TestRun run;
  const std::string tree = MakeTree(run);
  EXPECT_EQ(run({"import", "argocd", tree}), 2);
  EXPECT_THAT(run.err(), HasSubstr("no Application"));
  EXPECT_EQ(run({"import", "flux", run.folder + "/nowhere"}), 2);
  EXPECT_THAT(run.err(), HasSubstr("it is not a directory"));
  EXPECT_EQ(run({"import", "flx", tree}), 2);
  EXPECT_THAT(run.err(), HasSubstr("did you mean 'flux'?"));
}

}  // namespace
}  // namespace muster::cli
