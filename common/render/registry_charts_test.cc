// Charts of registries: what a want stands for, and packages and kustomizations that use one.
#include "common/render/registry_charts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/base/digest.h"
#include "common/render/helm/helm_door.h"
#include "common/render/render_all.h"

namespace muster {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Prints one object with the name of the chart's first file.
class Helm final : public HelmDoor {
 public:
  absl::StatusOr<HelmIdentity> Identity() override { return HelmIdentity{"4.3.1", "sha256:helm"}; }
  absl::StatusOr<HelmOutput> Template(const v1::HelmCall& call) override {
    files.clear();
    for (const v1::HelmFile& file : call.files()) files.push_back(file.path());
    return HelmOutput{absl::StrCat("---\n# Source: web/templates/a.yaml\napiVersion: v1\n",
                                   "kind: ConfigMap\nmetadata: {name: a}\ndata: {release: ",
                                   call.release_name(), "}\n"),
                      ""};
  }
  std::vector<std::string> files;
};

class Registry : public ::testing::Test {
 protected:
  Registry() {
    files_["repository:charts/web/1.2.4/Chart.yaml"] = "name: web\nversion: 1.2.4\n";
    files_["repository:charts/web/1.2.4/templates/a.yaml"] = "a: 1\n";
    files_["web/values.yaml"] = "b: 1\n";
    DeclaredRegistry registry{"charts", "https://Charts.example.com/stable/", "c1", {}};
    v1::ChartPin& pin = *registry.charts.add_pins();
    *pin.mutable_want() = Want("web", "^1.2");
    pin.mutable_want()->clear_repository();
    pin.set_version("1.2.4");
    pin.set_archive_digest("sha256:abc");
    pin.set_path("web/1.2.4");
    v1::ChartPin& bad = *registry.charts.add_pins();
    *bad.mutable_want() = Want("web", "9.9.9");
    bad.set_error("there is no such version; there is 1.2.4");
    registries_.push_back(std::move(registry));
    registries_.push_back({"new", "oci://registry.example.com/org", "", {}});
  }

  static v1::ChartWant Want(const std::string& chart, const std::string& version,
                            const std::string& repository = "charts") {
    v1::ChartWant want;
    want.set_repository(repository);
    want.set_chart(chart);
    want.set_version(version);
    return want;
  }

  std::string Why(const v1::ChartWant& want) const {
    const absl::StatusOr<FoundChart> found = FindChart(registries_, want);
    return found.ok() ? found->path : std::string(found.status().message());
  }

  v1::RenderOutput Render(const v1::RenderInput& input) {
    TreeReader reader;
    reader.tree_id = [this](const std::string& path) -> absl::StatusOr<std::string> {
      std::string all;
      for (const auto& [name, bytes] : files_) {
        if (name.rfind(path, 0) == 0) absl::StrAppend(&all, name, "\n", bytes, "\n");
      }
      if (all.empty()) return absl::NotFoundError(absl::StrCat("no path ", path));
      return Digest::Of(all).hex();
    };
    reader.read = [this](const std::string& path) -> absl::StatusOr<FileTree> {
      FileTree tree;
      for (const auto& [name, bytes] : files_) {
        if (name.rfind(path, 0) != 0) continue;
        EXPECT_TRUE(tree.Add(name, bytes).ok());
      }
      return tree;
    };
    reader.registries = registries_;
    v1::RenderRequest request;
    *request.add_inputs() = input;
    return RenderAll(request, reader, &helm_).outputs(0);
  }

  static v1::RenderInput Package(const std::string& version) {
    v1::RenderInput input;
    input.set_package("shop");
    input.set_path("web");
    input.mutable_helm()->set_repository("charts");
    input.mutable_helm()->set_chart("web");
    input.mutable_helm()->set_version(version);
    input.mutable_helm()->add_values_files("values.yaml");
    return input;
  }

