// Whole trees of other tools, imported, rendered cluster by cluster, and compared with what those
// tools deliver there: files made by kubectl and by hand (test/testdata/import).
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "cli/import/import.h"
#include "cli/import/kustomize_form.h"
#include "common/base/compression.h"
#include "common/config/config.h"
#include "common/config/resolve.h"
#include "common/manifest/yaml.h"
#include "gtest/gtest.h"
#include "test/cases/collection.h"
#include "test/cases/tar.h"

namespace muster::cases {
namespace {

namespace fs = std::filesystem;

using cli::ImportCheck;
using cli::ImportItem;
using cli::ImportRequest;
using cli::ImportResult;

constexpr char kKept[] = "test/testdata/kustomize";
constexpr char kExpected[] = "test/testdata/import";
constexpr size_t kArchiveBytesMax = 64u << 20;

std::string ReadBytes(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// The trees of a collection by name.
std::map<std::string, std::shared_ptr<const FileTree>> TreesOf(const std::string& collection) {
  std::map<std::string, std::shared_ptr<const FileTree>> trees;
  const auto cases = ReadCollection(collection);
  EXPECT_TRUE(cases.ok()) << cases.status();
  if (!cases.ok()) return trees;
  for (const Case& each : *cases) {
    const std::string name = each.name.substr(0, each.name.find('/'));
    if (name != "krusty") trees[name] = each.files;
  }
  return trees;
}

std::shared_ptr<const FileTree> ReadFolder(const fs::path& folder) {
  auto tree = std::make_shared<FileTree>();
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    EXPECT_TRUE(
        tree->Add(entry.path().lexically_relative(folder).generic_string(), ReadBytes(entry.path()))
            .ok());
  }
  return tree;
}

std::vector<Value> ObjectsIn(const fs::path& file) {
  const auto documents = ParseYaml(ReadBytes(file), file.string());
  EXPECT_TRUE(documents.ok()) << documents.status();
  std::vector<Value> objects;
  if (documents.ok()) {
    for (const Document& document : *documents) objects.push_back(document.value);
  }
  return objects;
}

// A tree with what an import made of it.
class Imported {
 public:
  Imported(std::string tool, const FileTree& files, std::string start) : tree_(files) {
    result_ = cli::ImportTool(tool, {.files = files,
                                     .start = std::move(start),
                                     .output = "muster",
                                     .folder = "home",
                                     .url = "",
                                     .branch = "",
                                     .cluster = ""});
    EXPECT_TRUE(result_.ok()) << result_.status();
    if (!result_.ok()) return;
    const auto written = cli::WriteFleet(result_->fleet, tool);
    EXPECT_TRUE(written.ok()) << written.status();
    if (!written.ok()) return;
    for (const auto& [path, bytes] : *written) {
      EXPECT_TRUE(tree_.Add(absl::StrCat("muster/", path), bytes).ok());
    }
    config_ = ParseFleetConfig(tree_, {.path = "muster/fleet"});
    EXPECT_EQ(config_.errors_size(), 0);
  }

  const ImportResult& result() const { return *result_; }
  const v1::FleetConfig& config() const { return config_; }

  // All that a cluster gets of the packages of `repository`, as the hub renders it.
  Rendering OfCluster(const v1::ClusterDeclaration& cluster, const std::string& repository) const {
    Rendering all;
    for (const v1::Package& package : config_.packages()) {
      if (package.repository() != repository) continue;
      const Rendering one = OfPackage(package, cluster.name(), LabelsOf(cluster.labels()));
      all.objects.insert(all.objects.end(), one.objects.begin(), one.objects.end());
    }
    return all;
  }

  Rendering OfPackage(const v1::Package& package, const std::string& cluster,
                      const Labels& labels) const {
    const auto input = ResolvePackage(package, cluster, labels);
    EXPECT_TRUE(input.ok()) << input.status();
    if (!input.ok() || !input->has_value()) return {};
    auto rendering = Render(tree_, **input, nullptr);
    EXPECT_TRUE(rendering.ok()) << package.name() << ": " << rendering.status();
    return rendering.ok() ? *std::move(rendering) : Rendering{};
  }

