// Charts without a hub: `muster render DIR` and `muster validate DIR` with a program that plays
// Helm.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "cli/test_run.h"

namespace muster::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

void Write(const std::string& path, const std::string& text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path) << text;
}

std::string FakeHelm() {
  return absl::StrCat(getenv("TEST_SRCDIR"), "/", getenv("TEST_WORKSPACE"),
                      "/common/helm/fake_helm");
}

void WriteChart(const std::string& folder) {
  Write(folder + "/Chart.yaml", "apiVersion: v2\nname: web\nversion: 0.1.0\n");
  Write(folder + "/templates/web.yaml", "played: by fake_helm\n");
}

TEST(RenderChart, RunsTheHelmThatIsNamed) {
  TestRun run;
  Write(run.folder + "/.git/HEAD", "ref: refs/heads/main\n");
  WriteChart(run.folder + "/shop");
  EXPECT_EQ(run({"render", run.folder + "/shop", "--helm", FakeHelm()}), 0) << run.err();
  EXPECT_THAT(run.out(), AllOf(HasSubstr("kind: ConfigMap"), HasSubstr("-- shop ./chart")));
  // Asks no cluster: which Kubernetes it is for must be said.
  EXPECT_THAT(run.out(), Not(HasSubstr("--kube-version")));
  EXPECT_EQ(run({"validate", run.folder + "/shop", "--helm", FakeHelm()}), 0) << run.err();
  EXPECT_EQ(run.out(), "valid: 1 object from the chart\n");
}

TEST(RenderChart, RefusesAnotherHelmThanThePinnedOne) {
  TestRun run;
  WriteChart(run.folder + "/shop");
  const std::string other = "sha256:" + std::string(64, '0');
  EXPECT_EQ(run({"render", run.folder + "/shop", "--helm", FakeHelm(), "--helm-digest", other}), 2);
  EXPECT_THAT(run.err(), HasSubstr(other));
  EXPECT_EQ(run({"render", run.folder + "/shop", "--helm", FakeHelm(), "--helm-digest", "x"}), 2);
  EXPECT_THAT(run.err(), HasSubstr("is not sha256:"));
}

TEST(RenderChart, InflatesChartsOfKustomizations) {
  TestRun run;
  Write(run.folder + "/.git/HEAD", "ref: refs/heads/main\n");
  Write(run.folder + "/prod/kustomization.yaml",
        "namePrefix: prod-\nhelmCharts: [{name: web, releaseName: shop}]\n");
  WriteChart(run.folder + "/prod/charts/web");
  EXPECT_EQ(run({"render", run.folder + "/prod", "--helm", FakeHelm()}), 0) << run.err();
  EXPECT_THAT(run.out(), AllOf(HasSubstr("name: prod-web"), HasSubstr("-- shop ./chart")));
}

TEST(RenderChart, SaysWhatToDoWithoutHelm) {
  TestRun run;
  Write(run.folder + "/.git/HEAD", "ref: refs/heads/main\n");
  WriteChart(run.folder + "/shop");
  Write(run.folder + "/prod/kustomization.yaml", "helmCharts: [{name: web}]\n");
  WriteChart(run.folder + "/prod/charts/web");
  for (const char* folder : {"/shop", "/prod"}) {
    EXPECT_EQ(run({"render", run.folder + folder}), 2);
    EXPECT_THAT(run.err(), AllOf(HasSubstr("needs Helm"), HasSubstr("--helm PATH")));
    EXPECT_EQ(run({"validate", run.folder + folder}), 1);
    EXPECT_THAT(run.err(), HasSubstr("--helm PATH"));
  }
}

TEST(RenderChart, NamesThePlaceOfAFailure) {
  TestRun run;
  Write(run.folder + "/.git/HEAD", "ref: refs/heads/main\n");
  WriteChart(run.folder + "/shop");
  Write(run.folder + "/shop/behaviour", "fail");
  EXPECT_EQ(run({"render", run.folder + "/shop", "--helm", FakeHelm()}), 2);
  EXPECT_THAT(run.err(), HasSubstr("shop/templates/web.yaml:3"));
}

}  // namespace
}  // namespace muster::cli
