// Directories of public repositories and the cases of Kustomize's own suite, rendered and compared
// with what Kustomize 5.5 printed for them; strange inputs, and what was decided about each.
//
// MUSTER_CASES names the public collection; without it, ../shared/cases beside the checkout is
// tried. MUSTER_CASES_FAILING names a file to which a line for each failing case is added.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/render/kustomize/build.h"
#include "common/render/kustomize/output.h"
#include "test/cases/collection.h"
#include "test/cases/compare.h"

namespace muster::cases {
namespace {

using kustomize::BuildCache;
using kustomize::BuiltObject;
using kustomize::FileTreeSource;

constexpr char kKeptCases[] = "test/testdata/kustomize";
constexpr size_t kKeptCasesMin = 150;

// The collection beside the checkout; the test runs where links lead back to it.
std::string PublicCases() {
  if (const char* given = std::getenv("MUSTER_CASES"); given != nullptr) return given;
  std::error_code error;
  const std::filesystem::path kept =
      std::filesystem::canonical(absl::StrCat(kKeptCases, "/README.md"), error);
  if (error) return "";
  return (kept.parent_path() / "../../../../shared/cases").lexically_normal().string();
}

// Whether an error names a file of the case.
bool NamesAFile(absl::string_view message, const FileTree& files) {
  for (absl::string_view word : absl::StrSplit(message, absl::ByAnyChar(" :'\",;()[]"))) {
    if (!word.empty() && files.Contains(std::string(word))) return true;
  }
  return false;
}

struct Score {
  size_t run = 0;
  size_t equal = 0;
  size_t refusals = 0;    // of those: refused, as the reference does
  size_t same_bytes = 0;  // of the others
  std::vector<std::string> failing;
};

// What is wrong with the outcome of a case; empty when nothing is. Sets `same_bytes`.
std::string Fault(const Case& each, const absl::StatusOr<std::vector<BuiltObject>>& built,
                  bool& same_bytes) {
  if (!each.expected.has_value()) {
    if (built.ok()) return absl::StrCat("is to be refused, and built ", built->size(), " objects");
    if (!NamesAFile(built.status().message(), *each.files)) {
      return absl::StrCat("is refused without naming a file: ", built.status().ToString());
    }
    return "";
  }
  if (!built.ok()) return built.status().ToString();
  same_bytes = kustomize::WriteKustomizeYaml(*built) == *each.expected;
  return same_bytes ? "" : FirstDifference(*each.expected, *built);
}

Score RunAll(const std::vector<Case>& cases) {
  Score score;
  std::unique_ptr<FileTreeSource> source;
  std::unique_ptr<BuildCache> cache;
  const FileTree* files = nullptr;
  for (const Case& each : cases) {
    if (each.files.get() != files) {
      files = each.files.get();
      cache.reset();
      source = std::make_unique<FileTreeSource>(*files);
      cache = std::make_unique<BuildCache>(*source);
    }
    bool same_bytes = false;
    const std::string fault =
        Fault(each, BuildKustomization(*cache, each.directory, each.options), same_bytes);
    ++score.run;
    score.same_bytes += same_bytes;
    if (!fault.empty()) {
      score.failing.push_back(absl::StrCat(each.name, "\t", fault));
      continue;
    }
    ++score.equal;
    score.refusals += !each.expected.has_value();
  }
  return score;
}

void Report(const std::string& what, const Score& score) {
  for (const std::string& line : score.failing) std::printf("  %s\n", line.c_str());
  std::printf("%s: %zu of %zu equal (%zu of them refused by both; %zu of %zu byte for byte)\n",
              what.c_str(), score.equal, score.run, score.refusals, score.same_bytes,
              score.run - score.refusals);
  if (const char* path = std::getenv("MUSTER_CASES_FAILING"); path != nullptr) {
    std::ofstream file(path, std::ios::app);
    for (const std::string& line : score.failing) file << line << "\n";
  }
}

TEST(KustomizeCases, KeptInTheTreeAreEqual) {
  const auto cases = ReadCollection(kKeptCases);
  ASSERT_TRUE(cases.ok()) << cases.status();
  const Score score = RunAll(*cases);
  Report("cases kept in the tree", score);
  EXPECT_GE(score.run, kKeptCasesMin);
  EXPECT_EQ(score.equal, score.run);
}

TEST(KustomizeCases, PublicCollectionIsEqual) {
  const auto cases = ReadCollection(PublicCases());
  if (absl::IsNotFound(cases.status())) {
    GTEST_SKIP() << "skipped: " << cases.status().message() << "; name it in MUSTER_CASES";
  }
  ASSERT_TRUE(cases.ok()) << cases.status();
  const Score score = RunAll(*cases);
  Report("public collection", score);
  EXPECT_GE(score.run, kKeptCasesMin);
  EXPECT_EQ(score.equal, score.run);
}

TEST(KustomizeCases, StrangeInputsGetWhatWasDecided) {
  // Where Muster differs from the peer on purpose; docs/rendering.md says why. A symbolic link out
  // of the tree is a file in the collection, so cli/local_test.cc has that case.
  const std::map<std::string, std::string> differs = {
      {"scalars", "data.ts: expected \"2020-01-01T00:00:00Z\", built \"2020-01-01\""}};
  const auto cases = ReadQuirks(absl::StrCat(PublicCases(), "/quirks"));
  ASSERT_TRUE(cases.ok()) << cases.status();
  if (cases->empty()) GTEST_SKIP() << "skipped: no quirks beside the checkout; see MUSTER_CASES";
  for (const Case& each : *cases) {
    if (each.name == "symout") continue;
    SCOPED_TRACE(each.name);
    FileTreeSource source(*each.files);
    BuildCache cache(source);
    const auto built = BuildKustomization(cache, each.directory, each.options);
    bool same_bytes = false;
    const std::string fault = Fault(each, built, same_bytes);
    if (const auto decided = differs.find(each.name); decided != differs.end()) {
      EXPECT_TRUE(absl::StrContains(fault, decided->second)) << fault;
      continue;
    }
    EXPECT_EQ(fault, "");
    // One error for one fault, and no more words than a person reads.
    if (built.ok()) continue;
    EXPECT_LE(built.status().message().size(), 300u) << built.status();
  }
}

}  // namespace
}  // namespace muster::cases