  std::map<std::string, std::string> files_;
  std::vector<DeclaredRegistry> registries_;
  Helm helm_;
};

TEST_F(Registry, SaysWhereAChartIsOrWhyItIsNot) {
  EXPECT_EQ(Why(Want("web", "^1.2")), "repository:charts/web/1.2.4");
  EXPECT_EQ(FindChart(registries_, Want("web", "^1.2"))->text, "web 1.2.4 sha256:abc");
  EXPECT_EQ(Why(Want("web", "9.9.9")),
            "chart 'web' version '9.9.9' of Repository 'charts' "
            "(https://Charts.example.com/stable/): there is no such version; there is 1.2.4");
  EXPECT_THAT(Why(Want("web", "2.0.0")), HasSubstr("it is being fetched"));
  EXPECT_THAT(Why(Want("web", "1.0.0", "new")), HasSubstr("'muster describe repository new' says"));
  EXPECT_THAT(Why(Want("web", "1.0.0", "nobody")), HasSubstr("no Repository of type helm or oci"));
}

TEST_F(Registry, IsFoundByItsAddress) {
  EXPECT_EQ(RegistryAt(registries_, "https://charts.example.com/stable"), &registries_[0]);
  EXPECT_EQ(RegistryAt(registries_, "oci://Registry.example.com/org/"), &registries_[1]);
  EXPECT_EQ(RegistryAt(registries_, "https://charts.example.com/Stable"), nullptr);
  EXPECT_EQ(RegistryAt(registries_, "https://charts.example.com"), nullptr);
}

TEST_F(Registry, GivesAPackageItsChart) {
  const v1::RenderOutput output = Render(Package("^1.2"));
  ASSERT_EQ(output.code(), 0) << output.message();
  EXPECT_THAT(helm_.files,
              ElementsAre("chart/Chart.yaml", "chart/templates/a.yaml", "values/0.yaml"));
  EXPECT_EQ(output.engine_version(), "4.3.1 web 1.2.4 sha256:abc");
  EXPECT_THAT(output.repositories(), ElementsAre("charts"));
  ASSERT_EQ(output.charts_size(), 1);
  EXPECT_EQ(output.charts(0).version(), "^1.2");
}

TEST_F(Registry, AnotherContentIsAnotherRendering) {
  const v1::RenderOutput before = Render(Package("^1.2"));
  EXPECT_EQ(Render(Package("^1.2")).input_digest(), before.input_digest());
  // The same files under another digest, as after an accepted rewrite of what is not rendered.
  registries_[0].charts.mutable_pins(0)->set_archive_digest("sha256:def");
  EXPECT_NE(Render(Package("^1.2")).input_digest(), before.input_digest());
  registries_[0].charts.mutable_pins(0)->set_archive_digest("sha256:abc");
  files_["repository:charts/web/1.2.4/templates/a.yaml"] = "a: 2\n";
  EXPECT_NE(Render(Package("^1.2")).input_digest(), before.input_digest());
}

TEST_F(Registry, IsAskedForWhatItHasNotYet) {
  const v1::RenderOutput output = Render(Package("2.0.0"));
  EXPECT_NE(output.code(), 0);
  ASSERT_EQ(output.charts_size(), 1);
  EXPECT_EQ(output.charts(0).chart(), "web");
  EXPECT_EQ(output.charts(0).repository(), "charts");
  EXPECT_THAT(output.repositories(), ElementsAre("charts"));
  EXPECT_TRUE(output.uses_known());
}

TEST_F(Registry, NamesADependencyThatTheArchiveLacks) {
  files_["repository:charts/web/1.2.4/Chart.yaml"] =
      "name: web\nversion: 1.2.4\ndependencies: [{name: queue, version: 4.x.x}]\n";
  const v1::RenderOutput output = Render(Package("^1.2"));
  EXPECT_THAT(output.message(),
              HasSubstr("depends on 'queue' 4.x.x, which its archive does not hold"));
}

TEST_F(Registry, GivesAKustomizationItsCharts) {
  files_["k/kustomization.yaml"] =
      "helmCharts: [{name: web, repo: 'https://charts.example.com/stable', version: ^1.2, "
      "releaseName: shop}]\n";
  v1::RenderInput input;
  input.set_package("k");
  input.set_path("k");
  const v1::RenderOutput output = Render(input);
  ASSERT_EQ(output.code(), 0) << output.message();
  EXPECT_THAT(output.objects(0), HasSubstr(R"("data":{"release":"shop"})"));
  ASSERT_EQ(output.charts_size(), 1);
  EXPECT_EQ(output.charts(0).version(), "^1.2");
  EXPECT_THAT(output.repositories(), ElementsAre("charts"));

  files_["k/kustomization.yaml"] =
      "helmCharts: [{name: web, repo: 'https://elsewhere.example.com', version: ^1.2}]\n";
  EXPECT_THAT(Render(input).message(),
              HasSubstr("declare a Repository of type helm with this url"));
  files_["k/kustomization.yaml"] =
      "helmCharts: [{name: web, repo: 'https://charts.example.com/stable'}]\n";
  EXPECT_THAT(Render(input).message(), HasSubstr("needs its version"));
}

}  // namespace
}  // namespace muster
