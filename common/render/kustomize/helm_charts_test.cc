// Charts in kustomizations: what the inflator is asked for, and what becomes of what it prints.
#include "common/render/kustomize/helm_charts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/render/kustomize/build.h"

namespace muster::kustomize {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

// Prints one ConfigMap, named by the release, with what it was asked for.
class Inflator final : public ChartInflator {
 public:
  absl::StatusOr<std::string> Inflate(const ChartRequest& request) override {
    directories.push_back(request.directory);
    texts.clear();
    for (const ChartRequest::Values& values : request.values) texts.push_back(values.text);
    if (!status.ok()) return status;
    return absl::StrCat("---\n# Source: web/templates/a.yaml\napiVersion: v1\nkind: ConfigMap\n",
                        "metadata:\n  name: ", request.release_name, "\ndata:\n  ask: \"",
                        request.namespace_, " ", request.kubernetes_version, " ",
                        request.include_crds, request.skip_hooks, request.skip_tests, "\"\n");
  }
  std::vector<std::string> directories, texts;
  absl::Status status;
};

struct Story {
  explicit Story(const std::string& kustomization) {
    Add("o/kustomization.yaml", kustomization);
    Add("o/charts/web/Chart.yaml", "name: web\n");
    Add("o/charts/web/values.yaml", "own: 1\n");
    Add("o/values.yaml", "given: 1\n");
    Add("o/more.yaml", "more: 1\n");
  }
  void Add(const std::string& path, const std::string& bytes) {
    ASSERT_TRUE(files.Add(path, bytes).ok());
  }
  std::string Build(bool with_helm = true) {
    FileTreeSource source(files);
    BuildCache cache(source, with_helm ? &inflator : nullptr);
    const auto built = BuildKustomization(cache, "o", {});
    if (!built.ok()) return built.status().ToString();
    std::string names;
    for (const BuiltObject& object : *built) {
      absl::StrAppend(&names, object.value->Find("/metadata/name")->string(), "=",
                      object.value->Find("/data/ask")->string(), ";");
    }
    return names;
  }
  FileTree files;
  Inflator inflator;
};

TEST(HelmCharts, AreInflatedAndTransformed) {
  Story story(R"(
namePrefix: p-
helmCharts:
- name: web
  releaseName: shop
  namespace: store
  kubeVersion: "1.30"
  includeCRDs: true
- {name: web, skipHooks: true, skipTests: true}
)");
  EXPECT_EQ(story.Build(), "p-release-name=  011;p-shop=store 1.30 100;");
  EXPECT_THAT(story.inflator.directories, ElementsAre("o/charts/web", "o/charts/web"));
}

TEST(HelmCharts, TakeValuesInKustomizesOrder) {
  const auto texts = [](const std::string& fields) {
    Story story(absl::StrCat("helmCharts: [{name: web, ", fields, "}]\n"));
    EXPECT_THAT(story.Build(), StartsWith("release-name"));
    return story.inflator.texts;
  };
  EXPECT_THAT(texts("version: 1.0.0"), ElementsAre("own: 1\n"));
  EXPECT_THAT(texts("valuesFile: values.yaml, valuesInline: {in: 1}"),
              ElementsAre("given: 1\n", "in: 1\n"));
  EXPECT_THAT(texts("valuesInline: {in: 1}, valuesMerge: merge"),
              ElementsAre("in: 1\n", "own: 1\n"));
  EXPECT_THAT(texts("valuesFile: values.yaml, valuesInline: {in: 1}, valuesMerge: replace, "
                    "additionalValuesFiles: [more.yaml]"),
              ElementsAre("in: 1\n", "more: 1\n"));
}

TEST(HelmCharts, StandWhereTheGlobalsSay) {
  Story story(
      "helmGlobals: {chartHome: ../shared}\n"
      "helmCharts: [{name: db, version: 1.2.3, repo: https://charts.example.com}]\n");
  story.Add("shared/db-1.2.3/db/Chart.yaml", "name: db\n");
  EXPECT_THAT(story.Build(), StartsWith("release-name"));
  EXPECT_THAT(story.inflator.directories, ElementsAre("shared/db-1.2.3/db"));
  FileTreeSource source(story.files);
  BuildCache cache(source);
  EXPECT_THAT(*BuildInputs(cache, "o", {}), ElementsAre("o", "shared/db-1.2.3/db"));
}

TEST(HelmCharts, HaveAnOlderSpellingAndAPlugin) {
  Story older(
      "helmChartInflationGenerator: [{chartName: web, releaseName: old, values: values.yaml}]\n");
  EXPECT_THAT(older.Build(), StartsWith("old="));
  EXPECT_THAT(older.inflator.texts, ElementsAre("given: 1\n"));
  Story plugin("generators: [chart.yaml]\n");
  plugin.Add("o/chart.yaml",
             "apiVersion: builtin\nkind: HelmChartInflationGenerator\nmetadata: {name: x}\n"
             "name: web\nreleaseName: plug\n");
  EXPECT_THAT(plugin.Build(), StartsWith("plug="));
}

// Whoever names a rendering by its inputs must know that a chart is among them, wherever the
// plugin's configuration stands.
TEST(HelmCharts, OfAPluginAreInputsOfTheBuild) {
  const std::string config =
      "apiVersion: builtin\nkind: HelmChartInflationGenerator\nmetadata: {name: x}\nname: web\n";
  const auto inputs = [](const FileTree& files) {
    FileTreeSource source(files);
    BuildCache cache(source);
    return *BuildInputs(cache, "o", {});
  };
  Story file("generators: [chart.yaml]\n");
  file.Add("o/chart.yaml", config);
  EXPECT_THAT(inputs(file.files), ElementsAre("o", "o/charts/web"));
  Story text(
      "generators:\n- |\n  apiVersion: builtin\n  kind: HelmChartInflationGenerator\n"
      "  metadata: {name: x}\n  name: web\n  valuesFile: ../values.yaml\n");
  EXPECT_THAT(inputs(text.files), ElementsAre("o", "o/charts/web", "values.yaml"));
  Story folder("generators: [../g]\n");
  folder.Add("g/kustomization.yaml", "resources: [chart.yaml]\n");
  folder.Add("g/chart.yaml", config);
  EXPECT_THAT(inputs(folder.files), ElementsAre("g", "o", "o/charts/web"));
  Story other("resources: [chart.yaml]\n");
  other.Add("o/chart.yaml", config);
  EXPECT_THAT(inputs(other.files), ElementsAre("o"));
}

TEST(HelmCharts, ThatCannotBeAreRefusedByName) {
  const auto refusal = [](const std::string& fields) {
    return Story(absl::StrCat("helmCharts: [{", fields, "}]\n")).Build();
  };
  EXPECT_THAT(refusal("name: redis, repo: https://charts.example.com, version: 1.0.0"),
              AllOf(StartsWith("UNIMPLEMENTED"), HasSubstr("o/kustomization.yaml:1"),
                    HasSubstr("chart 'redis'"), HasSubstr("declare a Repository of type helm"),
                    HasSubstr("helm pull --untar")));
  EXPECT_THAT(refusal("releaseName: x"), HasSubstr("a chart needs its name"));
  EXPECT_THAT(refusal("name: web, nameTemplate: x"), HasSubstr("field 'nameTemplate'"));
  EXPECT_THAT(refusal("name: web, valuesMerge: mix"), HasSubstr("none of override"));
  EXPECT_THAT(refusal("name: web, valuesFile: nowhere.yaml"), HasSubstr("nowhere.yaml"));
  EXPECT_THAT(refusal("name: web, valuesFil: x"), HasSubstr("valuesFile"));
  EXPECT_THAT(Story("helmCharts: [{name: web}]\n").Build(/*with_helm=*/false),
              AllOf(StartsWith("FAILED_PRECONDITION"), HasSubstr("--helm PATH")));
  Story sops("helmCharts: [{name: web, valuesFile: secret.yaml}]\n");
  sops.Add("o/secret.yaml", "a: ENC[AES256_GCM,data:x]\nsops: {mac: y}\n");
  EXPECT_THAT(sops.Build(), AllOf(HasSubstr("o/secret.yaml:2: the file is encrypted with SOPS"),
                                  HasSubstr("for Helm values"), HasSubstr("an object of its own")));
  Story failing("helmCharts: [{name: web}]\n");
  failing.inflator.status = absl::InvalidArgumentError("o/charts/web/templates/a.yaml:3: no");
  EXPECT_THAT(failing.Build(), AllOf(HasSubstr("o/kustomization.yaml:1"),
                                     HasSubstr("o/charts/web/templates/a.yaml:3: no")));
}

}  // namespace
}  // namespace muster::kustomize
