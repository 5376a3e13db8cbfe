// Charts that Argo CD and Fleet deliver, imported: what Muster renders of the declarations is what
// the real Helm prints when it is called as those tools call it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "cli/import/import.h"
#include "common/config/config.h"
#include "common/config/resolve.h"
#include "common/helm/helm_program.h"
#include "common/manifest/json.h"
#include "common/manifest/yaml.h"
#include "common/render/render.h"

namespace muster {
namespace {

namespace fs = std::filesystem;

// What a command prints; a failure fails the test.
std::string Printed(const std::string& command, bool& good) {
  FILE* const pipe = popen(absl::StrCat(command, " 2>&1").c_str(), "r");
  std::string text;
  char buffer[4096];
  while (pipe != nullptr && fgets(buffer, sizeof(buffer), pipe) != nullptr) text += buffer;
  good = pipe != nullptr && pclose(pipe) == 0;
  return text;
}

constexpr char kTemplate[] = R"(apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-web
data:
  namespace: {{ .Release.Namespace }}
  values: {{ toJson .Values | quote }}
)";

class ImportedChart : public testing::Test {
 protected:
  void SetUp() override {
    const fs::path tools =
        fs::path(getenv("TEST_SRCDIR")) / getenv("TEST_WORKSPACE") / "test/tools/build-kubernetes";
    bool good = false;
    std::string folder = Printed(tools.string() + " --print", good);
    absl::StripAsciiWhitespace(&folder);
    if (!good) GTEST_SKIP() << "no real Helm here: " << folder;
    program_ = folder + "/helm";
    HelmProgram::Options options;
    options.path = program_;
    options.scratch = testing::TempDir() + "/scratch";
    helm_ = std::make_unique<HelmProgram>(options);
    std::string name = testing::TempDir() + "/import.XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    root_ = name;
    Write("apps/web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n");
    Write("apps/web/values.yaml", "own: 1\nlist: [a]\ngone: yes\nb: {c: 0, e: 5}\n");
    Write("apps/web/templates/web.yaml", kTemplate);
    Write("apps/web/more.yaml", "more: 1\nshared: file\n");
    Write("apps/envs/prod.yaml", "list: [x, y]\nenv: prod\n");
  }
  void TearDown() override {
    if (!root_.empty()) fs::remove_all(root_);
  }

  void Write(const std::string& path, const std::string& text) {
    fs::create_directories(fs::path(root_ + "/" + path).parent_path());
    std::ofstream(root_ + "/" + path) << text;
    ASSERT_TRUE(tree_.Add(path, text).ok()) << path;
  }

  // The data of the ConfigMap that `helm template` prints, started in the tree.
  std::string ByHelm(const std::string& arguments) {
    bool good = false;
    const std::string printed = Printed(
        absl::StrCat("cd ", root_, " && env HOME=", root_, " ", program_, " template ", arguments),
        good);
    EXPECT_TRUE(good) << printed;
    const auto documents = ParseYaml(printed, "printed");
    if (!documents.ok() || documents->empty()) return printed;
    return DataOf(documents->front().value);
  }

  // The same of what a cluster gets of package web after an import.
  std::string ByMuster(const std::string& tool, const std::string& cluster, const Labels& labels) {
    const auto result = cli::ImportTool(tool, {.files = tree_,
                                               .start = "",
                                               .output = "muster",
                                               .folder = "fleet",
                                               .url = "https://git.example.com/me/fleet",
                                               .branch = "main",
                                               .cluster = ""});
    if (!result.ok()) return result.status().ToString();
    const auto written = cli::WriteFleet(result->fleet, tool);
    if (!written.ok()) return written.status().ToString();
    const v1::FleetConfig config = ParseFleetConfig(*written, {.path = "fleet"});
    for (const v1::Package& package : config.packages()) {
      const auto input = ResolvePackage(package, cluster, labels);
      if (!input.ok() || !input->has_value()) continue;
      const auto rendering = Render(tree_, **input, helm_.get());
      if (!rendering.ok()) return rendering.status().ToString();
      return DataOf(rendering->objects.front().object.value);
    }
    return "no package";
  }

  static std::string DataOf(const Value& object) {
    const Value* name = object.Find("/metadata/name");
    const Value* data = object.Get("data");
    return name == nullptr || data == nullptr ? "no ConfigMap"
                                              : name->string() + " " + CanonicalJson(*data);
  }

  std::string program_, root_;
  std::unique_ptr<HelmProgram> helm_;
  FileTree tree_;
};

TEST_F(ImportedChart, OfArgocdHasTheSameValues) {
  Write("inline.yaml", "b: {c: 2}\nshared: inline\ngone: null\n");
  Write(
      "argo/web.yaml",
      "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: shop}\nspec:\n"
      "  destination: {name: prod, namespace: store}\n"
      "  syncPolicy: {automated: {}}\n  source:\n"
      "    repoURL: https://git.example.com/me/fleet\n    path: apps/web\n    helm:\n"
      "      valueFiles: [../envs/prod.yaml, more.yaml]\n"
      "      values: |\n        b: {c: 2}\n        shared: inline\n        gone: null\n"
      "      parameters:\n      - {name: b.d, value: 'x,y'}\n      - {name: 'list[1]', value: z}\n"
      "      - {name: b.c, value: '3', forceString: true}\n      - {name: n, value: '12'}\n"
      "      - {name: 'p\\.q', value: '{1,two}'}\n");
  const std::string expected = ByHelm(
      "shop apps/web --namespace store --include-crds --values apps/envs/prod.yaml --values "
      "apps/web/more.yaml --values inline.yaml --set 'b.d=x\\,y' --set 'list[1]=z' --set-string "
      "b.c=3 --set n=12 --set 'p\\.q={1,two}'");
  EXPECT_THAT(expected, testing::HasSubstr("shop-web"));
  EXPECT_EQ(ByMuster("argocd", "prod", {{"cluster", "prod"}}), expected);
}

TEST_F(ImportedChart, OfFleetHasTheSameValuesInEachCluster) {
  Write("base.yaml", "shared: inline\nb: {c: 7}\n");
  Write("target.yaml", "b: {c: 9}\nregion: eu\n");
  Write("apps/web/fleet.yaml",
        "name: shop\ndefaultNamespace: store\n"
        "helm:\n  values: {shared: inline, b: {c: 7}}\n  valuesFiles: [more.yaml]\n"
        "targetCustomizations:\n- name: eu\n  clusterSelector: {matchLabels: {region: eu}}\n"
        "  helm: {values: {b: {c: 9}, region: '${ .ClusterLabels.region }'}}\n");
  Write("repo.yaml",
        "apiVersion: fleet.cattle.io/v1alpha1\nkind: GitRepo\nmetadata: {name: r}\nspec:\n"
        "  repo: https://git.example.com/me/fleet\n  branch: main\n  paths: [apps/web]\n"
        "  targets: [{clusterSelector: {}}]\n");
  const std::string first =
      "shop apps/web --namespace store --values base.yaml --values apps/web/more.yaml";
  EXPECT_EQ(ByMuster("fleet", "us-1", {{"region", "us"}}), ByHelm(first));
  EXPECT_EQ(ByMuster("fleet", "eu-1", {{"region", "eu"}}), ByHelm(first + " --values target.yaml"));
}

}  // namespace
}  // namespace muster