 private:
  FileTree tree_;
  absl::StatusOr<ImportResult> result_ = absl::UnknownError("not imported");
  v1::FleetConfig config_;
};

// Each cluster of the sample gets what Flux delivers there.
void CompareFlux(const std::string& sample, size_t clusters) {
  const auto trees = TreesOf(kKept);
  ASSERT_EQ(trees.count(sample), 1u) << sample;
  const Imported imported("flux", *trees.at(sample), "");
  size_t compared = 0;
  for (const v1::ClusterDeclaration& cluster : imported.config().clusters()) {
    const fs::path file =
        fs::path(kExpected) / "flux" / sample / absl::StrCat(cluster.name(), ".yaml");
    ASSERT_TRUE(fs::exists(file)) << file;
    const std::vector<Value> expected = ObjectsIn(file);
    const Rendering actual = imported.OfCluster(cluster, "home");
    EXPECT_GT(expected.size(), 0u);
    EXPECT_EQ(actual.objects.size(), expected.size()) << cluster.name();
    EXPECT_EQ(cli::ObjectDifference(expected, actual), "") << cluster.name();
    ++compared;
  }
  EXPECT_EQ(compared, clusters);
}

TEST(FluxSample, HubAndSpokesGetWhatFluxGivesThem) {
  CompareFlux("fluxcd+flux2-hub-spoke-example", 3);
}

TEST(FluxSample, KustomizeAndHelmGetsWhatFluxGivesIt) {
  CompareFlux("fluxcd+flux2-kustomize-helm-example", 2);
}

TEST(FluxSample, TenantsGetWhatFluxGivesThem) { CompareFlux("fluxcd+flux2-multi-tenancy", 2); }

// The cluster that the package's first target names by its label.
std::string ClusterOf(const v1::Package& package) {
  const auto& labels = package.targets(0).cluster_selector().match_labels();
  return labels.empty() ? "any" : labels.Get(0).value();
}

// Each Application becomes a package that renders what Argo CD delivers.
void CompareArgocd(const std::string& example, size_t applications) {
  const fs::path root = fs::path(kExpected) / "argocd";
  const auto tree = ReadFolder(root / "tree");
  const Imported imported("argocd", *tree, absl::StrCat("applicationset/examples/", example));
  std::map<std::string, const v1::Package*> packages;
  for (const v1::Package& package : imported.config().packages()) {
    packages[package.name()] = &package;
  }
  size_t compared = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(root / example)) {
    const std::string name = entry.path().stem().string();
    ASSERT_EQ(packages.count(name), 1u) << name;
    const std::string cluster = ClusterOf(*packages[name]);
    const Rendering actual = imported.OfPackage(*packages[name], cluster, {{"cluster", cluster}});
    const std::vector<Value> expected = ObjectsIn(entry.path());
    EXPECT_GT(expected.size(), 0u);
    EXPECT_EQ(actual.objects.size(), expected.size()) << name;
    EXPECT_EQ(cli::ObjectDifference(expected, actual), "") << name;
    ++compared;
  }
  EXPECT_EQ(compared, applications);
}

TEST(ArgocdSample, ListGenerator) { CompareArgocd("list-generator", 2); }
TEST(ArgocdSample, GitFilesGenerator) { CompareArgocd("git-generator-files-discovery", 2); }
TEST(ArgocdSample, MatrixAndMergeGenerators) { CompareArgocd("matrix", 5); }
TEST(ArgocdSample, TemplateOverride) { CompareArgocd("template-override", 1); }

// Each bundle of Fleet's own test data becomes a package that renders what Fleet delivers.
TEST(FleetSample, BundlesBecomePackages) {
  const fs::path root = fs::path(kExpected) / "fleet" / "rancher";
  const auto tree = ReadFolder(root / "tree");
  const Imported imported("fleet", *tree, "");
  std::map<std::string, const v1::Package*> packages;
  for (const v1::Package& package : imported.config().packages()) {
    packages[package.name()] = &package;
  }
  size_t compared = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(root)) {
    if (!entry.is_regular_file()) continue;
    const std::string name = entry.path().stem().string();
    ASSERT_EQ(packages.count(name), 1u) << name;
    const std::vector<Value> expected = ObjectsIn(entry.path());
    const Rendering actual = imported.OfPackage(*packages[name], "any", {});
    EXPECT_GT(expected.size(), 0u);
    EXPECT_EQ(cli::ObjectDifference(expected, actual), "") << name;
    ++compared;
  }
  EXPECT_EQ(compared, 7u);
}

// Overlays, kustomizations for each environment, and who gets what.
TEST(FleetSample, EachClusterGetsItsOverlays) {
  const fs::path root = fs::path(kExpected) / "fleet" / "shop";
  const auto tree = ReadFolder(root / "tree");
  const Imported imported("fleet", *tree, "");
  ASSERT_EQ(imported.config().clusters_size(), 4);
  for (const v1::ClusterDeclaration& cluster : imported.config().clusters()) {
    const std::vector<Value> expected = ObjectsIn(root / absl::StrCat(cluster.name(), ".yaml"));
    EXPECT_EQ(expected.empty(), cluster.name() == "office");
    const Rendering actual = imported.OfCluster(cluster, "deploy");
    EXPECT_EQ(actual.objects.size(), expected.size()) << cluster.name();
    EXPECT_EQ(cli::ObjectDifference(expected, actual), "") << cluster.name();
  }
}

// ---------------------------------------------------------------- the public collection

std::string PublicCases() {
  if (const char* given = std::getenv("MUSTER_CASES"); given != nullptr) return given;
  std::error_code error;
  const fs::path kept = fs::canonical(absl::StrCat(kKept, "/README.md"), error);
  if (error) return "";
  return (kept.parent_path() / "../../../../shared/cases").lexically_normal().string();
}

struct Score {
  size_t rendered = 0;  // items of which objects are rendered
  size_t equal = 0;
};

// Imports a tree in which there may be nothing of the tool.
Score ScoreOf(const std::string& tool, const FileTree& files, const std::string& start) {
  const ImportRequest request{.files = files,
                              .start = start,
                              .output = "muster",
                              .folder = "home",
                              .url = "",
                              .branch = "",
                              .cluster = ""};
  const auto result = cli::ImportTool(tool, request);
  if (!result.ok()) {
    EXPECT_EQ(result.status().code(), absl::StatusCode::kNotFound) << result.status();
    return {};
  }
  EXPECT_TRUE(cli::WriteFleet(result->fleet, tool).ok());
  Score score;
  for (const ImportItem& item : result->report.items) {
    EXPECT_NE(item.check, ImportCheck::kDiffers) << item.file << ": " << item.left_out[0].why;
    if (item.check == ImportCheck::kNone) continue;
    ++score.rendered;
    score.equal += item.check == ImportCheck::kEqual ? 1 : 0;
  }
  return score;
}

TEST(EveryTree, ThatIsKeptImportsWithoutADifference) {
  for (const auto& [name, files] : TreesOf(kKept)) {
    for (const std::string tool : {"flux", "argocd", "fleet"}) {
      const Score score = ScoreOf(tool, *files, "");
      if (name == "onedr0p+home-ops" && tool == "flux") {
        EXPECT_GE(score.rendered, 70u);
        EXPECT_GE(score.equal + 5, score.rendered);
      }
    }
  }
}

TEST(EveryTree, OfThePublicCollectionImportsWithoutADifference) {
  const std::string collection = PublicCases();
  if (!fs::exists(fs::path(collection) / "kustomize")) {
    GTEST_SKIP() << "there is no collection in " << collection;
  }
  for (const auto& [name, files] : TreesOf(collection)) {
    for (const std::string tool : {"flux", "argocd", "fleet"}) ScoreOf(tool, *files, "");
  }
}

TEST(EveryTree, OfArgocdsOwnExamplesImportsWithoutADifference) {
  const fs::path file = fs::path(PublicCases()) / "argocd" / "applicationset-examples.tar.zst";
  if (!fs::exists(file)) GTEST_SKIP() << "there is no " << file;
  const auto archive = DecompressUpTo(ReadBytes(file), kArchiveBytesMax);
  ASSERT_TRUE(archive.ok()) << archive.status();
  const auto entries = ReadTar(*archive);
  ASSERT_TRUE(entries.ok()) << entries.status();
  FileTree tree;
  std::set<std::string> examples;
  for (const auto& [path, bytes] : *entries) {
    ASSERT_TRUE(tree.Add(path, bytes).ok()) << path;
    const fs::path place(path);
    if (std::distance(place.begin(), place.end()) < 4) continue;
    auto part = place.begin();
    examples.insert(absl::StrCat(part->string(), "/", std::next(part)->string(), "/",
                                 std::next(part, 2)->string()));
  }
  EXPECT_GE(examples.size(), 12u);
  size_t equal = 0;
  for (const std::string& example : examples) equal += ScoreOf("argocd", tree, example).equal;
  EXPECT_GE(equal, 10u);
}

}  // namespace
}  // namespace muster::cases
